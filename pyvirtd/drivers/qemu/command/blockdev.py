"""Images as QEMU's block nodes: a storage node for the protocol, a format node above, and so on down the chain.

Node names are libvirt's: libvirt-N-storage and libvirt-N-format, N counting from the last disk backwards.
Source of the options: QEMU's QAPI reference, BlockdevOptions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyvirtd.conf.domain.source import Encryption, Host, StorageAuth, StorageSource
from pyvirtd.drivers.qemu.command.words import JsonValue, Props, json_word
from pyvirtd.errors import ConfigUnsupported, InternalError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyvirtd.drivers.qemu.command.builder import Builder

DEFAULT_PORTS = {
    "nbd": 10809, "rbd": 0, "sheepdog": 7000, "gluster": 24007, "iscsi": 3260, "http": 80, "https": 443, "ftp": 21,
    "ftps": 990, "tftp": 69, "ssh": 22, "vxhs": 9999, "nfs": 2049,
}  # fmt: skip
CACHE_MODES: dict[str, tuple[bool, bool]] = {  # mode -> (direct, no-flush)
    "none": (True, False),
    "directsync": (True, False),
    "writethrough": (False, False),
    "writeback": (False, False),
    "unsafe": (False, True),
}


@dataclass(slots=True)
class Image:
    """One image of a chain: how it is stored, what it is, and how the disk it belongs to wants it opened."""

    storage: str  # a StorageType
    source: StorageSource
    format: str
    name: str  # stem of the node names
    readonly: bool
    cache: str | None = None
    io: str | None = None
    discard: str | None = None
    detect_zeroes: str | None = None
    discard_no_unref: bool | None = None
    metadata_cache: int | None = None
    encryption: Encryption | None = None
    auth: StorageAuth | None = None
    floppy: bool = False
    pr_manager: str | None = None
    backing: str | None = None  # the format node of the image below
    terminated: bool = False  # nothing below, and that is known

    @property
    def storage_node(self) -> str:
        return f"{self.name}-storage"

    @property
    def format_node(self) -> str:
        return f"{self.name}-format"


def add_image(b: Builder, image: Image) -> str:
    """Adds all nodes (and secrets) of an image; answers the name of the topmost."""
    add_secrets(b, image)
    b.add("-blockdev", json_word(storage_props(b, image)))
    below = image.storage_node
    sliced = next((s for s in image.source.slices if s.type == "storage"), None)
    if sliced is not None and (image.format != "raw" or is_luks(image)):
        below = f"{image.name}-slice-sto"
        props: Props = {"driver": "raw", "node-name": below, "offset": sliced.offset, "size": sliced.size,
                        "file": image.storage_node, "auto-read-only": True, "discard": "unmap"}  # fmt: skip
        b.add("-blockdev", json_word(props | cache_props(image)))
    b.add("-blockdev", json_word(format_props(image, below)))
    return image.format_node


def cache_props(image: Image) -> Props:
    """Cache flags of a node; QEMU's default when the disk says nothing."""
    if image.cache in CACHE_MODES:
        direct, no_flush = CACHE_MODES[image.cache]
        return {"cache": {"direct": direct, "no-flush": no_flush}}
    return {}


def is_luks(image: Image) -> bool:
    """Whether QEMU decrypts it."""
    encryption = image.encryption
    return encryption is not None and encryption.engine != "librbd" and encryption.format.startswith("luks")


def format_props(image: Image, below: str) -> Props:
    """The format node."""
    props: Props = {"node-name": image.format_node, "read-only": image.readonly}
    if image.discard:
        props["discard"] = image.discard
    if image.detect_zeroes and image.detect_zeroes != "off":
        zeroes = image.detect_zeroes
        # QEMU unmaps zeroes only where it may discard at all.
        props["detect-zeroes"] = "on" if zeroes == "unmap" and image.discard != "unmap" else zeroes
    props |= cache_props(image)
    luks = is_luks(image)
    if image.format == "raw" and luks:
        props["driver"] = "luks"
        props["key-secret"] = f"{image.format_node}-encryption-secret0"
    else:
        props["driver"] = {"vhd": "vpc", "iso": "raw", "dir": "raw", "fat": "raw"}.get(image.format, image.format)
    if image.format in ("qcow2", "qcow") and luks:
        props["encrypt"] = {"format": "luks", "key-secret": f"{image.format_node}-encryption-secret0"}
    if image.format == "qcow2":
        if image.discard_no_unref is not None:
            props["discard-no-unref"] = image.discard_no_unref
        if image.metadata_cache:
            props["cache-size"] = image.metadata_cache
    sliced = next((s for s in image.source.slices if s.type == "storage"), None)
    if image.format == "raw" and sliced is not None and not is_luks(image):
        props["offset"] = sliced.offset
        props["size"] = sliced.size
    props["file"] = below
    if image.backing is not None:
        props["backing"] = image.backing
    elif image.terminated and image.format in ("qcow2", "qcow", "qed", "vmdk", "vhd"):
        props["backing"] = None  # type: ignore[assignment]
    return props


