"""Permissions that many calls need alike."""

from __future__ import annotations

from typing import Final

from pyvirtd.protocol.calls import When
from pyvirtd.protocol.constants.domain import DomainModificationImpact

SAVES: Final = (
    When("domain:save", without=DomainModificationImpact.LIVE | DomainModificationImpact.CONFIG),
    When("domain:save", flags=DomainModificationImpact.CONFIG),
)
"""Changing the persistent definition: by CONFIG, or by CURRENT (neither bit) where that may mean it."""
