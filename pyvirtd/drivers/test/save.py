"""Saving, restoring and dumping: a save image is a mark, a length (4 bytes, as this host has them) and the XML."""

from __future__ import annotations

import os
import stat
import struct
from pathlib import Path
from typing import Final

from pyvirtd.conf.domain.domain import DomainDef, format_domain
from pyvirtd.conf.xml import Dump
from pyvirtd.core.domain import Domain
from pyvirtd.core.lifecycle import State
from pyvirtd.core.modifies import modifies, queries
from pyvirtd.drivers.test.noun import Noun
from pyvirtd.drivers.test.pipeline import definition_of
from pyvirtd.errors import ConfigUnsupported, HostSystemError, InternalError, InvalidArg, OperationInvalid
from pyvirtd.protocol.calls import supports
from pyvirtd.protocol.constants.domain_jobs import DomainCoreDumpFlags, DomainSaveRestoreFlags
from pyvirtd.store import atomic
from pyvirtd.store.atomic import in_background

_MARK: Final = b"TestGuestMagic\0"
_LENGTH: Final = struct.Struct("=i")
_MOST: Final = 4 << 20
_SAVE: Final = DomainSaveRestoreFlags.BYPASS_CACHE | DomainSaveRestoreFlags.RUNNING | DomainSaveRestoreFlags.PAUSED


class SaveCalls(Noun):
    """See the module."""

    @supports(_SAVE)
    @modifies
    async def domain_save_flags(self, dom: Domain, to: str, dxml: str | None, flags: int) -> None:
        dom.require_active()
        definition = dom.current if dxml is None else _of_same(definition_of(dxml), dom.current)
        text = format_domain(definition, Dump.SECURE | Dump.INACTIVE).encode("utf-8", "surrogateescape")
        await in_background(atomic.write, _path(to), _MARK + _LENGTH.pack(len(text)) + text)
        # It may have been destroyed without its job meanwhile: by the client whose autodestroy it is.
        if dom.active:
            self.runtime.end(dom, "saved")

    @supports(_SAVE)
    async def domain_restore_flags(self, from_: str, dxml: str | None, flags: int) -> None:
        given = definition_of(await in_background(_read, _path(from_)))
        definition = given if dxml is None else _of_same(definition_of(dxml), given)
        domain = self.runtime.take_in(definition)
        paused = flags & DomainSaveRestoreFlags.PAUSED
        self.runtime.start(domain, definition, "restored-paused" if paused else "restored")

    async def domain_save_image_get_xml_desc(self, file: str, flags: int) -> str:
        return format_domain(definition_of(await in_background(_read, _path(file))), Dump.INACTIVE)

    @supports(DomainSaveRestoreFlags.RUNNING | DomainSaveRestoreFlags.PAUSED)
    async def domain_save_image_define_xml(self, file: str, dxml: str, flags: int) -> None:
        path = _path(file)
        definition = _of_same(definition_of(dxml), definition_of(await in_background(_read, path)))
        text = format_domain(definition, Dump.SECURE | Dump.INACTIVE).encode("utf-8", "surrogateescape")
        await in_background(atomic.write, path, _MARK + _LENGTH.pack(len(text)) + text)

    @supports(_SAVE)
    @modifies
    async def domain_managed_save(self, dom: Domain, flags: int) -> None:
        dom.require_active()
        if not dom.persistent:
            raise OperationInvalid(f"{dom} is transient: it would be gone, and its managed save image with it")
        self.runtime.end(dom, "saved")
        dom.managed_save = True

    @queries
    def domain_has_managed_save_image(self, dom: Domain, flags: int) -> int:
        return int(dom.managed_save)

    @modifies
    async def domain_managed_save_remove(self, dom: Domain, flags: int) -> None:
        dom.managed_save = False

    @supports(
        DomainCoreDumpFlags.CRASH | DomainCoreDumpFlags.LIVE | DomainCoreDumpFlags.BYPASS_CACHE
        | DomainCoreDumpFlags.RESET | DomainCoreDumpFlags.MEMORY_ONLY
    )  # fmt: skip
    @modifies
    async def domain_core_dump_with_format(self, dom: Domain, to: str, dumpformat: int, flags: int) -> None:
        dom.require_active()
        if dumpformat:
            raise ConfigUnsupported(f"there is no memory here to be dumped in format {dumpformat}; 0, raw, is written")
        await in_background(atomic.write, _path(to), _MARK)
        if flags & DomainCoreDumpFlags.CRASH and dom.active:
            self.runtime.end(dom, "crashed")
        elif dom.state is State.RUNNING and not flags & DomainCoreDumpFlags.LIVE:
            self.runtime.move(dom, "suspend-dumping")
            self.runtime.move(dom, "resume")


def _of_same(definition: DomainDef, saved: DomainDef) -> DomainDef:
    """The definition, if it is of the domain that was saved. Raises ConfigUnsupported."""
    if (definition.name, definition.uuid) != (saved.name, saved.uuid):
        raise ConfigUnsupported(f"the XML is of domain '{definition.name}' {definition.uuid}, what was saved is "
                                f"'{saved.name}' {saved.uuid}")  # fmt: skip
    return definition


def _path(text: str) -> Path:
    if not text.startswith("/") or "\0" in text:
        raise InvalidArg(f"a save image is named by its whole path, not {text!r}")
    return Path(text)


def _read(path: Path) -> str:
    """The XML in a save image. Raises HostSystemError, InternalError."""
    try:
        # A pipe would let the reader wait for its other end.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise InternalError(f"{path} is no regular file, so no save image")
            data = file.read(_MOST)
    except OSError as error:
        raise HostSystemError(f"cannot read the save image {path}: {error.strerror}") from error
    start = len(_MARK) + _LENGTH.size
    if not data.startswith(_MARK) or len(data) < start:
        raise InternalError(f"{path} is no save image of a test domain")
    (length,) = _LENGTH.unpack_from(data, len(_MARK))
    if not 0 < length <= len(data) - start:
        raise InternalError(f"the save image {path} is cut off: it has {len(data) - start} bytes of XML, not {length}")
    return data[start : start + length].decode("utf-8", "surrogateescape")
