"""Capabilities kept on disk by the identity of their binary, so that a restarted daemon need not ask again.

What is kept holds for one file (path, inode, size, time of change), one host CPU, one kernel, one answer to whether
/dev/kvm can be opened, and one state of the directories that QEMU loads modules from.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pyvirtd.core.tasks import spawn
from pyvirtd.drivers.qemu.capabilities.model import QemuCapabilities
from pyvirtd.drivers.qemu.capabilities.probe import RunAs, probe
from pyvirtd.errors import InvalidArg, VirtError
from pyvirtd.host.cpuid import cpu_identity
from pyvirtd.store.atomic import in_background, make_directory, write

log = logging.getLogger(__name__)

FORMAT: Final = 1
"""Counted up whenever what `gather` asks or keeps changes."""
MAX_SIZE: Final = 16 << 20
RECHECK: Final = 5.0
"""Seconds until all of an identity is looked at again, not only the file."""
MODULES: Final = (
    f"/usr/lib/{os.uname().machine}-linux-gnu/qemu",
    "/usr/lib/qemu",
    "/usr/lib64/qemu",
    "/usr/lib64/qemu-kvm",
)


@dataclass(slots=True)
class _Known:
    """Capabilities in memory, and when (monotonic) all of their identity was last looked at."""

    identity: list[Any]
    capabilities: QemuCapabilities
    checked: float

    def is_fresh(self, binary: str) -> bool:
        """The file is the same, and the rest was the same a moment ago: every definition asks, so this is quick."""
        return time.monotonic() - self.checked < RECHECK and _file_identity(binary) == self.identity[2]


class QemuCapabilitiesCache:
    """The capabilities of every binary that was asked about. `directory` is made at the first write."""

    def __init__(self, directory: Path, run_as: RunAs | None = None) -> None:
        self._directory = directory
        self._run_as = run_as
        self._known: dict[str, _Known] = {}
        self._probing: dict[str, asyncio.Task[QemuCapabilities]] = {}

    def peek(self, binary: str) -> QemuCapabilities | None:
        """What is known without starting the binary; None when it was never asked, or changed since."""
        known = self._known.get(binary)
        try:
            if known is not None and known.is_fresh(binary):
                return known.capabilities
            identity = self._identity(binary)
        except OSError:
            return None
        if known is not None and known.identity == identity:
            known.checked = time.monotonic()
            return known.capabilities
        gathered = self._load(binary, identity)
        if gathered is None:
            return None
        return self._keep(binary, identity, gathered)

    async def get(self, binary: str) -> QemuCapabilities:
        """The binary's capabilities, from memory, from disk, or by asking it (a third of a second).

        InvalidArg when there is no such program; InternalError or OperationTimeout when it doesn't answer. Who asks
        for the same binary at the same time shares the answer.
        """
        known = self.peek(binary)
        if known is not None:
            return known
        if not os.access(binary, os.X_OK) or os.path.isdir(binary):
            raise InvalidArg(f"there is no program {binary} to run guests with; install it or correct <emulator>")
        task = self._probing.get(binary)
        if task is None:
            task = spawn(self._probe(binary), name=f"probe {binary}")
            self._probing[binary] = task
            task.add_done_callback(lambda _: self._probing.pop(binary, None))
        return await asyncio.shield(task)

    async def _probe(self, binary: str) -> QemuCapabilities:
        identity = self._identity(binary)
        gathered = await probe(binary, self._run_as)
        capabilities = self._keep(binary, identity, gathered)
        data = json.dumps({"identity": identity, **gathered}, separators=(",", ":")).encode()
        try:
            await in_background(self._save, self._path(binary), data)
        except VirtError as e:
            log.warning("capabilities of %s are not kept for the next start: %s", binary, e)
        return capabilities

    def _keep(self, binary: str, identity: list[Any], gathered: dict[str, Any]) -> QemuCapabilities:
        capabilities = QemuCapabilities(binary, gathered)
        self._known[binary] = _Known(identity, capabilities, time.monotonic())
        return capabilities

    def _path(self, binary: str) -> Path:
        digest = hashlib.sha256(os.fsencode(binary)).hexdigest()[:16]
        return self._directory / f"{os.path.basename(binary)}-{digest}.json"

    @staticmethod
    def _save(path: Path, data: bytes) -> None:
        make_directory(path.parent)
        write(path, data)

    def _load(self, binary: str, identity: list[Any]) -> dict[str, Any] | None:
        path = self._path(binary)
        try:
            with open(path, "rb") as f:
                content = dict(json.loads(f.read(MAX_SIZE)))
            if content.pop("identity") != identity:
                return None
            return {key: content[key] for key in ("facts", "schema", "properties")}
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as e:
            log.warning("%s is not usable (%s); asking %s again", path, e, binary)
            return None

    def _identity(self, binary: str) -> list[Any]:
        """What must be the same for capabilities to hold. OSError when there is no such file."""
        return [
            FORMAT,
            binary,
            _file_identity(binary),
            os.access("/dev/kvm", os.R_OK | os.W_OK),
            os.uname().release,
            cpu_identity(),
            [_mtime(path) for path in MODULES],
            [*self._run_as[:2], list(self._run_as.groups)] if self._run_as else None,
        ]


def _file_identity(path: str) -> list[int]:
    st = os.stat(path)
    return [st.st_dev, st.st_ino, st.st_size, st.st_mtime_ns, st.st_ctime_ns]


def _mtime(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0
