"""What of the host decides whether a definition is possible."""

from __future__ import annotations

import shutil
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HostFacts:
    """`swtpm`: an emulated TPM can be run; `spice_tls`: the configuration allows SPICE over TLS."""

    swtpm: bool = True
    spice_tls: bool = False


def host_facts() -> HostFacts:
    """As the host is now."""
    return HostFacts(swtpm=shutil.which("swtpm") is not None and shutil.which("swtpm_setup") is not None)
