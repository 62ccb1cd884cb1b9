#!/usr/bin/env python3
"""Build the small guest that `make run` and the end-to-end tests boot: a kernel and an initrd, nothing else.

    tools/guest.py [--agent] [--force] [DIR]     prints the directory that holds vmlinuz and initrd.img

Everything comes from Debian packages: the cloud kernel, busybox-static and, with --agent, the QEMU guest agent
with the libraries it needs. Packages are fetched with `apt-get download` and unpacked into the cache; nothing is
installed, and root is not needed. The default place is $XDG_CACHE_HOME/pyvirtd/guest-<recipe>, so a changed recipe
builds a new guest and the second call costs nothing.

Inside: busybox init, drivers loaded by modalias at boot and on hotplug, DHCP on every network interface, the ACPI
power button powers off, a root shell on the serial console. The greeting is the line GREETING below.
Kernel command line: `console=ttyS0 quiet`, and to choice `nodhcp`, `noacpi` (the power button does nothing),
`hostname=NAME`.
"""

from __future__ import annotations

import argparse
import fcntl
import gzip
import hashlib
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

GREETING = "pyvirtd guest is up"
KERNEL_PACKAGE = "linux-image-cloud-amd64"
AGENT_PACKAGE = "qemu-guest-agent"
# What the guest's root file system may load; dependencies come along. Names the kernel lacks are left out.
MODULES = """
virtio_pci virtio_blk virtio_net virtio_console virtio_balloon virtio_rng virtio_scsi virtio_mem
vmw_vsock_virtio_transport virtiofs 9p 9pnet_virtio sd_mod sr_mod button evdev ahci ata_piix nvme xhci_pci usb_storage
e1000 e1000e ext4 isofs vfat nls_ascii nls_cp437 qemu_fw_cfg pvpanic-pci i6300esb psmouse tpm_tis tpm_crb acpiphp
""".split()

INIT = """#!/bin/sh
export PATH=/bin:/sbin:/usr/bin:/usr/sbin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /run
ip link set lo up
name=$(sed -n 's/.*hostname=\\([^ ]*\\).*/\\1/p' /proc/cmdline)
hostname "${name:-pyvirtd-guest}"
# A bus driver brings up devices that ask for drivers of their own: two more rounds reach them.
for round in 1 2 3; do
  find /sys/devices -name modalias -exec cat {} + | sort -u | xargs modprobe -a -b -q
done 2>/dev/null
modprobe -q evdev
uevent /etc/plugged >/dev/null 2>&1 &
for nic in /sys/class/net/e*; do
  [ -e "$nic" ] && ACTION=add SUBSYSTEM=net INTERFACE=${nic##*/} /etc/plugged
done
for port in /sys/class/virtio-ports/*; do
  [ -e "$port" ] && ACTION=add SUBSYSTEM=virtio-ports DEVNAME=${port##*/} /etc/plugged
done
if ! grep -qw noacpi /proc/cmdline; then
  acpid -d -l /dev/null >/dev/null 2>&1 &
  # Whoever reads the greeting may press the power button at once: somebody has to listen for it by then.
  for try in $(seq 100); do
    ls -l "/proc/$!/fd" 2>/dev/null | grep -q /dev/input/event && break
    [ -d "/proc/$!" ] || break
    sleep 0.05
  done
fi
echo "GREETING, $(cut -d' ' -f1 /proc/uptime) seconds after its kernel" >/dev/console
exec /sbin/init
""".replace("GREETING", GREETING)

PLUGGED = """#!/bin/sh
# Called once for every device the kernel announces.
export PATH=/bin:/sbin:/usr/bin:/usr/sbin
[ "$ACTION" = add ] || exit 0
[ -n "$MODALIAS" ] && modprobe -b -q "$MODALIAS"
case $SUBSYSTEM in
net)
  grep -qw nodhcp /proc/cmdline && exit 0
  case $INTERFACE in e*) ip link set "$INTERFACE" up
    udhcpc -b -i "$INTERFACE" -s /etc/leased >/dev/null 2>&1 & ;;
  esac ;;
virtio-ports)
  read -r label <"/sys/class/virtio-ports/${DEVNAME##*/}/name" || exit 0
  mkdir -p /dev/virtio-ports
  ln -sf "../${DEVNAME##*/}" "/dev/virtio-ports/$label"
  [ "$label" = org.qemu.guest_agent.0 ] && [ -x /usr/sbin/qemu-ga ] &&
    qemu-ga -d -m virtio-serial -p "/dev/virtio-ports/$label" -t /run -f /run/qemu-ga.pid ;;
cpu|memory)
  [ -e "/sys$DEVPATH/online" ] && echo 1 >"/sys$DEVPATH/online" ;;
esac
exit 0
"""

