"""Children of the daemon: started with exactly what they were given, watched and ended by pidfd.

A process is known by its pid and its start time (field 22 of /proc/PID/stat, proc(5)): a pid alone may have been
reused. `Process` is the handle for both kinds, a child that `start` made and a survivor of an earlier daemon that
`Process.attach` found again; the exit status of the latter is not ours to know, and stays None.
"""

from __future__ import annotations

import asyncio
import errno
import os
import resource
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

from pyvirtd.errors import InternalError, OperationTimeout
from pyvirtd.host.procfile import process_start_time

SAFE_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class ProcessGone(LookupError):
    """No process has that pid and start time (any more)."""


class ProcessId(NamedTuple):
    """What names a process for good: `start_time` is in clock ticks since the host's boot."""

    pid: int
    start_time: int


class Cgroup(Protocol):
    """The part of a control group that starting a process needs."""

    def add(self, pid: int) -> None: ...


def clean_env(**extra: str) -> dict[str, str]:
    """The environment of a child: the C locale and a fixed PATH, and what the caller adds. Nothing is inherited."""
    return {"LC_ALL": "C", "PATH": SAFE_PATH, **extra}


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How a program is started. Descriptors not named here are closed in the child; those of `pass_fds` keep their
    numbers. A stdio descriptor that is None is /dev/null. With `uid` or `gid` the child has exactly `groups` as
    supplementary groups; without either it keeps the daemon's identity. `rlimits` maps resource.RLIMIT_* to
    (soft, hard). `cgroup` and `rlimits` apply right after exec, before the program can have set itself up.
    `dies_with_us`: for helpers, which nobody would end after a daemon that was killed.
    """

    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=clean_env)
    pass_fds: Sequence[int] = ()
    stdin: int | None = None
    stdout: int | None = None
    stderr: int | None = None
    cwd: str = "/"
    uid: int | None = None
    gid: int | None = None
    groups: Sequence[int] = ()
    umask: int = 0o022
    new_session: bool = True
    cgroup: Cgroup | None = None
    rlimits: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    dies_with_us: bool = False


def start(launch: Launch) -> Process:
    """Start a program; returns once it has been exec'ed, a few milliseconds later.

    Raises OSError (its `filename` is the program) when it cannot be executed. Nothing is left behind then.
    """
    identity_given = launch.uid is not None or launch.gid is not None
    popen = subprocess.Popen(
        _tied(launch) if launch.dies_with_us else list(launch.argv),
        stdin=subprocess.DEVNULL if launch.stdin is None else launch.stdin,
        stdout=subprocess.DEVNULL if launch.stdout is None else launch.stdout,
        stderr=subprocess.DEVNULL if launch.stderr is None else launch.stderr,
        env=dict(launch.env),
        cwd=launch.cwd,
        close_fds=True,
        pass_fds=tuple(launch.pass_fds),
        start_new_session=launch.new_session,
        umask=launch.umask,
        user=launch.uid,
        group=launch.gid,
        extra_groups=list(launch.groups) if identity_given else None,
    )
    try:
        for which, limits in launch.rlimits.items():
            resource.prlimit(popen.pid, which, limits)
        if launch.cgroup is not None:
            launch.cgroup.add(popen.pid)
        return Process(ProcessId(popen.pid, process_start_time(popen.pid)), os.pidfd_open(popen.pid), popen)
    except BaseException:
        popen.kill()
        popen.wait()
        raise


def _tied(launch: Launch) -> list[str]:
    """The command line behind util-linux's setpriv, which has the kernel kill the program when its parent dies.

    PR_SET_PDEATHSIG has to be set in the child; a `preexec_fn` that did so would not be safe beside threads. Raises
    OSError for a program that is not there, which otherwise only setpriv would notice.
    """
    name, path = launch.argv[0], launch.env.get("PATH", SAFE_PATH)
    program, setpriv = shutil.which(name, path=path), shutil.which("setpriv", path=SAFE_PATH)
    if program is None:
        number = errno.EACCES if os.path.exists(name) else errno.ENOENT
    else:
        number = _why_not_executable(program)
    if program is None or number:
        raise OSError(number, os.strerror(number), name)
    return [*((setpriv, "--pdeathsig", "KILL", "--") if setpriv else ()), program, *launch.argv[1:]]


def _why_not_executable(program: str) -> int:
    """ENOEXEC for a file that the kernel would not execute: setpriv would have a shell read it instead. 0: fine."""
    try:
        with open(program, "rb") as file:
            head = file.read(_ELF_HEADER)
    except PermissionError:
        return 0  # it may be executed all the same
    return 0 if head[:2] == b"#!" or (head[:4] == b"\x7fELF" and len(head) == _ELF_HEADER) else errno.ENOEXEC


_ELF_HEADER: Final = 52
"""Bytes of the shorter one, that of 32-bit files (elf(5))."""


class Process:
    """A running or ended process. Call `close` when it is of no more interest; that does not end it."""

    def __init__(self, identity: ProcessId, pidfd: int, child: subprocess.Popen[bytes] | None = None) -> None:
        self.identity = identity
        self._pidfd = pidfd
        self._child = child
        self._ended = False
        self._waiters: list[asyncio.Future[None]] = []

    @classmethod
    def attach(cls, identity: ProcessId) -> Process:
        """The handle of a process that somebody else started. Raises ProcessGone when it is not there any more."""
        try:
            pidfd = os.pidfd_open(identity.pid)
        except OSError as e:
            raise ProcessGone(f"process {identity.pid} has ended") from e
        try:
            # The descriptor is open before the start time is compared, so the process compared is the one held.
            if process_start_time(identity.pid) != identity.start_time:
                raise ProcessGone(f"process {identity.pid} has ended; its number belongs to another process now")
        except BaseException:
            os.close(pidfd)
            raise
        return cls(identity, pidfd)

    @property
    def pid(self) -> int:
        return self.identity.pid

    @property
    def returncode(self) -> int | None:
        """As in subprocess: the exit status, or minus the signal's number. None: running, or not our child."""
        return self._child.returncode if self._child is not None else None

    def poll(self) -> bool:
        """Whether the process has ended (its status is collected then)."""
        if self._ended:
            return True
        if self._child is not None:
            self._ended = self._child.poll() is not None
        else:
            try:
                signal.pidfd_send_signal(self._pidfd, 0)
                self._ended = self._is_zombie()
            except ProcessLookupError:
                self._ended = True
        return self._ended

    def _is_zombie(self) -> bool:
        """A survivor of an earlier daemon whose new parent has not collected it yet still takes signals."""
        try:
            with open(f"/proc/{self.pid}/stat", "rb") as f:
                return f.read(4096).rpartition(b")")[2].split()[:1] == [b"Z"]
        except OSError:
            return True

    async def wait(self, timeout: float | None = None) -> int | None:
        """Wait for the end; the exit status where it can be known. Raises TimeoutError after `timeout` seconds."""
        if self.poll():
            return self.returncode
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[None] = loop.create_future()
        if not self._waiters:
            loop.add_reader(self._pidfd, self._on_end)
        self._waiters.append(ended)
        try:
            async with asyncio.timeout(timeout):
                await ended
        finally:
            if ended in self._waiters:
                self._waiters.remove(ended)
                if not self._waiters and self._pidfd >= 0:
                    loop.remove_reader(self._pidfd)
        return self.returncode

    def _on_end(self) -> None:
        asyncio.get_running_loop().remove_reader(self._pidfd)
        self._ended = True
        if self._child is not None:
            self._child.poll()
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def send_signal(self, number: int) -> bool:
        """Send a signal to this very process; False when it has ended."""
        if self.poll():
            return False
        try:
            signal.pidfd_send_signal(self._pidfd, number)
        except ProcessLookupError:
            return False
        return True

    async def end(self, *, grace: float = 0, patience: float = 30) -> int | None:
        """SIGTERM, `grace` seconds to follow it, then SIGKILL. With no grace, SIGKILL at once.

        Raises OperationTimeout when even that does not end it within `patience` seconds (uninterruptible I/O).
        """
        if grace > 0 and self.send_signal(signal.SIGTERM):
            try:
                return await self.wait(grace)
            except TimeoutError:
                pass
        self.send_signal(signal.SIGKILL)
        try:
            return await self.wait(patience)
        except TimeoutError:
            raise OperationTimeout(
                f"process {self.pid} did not end within {patience:g} s of SIGKILL; it probably waits for a device"
            ) from None

    def close(self) -> None:
        """Forget the process. Whoever still waits for it is cancelled."""
        if self._pidfd < 0:
            return
        for waiter in self._waiters:
            waiter.get_loop().remove_reader(self._pidfd)
            waiter.cancel()
        self._waiters.clear()
        os.close(self._pidfd)
        self._pidfd = -1