def storage_props(b: Builder, image: Image) -> Props:
    """The protocol node."""
    props = protocol_props(b, image)
    props["node-name"] = image.storage_node
    props |= cache_props(image)
    props["auto-read-only"] = True
    props["discard"] = "unmap"
    return props


def protocol_props(b: Builder, image: Image) -> Props:
    """What opens the storage itself, without node name and cache flags."""
    source = image.source
    match image.storage:
        case "file" | "block":
            return file_props(b, image)
        case "dir":
            return {"driver": "vvfat", "dir": source.dir or "", "floppy": image.floppy, "rw": False}
        case "nvme":
            if source.address is None:
                raise InternalError("disk: <source> of type nvme needs an <address>")
            a = source.address
            device = f"{a.domain:04x}:{a.bus:02x}:{a.slot:02x}.{a.function:x}"
            return {"driver": "nvme", "device": device, "namespace": source.namespace or 0}
        case "network":
            return network_props(b, image)
        case _:
            raise InternalError(f"disk: a source of type {image.storage} is no block node")


def file_props(b: Builder, image: Image) -> Props:
    source = image.source
    path = source.file if image.storage == "file" else source.dev
    if source.fdgroup is not None:
        group = b.context.fd_groups.get(source.fdgroup)
        if group is None:
            raise InternalError(f"disk: no file descriptors were passed under the name '{source.fdgroup}'")
        path = b.fdset(group.fds[0])
    props: Props = {"driver": "file" if image.storage == "file" else "host_device", "filename": path or ""}
    if image.io:
        props["aio"] = image.io
    if image.pr_manager:
        props["pr-manager"] = image.pr_manager
    return props


def server_inet(host: Host, protocol: str, *, typed: bool = True) -> dict[str, JsonValue]:
    """A server as QAPI's SocketAddress (or InetSocketAddressBase when not `typed`)."""
    if host.transport == "unix":
        return {"type": "unix", "path": host.socket or ""}
    port = str(host.port or DEFAULT_PORTS.get(protocol, 0))
    server: dict[str, JsonValue] = {"type": "inet"} if typed else {}
    return server | {"host": host.name or "", "port": port}


def _one_host(source: StorageSource, protocol: str) -> Host:
    if len(source.hosts) != 1:
        raise InternalError(f"disk: a {protocol} source takes exactly one <host>, not {len(source.hosts)}")
    return source.hosts[0]


def network_props(b: Builder, image: Image) -> Props:
    source, protocol = image.source, image.source.protocol or ""
    match protocol:
        case "nbd":
            props: Props = {"driver": "nbd", "server": server_inet(_one_host(source, protocol), protocol)}
            if source.name:
                props["export"] = source.name
            if source.tls:
                props["tls-creds"] = f"obj{image.storage_node}_tls0"
                if source.tls_hostname:
                    props["tls-hostname"] = source.tls_hostname
            if source.reconnect is not None and source.reconnect.delay:
                props["reconnect-delay"] = source.reconnect.delay
            return props
        case "http" | "https" | "ftp" | "ftps" | "tftp":
            return curl_props(image)
        case "gluster":
            volume, _, path = (source.name or "").partition("/")
            servers: Sequence[JsonValue] = [server_inet(h, protocol) for h in source.hosts]
            return {"driver": "gluster", "volume": volume, "path": path, "server": servers, "debug": 4}
        case "iscsi":
            return iscsi_props(image)
        case "rbd":
            return rbd_props(image)
        case "sheepdog":
            return {"driver": "sheepdog", "server": server_inet(_one_host(source, protocol), protocol),
                    "vdi": source.name or ""}  # fmt: skip
        case "ssh":
            host = _one_host(source, protocol)
            props = {"driver": "ssh", "path": source.name or "", "server": server_inet(host, protocol, typed=False)}
            if image.auth is not None:
                props["user"] = image.auth.username
            return props
        case "nfs":
            host = _one_host(source, protocol)
            props = {"driver": "nfs", "server": {"host": host.name or "", "type": "inet"}, "path": source.name or ""}
            for key, name in (("user", source.nfs_user), ("group", source.nfs_group)):
                if name is not None:
                    props[key] = int(name.lstrip("+")) if name.lstrip("+").isdecimal() else name
            return props
        case "vxhs":
            return {"driver": "vxhs", "vdisk-id": source.name or "",
                    "server": server_inet(_one_host(source, protocol), protocol, typed=False)}  # fmt: skip
        case _:
            raise ConfigUnsupported(f"disk: QEMU has no block driver for protocol '{protocol}'")


