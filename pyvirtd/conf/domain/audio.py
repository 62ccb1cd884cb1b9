"""`<audio>`: where sound goes on the host. Times are in microseconds. Source: formatdomain.html, "Audio backends"."""

from __future__ import annotations

from typing import Literal

from pyvirtd.conf.xml import Element, at, child, must
from pyvirtd.conf.xml.types import Positive, UInt, YesNo

AudioType = Literal[
    "none", "alsa", "coreaudio", "jack", "oss", "pulseaudio", "sdl", "spice", "file", "dbus", "pipewire"
]


class AudioIO(Element):
    """One direction: the settings of all backends, then those of single ones."""

    mixing_engine: YesNo | None = at("@mixingEngine")
    fixed_settings: YesNo | None = at("@fixedSettings")
    voices: UInt | None = at("@voices", omit=0)
    buffer_length: UInt | None = at("@bufferLength", omit=0)
    server_name: str | None = at("@serverName")  # jack
    client_name: str | None = at("@clientName")
    connect_ports: str | None = at("@connectPorts")
    exact_name: YesNo | None = at("@exactName")
    name: str | None = at("@name")  # pulseaudio, pipewire
    stream_name: str | None = at("@streamName")
    latency: UInt | None = at("@latency", omit=0)
    dev: str | None = at("@dev")  # alsa, oss
    buffer_count: UInt | None = at("@bufferCount", omit=0)  # coreaudio, oss, sdl
    try_poll: YesNo | None = at("@tryPoll")
    frequency: UInt | None = at("settings/@frequency", omit=0)
    channels: UInt | None = at("settings/@channels", omit=0)
    format: Literal["s8", "u8", "s16", "u16", "s32", "u32", "f32"] | None = at("settings/@format")


class AudioInput(AudioIO, tag="input"):
    """Recording."""


class AudioOutput(AudioIO, tag="output"):
    """Playing."""


class Audio(Element, tag="audio"):
    """An audio backend. `dsp_policy` is OSS's timing policy, -1 for the old one."""

    id: Positive = must("@id")
    type: AudioType = must("@type")
    timer_period: UInt | None = at("@timerPeriod", omit=0)
    try_mmap: YesNo | None = at("@tryMMap")
    exclusive: YesNo | None = at("@exclusive")
    dsp_policy: int | None = at("@dspPolicy")
    server_name: str | None = at("@serverName")
    runtime_dir: str | None = at("@runtimeDir")
    driver: Literal["esd", "alsa", "arts", "pulseaudio"] | None = at("@driver")
    path: str | None = at("@path")
    input: AudioInput | None = child(empty=False)
    output: AudioOutput | None = child(empty=False)