class Output(NamedTuple):
    """What a finished program left: its exit status (minus the signal's number when one ended it) and output."""

    returncode: int
    stdout: bytes
    stderr: bytes

    @property
    def stderr_text(self) -> str:
        return self.stderr.decode(errors="replace").strip()


async def run(
    argv: Sequence[str],
    *,
    timeout: float = 30,
    max_output: int = 1 << 20,
    data: bytes = b"",
    env: Mapping[str, str] | None = None,
    pass_fds: Sequence[int] = (),
    cwd: str = "/",
    uid: int | None = None,
    gid: int | None = None,
) -> Output:
    """Run a short program to its end, with `data` on its stdin; never through a shell. It dies with the daemon.

    At most `max_output` bytes of each of stdout and stderr are taken. A program that writes more, or runs longer
    than `timeout` seconds, is killed: InternalError and OperationTimeout respectively. An exit status other than
    zero is the caller's to judge. OSError when the program cannot be executed.
    """
    collector = _Pipes(data, max_output)
    try:
        process = start(
            Launch(
                argv=argv,
                env=clean_env() if env is None else env,
                pass_fds=pass_fds,
                stdin=collector.child_stdin,
                stdout=collector.child_stdout,
                stderr=collector.child_stderr,
                cwd=cwd,
                uid=uid,
                gid=gid,
                dies_with_us=True,
            )
        )
    except BaseException:
        collector.close()
        raise
    try:
        async with asyncio.timeout(timeout):
            stdout, stderr = await collector.collect()
            await process.wait()
    except TimeoutError:
        await process.end()
        raise OperationTimeout(f"{argv[0]} did not finish within {timeout:g} s and was ended") from None
    except _TooMuch:
        await process.end()
        raise InternalError(f"{argv[0]} wrote more than the {max_output} bytes that are taken from it") from None
    except BaseException:
        await process.end()
        raise
    finally:
        collector.close()
        process.close()
    assert process.returncode is not None
    return Output(process.returncode, stdout, stderr)


