"""`<tpm>`. Source: formatdomain.html, "TPM device"."""

from __future__ import annotations

from typing import Literal

from pyvirtd.conf.domain.device import Device
from pyvirtd.conf.xml import Element, at, child, flag, must
from pyvirtd.conf.xml.types import Uuid, YesNo


class TpmBackend(Element, tag="backend"):
    """passthrough: the host's `device`; emulator: swtpm, with its state; external: a swtpm that somebody else runs."""

    type: Literal["passthrough", "emulator", "external"] = must("@type")
    version: Literal["1.2", "2.0"] | None = at("@version")
    persistent_state: YesNo | None = at("@persistent_state", omit=False)
    debug: int | None = at("@debug")
    device: str | None = at("device/@path")
    encryption: Uuid | None = at("encryption/@secret")
    sha1: bool = flag("active_pcr_banks/sha1")
    sha256: bool = flag("active_pcr_banks/sha256")
    sha384: bool = flag("active_pcr_banks/sha384")
    sha512: bool = flag("active_pcr_banks/sha512")
    source_type: Literal["unix", "file", "dir"] | None = at("source/@type")
    source_mode: Literal["connect", "bind"] | None = at("source/@mode")
    source_path: str | None = at("source/@path")


class Tpm(Device, tag="tpm"):
    """A trusted platform module."""

    model: Literal["tpm-tis", "tpm-crb", "tpm-spapr", "spapr-tpm-proxy"] | None = at("@model")
    backend: TpmBackend = child(TpmBackend, required=True)
