"""Children get what they were given and nothing else; they are waited for and ended by pidfd."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyvirtd.errors import InternalError, OperationTimeout
from pyvirtd.host.process import Launch, Process, ProcessGone, ProcessId, run, start
from pyvirtd.host.procfile import process_start_time

PY = sys.executable


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    child = subprocess.Popen(["sleep", "60"])
    yield child
    child.kill()
    child.wait()


async def test_output_and_status_come_back() -> None:
    out = await run(
        [PY, "-c", "import sys; print(sys.stdin.read()[::-1]); sys.stderr.write('no'); sys.exit(3)"], data=b"ab"
    )
    assert (out.returncode, out.stdout, out.stderr_text) == (3, b"ba\n", "no")


async def test_a_large_input_and_output_do_not_deadlock() -> None:
    data = os.urandom(1 << 19)
    out = await run(["cat"], data=data)
    assert out.stdout == data


async def test_too_much_output_ends_the_program() -> None:
    with pytest.raises(InternalError, match="1000 bytes"):
        await run(["yes"], max_output=1000)


async def test_a_program_that_hangs_is_ended() -> None:
    before = time.monotonic()
    with pytest.raises(OperationTimeout):
        await run(["sleep", "60"], timeout=0.1)
    assert time.monotonic() - before < 5


async def test_a_missing_program_is_named() -> None:
    fds = os.listdir("/proc/self/fd")
    with pytest.raises(FileNotFoundError) as e:
        await run(["/nonexistent/program"])
    assert e.value.filename == "/nonexistent/program"
    assert len(os.listdir("/proc/self/fd")) == len(fds)


SHOW_SURROUNDINGS = """
import fcntl, os
def is_open(fd):
    try:
        return fcntl.fcntl(fd, fcntl.F_GETFD) >= 0
    except OSError:
        return False
print([fd for fd in range(200) if is_open(fd)], os.getsid(0) == os.getpid(), "SECRET_TOKEN" in os.environ, os.getcwd())
"""


async def test_descriptors_environment_and_session_are_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "x")
    passed, other = os.open("/dev/zero", os.O_RDONLY), os.open("/dev/zero", os.O_RDONLY)
    os.set_inheritable(other, True)
    try:
        out = await run([PY, "-c", SHOW_SURROUNDINGS], pass_fds=[passed])
    finally:
        os.close(passed)
        os.close(other)
    assert out.stdout.decode() == f"[0, 1, 2, {passed}] True False /\n"


@pytest.mark.skipif(os.getuid() != 0, reason="needs root to become somebody else")
async def test_another_identity_has_no_groups_of_ours() -> None:
    out = await run(["cat", "/proc/self/status"], uid=65534, gid=65534)
    status = dict(line.split(":\t", 1) for line in out.stdout.decode().splitlines() if ":\t" in line)
    assert status["Uid"].split() == status["Gid"].split() == ["65534"] * 4
    assert status["Groups"].split() == []


async def test_waiting_for_a_child() -> None:
    process = start(Launch(argv=["sleep", "60"]))
    with pytest.raises(TimeoutError):
        await process.wait(0.05)
    assert process.returncode is None
    assert await process.end() == -signal.SIGKILL
    assert await process.wait() == -signal.SIGKILL
    assert not process.send_signal(signal.SIGTERM)
    process.close()


STUBBORN = "import os, signal, time; signal.signal(15, signal.SIG_IGN); os.write(1, b'.'); time.sleep(60)"


async def test_graceful_end_falls_back_to_kill() -> None:
    mine, childs = os.pipe()
    process = start(Launch(argv=[PY, "-c", STUBBORN], stdout=childs))
    os.close(childs)
    assert os.read(mine, 1) == b"."
    assert await process.end(grace=0.2) == -signal.SIGKILL
    process.close()
    os.close(mine)


async def test_reattaching_to_a_stranger(sleeper: subprocess.Popen[bytes]) -> None:
    identity = ProcessId(sleeper.pid, process_start_time(sleeper.pid))
    process = Process.attach(identity)
    assert not process.poll()
    sleeper.kill()
    assert await process.wait(5) is None
    assert process.poll()
    process.close()
    sleeper.wait()
    with pytest.raises(ProcessGone):
        Process.attach(identity)


async def test_a_reused_pid_is_not_mistaken(sleeper: subprocess.Popen[bytes]) -> None:
    with pytest.raises(ProcessGone, match="another process"):
        Process.attach(ProcessId(sleeper.pid, process_start_time(sleeper.pid) - 1))


async def test_two_wait_for_the_same() -> None:
    process = start(Launch(argv=["sleep", "0.1"]))
    with pytest.raises(TimeoutError):
        await process.wait(0.01)
    assert await asyncio.gather(process.wait(5), process.wait(5)) == [0, 0]
    process.close()


def test_starting_takes_milliseconds() -> None:
    times = []
    for _ in range(5):
        before = time.perf_counter()
        process = start(Launch(argv=["/bin/true"]))
        times.append(time.perf_counter() - before)
        os.waitpid(process.pid, 0)
        process.close()
    assert min(times) < 0.05


CHILDREN = """
import asyncio, os
from pyvirtd.host.process import Launch, run, start
async def main():
    helper, guest = start(Launch(argv=["sleep", "60"], dies_with_us=True)), start(Launch(argv=["sleep", "60"]))
    print(helper.pid, guest.pid, flush=True)
    await run(["sleep", "60"])
asyncio.run(main())
"""


def test_helpers_die_with_a_killed_daemon_and_guests_do_not() -> None:
    daemon = subprocess.Popen([PY, "-c", CHILDREN], stdout=subprocess.PIPE)
    assert daemon.stdout is not None
    helper, guest = (int(word) for word in daemon.stdout.readline().split())
    try:
        end = time.monotonic() + 10  # all three sleep: none is still on its way there through setpriv
        while len(asleep := sleepers(daemon.pid)) < 3:
            assert time.monotonic() < end, asleep
            time.sleep(0.01)
        daemon.kill()
        daemon.wait()
        end = time.monotonic() + 10
        while left := [pid for pid in asleep if pid != guest and is_running(pid)]:
            assert time.monotonic() < end, f"{left} of {asleep} outlived it; {helper} is the helper"
            time.sleep(0.01)
        assert is_running(guest)
    finally:
        daemon.kill()
        os.kill(guest, signal.SIGKILL)
        daemon.stdout.close()


def sleepers(parent: int) -> list[int]:
    """Children of a process that have become `sleep`."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [int(pid) for pid in children if Path(f"/proc/{pid}/comm").read_text() == "sleep\n"]


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] != b"Z"
    except OSError:
        return False


async def test_a_missing_helper_is_named() -> None:
    for name, kind in (("no-such-program", FileNotFoundError), ("/etc/passwd", PermissionError)):
        with pytest.raises(kind) as e:
            await run([name])
        assert e.value.filename == name
