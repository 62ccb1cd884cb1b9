"""A proxy that writes down what a real client and the real libvirtd say to each other.

`python -m tests.protocol.recorder` renews tests/protocol/recorded: virsh and our own client talk to a private real
libvirtd through it. A recording is zlib over entries of: direction (0 client, 1 daemon, 2 a new connection), number of
file descriptors, length (4 bytes, big endian), bytes.
"""

from __future__ import annotations

import array
import asyncio
import os
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from tests.harness.daemon import Reference
from tests.harness.programs import require_program

HERE = Path(__file__).with_name("recorded")
CLIENT, DAEMON, CONNECT = range(3)
ENTRY = struct.Struct(">BBI")


class Entry(NamedTuple):
    """What one read of the proxy brought."""

    direction: int
    files: int
    data: bytes


def load(path: Path) -> Iterator[list[Entry]]:
    """The connections of a recording, each as its entries."""
    raw = zlib.decompress(path.read_bytes())
    at, entries = 0, []
    while at < len(raw):
        direction, files, size = ENTRY.unpack_from(raw, at)
        at += ENTRY.size
        if direction == CONNECT and entries:
            yield entries
            entries = []
        if direction != CONNECT:
            entries.append(Entry(direction, files, raw[at : at + size]))
        at += size
    yield entries


class Recorder:
    """Listens on `path`, passes everything to `target` and back, file descriptors included."""

    def __init__(self, path: Path, target: Path) -> None:
        self.target = target
        self.raw = bytearray()
        self._lock = threading.Lock()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(8)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._note(CONNECT, 0, b"")
            daemon = socket.socket(socket.AF_UNIX)
            daemon.connect(str(self.target))
            threads = [
                threading.Thread(target=self._relay, args=(CLIENT, client, daemon), daemon=True),
                threading.Thread(target=self._relay, args=(DAEMON, daemon, client), daemon=True),
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(60)
            client.close()
            daemon.close()

    def _relay(self, direction: int, source: socket.socket, to: socket.socket) -> None:
        while True:
            try:
                data, ancillary, _, _ = source.recvmsg(1 << 18, socket.CMSG_SPACE(128))
            except OSError:
                data, ancillary = b"", []
            if not data:
                for end in (source, to):
                    try:
                        end.shutdown(socket.SHUT_RDWR)
                    except OSError:
                        continue
                return
            files = array.array("i")
            for _, _, part in ancillary:
                files.frombytes(part[: len(part) - len(part) % files.itemsize])
            self._note(direction, len(files), data)
            if files:
                to.sendall(data[:-1])  # the descriptor belongs to the last byte: a plain read before it would drop it
                to.sendmsg([data[-1:]], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, files)])
                for file in files:
                    os.close(file)
            else:
                to.sendall(data)

    def _note(self, direction: int, files: int, data: bytes) -> None:
        with self._lock:
            self.raw += ENTRY.pack(direction, files, len(data)) + data

    def save(self, name: str) -> int:
        """Write it down and start anew; returns the size of the file."""
        with self._lock:
            packed = zlib.compress(bytes(self.raw), 9)
            self.raw.clear()
        (HERE / name).write_bytes(packed)
        return len(packed)


def virsh(uri: str, *lines: str) -> None:
    """One virsh with several commands in it; what they answer doesn't matter here."""
    argv = [require_program("virsh"), "-q", "-c", uri]
    said = "\n".join(line for each in lines for line in each.split("; ")) + "\nquit\n"
    subprocess.run(argv, input=said.encode(), capture_output=True, timeout=120, check=False)


