"""Sound cards, and the audio backends they play through."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyvirtd.drivers.qemu.command.virtio import virtio_driver, virtio_props
from pyvirtd.drivers.qemu.command.words import JsonValue, Props, json_word
from pyvirtd.errors import ConfigUnsupported

if TYPE_CHECKING:
    from pyvirtd.conf.domain.audio import Audio, AudioIO
    from pyvirtd.conf.domain.sound import Sound
    from pyvirtd.drivers.qemu.command.builder import Builder

BACKENDS = {"pulseaudio": "pa", "file": "wav"}
CARDS = {"es1370": "ES1370", "ac97": "AC97", "ich6": "intel-hda", "ich9": "ich9-intel-hda", "sb16": "sb16",
         "usb": "usb-audio"}  # fmt: skip
CODECS = {"duplex": "hda-duplex", "micro": "hda-micro", "output": "hda-output"}


def add_audios(b: Builder) -> None:
    for audio in b.devices.audios:
        b.add("-audiodev", json_word(audiodev_props(audio)))


def audiodev_props(audio: Audio) -> Props:
    props: Props = {"id": f"audio{audio.id}", "driver": BACKENDS.get(audio.type, audio.type)}
    if audio.timer_period:
        props["timer-period"] = audio.timer_period
    if audio.type == "file" and audio.path:
        props["path"] = audio.path
    if audio.type == "oss":
        if audio.try_mmap is not None:
            props["try-mmap"] = audio.try_mmap
        if audio.exclusive is not None:
            props["exclusive"] = audio.exclusive
        if audio.dsp_policy is not None:
            props["dsp-policy"] = audio.dsp_policy
    if audio.type == "pulseaudio" and audio.server_name:
        props["server"] = audio.server_name
    for key, side in (("in", audio.input), ("out", audio.output)):
        if side is not None:
            options = direction_props(audio, side)
            if options:
                props[key] = options
    return props


def direction_props(audio: Audio, side: AudioIO) -> dict[str, JsonValue]:
    """The options of one direction: those of all backends, then the backend's own."""
    found: dict[str, JsonValue] = {}

    def put(key: str, value: JsonValue | None) -> None:
        if (value is not None and value != 0) or isinstance(value, bool):
            found[key] = value

    put("mixing-engine", side.mixing_engine)
    put("fixed-settings", side.fixed_settings)
    put("voices", side.voices)
    put("buffer-length", side.buffer_length)
    put("frequency", side.frequency)
    put("channels", side.channels)
    put("format", side.format)
    match audio.type:
        case "alsa":
            put("dev", side.dev)
        case "oss":
            put("dev", side.dev)
            put("buffer-count", side.buffer_count)
            put("try-poll", side.try_poll)
        case "coreaudio" | "sdl":
            put("buffer-count", side.buffer_count)
        case "jack":
            put("server-name", side.server_name)
            put("client-name", side.client_name)
            put("connect-ports", side.connect_ports)
            put("exact-name", side.exact_name)
        case "pulseaudio":
            put("name", side.name)
            put("stream-name", side.stream_name)
            put("latency", side.latency)
    return found


def backend_of(b: Builder, sound: Sound) -> str | None:
    """The id of the audio backend a card plays through: the one it names, else the first."""
    audios = b.devices.audios
    if sound.audio is not None:
        return f"audio{sound.audio}"
    return f"audio{audios[0].id}" if audios else None


def add_sounds(b: Builder) -> None:
    for sound in b.devices.sounds:
        add_sound(b, sound)


def add_sound(b: Builder, sound: Sound) -> None:
    audio = backend_of(b, sound)
    if sound.model == "pcspk":
        # The speaker is part of the board: a machine option since QEMU has audio backends by id.
        b.add("-soundhw", "pcspk")
        return
    if sound.model == "virtio":
        props: Props = {"driver": virtio_driver(sound, "virtio-sound")}
        virtio_props(sound.driver, props)
        props["id"] = sound.alias or ""
        if sound.streams:
            props["streams"] = sound.streams
        if audio is not None:
            props["audiodev"] = audio
        b.device(b.address(sound, props))
        return
    card = CARDS.get(sound.model)
    if card is None:
        raise ConfigUnsupported(f"sound: QEMU has no sound card of model '{sound.model}'")
    props = {"driver": card, "id": sound.alias or ""}
    hda = sound.model in ("ich6", "ich9")
    if sound.model == "usb" and sound.multichannel is not None:
        props["multi"] = sound.multichannel
    if audio is not None and not hda:
        props["audiodev"] = audio
    b.device(b.address(sound, props))
    if hda:
        for number, kind in enumerate([c.type for c in sound.codecs] or ["duplex"]):
            codec: Props = {
                "driver": CODECS[kind],
                "id": f"{sound.alias}-codec{number}",
                "bus": f"{sound.alias}.0",
                "cad": number,
            }
            if audio is not None:
                codec["audiodev"] = audio
            b.device(codec)
