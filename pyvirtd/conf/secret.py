"""<secret>: something that only its owner should know, and what it is for. Source: formatsecret.html."""

from __future__ import annotations

from typing import Literal

from pyvirtd.conf.domain.postparse.definition import new_uuid
from pyvirtd.conf.xml import Dump, Element, at, child, format, hidden, kind, must, parse
from pyvirtd.conf.xml.types import Uuid, YesNo
from pyvirtd.errors import ConfigUnsupported, ErrorDomain, InternalError

UsageType = Literal["none", "volume", "ceph", "iscsi", "tls", "vtpm"]


class Usage(Element, tag="usage", family=True):
    """What uses the secret."""

    ERRORS = ErrorDomain.SECRET
    type: UsageType = kind("@type", bad=ConfigUnsupported)


class VolumeUsage(Usage, variant="volume"):
    """An encrypted volume, by path."""

    id: str = must("volume", bad=InternalError)


class CephUsage(Usage, variant="ceph"):
    """A Ceph user."""

    id: str = must("name", bad=InternalError)


class IscsiUsage(Usage, variant="iscsi"):
    """An iSCSI target."""

    id: str = must("target", bad=InternalError)


class TlsUsage(Usage, variant="tls"):
    """The key of a certificate."""

    id: str = must("name", bad=InternalError)


class VtpmUsage(Usage, variant="vtpm"):
    """The state of a TPM."""

    id: str = must("name", bad=InternalError)


class NoUsage(Usage, variant="none"):
    """Nothing known."""

    id: str = hidden("")

    def printed(self, flags: int) -> bool:
        """Never: it says nothing."""
        return False


AnyUsage = VolumeUsage | CephUsage | IscsiUsage | TlsUsage | VtpmUsage | NoUsage


class SecretDef(Element, tag="secret"):
    """A secret without its value. `ephemeral`: never on disk; `private`: never told to a client."""

    ERRORS = ErrorDomain.SECRET
    ephemeral: YesNo = at("@ephemeral", False)
    private: YesNo = at("@private", False)
    uuid: Uuid | None = at("uuid", bad=InternalError)
    description: str | None = at("description")
    usage: AnyUsage | None = child(Usage)

    def parsed(self, flags: int) -> None:
        """A usage of no type is none."""
        if isinstance(self.usage, NoUsage):
            self.usage = None


def parse_secret(xml: str | bytes, *, validate: bool = False) -> SecretDef:
    """A <secret> document as it stands. validate: hold it against the schema first (XMLInvalidSchema)."""
    if validate:
        from pyvirtd.conf.schema import check_schema  # compiling it is slow

        check_schema(SecretDef, xml, what="secret XML")
    return parse(SecretDef, xml, Dump.INACTIVE, what="secret XML")


def complete_secret(secret: SecretDef) -> None:
    """A UUID."""
    secret.uuid = secret.uuid or new_uuid()


def format_secret(secret: SecretDef) -> str:
    """The document as libvirt prints it."""
    return format(secret)