class _TooMuch(Exception):
    pass


class _Pipes:
    """The three pipes of `run`: feeds stdin and collects stdout and stderr side by side, bounded."""

    def __init__(self, data: bytes, limit: int) -> None:
        self.child_stdin, self._in = os.pipe2(os.O_CLOEXEC)
        self._out, self.child_stdout = os.pipe2(os.O_CLOEXEC)
        self._err, self.child_stderr = os.pipe2(os.O_CLOEXEC)
        self._data = memoryview(data)
        self._limit = limit
        self._open = {self.child_stdin, self._in, self._out, self.child_stdout, self._err, self.child_stderr}
        self._taken: dict[int, bytearray] = {self._out: bytearray(), self._err: bytearray()}
        self._done: asyncio.Future[None] | None = None

    async def collect(self) -> tuple[bytes, bytes]:
        """Returns when both outputs are at their end."""
        loop = asyncio.get_running_loop()
        self._done = loop.create_future()
        for fd in (self.child_stdin, self.child_stdout, self.child_stderr):
            self._close(fd)
        for fd in (self._in, self._out, self._err):
            os.set_blocking(fd, False)
        for fd in self._taken:
            loop.add_reader(fd, self._read, fd)
        if self._data:
            loop.add_writer(self._in, self._write)
        else:
            self._close(self._in)
        await self._done
        return bytes(self._taken[self._out]), bytes(self._taken[self._err])

    def _read(self, fd: int) -> None:
        assert self._done is not None
        try:
            chunk = os.read(fd, 65536)
        except BlockingIOError:
            return
        taken = self._taken[fd]
        taken += chunk
        if not chunk:
            asyncio.get_running_loop().remove_reader(fd)
            self._close(fd)
            if not self._done.done() and not self._open & self._taken.keys():
                self._done.set_result(None)
        elif len(taken) > self._limit and not self._done.done():
            self._done.set_exception(_TooMuch())

    def _write(self) -> None:
        try:
            self._data = self._data[os.write(self._in, self._data[:65536]) :]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._data = self._data[:0]
        if not self._data:
            asyncio.get_running_loop().remove_writer(self._in)
            self._close(self._in)

    def _close(self, fd: int) -> None:
        if fd in self._open:
            self._open.remove(fd)
            os.close(fd)

    def close(self) -> None:
        """Close what is still open; after a kill the pipes may have readers registered."""
        if self._done is not None:
            loop = self._done.get_loop()
            for fd in self._open & {self._in, self._out, self._err}:
                loop.remove_reader(fd)
                loop.remove_writer(fd)
        for fd in list(self._open):
            self._close(fd)
