"""`<source>` of disks, backing stores and mirrors: where the bytes of an image are.

One class holds the attributes of all source types; which of them count follows from the `type` of the element
around it (file: `file`; block: `dev`; dir: `dir`; network: `protocol`, `name`, `hosts`; volume: `pool`, `volume`;
nvme: `address`, `namespace`; vhostuser: `path`).
"""

from __future__ import annotations

from typing import Literal

from pyvirtd.conf.domain.address import PciBus, PciDomain, PciFunction, PciSlot
from pyvirtd.conf.domain.seclabel import DeviceSeclabel
from pyvirtd.conf.xml import Element, at, child, children, must, size, text
from pyvirtd.conf.xml.types import UInt, ULong, Uuid, YesNo

StorageType = Literal["file", "block", "dir", "network", "volume", "nvme", "vhostuser", "vhostvdpa"]
StorageProtocol = Literal[
    "nbd", "rbd", "sheepdog", "gluster", "iscsi", "http", "https", "ftp", "ftps", "tftp", "ssh", "vxhs", "nfs"
]
StorageFormat = Literal[
    "raw", "dir", "bochs", "cloop", "dmg", "iso", "vpc", "vdi", "fat", "vhd", "ploop", "cow", "qcow", "qcow2", "qed",
    "vmdk", "luks", "none", "aio",
]  # fmt: skip
StartupPolicy = Literal["mandatory", "requisite", "optional"]


class Host(Element, tag="host"):
    """One server of a network source: name and port, or a socket."""

    name: str | None = at("@name")
    port: UInt | None = at("@port")
    transport: Literal["tcp", "unix", "rdma"] | None = at("@transport", omit="tcp")
    socket: str | None = at("@socket")


class Reconnect(Element, tag="reconnect"):
    """Whether and how often (seconds) a lost connection is tried again; NBD has a delay instead."""

    enabled: YesNo | None = at("@enabled")
    timeout: UInt | None = at("@timeout")
    delay: UInt | None = at("@delay")


class StorageAuth(Element, tag="auth"):
    """User and secret for a network source."""

    username: str = must("@username")
    secret_type: Literal["ceph", "iscsi", "volume", "tls", "vtpm"] | None = at("secret/@type")
    secret_uuid: Uuid | None = at("secret/@uuid")
    secret_usage: str | None = at("secret/@usage")


class EncryptionSecret(Element, tag="secret"):
    """The passphrase of an encrypted image, by reference."""

    type: Literal["passphrase"] = must("@type")
    uuid: Uuid | None = at("@uuid")
    usage: str | None = at("@usage")


class Encryption(Element, tag="encryption"):
    """How an image is encrypted."""

    format: Literal["default", "qcow", "luks", "luks2", "luks-any"] = must("@format")
    engine: Literal["qemu", "librbd"] | None = at("@engine")
    secrets: list[EncryptionSecret] = children()
    cipher_name: str | None = at("cipher/@name")
    cipher_size: UInt | None = at("cipher/@size")
    cipher_mode: str | None = at("cipher/@mode")
    cipher_hash: str | None = at("cipher/@hash")
    ivgen_name: str | None = at("ivgen/@name")
    ivgen_hash: str | None = at("ivgen/@hash")


class Cookie(Element, tag="cookie"):
    """An HTTP cookie."""

    name: str = must("@name")
    value: str = text("")


class Slice(Element, tag="slice"):
    """The part of the storage that is the image, in bytes."""

    type: Literal["storage"] = must("@type")
    offset: ULong = must("@offset")
    size: ULong = must("@size")


class NvmeAddress(Element, tag="address"):
    """The host's PCI address of an NVMe controller."""

    domain: PciDomain = at("@domain", 0)
    bus: PciBus = at("@bus", 0)
    slot: PciSlot = at("@slot", 0)
    function: PciFunction = at("@function", 0)


class Reservations(Element, tag="reservations"):
    """SCSI persistent reservations through a helper."""

    managed: YesNo | None = at("@managed")
    source_type: Literal["unix"] | None = at("source/@type")
    path: str | None = at("source/@path")
    mode: Literal["client"] | None = at("source/@mode")


