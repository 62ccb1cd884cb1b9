"""Domains with every kind of device (tests/e2e/devices): what they refer to on the host, and comparable live XML.

    python -m tests.harness.devices [--record] [NAME ...]

starts each of them, paused, on pyvirtd and on the real libvirtd and prints how live XML and QEMU's words differ;
--record writes libvirtd's live XML to NAME.live.xml, which the tests compare with.
"""

from __future__ import annotations

import argparse
import difflib
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from tests.harness.daemon import SHORT_TMP, Daemon, Pyvirtd, Reference, wait_for
from tests.harness.guests import guest_files
from tests.harness.netns import NetworkNamespace
from tests.harness.programs import TOP, missing, require_program, run

HERE = TOP / "tests/e2e/devices"
PORTS = ("NBDPORT", "TCPPORT", "UDPPORT", "UDPBIND")
IMAGES = {
    "raw.img": 4, "base.img": 4, "ide.img": 4, "usb.img": 4, "sata.img": 4, "cd.iso": 1, "cd2.iso": 1, "nvdimm.img": 64,
    "loop.img": 4, "nbd.img": 4,
}  # fmt: skip
"""Names and sizes in MiB of the empty images."""


def names() -> list[str]:
    """Of all domains."""
    return sorted(path.stem for path in HERE.glob("*.xml") if not path.stem.endswith(".live"))


class Stage:
    """A directory with everything that the domains name, and a network namespace with what they plug into."""

    def __init__(self) -> None:
        self.dir = Path(tempfile.mkdtemp(prefix="pv-dev-", dir=SHORT_TMP))
        self.dir.chmod(0o777)  # guests run as somebody else, and make sockets here
        self.net = NetworkNamespace()
        self.ports = {name: free_port(self.net) for name in PORTS}
        self._helpers: list[subprocess.Popen[bytes]] = []
        self._loop: str | None = None
        self._images()
        self._links()

    @property
    def prefix(self) -> Sequence[str]:
        """Command line prefix that enters the network namespace, with the part of /sys that belongs to it."""
        script = """
mount -t sysfs sysfs "$0" && mount --bind "$0/class/net" /sys/class/net &&
mount --bind "$0/devices/virtual/net" /sys/devices/virtual/net && umount -l "$0" && exec "$@"
"""
        place = self.dir / "sys"
        place.mkdir(exist_ok=True)
        return [*self.net.prefix, require_program("unshare"), "-m", "sh", "-c", script, str(place)]

    def _images(self) -> None:
        for name, size in IMAGES.items():
            with open(self.dir / name, "wb") as file:
                file.truncate(size << 20)
        with open(self.dir / "floppy.img", "wb") as file:
            file.truncate(1474560)
        tool = require_program("qemu-img")
        for name, below, form in (("mid", "base.img", "raw"), ("top", "mid.qcow2", "qcow2")):
            run(tool, "create", "-q", "-f", "qcow2", "-b", below, "-F", form, str(self.dir / f"{name}.qcow2")).check()
        (self.dir / "shared").mkdir()
        (self.dir / "shared/hello").write_text("shared with the host\n")
        os.mkfifo(self.dir / "pipe")
        self.dir.joinpath("shared").chmod(0o755)

    def _links(self) -> None:
        for words in (
            "link add brtest type bridge", "link set brtest up", "link add lower type veth peer name upper",
            "link set lower up", "link set upper up", "addr add 192.0.2.1/24 dev upper",
            "route add default via 192.0.2.254 dev upper",
            "tuntap add tapown mode tap vnet_hdr",
        ):  # fmt: skip
            run(*self.net.prefix, "ip", *words.split()).check()

    @property
    def loop(self) -> str:
        """A block device: loop.img as one."""
        if self._loop is None:
            said = run(require_program("losetup"), "-f", "--show", str(self.dir / "loop.img"))
            if said.code:
                missing(f"a loop device ({said.err.strip()})")
            self._loop = said.out.strip()
        return self._loop

    def serve(self, text: str) -> None:
        """Start the servers that a domain names: NBD, and a daemon of randomness."""
        image, pipe = str(self.dir / "nbd.img"), subprocess.DEVNULL
        common = [require_program("qemu-nbd"), "-t", "-e", "4", "-f", "raw", "-x", "export"]
        if "@DIR@/nbd.sock" in text and not (self.dir / "nbd.sock").exists():
            tcp = ["-b", "127.0.0.1", "-p", str(self.ports["NBDPORT"])]
            for where in (["-k", str(self.dir / "nbd.sock")], tcp):
                argv = [*self.net.prefix, *common, *where, image]
                self._helpers.append(subprocess.Popen(argv, stdin=pipe, stdout=pipe))
                image = str(self.dir / "nbd2.img")
                shutil.copy(self.dir / "nbd.img", image)
            wait_for("qemu-nbd", (self.dir / "nbd.sock").exists)
            (self.dir / "nbd.sock").chmod(0o666)
        if "@DIR@/egd.sock" in text and not (self.dir / "egd.sock").exists():
            self._egd = socket.socket(socket.AF_UNIX)
            self._egd.bind(str(self.dir / "egd.sock"))
            self._egd.listen(8)
            (self.dir / "egd.sock").chmod(0o666)

    def fill(self, name: str) -> str:
        """The XML of a domain with this stage's paths and ports."""
        text = (HERE / f"{name}.xml").read_text()
        self.serve(text)
        words: dict[str, Callable[[], str]] = {
            "@DIR@": lambda: str(self.dir), "@LOOP@": lambda: self.loop,
            "@KERNEL@": lambda: str(guest_files()[0]), "@INITRD@": lambda: str(guest_files()[1]),
            **{f"@{port}@": (lambda port=port: str(self.ports[port])) for port in PORTS},
        }  # fmt: skip
        return re.sub("@[A-Z]+@", lambda match: words[match.group()](), text)

    def comparable(self, daemon: Daemon, text: str) -> str:
        """Live XML or words of QEMU without what differs from run to run and from daemon to daemon."""
        for path, word in ((str(self.dir), "@DIR@"), (self._loop or "@LOOP@", "@LOOP@")):
            text = text.replace(path, word)
        for port, number in self.ports.items():
            text = re.sub(rf"\b{number}\b", f"@{port}@", text)
        for path in guest_files():
            text = text.replace(str(path), f"@{'KERNEL' if path.name == 'vmlinuz' else 'INITRD'}@")
        for pattern, word in RULES:
            text = re.sub(pattern, word, text)
        return re.sub(rf"({re.escape(str(daemon.root))}|/var/lib/libvirt|/run/libvirt)[^'\",\s]*/", "@STATE@/", text)

    def close(self) -> None:
        """Remove all of it."""
        for helper in self._helpers:
            helper.kill()
            helper.wait(10)
        if self._loop:
            run(require_program("losetup"), "-d", self._loop)
        self.net.close()
        shutil.rmtree(self.dir, ignore_errors=True)


