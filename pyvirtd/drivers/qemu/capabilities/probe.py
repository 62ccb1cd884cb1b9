"""Asking a QEMU binary what it can do: started without a machine, sandboxed, answering on a socket pair.

Nothing of it touches the file system, and it ends with its socket, so a daemon that dies leaves none behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from qemu.qmp import ExecuteError, QMPClient, QMPError

from pyvirtd.drivers.qemu.capabilities.gather import gather
from pyvirtd.errors import InternalError, OperationTimeout
from pyvirtd.host.process import Launch, Process, start

log = logging.getLogger(__name__)

SANDBOX: Final[tuple[str, ...]] = (
    "-sandbox",
    "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
)
MAX_CRASHES: Final = 5


class RunAs(NamedTuple):
    """Whom a child becomes; `groups` are that user's own, such as the one that may open /dev/kvm."""

    uid: int
    gid: int
    groups: tuple[int, ...] = ()


class _Crashed(Exception):
    def __init__(self, question: str) -> None:
        self.question = question


async def probe(binary: str, run_as: RunAs | None = None, *, timeout: float = 60) -> dict[str, Any]:
    """What `gather` makes of the binary's replies.

    InternalError when it doesn't start or doesn't speak QMP (with the last it wrote to stderr), OperationTimeout
    after `timeout` seconds. A question that makes this QEMU abort counts as answered with no.
    """
    fatal: set[str] = set()
    sandbox = SANDBOX
    try:
        async with asyncio.timeout(timeout):
            while True:
                try:
                    return await _probe_once(binary, run_as, fatal, sandbox)
                except InternalError as e:
                    if not sandbox or "sandbox" not in e.message:
                        raise
                    log.info("%s was built without seccomp; it is asked without a sandbox", binary)
                    sandbox = ()
                except _Crashed as crash:
                    log.warning("%s aborts when asked %s; going on without it", binary, crash.question)
                    fatal.add(crash.question)
                    if len(fatal) > MAX_CRASHES:
                        raise InternalError(f"{binary} keeps aborting when asked what it can do") from None
    except TimeoutError:
        raise OperationTimeout(f"{binary} did not tell what it can do within {timeout:g} s") from None


async def _probe_once(binary: str, run_as: RunAs | None, fatal: set[str], sandbox: tuple[str, ...]) -> dict[str, Any]:
    async with contextlib.AsyncExitStack() as stack:
        first = await stack.enter_async_context(_conversation(binary, "kvm:tcg", run_as, fatal, sandbox))
        try:
            second = await stack.enter_async_context(_conversation(binary, "tcg", run_as, fatal, sandbox))
        except InternalError as e:
            log.info("%s runs no guests without KVM: %s", binary, e)
            return await gather(first.ask, None)
        return await gather(first.ask, second.ask)


class _Conversation:
    """One running QEMU that answers questions."""

    def __init__(self, client: QMPClient, fatal: set[str]) -> None:
        self._client = client
        self._fatal = fatal

    async def ask(self, command: str, arguments: Mapping[str, Any]) -> Any:
        question = f"{command} {dict(arguments)}"
        if question in self._fatal:
            return None
        try:
            return await self._client.execute(command, dict(arguments) or None)
        except ExecuteError:
            return None
        except (QMPError, EOFError, OSError):
            raise _Crashed(question) from None


@contextlib.asynccontextmanager
async def _conversation(
    binary: str, accelerator: str, run_as: RunAs | None, fatal: set[str], sandbox: tuple[str, ...]
) -> AsyncIterator[_Conversation]:
    ours, theirs = socket.socketpair()
    stderr = os.memfd_create("qemu-stderr", os.MFD_CLOEXEC)
    process: Process | None = None
    client = QMPClient(f"probe of {binary}")
    client.logger.setLevel(logging.CRITICAL)  # it would report the ends that we bring about
    try:
        process = _start(binary, accelerator, run_as, theirs, stderr, sandbox)
        theirs.close()
        try:
            await client.connect(ours)
        except (QMPError, OSError, EOFError) as e:
            await process.end()
            said = os.pread(stderr, 4096, 0).decode(errors="replace").strip() or str(e)
            raise InternalError(f"{binary} does not answer QMP queries: {said}") from e
        yield _Conversation(client, fatal)
    except OSError as e:
        raise InternalError(f"cannot run {binary}: {e.strerror}") from e
    finally:
        with contextlib.suppress(Exception):
            await client.disconnect()
        if process is not None:
            await process.end()
            process.close()
        ours.close()
        theirs.close()
        os.close(stderr)


def _start(
    binary: str, accelerator: str, run_as: RunAs | None, monitor: socket.socket, stderr: int, sandbox: Sequence[str]
) -> Process:
    fd = monitor.fileno()
    return start(
        Launch(
            argv=[
                binary,
                *("-S", "-no-user-config", "-nodefaults", "-nographic"),
                *("-machine", f"none,accel={accelerator}"),
                *sandbox,
                *("-chardev", f"socket,id=monitor,fd={fd}"),
                *("-mon", "chardev=monitor,mode=control"),
            ],
            pass_fds=(fd,),
            stderr=stderr,
            uid=run_as.uid if run_as else None,
            gid=run_as.gid if run_as else None,
            groups=run_as.groups if run_as else (),
            dies_with_us=True,
        )
    )
