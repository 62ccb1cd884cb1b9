"""A guest's screen and keyboard: screenshots, keys, the non-maskable interrupt, displays opened by a descriptor."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final

from pyvirtd.core.domain import Domain
from pyvirtd.core.modifies import modifies
from pyvirtd.core.stream import CHUNK, Stream
from pyvirtd.drivers.qemu.keycodes import HIGHEST, NAMES, to_qnum
from pyvirtd.drivers.qemu.machine import Machine
from pyvirtd.drivers.qemu.noun import Noun, machine_of
from pyvirtd.errors import HostSystemError, InternalError, InvalidArg, OperationFailed, OperationUnsupported, VirtError
from pyvirtd.protocol.calls import Passed, supports
from pyvirtd.protocol.constants.domain import DomainOpenGraphicsFlags

_PNG_SINCE: Final = (7, 1, 0)
_FD_NAME: Final = "graphics"


class ScreenCalls(Noun):
    """See the module."""

    @modifies
    async def domain_screenshot(self, dom: Domain, screen: int, flags: int, stream: Stream) -> str | None:
        machine = machine_of(dom)
        place = _screen(dom, screen)
        png = machine.live_monitor().version >= _PNG_SINCE
        with ExitStack() as stack:
            picture = stack.enter_context(_picture())
            # QEMU writes through its own open file: it needs one that is for writing only.
            target = os.open(f"/proc/self/fd/{picture}", os.O_WRONLY | os.O_CLOEXEC)
            stack.callback(os.close, target)
            added = await machine.live_monitor().run_with_fd("add-fd", target)
            number = added.get("fdset-id") if isinstance(added, dict) else None
            if not isinstance(number, int):
                raise OperationFailed(f"{dom}: QEMU did not say which set of descriptors it made")
            try:
                await machine.run(
                    "screendump", {"filename": f"/dev/fdset/{number}", **place, **({"format": "png"} if png else {})}
                )
            finally:
                await machine.run("remove-fd", {"fdset-id": number})
            kept = os.dup(picture)
        stream.serve(lambda stream: _send(kept, stream))
        return "image/png" if png else "image/x-portable-pixmap"

    @modifies
    async def domain_send_key(self, dom: Domain, codeset: int, holdtime: int, keycodes: list[int], flags: int) -> None:
        machine = machine_of(dom)
        if codeset >= len(NAMES):
            raise InvalidArg(f"there is no set {codeset} of key codes; there are 0 ({NAMES[0]}) to {len(NAMES) - 1}")
        if not keycodes:
            raise InvalidArg("no key was named")
        keys = [{"type": "number", "data": _key(codeset, code)} for code in keycodes]
        await machine.run("send-key", {"keys": keys, **({"hold-time": holdtime} if holdtime else {})})

    @modifies
    async def domain_inject_nmi(self, dom: Domain, flags: int) -> None:
        await machine_of(dom).run("inject-nmi")

    @supports(DomainOpenGraphicsFlags.SKIPAUTH)
    @modifies
    async def domain_open_graphics(self, dom: Domain, idx: int, flags: int, files: list[int]) -> None:
        machine = machine_of(dom)
        if len(files) != 1:
            raise InvalidArg(f"a display is opened with one descriptor, not with {len(files)}")
        await _add_client(machine, _protocol(dom, idx), files[0], flags)

    @supports(DomainOpenGraphicsFlags.SKIPAUTH)
    @modifies
    async def domain_open_graphics_fd(self, dom: Domain, idx: int, flags: int) -> Passed[None]:
        machine = machine_of(dom)
        protocol = _protocol(dom, idx)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        with ours, theirs:
            await _add_client(machine, protocol, ours.fileno(), flags)
            return Passed(None, [theirs.detach()])


@contextmanager
def _picture() -> Iterator[int]:
    """A file in memory without a name: nothing of a screen stays on a disk, and no path can be tampered with."""
    try:
        fd = os.memfd_create("screenshot", os.MFD_CLOEXEC)
    except OSError as error:
        raise HostSystemError(f"cannot make room for a screenshot: {error.strerror}") from error
    try:
        yield fd
    finally:
        os.close(fd)


async def _send(fd: int, stream: Stream) -> None:
    try:
        os.lseek(fd, 0, os.SEEK_SET)
        while data := os.read(fd, CHUNK):
            await stream.write(data)
    finally:
        os.close(fd)


def _screen(dom: Domain, number: int) -> dict[str, Any]:
    """Arguments of screendump for a screen: those of all cards are counted through; 0 is QEMU's own first."""
    videos = [video for video in dom.current.devices.videos if video.model != "none"]
    if not videos:
        raise OperationUnsupported(f"{dom} has no graphics card, so there is no screen to take a picture of")
    left = number
    for video in videos:
        heads = video.heads or 1
        if left < heads:
            return {"device": video.alias, "head": left} if number else {}
        left -= heads
    raise InvalidArg(f"{dom} has no screen {number}; there are {number - left}")


def _key(codeset: int, code: int) -> int:
    """QEMU's number of a key."""
    found = to_qnum(codeset, code)
    if found is None:
        raise InternalError(f"there is no key {code:#x} in the set {NAMES[codeset]}")
    if found > HIGHEST:
        raise OperationFailed(f"there is no key {code:#x}; codes go up to {HIGHEST:#x}")
    return found


def _protocol(dom: Domain, index: int) -> str:
    graphics = dom.current.devices.graphics
    if index >= len(graphics):
        raise InternalError(f"{dom} has no display {index}; it has {len(graphics)}")
    if graphics[index].type not in ("vnc", "spice"):
        raise InternalError(f"{dom}: display {index} is {graphics[index].type}; only vnc and spice can be opened")
    return str(graphics[index].type)


async def _add_client(machine: Machine, protocol: str, fd: int, flags: int) -> None:
    await machine.live_monitor().run_with_fd("getfd", fd, fdname=_FD_NAME)
    skip = bool(flags & DomainOpenGraphicsFlags.SKIPAUTH)
    try:
        await machine.run("add_client", protocol=protocol, fdname=_FD_NAME, skipauth=skip)
    except VirtError:
        await machine.run("closefd", fdname=_FD_NAME)
        raise