RULES = [
    (r"(<domain type='qemu' id=)'\d+'", r"\1'@ID@'"),
    (r"<uuid>[0-9a-f-]{36}</uuid>", "<uuid>@UUID@</uuid>"),
    (r"/dev/pts/\d+", "@PTY@"),
    (r"'(5[79]\d\d)'", "'@PORT@'"),
    (r"dev='(vnet|macvtap)\d+'", r"dev='\g<1>@N@'"),
    (r"\bfd=\d+", "fd=@FD@"),
    (r'("fds?":)"[\d:]+"', r'\1"@FD@"'),
    (r"(?m)^(PATH|PYVIRTD_GUEST|HOME|XDG_[A-Z_]*)=.*\n", ""),
    (r"(?m)(?<=^-uuid\n).*", "@UUID@"),
    (r"\n *<seclabel (.|\n)*?</seclabel>", ""),
    (r"(/domain-)\d+-", r"\1@ID@-"),
    (r"(?<=/)\d+-devices", "@ID@-devices"),
    # Newer than the libvirt compared with: what the firmware was chosen by, and its format, stay in the definition.
    (r"<os firmware='efi'>", "<os>"),
    (r"(<(loader|nvram)[^>]*) format='raw'", r"\1"),
    (r"\b(pc-q35|pc-i440fx)-\d+\.\d+", r"\1-@VERSION@"),
    # What the host and this QEMU made of the CPU.
    (r"(<cpu [^>]*) check='(full|none|partial)'", r"\1"),
    (r"\n *<feature policy='(require|disable)' name='[^']*'/>", ""),
    (r"\n *<resource>\n *<partition>.*</partition>\n *</resource>", ""),
    (r"(,path=[^,]*,readonly)=on", r"\1"),
    (r"base=20\d\d-[-0-9T:]+", "base=@TIME@"),
]


def free_port(net: NetworkNamespace) -> int:
    """A port that nobody has, in the namespace or here."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class NetReference(Reference):
    """The real libvirtd in a network namespace of somebody else's."""

    def __init__(self, net: NetworkNamespace) -> None:
        super().__init__(own_network=False)
        self.net = net

    def argv(self) -> Sequence[str]:
        return [*self.net.prefix, *super().argv()]


@contextmanager
def started(daemon: Daemon, stage: Stage, name: str) -> Iterator[str]:
    """Define and start a domain, paused; its live XML. It is destroyed and gone afterwards."""
    file = stage.dir / f"{name}.xml"
    file.write_text(stage.fill(name))
    daemon.virsh("define", str(file)).check()
    try:
        daemon.virsh("start", "devices", "--paused").check()
        yield daemon.virsh("dumpxml", "devices", "--security-info").check()
    finally:
        daemon.virsh("destroy", "devices")
        daemon.virsh("undefine", "devices", "--nvram").check()


def words_of(daemon: Daemon) -> list[str]:
    """The words of the last command line in the guest's log."""
    log = next(daemon.root.glob("log/**/devices.log")).read_text(errors="replace")
    start = log[log.rindex("starting up") :].replace(" \\\n", " ")
    return shlex.split(next(line for line in start.splitlines() if line.startswith("LC_ALL")))


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--record", action="store_true")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    with ExitStack() as stack:
        stage = stack.enter_context(closing(Stage()))
        theirs: Daemon = stack.enter_context(closing(NetReference(stage.net)))
        ours: Daemon = stack.enter_context(closing(Pyvirtd(prefix=stage.prefix)))
        daemons = [theirs] if options.record else [theirs, ours]
        for daemon in daemons:
            daemon.start()
        for name in options.names or names():
            print(f"=== {name}", flush=True)
            said: list[list[str]] = []
            for daemon in daemons:
                try:
                    with started(daemon, stage, name) as xml:
                        xml = stage.comparable(daemon, xml)
                        words = stage.comparable(daemon, "\n".join(words_of(daemon)))
                except AssertionError as error:
                    print(f"{daemon.name}: {error}", flush=True)
                    xml, words = "", ""
                said += [xml.splitlines(), words.splitlines()]
                if options.record and xml:
                    (HERE / f"{name}.live.xml").write_text(xml)
            for index, what in enumerate(("live XML", "words") if len(said) == 4 else ()):
                for line in difflib.unified_diff(said[index], said[index + 2], what, "pyvirtd", lineterm="", n=1):
                    print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
