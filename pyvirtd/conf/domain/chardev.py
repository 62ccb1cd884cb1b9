"""Character devices: `<serial>`, `<parallel>`, `<console>`, `<channel>`, and the backend they share with others.

`backend` is the host's side (what smartcards, redirected USB devices and rng daemons also have), `target` the
guest's. Source: formatdomain.html, "Consoles, serial, parallel & channel devices".
"""

from __future__ import annotations

from typing import Literal

from pyvirtd.conf.domain.device import Device
from pyvirtd.conf.domain.seclabel import DeviceSeclabel
from pyvirtd.conf.domain.source import Reconnect
from pyvirtd.conf.xml import Dump, Element, at, child, children, inline
from pyvirtd.conf.xml.types import AnyUInt, OnOff, YesNo

BackendType = Literal[
    "null", "vc", "pty", "dev", "file", "pipe", "stdio", "udp", "tcp", "unix", "spicevmc", "spiceport", "nmdm",
    "qemu-vdagent", "dbus",
]  # fmt: skip
SerialModel = Literal[
    "isa-serial", "usb-serial", "pci-serial", "spapr-vty", "pl011", "sclpconsole", "sclplmconsole", "16550a",
    "isa-debugcon",
]  # fmt: skip


class ChardevSource(Element, tag="source"):
    """One end on the host. `path` of a pty, and of what the driver made up, is live only: post-parse drops it."""

    mode: Literal["bind", "connect"] | None = at("@mode")
    path: str | None = at("@path")
    master: str | None = at("@master")
    slave: str | None = at("@slave")
    host: str | None = at("@host")
    service: str | None = at("@service")
    channel: str | None = at("@channel")
    append: OnOff | None = at("@append")
    tls: YesNo | None = at("@tls")
    tls_from_config: int | None = at("@tlsFromConfig", status=True)
    fdgroup: str | None = at("@fdgroup")
    copypaste: YesNo | None = at("clipboard/@copypaste")
    mouse: Literal["server", "client"] | None = at("mouse/@mode")
    reconnect: Reconnect | None = child()
    seclabels: list[DeviceSeclabel] = children()


_OWN: dict[str, tuple[str, ...]] = {
    "pty": ("path",),
    "dev": ("path",),
    "pipe": ("path",),
    "file": ("path", "append"),
    "nmdm": ("master", "slave"),
    "unix": ("mode", "path", "reconnect", "fdgroup"),
    "tcp": ("mode", "host", "service", "tls", "tls_from_config", "reconnect"),
    "udp": ("mode", "host", "service"),
    "spiceport": ("channel",),
    "dbus": ("channel",),
    "qemu-vdagent": ("copypaste", "mouse"),
}
_TYPED = frozenset(name for names in _OWN.values() for name in names)
_NO_SOURCE = ChardevSource()


def _has_sources(backend: Backend, flags: int) -> bool:
    """The path of a pty is for live dumps."""
    return not (
        backend.type == "pty" and flags & Dump.INACTIVE and not any(source.seclabels for source in backend.sources)
    )


class Backend(Element):
    """The host's side of a character device. UDP has up to two sources (one binds, one connects)."""

    type: BackendType | None = at("@type")
    sources: list[ChardevSource] = children(when=_has_sources)
    protocol: Literal["raw", "telnet", "telnets", "tls"] | None = at("protocol/@type")
    log_file: str | None = at("log/@file")
    log_append: OnOff | None = at("log/@append")

    def parsed(self, flags: int) -> None:
        """A source has what its type knows; the path of a pty is the running guest's."""
        mine = _OWN.get(self.type or "", ())
        for source in self.sources:
            for name in _TYPED:
                if name not in mine:
                    setattr(source, name, None)
            if self.type == "pty" and flags & Dump.INACTIVE:
                source.path = None
            if "mode" in mine and source.mode is None:
                source.mode = "connect"
            if self.type == "unix" and source.path is None:
                source.mode = None  # the driver makes the path, and binds
        self.sources = [source for source in self.sources if source != _NO_SOURCE]
        if self.type == "udp":
            self.sources.sort(key=lambda source: source.mode or "")  # the one that binds prints first
        if self.type != "tcp":
            self.protocol = None
        elif self.protocol is None:
            self.protocol = "raw"

    @property
    def source(self) -> ChardevSource | None:
        """The source, where there is one."""
        return self.sources[0] if self.sources else None

    def end(self, mode: Literal["bind", "connect"]) -> ChardevSource | None:
        """The source that binds, or the one that connects (which is what having no mode means)."""
        for source in self.sources:
            if (source.mode or "connect") == mode:
                return source
        return None


class Chardev(Device):
    """Any of the four."""

    backend: Backend = inline(Backend)

    def parsed(self, flags: int) -> None:
        """Without a type it is a pty."""
        if self.backend.type is None:
            self.backend.type = "pty"


class Serial(Chardev, tag="serial"):
    """A serial port."""

    target_type: Literal[
        "isa-serial", "usb-serial", "pci-serial", "spapr-vio-serial", "system-serial", "sclp-serial", "isa-debug"
    ] | None = at("target/@type")  # fmt: skip
    port: AnyUInt | None = at("target/@port")
    model: SerialModel | None = at("target/model/@name")


class Parallel(Chardev, tag="parallel"):
    """A parallel port."""

    port: AnyUInt | None = at("target/@port")


class Console(Chardev, tag="console"):
    """What the guest calls its console. `tty` repeats a running pty's path for old clients."""

    tty: str | None = at("@tty", live=True)

    target_type: Literal[
        "xen", "serial", "uml", "virtio", "lxc", "openvz", "sclp", "sclplm", "none"
    ] | None = at("target/@type")  # fmt: skip
    port: AnyUInt | None = at("target/@port")

    def printed(self, flags: int) -> bool:
        """tty has no life of its own."""
        source = self.backend.source
        shown = source is not None and self.backend.type == "pty" and not self.port
        self.tty = source.path if shown and source is not None else None
        return True


class Channel(Chardev, tag="channel"):
    """A named channel into the guest, or a forwarded guest address (`target_type` guestfwd)."""

    target_type: Literal["guestfwd", "virtio", "xen", "none"] | None = at("target/@type")
    address_target: str | None = at("target/@address")
    port: str | None = at("target/@port")
    name: str | None = at("target/@name")
    state: Literal["connected", "disconnected"] | None = at("target/@state", live=True)
