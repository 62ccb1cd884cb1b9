"""<seclabel> of the domain, <keywrap>, <launchSecurity>, <idmap>."""

from __future__ import annotations

from typing import Literal

from pyvirtd.conf.xml import Dump, Element, at, children, kind, must
from pyvirtd.conf.xml.types import Hex4, OnOff, UInt, YesNo
from pyvirtd.errors import ErrorDomain, XMLError


class Seclabel(Element, tag="seclabel"):
    """A security model's labels for the guest's process and resources."""

    type: Literal["none", "dynamic", "static"] | None = at("@type")
    model: str | None = at("@model")
    relabel: YesNo | None = at("@relabel", when=lambda s, _: s.type != "none")
    label: str | None = at("label")
    imagelabel: str | None = at("imagelabel", live=True)
    implicit: YesNo | None = at("@implicit", status=True)  # made up at the start, no part of the definition
    baselabel: str | None = at("baselabel")

    def parsed(self, flags: int) -> None:
        """Labels that a dynamic model makes up are live only."""
        if self.type is None and self.model is None:
            raise XMLError(f"line {self.line}, <seclabel>: type or model has to be given", domain=ErrorDomain.DOMAIN)
        self.type = self.type or "dynamic"
        if self.type == "none":
            if self.relabel:
                raise XMLError(f"line {self.line}, <seclabel>: relabel has to be no where type is none")
            self.label = self.imagelabel = self.baselabel = None
            return
        if self.relabel is None:
            self.relabel = self.type == "dynamic"
        if self.type == "static":
            self.baselabel = None
            if self.label is None:
                raise XMLError(f"line {self.line}, <seclabel>: a static one has to have a <label>")
        elif flags & Dump.INACTIVE:
            self.label = None


class Cipher(Element, tag="cipher"):
    """A key-wrapping operation (s390)."""

    name: Literal["aes", "dea"] = must("@name")
    state: OnOff = must("@state")


class Keywrap(Element, tag="keywrap"):
    """Which keys the guest may wrap."""

    ciphers: list[Cipher] = children()


class LaunchSecurity(Element, tag="launchSecurity", family=True):
    """Confidential computing."""

    type: str = kind("@type", required=True)


class Sev(LaunchSecurity, variant="sev"):
    """AMD SEV."""

    kernel_hashes: YesNo | None = at("@kernelHashes")
    cbitpos: UInt | None = at("cbitpos")
    reduced_phys_bits: UInt | None = at("reducedPhysBits")
    policy: Hex4 = must("policy")
    dh_cert: str | None = at("dhCert")
    session: str | None = at("session")


class S390Pv(LaunchSecurity, variant="s390-pv"):
    """IBM Secure Execution."""


class IdRange(Element):
    """A range of ids of the guest and where it begins on the host."""

    start: UInt = must("@start")
    target: UInt = must("@target")
    count: UInt = must("@count")


class UidRange(IdRange, tag="uid"):
    """Users."""


class GidRange(IdRange, tag="gid"):
    """Groups."""


class IdMap(Element, tag="idmap"):
    """User namespaces."""

    uids: list[UidRange] = children()
    gids: list[GidRange] = children()
