"""Where things are: the daemon's directories."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Paths:
    """Absolute directories, made by nobody here: whoever writes makes what is missing."""

    etc: Path
    """Configuration and persistent definitions of what an administrator owns."""
    lib: Path
    """State that survives a reboot: definitions, autostart marks, nvram, managed save."""
    run: Path
    """State that must not survive a reboot: live status, monitor sockets, pid files."""
    cache: Path
    log: Path
    sockets: Path
    """Where clients connect."""

    @classmethod
    def system(cls) -> Paths:
        """root's."""
        return cls(
            etc=Path("/etc/pyvirtd"),
            lib=Path("/var/lib/pyvirtd"),
            run=Path("/run/pyvirtd"),
            cache=Path("/var/cache/pyvirtd"),
            log=Path("/var/log/pyvirtd"),
            sockets=Path("/run/libvirt"),
        )

    @classmethod
    def user(cls, environ: Mapping[str, str]) -> Paths:
        """A user's, by the XDG base directory specification; `environ` has at least HOME."""
        home = Path(environ.get("HOME") or "/")

        def base(variable: str, default: Path) -> Path:
            value = Path(environ.get(variable) or default)
            # The specification: relative paths are invalid and ignored.
            return value if value.is_absolute() else default

        state = base("XDG_STATE_HOME", home / ".local/state") / "pyvirtd"
        cache = base("XDG_CACHE_HOME", home / ".cache")
        # libvirt's clients fall back to $XDG_CACHE_HOME/libvirt when there is no runtime directory.
        runtime = base("XDG_RUNTIME_DIR", cache)
        return cls(
            etc=base("XDG_CONFIG_HOME", home / ".config") / "pyvirtd",
            lib=base("XDG_DATA_HOME", home / ".local/share") / "pyvirtd",
            run=runtime / "pyvirtd",
            cache=cache / "pyvirtd",
            log=state / "log",
            sockets=runtime / "libvirt",
        )

    @classmethod
    def under(cls, root: Path) -> Paths:
        """Everything under one directory: for tests and for a second daemon beside the first."""
        return cls(
            etc=root / "etc",
            lib=root / "lib",
            run=root / "run",
            cache=root / "cache",
            log=root / "log",
            sockets=root / "run",
        )