def curl_props(image: Image) -> Props:
    source, protocol = image.source, image.source.protocol or ""
    host = _one_host(source, protocol)
    name = host.name or ""
    authority = f"[{name}]" if ":" in name else name
    query = f"?{source.query}" if source.query else ""
    path = (source.name or "").lstrip("/")
    url = f"{protocol}://{authority}:{host.port or DEFAULT_PORTS[protocol]}/{path}{query}"
    props: Props = {"driver": protocol, "url": url}
    if image.auth is not None:
        props["username"] = image.auth.username
        props["password-secret"] = f"{image.storage_node}-auth-secret0"
    if source.ssl_verify is not None:
        props["sslverify"] = source.ssl_verify
    if source.cookies:
        props["cookie-secret"] = f"{image.storage_node}-httpcookie-secret0"
    if source.readahead:
        props["readahead"] = source.readahead
    if source.timeout:
        props["timeout"] = source.timeout
    return props


def iscsi_props(image: Image) -> Props:
    source = image.source
    host = _one_host(source, "iscsi")
    target, _, lun = (source.name or "").partition("/")
    name = host.name or ""
    portal = f"[{name}]" if ":" in name else name
    props: Props = {
        "driver": "iscsi",
        "portal": f"{portal}:{host.port or DEFAULT_PORTS['iscsi']}",
        "target": target,
        "lun": int(lun) if lun.isdecimal() else 0,
        "transport": "iser" if host.transport == "rdma" else "tcp",
    }
    if image.auth is not None:
        props["user"] = image.auth.username
        props["password-secret"] = f"{image.storage_node}-auth-secret0"
    if source.initiator:
        props["initiator-name"] = source.initiator
    return props


def rbd_props(image: Image) -> Props:
    source = image.source
    pool, _, name = (source.name or "").partition("/")
    namespace, slash, rest = name.partition("/")
    props: Props = {"driver": "rbd", "pool": pool}
    if slash:
        props["namespace"] = namespace
        name = rest
    props["image"] = name
    if source.snapshot:
        props["snapshot"] = source.snapshot
    if source.config:
        props["conf"] = source.config
    if source.hosts:
        props["server"] = [{"host": h.name or "", "port": str(h.port or 6789)} for h in source.hosts]
    encryption = image.encryption
    if encryption is not None and encryption.engine == "librbd":
        props["encrypt"] = {"format": encryption.format, "key-secret": f"{image.format_node}-encryption-secret0"}
    if image.auth is not None:
        props["user"] = image.auth.username
        props["auth-client-required"] = ["cephx", "none"]
        props["key-secret"] = f"{image.storage_node}-auth-secret0"
    return props


def add_secrets(b: Builder, image: Image) -> None:
    """Secret and TLS objects that the nodes of an image name."""
    source = image.source
    if image.storage == "network" and image.auth is not None:
        auth = image.auth
        kind = auth.secret_type or ("ceph" if source.protocol == "rbd" else "iscsi")
        value = b.context.secret(auth.secret_uuid, auth.secret_usage, kind)
        b.secret_object(f"{image.storage_node}-auth-secret0", value)
    if image.encryption is not None and image.encryption.secrets:
        secret = image.encryption.secrets[0]
        value = b.context.secret(secret.uuid, secret.usage, "volume")
        b.secret_object(f"{image.format_node}-encryption-secret0", value)
    if image.storage == "network" and source.cookies:
        cookies = "; ".join(f"{c.name}={c.value}" for c in source.cookies)
        b.secret_object(f"{image.storage_node}-httpcookie-secret0", cookies.encode())
    if image.storage == "network" and source.tls and source.protocol in ("nbd", "vxhs"):
        b.object(
            {
                "qom-type": "tls-creds-x509",
                "id": f"obj{image.storage_node}_tls0",
                "dir": b.context.tls.nbd,
                "endpoint": "client",
                "verify-peer": True,
            }
        )