LEASED = """#!/bin/sh
# udhcpc's script: put the lease to use.
case $1 in bound|renew)
  ip addr flush dev "$interface"
  ip addr add "$ip/${mask:-24}" dev "$interface"
  [ -n "$router" ] && ip route replace default via "${router%% *}"
  echo "address $interface $ip" >/dev/console ;;
esac
"""

INITTAB = """::sysinit:/bin/true
ttyS0::respawn:-/bin/sh
::ctrlaltdel:/sbin/reboot
::shutdown:/bin/umount -a -r
"""

PROFILE = """export PATH=/bin:/sbin:/usr/bin:/usr/sbin HOME=/root TERM=vt100 PS1='guest# '
cd /root
"""


def recipe(agent: bool) -> str:
    """A short name for what this file would build."""
    text = "\0".join([INIT, PLUGGED, LEASED, INITTAB, PROFILE, *MODULES, KERNEL_PACKAGE, str(agent), "1"])
    return ("agent-" if agent else "") + hashlib.sha256(text.encode()).hexdigest()[:12]


def default_place(agent: bool) -> Path:
    """Where the guest of this recipe is kept."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(cache) / "pyvirtd" / f"guest-{recipe(agent)}"


def run(*argv: str, cwd: Path | None = None) -> str:
    """Output of a command; its stderr goes into the exception when it fails."""
    done = subprocess.run(argv, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600)
    if done.returncode:
        raise SystemExit(f"guest.py: {' '.join(argv[:3])}… failed:\n{done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def kernel_package() -> str:
    """The package that the cloud kernel's meta package stands for."""
    for attempt in (1, 2):
        out = subprocess.run(
            ["apt-cache", "depends", "--important", KERNEL_PACKAGE], capture_output=True, text=True, timeout=60
        ).stdout
        if found := re.search(r"Depends: (linux-image-[0-9]\S*)", out):
            return found[1]
        if attempt == 1 and os.geteuid() == 0:
            run("apt-get", "update", "-q")
    raise SystemExit(f"guest.py: apt knows no {KERNEL_PACKAGE}; run `apt-get update` as root")


def fetch(packages: list[str], into: Path, work: Path) -> None:
    """Download Debian packages and unpack them into one tree."""
    debs = Path(tempfile.mkdtemp(dir=work))
    argv = ["apt-get", "download", "-q", "-o", "APT::Sandbox::User=root", *packages]
    done = subprocess.run(argv, cwd=debs, capture_output=True, text=True, timeout=900)
    if done.returncode and os.geteuid() == 0:  # the package list may be older than the archive
        run("apt-get", "update", "-q")
        done = subprocess.run(argv, cwd=debs, capture_output=True, text=True, timeout=900)
    if done.returncode:
        raise SystemExit(f"guest.py: cannot download {' '.join(packages)}:\n{done.stderr.strip()}")
    for deb in sorted(debs.glob("*.deb")):
        run("dpkg-deb", "-x", str(deb), str(into))


def add_modules(busybox: Path, unpacked: Path, version: str, root: Path) -> None:
    """Copy the modules in MODULES with what they depend on, and index them."""
    source = next(p for p in (unpacked / "lib/modules", unpacked / "usr/lib/modules") if p.is_dir()) / version
    files = {p.name.split(".ko")[0].replace("-", "_"): p for p in source.rglob("*.ko*")}
    todo, seen = [m.replace("-", "_") for m in MODULES], set[str]()
    while todo:
        name = todo.pop()
        if name in seen or name not in files:
            continue
        seen.add(name)
        blob = files[name].read_bytes()
        # .modinfo holds NUL-separated key=value strings
        for kind, value in re.findall(rb"\0(depends|softdep)=([^\0]*)", blob):
            text = value.decode().replace("pre:", " ").replace("post:", " ").replace(",", " ")
            todo += [n.replace("-", "_") for n in text.split()] if kind else []
        target = root / "lib/modules" / version / files[name].relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(files[name], target)
    for name in ("modules.builtin", "modules.order"):
        shutil.copy(source / name, root / "lib/modules" / version / name)
    run(str(busybox), "depmod", "-b", str(root), version)


def add_agent(root: Path, work: Path) -> None:
    """The QEMU guest agent and every library it is linked with."""
    skip = re.compile(r"lib(perl|apt|db5|debconf|text|locale|pam|gcrypt|gpg|audit|semanage|sepol)")
    listed = run(
        "apt-cache",
        "depends",
        "--recurse",
        "--no-recommends",
        "--no-suggests",
        "--no-conflicts",
        "--no-breaks",
        "--no-replaces",
        "--no-enhances",
        AGENT_PACKAGE,
    )
    wanted = {
        n
        for n in re.findall(r"^(\S+)$", listed, re.M)
        if n == AGENT_PACKAGE or (re.match(r"(lib[a-z0-9.+-]+|zlib1g)$", n) and not skip.match(n))
    }
    tree = work / "agent"
    fetch(sorted(wanted), tree, work)
    loader = next(p for p in tree.rglob("ld-linux-x86-64.so.2") if not p.is_symlink() or p.exists()).resolve()
    agent = next(p for p in tree.rglob("qemu-ga") if p.is_file())
    libraries = ":".join(sorted({str(p.parent) for p in tree.rglob("*.so*")}))
    linked = run(str(loader), "--library-path", libraries, "--list", str(agent))
    for path in re.findall(r"=> (/\S+) ", linked):
        shutil.copy(path, root / "lib" / os.path.basename(path))
    shutil.copy(loader, root / "lib64/ld-linux-x86-64.so.2")
    shutil.copy(agent, root / "usr/sbin/qemu-ga")


