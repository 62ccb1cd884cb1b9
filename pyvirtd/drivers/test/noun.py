"""The base of the driver's parts: one file for each noun, each a class with the calls about it."""

from __future__ import annotations

from pyvirtd.core.calls.noun import DomainNoun
from pyvirtd.drivers.test.world import World


class Noun(DomainNoun):
    """What every part may use: everything there is, all of it in memory."""

    runtime: World
