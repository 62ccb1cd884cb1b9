"""Displays: -vnc, -spice, -display."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyvirtd.conf.domain.graphics import DBus, EglHeadless, Listen, Sdl, Spice, Vnc
from pyvirtd.drivers.qemu.command.words import escape, on_off
from pyvirtd.errors import ConfigUnsupported, InternalError

if TYPE_CHECKING:
    from pyvirtd.drivers.qemu.command.builder import Builder

VNC_BASE_PORT = 5900


def add_graphics(b: Builder) -> None:
    for graphics in b.devices.graphics:
        match graphics:
            case Vnc():
                add_vnc(b, graphics)
            case Spice():
                add_spice(b, graphics)
            case Sdl():
                add_sdl(b, graphics)
            case EglHeadless():
                word = "egl-headless"
                if graphics.rendernode:
                    word += f",rendernode={escape(graphics.rendernode)}"
                b.add("-display", word)
            case DBus():
                add_dbus(b, graphics)
            case _:
                raise ConfigUnsupported(f"graphics: QEMU has no display of type '{graphics.type}'")


def first_listen(graphics: Vnc | Spice) -> Listen:
    """Where it listens; QEMU takes one place only."""
    if len(graphics.listens) > 1:
        raise ConfigUnsupported("graphics: QEMU listens in one place for a display, not in several")
    return graphics.listens[0] if graphics.listens else Listen(type="address")


def listen_address(b: Builder, listen: Listen, default: str) -> str:
    """The address of an address or network listen."""
    if listen.type == "network":
        address = listen.address or b.context.listen_addresses.get(listen.network or "")
        if not address:
            raise InternalError(f"graphics: network '{listen.network}' has no address to listen on")
        return address
    return listen.address or default


def bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def audio_id(b: Builder, wanted: int | None) -> str | None:
    """The audio backend a VNC client hears."""
    audios = b.devices.audios
    chosen = next((a for a in audios if a.id == wanted), None) if wanted else (audios[0] if audios else None)
    return f"audio{chosen.id}" if chosen is not None else None


def add_vnc(b: Builder, vnc: Vnc) -> None:
    listen = first_listen(vnc)
    words: list[str] = []
    if listen.type == "socket":
        words.append(f"vnc=unix:{escape(listen.socket or b.context.run_dir + '/vnc.sock')}")
    elif listen.type == "none":
        words.append("none")
    else:
        address = listen_address(b, listen, b.context.vnc_listen)
        words.append(f"{bracketed(address)}:{(vnc.port or VNC_BASE_PORT) - VNC_BASE_PORT}")
        if vnc.websocket is not None:
            words.append(f"websocket={vnc.websocket}" if vnc.websocket != -1 else "websocket=on")
    if vnc.share_policy:
        words.append(f"share={vnc.share_policy}")
    if vnc.passwd is not None:
        words.append("password=on")
    if b.context.vnc_tls and listen.type in ("address", "network"):
        add_vnc_tls(b)
        words.append("tls-creds=vnc-tls-creds0")
    if b.context.vnc_sasl:
        words.append("sasl=on")
    if vnc.power_control is not None:
        words.append(f"power-control={on_off(vnc.power_control)}")
    audio = audio_id(b, vnc.audio)
    if audio is not None:
        words.append(f"audiodev={audio}")
    b.add("-vnc", ",".join(words))
    if vnc.keymap:
        b.add("-k", vnc.keymap)


def add_vnc_tls(b: Builder) -> None:
    b.object(
        {
            "qom-type": "tls-creds-x509",
            "id": "vnc-tls-creds0",
            "dir": b.context.tls.vnc,
            "endpoint": "server",
            "verify-peer": b.context.vnc_tls_verify,
        }
    )


def add_spice(b: Builder, spice: Spice) -> None:
    listen = first_listen(spice)
    words: list[str] = []
    if listen.type == "socket":
        words += ["unix", f"addr={escape(listen.socket or b.context.run_dir + '/spice.sock')}"]
    elif listen.type == "none":
        words.append("port=0")
    else:
        if spice.port and spice.port > 0:
            words.append(f"port={spice.port}")
        if spice.tls_port and spice.tls_port > 0:
            words.append(f"tls-port={spice.tls_port}")
        words.append(f"addr={listen_address(b, listen, b.context.spice_listen)}")
        if not (spice.port and spice.port > 0) and not (spice.tls_port and spice.tls_port > 0):
            words.insert(0, "port=0")
    if b.context.spice_sasl:
        words.append("sasl=on")
    if spice.mouse:
        words.append(f"agent-mouse={on_off(spice.mouse == 'client')}")
    if spice.passwd is None:
        words.append("disable-ticketing=on")
    if listen.type in ("address", "network") and spice.tls_port and spice.tls_port > 0:
        words.append(f"x509-dir={escape(b.context.tls.spice)}")
    words += channel_words(spice)
    for key, value in (
        ("image-compression", spice.image_compression),
        ("jpeg-wan-compression", spice.jpeg_compression),
        ("zlib-glz-wan-compression", spice.zlib_compression),
    ):
        if value:
            words.append(f"{key}={value}")
    if spice.playback_compression is not None:
        words.append(f"playback-compression={on_off(spice.playback_compression)}")
    if spice.streaming:
        words.append(f"streaming-video={spice.streaming}")
    if spice.copypaste is False:
        words.append("disable-copy-paste=on")
    if spice.filetransfer is False:
        words.append("disable-agent-file-xfer=on")
    if spice.gl:
        words.append("gl=on")
        if spice.rendernode:
            words.append(f"rendernode={escape(spice.rendernode)}")
    words.append("seamless-migration=on")
    b.add("-spice", ",".join(words))
    if spice.keymap:
        b.add("-k", spice.keymap)


def channel_words(spice: Spice) -> list[str]:
    """Which channels must or must not be encrypted."""
    words = []
    if spice.default_mode == "secure":
        words.append("tls-channel=default")
    elif spice.default_mode == "insecure":
        words.append("plaintext-channel=default")
    names = ("main", "display", "inputs", "cursor", "playback", "record", "smartcard", "usbredir")
    modes = {c.name: c.mode for c in spice.channels}
    for name in names:
        mode = modes.get(name)  # type: ignore[call-overload]
        if mode == "secure":
            words.append(f"tls-channel={name}")
        elif mode == "insecure":
            words.append(f"plaintext-channel={name}")
    return words


def add_sdl(b: Builder, sdl: Sdl) -> None:
    if sdl.fullscreen:
        b.add("-full-screen")
    word = "sdl"
    if sdl.gl is not None:
        word += f",gl={on_off(sdl.gl)}"
    b.add("-display", word)


def add_dbus(b: Builder, dbus: DBus) -> None:
    words = ["dbus"]
    if dbus.p2p:
        words.append("p2p=on")
    else:
        address = dbus.address
        if not address:
            name = b.definition.name
            path = f"{b.context.dbus_dir}/{b.context.domain_id}-{name[:20]}-dbus.sock"
            address = f"unix:path={path}"
        words.append(f"addr={escape(address)}")
    if dbus.gl is not None:
        words.append(f"gl={on_off(dbus.gl)}")
        if dbus.gl and dbus.rendernode:
            words.append(f"rendernode={escape(dbus.rendernode)}")
    if dbus.audio:
        words.append(f"audiodev=audio{dbus.audio}")
    b.add("-display", ",".join(words))