def write_initrd(root: Path, target: Path) -> None:
    """Pack a tree as a gzipped newc cpio archive (kernel: Documentation/driver-api/early-userspace)."""
    with gzip.open(target, "wb", compresslevel=6) as out:

        def member(name: str, mode: int, data: bytes, number: int) -> None:
            encoded = name.encode() + b"\0"
            fields = [number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(encoded), 0]
            head = b"070701" + b"".join(b"%08x" % f for f in fields) + encoded
            out.write(head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4))

        for number, path in enumerate(sorted(root.rglob("*")), start=1):
            info = path.lstat()
            data = os.readlink(path).encode() if path.is_symlink() else path.read_bytes() if path.is_file() else b""
            mode = (
                info.st_mode
                if path.is_symlink()
                else stat.S_IFMT(info.st_mode) | (0o755 if path.is_dir() or info.st_mode & 0o111 else 0o644)
            )
            member(str(path.relative_to(root)), mode, data, number)
        member("TRAILER!!!", 0, b"", 0)


def build(place: Path, agent: bool) -> None:
    """Make vmlinuz and initrd.img in an existing directory."""
    with tempfile.TemporaryDirectory(dir=place) as scratch:
        work, root = Path(scratch), Path(scratch) / "root"
        kernel = kernel_package()
        version = kernel.removeprefix("linux-image-")
        print(f"guest.py: fetching {kernel} and busybox-static", file=sys.stderr, flush=True)
        unpacked = work / "unpacked"
        fetch([kernel, "busybox-static"], unpacked, work)
        for name in (
            "bin sbin usr/bin usr/sbin dev proc sys run tmp mnt root var/log var/run lib lib64 etc/acpi/PWRF"
        ).split():
            (root / name).mkdir(parents=True)
        busybox = next(p for p in (unpacked / "bin/busybox", unpacked / "usr/bin/busybox") if p.exists())
        shutil.copy(busybox, root / "bin/busybox")
        for applet in run(str(busybox), "--list").split():
            if applet != "busybox":
                (root / "bin" / applet).symlink_to("busybox")
        (root / "sbin/init").symlink_to("../bin/busybox")
        (root / "sbin/modprobe").symlink_to("../bin/busybox")
        for name, text, mode in (
            ("init", INIT, 0o755),
            ("etc/plugged", PLUGGED, 0o755),
            ("etc/leased", LEASED, 0o755),
            ("etc/inittab", INITTAB, 0o644),
            ("etc/profile", PROFILE, 0o644),
            ("etc/acpi/PWRF/00000080", "#!/bin/sh\nexec poweroff\n", 0o755),
        ):
            (root / name).write_text(text)
            (root / name).chmod(mode)
        add_modules(busybox, unpacked, version, root)
        if agent:
            print(f"guest.py: fetching {AGENT_PACKAGE} and its libraries", file=sys.stderr, flush=True)
            add_agent(root, work)
        write_initrd(root, work / "initrd.img")
        shutil.copy(unpacked / "boot" / f"vmlinuz-{version}", work / "vmlinuz")
        for name in ("vmlinuz", "initrd.img"):
            (work / name).chmod(0o644)
            os.replace(work / name, place / name)


def guest(agent: bool = False, place: Path | None = None, force: bool = False) -> Path:
    """The directory with the guest's vmlinuz and initrd.img; built when it isn't there."""
    place = place or default_place(agent)
    place.mkdir(parents=True, exist_ok=True)
    done = place / "built"
    with open(place / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if force or not done.exists():
            build(place, agent)
            done.write_text(recipe(agent) + "\n")
    return place


def main() -> None:
    """Command line of this tool."""
    parser = argparse.ArgumentParser(description="build the small test guest")
    parser.add_argument("--agent", action="store_true", help="with the QEMU guest agent")
    parser.add_argument("--force", action="store_true", help="build it again")
    parser.add_argument("place", nargs="?", type=Path, metavar="DIR", help="where to (default: the user's cache)")
    chosen = parser.parse_args()
    print(guest(chosen.agent, chosen.place, chosen.force))


if __name__ == "__main__":
    main()
