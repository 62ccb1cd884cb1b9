"""Shared directories: 9p inside QEMU, virtiofs through its daemon."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyvirtd.drivers.qemu.command.virtio import virtio_driver, virtio_props
from pyvirtd.drivers.qemu.command.words import Props, option_word
from pyvirtd.errors import ConfigUnsupported

if TYPE_CHECKING:
    from pyvirtd.conf.domain.filesystem import Filesystem
    from pyvirtd.drivers.qemu.command.builder import Builder

SECURITY = {"passthrough": "passthrough", "mapped": "mapped", "squash": "none"}


def is_virtiofs(fs: Filesystem) -> bool:
    return fs.driver is not None and fs.driver.type == "virtiofs"


def add_filesystems(b: Builder) -> None:
    for fs in b.devices.filesystems:
        if is_virtiofs(fs):
            add_virtiofs(b, fs)
        else:
            add_9p(b, fs)


def virtiofs_socket(b: Builder, fs: Filesystem) -> str:
    """The socket of the daemon: the user's own, or the one that is started for this guest."""
    if fs.source is not None and fs.source.socket:
        return fs.source.socket
    return b.context.virtiofsd_sockets.get(fs.alias or "", f"{b.context.run_dir}/{fs.alias}-fs.sock")


def add_virtiofs(b: Builder, fs: Filesystem) -> None:
    ident = f"chr-vu-{fs.alias}"
    path = virtiofs_socket(b, fs)
    b.add("-chardev", option_word("socket", [("id", ident), ("path", path)]))
    if fs.source is None or not fs.source.socket:
        b.prepare("virtiofsd", fs.alias or "", path)
    props: Props = {"driver": virtio_driver(fs, "vhost-user-fs", fs.model), "id": fs.alias or "", "chardev": ident}
    if fs.driver is not None and fs.driver.queue:
        props["queue-size"] = fs.driver.queue
    props["tag"] = fs.target or ""
    if order := b.boot_index(fs):
        props["bootindex"] = order
    virtio_props(fs.driver, props)
    b.device(b.address(fs, props))


def add_9p(b: Builder, fs: Filesystem) -> None:
    if fs.type != "mount":
        raise ConfigUnsupported(f"filesystem: QEMU shares directories (type mount) only, not type '{fs.type}'")
    kind = fs.driver.type if fs.driver is not None else None
    head = "handle" if kind == "handle" else "local"
    pairs: list[tuple[str, str | int | bool | None]] = []
    if head == "local":
        pairs.append(("security_model", SECURITY.get(fs.accessmode or "passthrough", "passthrough")))
        if fs.multidevs:
            pairs.append(("multidevs", fs.multidevs))
        if fs.fmode is not None:
            pairs.append(("fmode", f"{fs.fmode:04o}"))
        if fs.dmode is not None:
            pairs.append(("dmode", f"{fs.dmode:04o}"))
    if fs.driver is not None and fs.driver.wrpolicy == "immediate":
        pairs.append(("writeout", "immediate"))
    pairs.append(("id", f"fsdev-{fs.alias}"))
    pairs.append(("path", fs.source.dir if fs.source is not None else ""))
    if fs.readonly:
        pairs.append(("readonly", True))
    b.add("-fsdev", option_word(head, pairs))
    props: Props = {"driver": virtio_driver(fs, "virtio-9p", fs.model)}
    virtio_props(fs.driver, props)
    props |= {"id": fs.alias or "", "fsdev": f"fsdev-{fs.alias}", "mount_tag": fs.target or ""}
    b.device(b.address(fs, props))
