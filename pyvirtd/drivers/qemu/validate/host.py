"""What of the host decides whether a definition is possible."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass


def has_swtpm() -> bool:
    """Whether an emulated TPM can be run on this host."""
    return shutil.which("swtpm") is not None and shutil.which("swtpm_setup") is not None


@dataclass(frozen=True, slots=True)
class HostFacts:
    """`swtpm()`: an emulated TPM can be run (a question, since hardly any definition depends on it); `spice_tls`: the
    configuration allows SPICE over TLS.
    """

    swtpm: Callable[[], bool] = has_swtpm
    spice_tls: bool = False


def host_facts() -> HostFacts:
    """As the host is now."""
    return HostFacts()