class StorageSource(Element, tag="source"):
    """Where an image is."""

    type: Literal["pci", "unix"] | None = at("@type")  # of nvme and vhostuser
    file: str | None = at("@file")
    dev: str | None = at("@dev")
    dir: str | None = at("@dir")
    protocol: StorageProtocol | None = at("@protocol")
    name: str | None = at("@name")
    query: str | None = at("@query")
    tls: YesNo | None = at("@tls")
    tls_hostname: str | None = at("@tlsHostname")
    tls_from_config: int | None = at("@tlsFromConfig", status=True)
    pool: str | None = at("@pool")
    volume: str | None = at("@volume")
    mode: Literal["host", "direct", "server", "client"] | None = at("@mode")
    managed: YesNo | None = at("@managed")
    namespace: ULong | None = at("@namespace")
    path: str | None = at("@path")
    fdgroup: str | None = at("@fdgroup")
    startup_policy: StartupPolicy | None = at("@startupPolicy")
    index: UInt | None = at("@index", live=True)
    hosts: list[Host] = children()
    snapshot: str | None = at("snapshot/@name")
    config: str | None = at("config/@file")
    initiator: str | None = at("initiator/iqn/@name")
    ssl_verify: YesNo | None = at("ssl/@verify")
    cookies: list[Cookie] = children(under="cookies", secure=True)
    readahead: ULong | None = at("readahead/@size")
    timeout: ULong | None = at("timeout/@seconds")
    nfs_user: str | None = at("identity/@user")
    nfs_group: str | None = at("identity/@group")
    identity_username: str | None = at("identity/@username")
    identity_keyfile: str | None = at("identity/@keyfile")
    identity_agentsock: str | None = at("identity/@agentsock")
    known_hosts: str | None = at("knownHosts/@path")
    address: NvmeAddress | None = child()
    reconnect: Reconnect | None = child()
    slices: list[Slice] = children(under="slices")
    seclabels: list[DeviceSeclabel] = children()
    auth: StorageAuth | None = child()
    encryption: Encryption | None = child()
    reservations: Reservations | None = child()

    def settle(self, type: StorageType) -> None:
        """Forget what does not belong to a source of that type, and give servers their protocol's port."""
        mine = _OWN[type]
        for name in _TYPED:
            if name not in mine:
                setattr(self, name, None)
        if type == "network":
            if self.protocol == "iscsi" and self.name is not None and "/" not in self.name:
                self.name += "/0"  # the logical unit
            port = DEFAULT_PORTS.get(self.protocol or "")
            for host in self.hosts:
                if host.transport == "tcp":
                    host.transport = None
                if host.transport is None and not host.port:
                    host.port = port
        else:
            self.hosts, self.cookies = [], []

    @property
    def where(self) -> str:
        """The path or name, for messages; empty when there is none."""
        return self.file or self.dev or self.dir or self.path or self.name or self.volume or ""


_NETWORK = (
    "protocol", "name", "query", "tls", "tls_hostname", "tls_from_config", "snapshot", "config", "initiator",
    "ssl_verify", "readahead", "timeout", "nfs_user", "nfs_group", "identity_username", "identity_keyfile",
    "identity_agentsock", "known_hosts", "reconnect",
)  # fmt: skip
_OWN: dict[str, tuple[str, ...]] = {
    "file": ("file", "fdgroup"),
    "block": ("dev",),
    "dir": ("dir",),
    "network": _NETWORK,
    "volume": ("pool", "volume", "mode"),
    "nvme": ("type", "managed", "namespace", "address"),
    "vhostuser": ("type", "path", "reconnect"),
    "vhostvdpa": ("dev",),
}
_TYPED = frozenset(name for names in _OWN.values() for name in names)
DEFAULT_PORTS = {
    "nbd": 10809, "sheepdog": 7000, "gluster": 24007, "iscsi": 3260, "http": 80, "https": 443, "ftp": 21, "ftps": 990,
    "tftp": 69, "ssh": 22, "vxhs": 9999,
}  # fmt: skip


class Format(Element, tag="format"):
    """The image format of a backing store or mirror."""

    type: StorageFormat = must("@type")
    metadata_cache: int | None = size("metadata_cache/max_size", unit="bytes")


class BackingStore(Element, tag="backingStore"):
    """The image under an image. Without type it says: nothing below this."""

    type: StorageType | None = at("@type")
    index: UInt | None = at("@index", live=True)
    detected: YesNo | None = at("@detected", status=True)  # read from an image's header, no part of the definition
    format: Format | None = child()
    source: StorageSource | None = child()
    backing: BackingStore | None = child()

    def parsed(self, flags: int) -> None:
        """A source is what its type says."""
        if self.type is not None and self.source is not None:
            self.source.settle(self.type)


class Mirror(Element, tag="mirror"):
    """The target of a running copy or active commit."""

    type: StorageType | None = at("@type")
    file: str | None = at("@file")  # the old way of saying source and format
    old_format: str | None = at("@format")
    job: Literal["copy", "active-commit"] | None = at("@job")
    ready: Literal["yes", "no", "abort", "pivot"] | None = at("@ready")
    format: Format | None = child()
    source: StorageSource | None = child()
    backing: BackingStore | None = child()
