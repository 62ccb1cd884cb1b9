"""Does KVM really run guests here? /dev/kvm opens in places where it can't: nested hosts, containers, broken modules.

The test has QEMU run 272 bytes of firmware under KVM (tools/kvm_selftest.S): real mode, protected mode, long mode
with paging, an exception and the return from it, reporting each step. A machine where that works boots systems; one
where it doesn't fails within a second, or hangs and is ended. The verdict holds for a binary until the next boot.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
from pathlib import Path
from typing import Any, Final, NamedTuple

from pyvirtd.core.tasks import spawn
from pyvirtd.drivers.qemu.capabilities.emulators import host_arch
from pyvirtd.drivers.qemu.capabilities.probe import SANDBOX, RunAs
from pyvirtd.errors import ConfigUnsupported, VirtError
from pyvirtd.host.process import Launch, start
from pyvirtd.host.procfile import boot_id
from pyvirtd.store.atomic import in_background, make_directory, write

log = logging.getLogger(__name__)

PATIENCE: Final = 5.0
"""Seconds for what takes a twentieth of one."""
_POLL: Final = 0.05
_FIRMWARE_SIZE: Final = 64 << 10
_SUCCESS: Final = 0x2A << 1 | 1
"""What isa-debug-exit makes of the payload's last word."""
_STAGES: Final = {
    b"": "it ran nothing at all",
    b"\x11": "it stopped in real mode",
    b"\x12": "it stopped in protected mode",
    b"\x13": "it failed at an exception in long mode",
    b"\x15": "it failed to return from an exception in long mode",
}
_RESET: Final = bytes.fromhex("e90d00")
"""At the reset vector, FFF0h of the segment: a jump to its beginning."""
_PAYLOAD: Final = bytes.fromhex(
    """
    fab011e6e92e0f011600010f20c06683c8010f22c066ea1d000f00080066b810008ed88ec08ed0bc00800000b012e6e9bf0010000031c0b9
    000c0000f3abc7050010000003200000c7050020000003300000c7050030000083000000b8001000000f22d8b8200000000f22e0b9800000
    c00f320d000100000f300f20c00d000000800f22c0ea8c000f001800b013e6e948c7c73040000048c7c0d0000f0066890766c74702180066
    c74704008e48c1e81066894706c74708000000000f011c2506010f00ccb014e6e9b02ae6f4f4ebfdb015e6e948cf662e0f1f840000000000
    0000000000000000ffff0000009bcf00ffff00000093cf00ffff0000009baf001f00e0000f003f000040000000000000
    """
)


class Verdict(NamedTuple):
    """Whether guests of type kvm will run, and if not, why."""

    works: bool
    reason: str


class KvmSelfTest:
    """The verdicts, by binary. `directory` is where they are kept."""

    def __init__(self, directory: Path, run_as: RunAs | None = None) -> None:
        self._path = directory / "kvm-selftest.json"
        self._run_as = run_as
        self._known: dict[str, Verdict] = {}
        self._running: dict[str, asyncio.Task[Verdict]] = {}

    def peek(self, binary: str) -> Verdict | None:
        """The verdict, if there is one already."""
        return self._known.get(binary)

    async def verdict(self, binary: str) -> Verdict:
        """Whether KVM runs guests of this binary; tested at the first question since the host's boot."""
        known = self._known.get(binary) or self._load(binary)
        if known is not None:
            self._known[binary] = known
            return known
        task = self._running.get(binary)
        if task is None:
            task = spawn(self._test(binary), name=f"KVM self-test of {binary}")
            self._running[binary] = task
            task.add_done_callback(lambda _: self._running.pop(binary, None))
        return await asyncio.shield(task)

    async def require(self, binary: str) -> None:
        """ConfigUnsupported, with the reason, where KVM does not run guests."""
        verdict = await self.verdict(binary)
        if not verdict.works:
            raise ConfigUnsupported(
                f"KVM does not run guests on this host: {verdict.reason}; a domain of type qemu would run, slowly"
            )

    async def _test(self, binary: str) -> Verdict:
        verdict = await run_test(binary, self._run_as)
        self._known[binary] = verdict
        if verdict.works:
            log.info("KVM runs guests of %s", binary)
        else:
            log.warning("KVM does not run guests of %s: %s; guests of type qemu do run, slowly", binary, verdict.reason)
        try:
            await in_background(self._save, binary, verdict)
        except VirtError as e:
            log.warning("the verdict on KVM is not kept: %s", e)
        return verdict

    def _key(self, binary: str) -> list[Any]:
        st = os.stat(binary)
        run_as = [*self._run_as[:2], list(self._run_as.groups)] if self._run_as else None
        return [boot_id(), st.st_ino, st.st_size, st.st_mtime_ns, os.access("/dev/kvm", os.R_OK | os.W_OK), run_as]

    def _load(self, binary: str) -> Verdict | None:
        try:
            kept = json.loads(self._path.read_bytes())[binary]
            if kept["key"] == self._key(binary):
                return Verdict(bool(kept["works"]), str(kept["reason"]))
        except (OSError, ValueError, KeyError, TypeError):
            pass
        return None

    def _save(self, binary: str, verdict: Verdict) -> None:
        kept: dict[str, Any] = {}
        with contextlib.suppress(OSError, ValueError, TypeError):
            kept = dict(json.loads(self._path.read_bytes()))
        kept[binary] = {"key": self._key(binary), **verdict._asdict()}
        make_directory(self._path.parent)
        write(self._path, json.dumps(kept, indent=1).encode())