LOOKING = (
    "list --all; list --all --title; dominfo test; dumpxml test; domstats; domstats test --raw; vcpuinfo test",
    "vcpupin test; emulatorpin test; iothreadinfo test; schedinfo test; memtune test; numatune test; blkiotune test",
    "domstate test --reason; domiflist test; domblklist test; dommemstat test; vcpucount test; domjobinfo test",
    "nodeinfo; nodecpustats; nodememstats; nodecpumap; freecell --all; capabilities; hostname; uri; version; sysinfo",
    "net-list --all; net-info default; net-dumpxml default; net-uuid default; net-dhcp-leases default",
    "pool-list --all --details; pool-info default-pool; pool-dumpxml default-pool; vol-list default-pool --details",
    "nodedev-list --tree; nodedev-dumpxml computer; iface-list --all; iface-dumpxml eth1; secret-list; nwfilter-list",
    "dominfo nobody; net-info nobody; pool-info nobody; domxml-to-native qemu-argv test; domifaddr test",
    "domfsinfo test; guestinfo test; domtime test; domhostname test; domid test; domuuid test; domname 1",
    "snapshot-list test",
)
CHANGING = (
    "suspend test; resume test; setmem test 1048576; setvcpus test 1 --config; schedinfo test --set weight=70",
    "desc test --title changed --config; metadata test urn:a --set '<a/>' --key a; autostart test; dominfo test",
    "snapshot-create-as test one; snapshot-list test --tree; snapshot-dumpxml test one; snapshot-delete test one",
    "memtune test --soft-limit 1048576; screenshot test {0}/shot.png",
    "save test {0}/save; restore {0}/save; reboot test",
    "pool-define-as p dir --target {0}/p; pool-build p; pool-start p; vol-create-as p v 1M; vol-info v p; vol-path v p",
    "net-define {0}/net.xml; net-start recorded; net-destroy recorded; net-undefine recorded; shutdown test",
)
STORING = (
    "pool-create-as p dir --target {0}; vol-create-as p v 3M --allocation 0; vol-upload v {0}/in p; vol-list p",
    "vol-upload v {0}/in p --sparse; vol-download v {0}/out p --sparse; vol-download v {0}/out p --length 5000",
    "vol-wipe v p; vol-resize v 4M p; vol-clone v w p; vol-delete w p; pool-refresh p; pool-destroy p",
)


async def our_client(uri: str, place: Path) -> None:
    """What virsh can't be made to say here: events of all objects, file descriptors, keepalive."""
    from pyvirtd.client import connect
    from pyvirtd.protocol.remote import events

    async with connect(uri, keepalive=(0.2, 5)) as conn:
        kinds = [events.DomainEventLifecycle, events.NetworkEventLifecycle, events.StoragePoolEventLifecycle]
        open_ones = [await conn.events(kind).__aenter__() for kind in kinds]
        ref = await conn.domain_define_xml(DOMAIN)
        with open(place / "file", "w") as file:  # noqa: ASYNC230
            await conn.domain_fd_associate(ref, "disk", 0, files=[file.fileno(), file.fileno()])
        await conn.domain_undefine(ref)
        await conn.network_define_xml(NETWORK)
        await conn.storage_pool_undefine(await conn.storage_pool_define_xml(POOL, 0))
        await asyncio.sleep(0.3)
        for one in open_ones:
            await one.__aexit__(None, None, None)
    async with connect(uri) as conn:
        await conn.connect_domain_event_register()
        await conn.domain_undefine(await conn.domain_define_xml(DOMAIN))
        await asyncio.sleep(0.3)
        await conn.connect_domain_event_deregister()


DOMAIN = "<domain type='qemu'><name>fds</name><memory>65536</memory><os><type>hvm</type></os></domain>"
POOL = "<pool type='dir'><name>recorded</name><target><path>/recorded</path></target></pool>"
NETWORK = "<network><name>recorded</name><ip address='10.9.8.1' netmask='255.255.255.0'/></network>"


def record(name: str, daemon: Reference, scheme: str, talk: Callable[[str, Path], None]) -> None:
    """One recording."""
    place = Path(tempfile.mkdtemp(prefix="rec-", dir="/tmp"))
    try:
        with open(place / "in", "wb") as file:
            file.seek(1 << 20)
            file.write(b"recorded " * 1000)
            file.truncate(2 << 20)
        (place / "net.xml").write_text(NETWORK)
        path = {"test": "/default"}.get(scheme, "/system")
        recorder = Recorder(place / "sock", daemon.socket)
        talk(f"{scheme}+unix://{path}?socket={place}/sock", place)
        print(name, recorder.save(name), "bytes")
    finally:
        shutil.rmtree(place)


def main() -> None:
    """Renew all recordings."""
    HERE.mkdir(exist_ok=True)
    daemon = Reference()
    daemon.start()
    try:
        record("looking", daemon, "test", lambda uri, place: virsh(uri, *LOOKING))
        record("changing", daemon, "test", lambda uri, place: virsh(uri, *(c.format(place) for c in CHANGING)))
        record("storing", daemon, "qemu", lambda uri, place: virsh(uri, *(c.format(place) for c in STORING)))
        record("our-client", daemon, "qemu", lambda uri, place: asyncio.run(our_client(uri, place)))
    finally:
        daemon.close()


if __name__ == "__main__":
    main()