async def run_test(binary: str, run_as: RunAs | None = None, *, accelerator: str = "kvm") -> Verdict:
    """Run the payload. Never raises for what a binary or a host does. Hosts other than x86 count as good, untested."""
    if accelerator == "kvm":
        if not os.path.exists("/dev/kvm"):
            return Verdict(False, "there is no /dev/kvm: the CPU has no virtualization, or it is off in the firmware")
        if host_arch() != "x86_64":
            return Verdict(True, "")
    firmware = os.memfd_create("firmware", os.MFD_CLOEXEC)
    stdout, stderr = (os.memfd_create(name, os.MFD_CLOEXEC) for name in ("stdout", "stderr"))
    try:
        os.write(firmware, _PAYLOAD.ljust(_FIRMWARE_SIZE - 16, b"\xf4") + _RESET.ljust(16, b"\xf4"))
        os.fchmod(firmware, 0o444)
        files = firmware, stdout, stderr
        code = await _run(_arguments(binary, accelerator, firmware, SANDBOX), files, run_as)
        if code == 1 and b"sandbox" in os.pread(stderr, 4096, 0):  # built without seccomp
            os.truncate(stderr, 0)
            os.lseek(stderr, 0, os.SEEK_SET)
            code = await _run(_arguments(binary, accelerator, firmware, ()), files, run_as)
        said = os.pread(stderr, 4096, 0).decode(errors="replace")
        if code == _SUCCESS:
            return Verdict(True, "")
        return Verdict(False, _explain(code, os.pread(stdout, 64, 0), said))
    except OSError as e:
        return Verdict(False, f"{binary} cannot be run: {e.strerror}")
    finally:
        for fd in (firmware, stdout, stderr):
            os.close(fd)


def _arguments(binary: str, accelerator: str, firmware: int, sandbox: tuple[str, ...]) -> list[str]:
    return [
        binary,
        *("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"),
        *("-machine", f"pc,accel={accelerator}", "-m", "16"),
        *sandbox,
        *("-bios", f"/proc/self/fd/{firmware}"),
        *("-chardev", "stdio,id=steps,signal=off"),
        *("-device", "isa-debugcon,iobase=0xe9,chardev=steps"),
        *("-device", "isa-debug-exit,iobase=0xf4,iosize=4"),
    ]


async def _run(argv: list[str], files: tuple[int, int, int], run_as: RunAs | None) -> int | None:
    """The exit status; None when it had to be ended."""
    firmware, stdout, stderr = files
    process = start(
        Launch(
            argv=argv,
            pass_fds=(firmware,),
            stdout=stdout,
            stderr=stderr,
            uid=run_as.uid if run_as else None,
            gid=run_as.gid if run_as else None,
            groups=run_as.groups if run_as else (),
            dies_with_us=True,
        )
    )
    try:
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while asyncio.get_running_loop().time() < deadline:
            try:
                return await process.wait(_POLL)
            except TimeoutError:
                if b"KVM internal error" in os.pread(stderr, 65536, 0):
                    return None  # QEMU has paused the guest and would wait for ever
        return None
    finally:
        await process.end()
        process.close()


def _explain(code: int | None, steps: bytes, said: str) -> str:
    """Why it failed, as precisely as can be told."""
    stage = _STAGES.get(steps[-1:], "it failed")
    words = [line for line in said.splitlines() if "warning" not in line]
    detail = f" ({words[0].strip()[:200]})" if words else ""
    if code is None:
        return f"a test guest did not come through: {stage}{detail}"
    if code < 0:
        return f"QEMU was ended by signal {-code} in a test guest: {stage}{detail}"
    return f"QEMU ended with status {code} in a test guest: {stage}{detail}"
