"""Every kind of device that virt-install emits, accepted by a real QEMU; live XML as libvirt's (tests/e2e/devices)."""

from __future__ import annotations

import os
import pwd
import re
import signal
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.test_fault_injection import Faulty
from tests.harness.daemon import Daemon, Pyvirtd, pids_that, wait_for
from tests.harness.devices import HERE, Stage, names, started
from tests.harness.guests import GREETING, guest_files, guest_xml
from tests.harness.programs import missing, require_program, run
from tests.harness.terminal import Terminal

pytestmark = pytest.mark.e2e

NEEDS = {"net-passt": "passt", "tpm-12": "swtpm_setup", "tpm-crb": "swtpm_setup", "tpm-tis": "swtpm_setup"}
SHARED = "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """What the domains refer to."""
    with closing(Stage()) as made:
        yield made


@pytest.fixture(scope="module")
def daemon(stage: Stage) -> Iterator[Daemon]:
    """pyvirtd in the stage's network namespace."""
    with closing(Pyvirtd(prefix=stage.prefix)) as made:
        made.start()
        yield made


def helpers(daemon: Daemon) -> dict[str, list[int]]:
    """Programs that run beside guests, by name."""
    mark, found = f":{daemon.root}/".encode(), dict[str, list[int]]()
    for pid in pids_that(lambda p: b"PYVIRTD_HELPER=" in (e := (p / "environ").read_bytes()) and mark in e):
        try:
            found.setdefault(Path(f"/proc/{pid}/comm").read_text().strip(), []).append(pid)
        except OSError:
            continue
    return found


def traces(daemon: Daemon, stage: Stage) -> list[str]:
    """What a guest that ended must not leave: directories, sockets, interfaces, processes, mark files."""
    found = [str(p) for p in (daemon.root / "run/qemu").rglob("*") if re.match(r"\d+-", p.name)]
    found += [str(p) for p in (daemon.root / "lib/qemu/ram").glob("*")]
    found += [str(p) for p in (daemon.root / "run/qemu").rglob("*.xml")]
    found += [str(p) for p in stage.dir.glob("*.sock") if p.name not in ("nbd.sock", "egd.sock")]
    links = run(*stage.net.prefix, "ip", "-o", "link").check()
    found += re.findall(r"\d+: ((?:vnet|macvtap|tapnew|portq|mvtnamed)\w*)", links)
    return found + [f"{name} {pids}" for name, pids in helpers(daemon).items()]


def nothing_left(daemon: Daemon, stage: Stage) -> None:
    """A guest's traces go within 10 s of its end."""
    try:
        wait_for("nothing left", lambda: not traces(daemon, stage))
    except AssertionError:
        pytest.fail(f"left behind: {traces(daemon, stage)}")


@pytest.mark.parametrize("name", names())
def test_qemu_takes_it_and_the_live_xml_is_libvirts(daemon: Daemon, stage: Stage, name: str) -> None:
    if name in NEEDS:
        require_program(NEEDS[name])
    if name == "vsock" and not Path("/dev/vhost-vsock").exists():
        pytest.skip("this kernel has no vhost-vsock")
    with started(daemon, stage, name) as xml:
        assert daemon.virsh("domstate", "devices").check().strip() == "paused"
        expected = HERE / f"{name}.live.xml"
        if expected.exists():
            assert stage.comparable(daemon, xml).splitlines() == expected.read_text().splitlines()
    nothing_left(daemon, stage)


def test_without_vhost_vsock_the_error_names_it(daemon: Daemon, stage: Stage) -> None:
    if Path("/dev/vhost-vsock").exists():
        pytest.skip("this kernel has it")
    with pytest.raises(AssertionError, match="vhost-vsock"), started(daemon, stage, "vsock"):
        pass
    assert not traces(daemon, stage)


@pytest.fixture
def guest(daemon: Daemon, stage: Stage) -> Iterator[Callable[..., str]]:
    """Defines the small guest with devices, and starts it; it is destroyed and gone afterwards."""

    def make(devices: str, name: str = "small", *, check: bool = True, extra: str = "", **how: str) -> str:
        file = stage.dir / f"{name}.xml"
        text = guest_xml(name, devices=devices, **how)  # type: ignore[arg-type]
        file.write_text(text.replace("<vcpu>", f"{extra}<vcpu>"))
        daemon.virsh("define", str(file)).check()
        said = daemon.virsh("start", name)
        if check:
            said.check()
        return said.err

    yield make
    daemon.virsh("destroy", "small")
    daemon.virsh("undefine", "small", "--nvram")


DEVICES = """
<disk type='file'><driver name='qemu' type='qcow2'/><source file='{dir}/top.qcow2'/><target dev='vda'/></disk>
<disk type='file' device='disk'><source file='{dir}/sata.img'/><target dev='sda' bus='sata'/></disk>
<disk type='file' device='cdrom'><source file='{dir}/cd.iso'/><target dev='sdb' bus='scsi'/></disk>
<controller type='scsi' model='virtio-scsi'/>
<interface type='bridge'><source bridge='brtest'/><model type='virtio'/><mtu size='1300'/></interface>
<interface type='user'><model type='e1000'/></interface>
<channel type='unix'><target type='virtio' name='org.example.port'/></channel>
<rng model='virtio'><backend model='builtin'/></rng>
<tpm model='tpm-tis'><backend type='emulator' version='2.0'/></tpm>
<filesystem type='mount'><driver type='virtiofs'/><source dir='{dir}/shared'/><target dir='fs'/></filesystem>
<filesystem type='mount' accessmode='mapped'><source dir='{dir}/shared'/><target dir='nine'/></filesystem>
<watchdog model='i6300esb' action='reset'/>
"""
LOOKS = {
    "cat /sys/block/vda/size /sys/block/sda/size": "8192",
    "cat /sys/block/sr0/size": "2048",
    "cat /sys/bus/pci/devices/*/device": "0x100e",  # an e1000, which this kernel has no driver for
    "cat /sys/bus/pci/devices/*/device | sort": "0x25ab",  # the watchdog, likewise
    "cat /sys/class/net/eth0/mtu": "1300",
    "cat /sys/class/virtio-ports/*/name": "org.example.port",
    "cat /sys/class/misc/hw_random/rng_available": "virtio_rng",
    "cat /sys/class/tpm/tpm0/tpm_version_major": "2",
    "mkdir -p /m; mount -t virtiofs fs /m && cat /m/hello; umount /m": "shared with the host",
    "cat /sys/bus/virtio/devices/*/device": "0x0009",  # 9p, which this kernel has no driver for
}


@pytest.mark.slow
def test_the_guest_sees_its_devices(
    daemon: Daemon, stage: Stage, guest: Callable[..., str], terminal: Callable[..., Terminal]
) -> None:
    require_program("swtpm_setup")
    guest(DEVICES.format(dir=stage.dir), machine="q35", extra=SHARED)
    console = terminal(require_program("virsh"), "-c", daemon.uri, "console", "small")
    console.expect("Connected to domain")
    console.expect(GREETING, 120)
    for number, (command, answer) in enumerate(LOOKS.items()):
        console.send(f"\r{command}; echo done-$((1000+{number}))\r")
        said = console.expect(f"(?s).*done-{1000 + number}", 20).group()
        assert answer in said, f"{command}: {said}"
    assert sorted(helpers(daemon)) == ["swtpm", "virtiofsd"]
    daemon.virsh("destroy", "small").check()
    nothing_left(daemon, stage)


BESIDE = """
<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>
<filesystem type='mount'><driver type='virtiofs'/><source dir='{dir}/shared'/><target dir='fs'/></filesystem>
<interface type='direct'><source dev='lower' mode='bridge'/><model type='virtio'/></interface>
<channel type='unix'><source mode='bind' path='{dir}/mine.sock'/><target type='virtio' name='x'/></channel>
"""


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("died", ["destroyed later", "died meanwhile"])
def test_helpers_outlive_the_daemon_and_end_with_the_guest(
    daemon: Daemon, stage: Stage, guest: Callable[..., str], how: signal.Signals, died: str
) -> None:
    require_program("swtpm_setup")
    guest(BESIDE.format(dir=stage.dir), machine="q35", extra=SHARED)
    before = helpers(daemon)
    assert sorted(before) == ["swtpm", "virtiofsd"]
    group = Path(f"/proc/{daemon.guests()['small']}/cgroup").read_text()
    for pids in before.values():
        assert [Path(f"/proc/{pid}/cgroup").read_text() for pid in pids] == [group] * len(pids)
    pid = daemon.guests()["small"]
    daemon.stop(how)
    assert helpers(daemon) == before
    if died == "died meanwhile":
        os.kill(pid, signal.SIGKILL)
    daemon.start()
    if died == "destroyed later":
        assert helpers(daemon) == before
        assert daemon.virsh("domstate", "small").check().strip() == "running"
        daemon.virsh("destroy", "small").check()
    nothing_left(daemon, stage)
    assert daemon.virsh("domstate", "small").check().strip() == "shut off"


def test_a_helper_that_cannot_start_leaves_nothing(daemon: Daemon, stage: Stage, guest: Callable[..., str]) -> None:
    broken = "<filesystem type='mount'><driver type='virtiofs'/><binary path='/bin/false'/>" + (
        f"<source dir='{stage.dir}/shared'/><target dir='fs'/></filesystem>" + BESIDE.format(dir=stage.dir)
    )
    said = guest(broken, machine="q35", extra=SHARED, check=False)
    assert said, "a guest whose virtiofsd ends at once was started"
    nothing_left(daemon, stage)


def test_a_tpm_remembers_until_it_is_undefined(daemon: Daemon, stage: Stage, guest: Callable[..., str]) -> None:
    require_program("swtpm_setup")
    guest("<tpm model='tpm-tis'><backend type='emulator' version='2.0'/></tpm>")
    place = daemon.root / "lib/swtpm" / daemon.virsh("domuuid", "small").check().strip()
    state = next(place.rglob("*.permall"))
    made = state.read_bytes()
    assert stat.S_IMODE(state.parent.stat().st_mode) == 0o700
    daemon.virsh("destroy", "small").check()
    daemon.virsh("start", "small").check()
    daemon.virsh("destroy", "small").check()
    assert state.stat().st_size == len(made)
    daemon.virsh("undefine", "small").check()
    assert not place.exists()


FOREIGN = "[qemu]\nuser = 'libvirt-qemu'\n"


@pytest.fixture
def foreign(stage: Stage) -> Iterator[Daemon]:
    """pyvirtd whose guests run as libvirt-qemu."""
    try:
        pwd.getpwnam("libvirt-qemu")
    except KeyError:
        missing("the user libvirt-qemu")
    with closing(Pyvirtd(prefix=stage.prefix)) as made:
        made.configure(FOREIGN)
        made.start()
        yield made


OWNED = ["disks-pc", "efi", "kernel", "serials", "channels", "vnc-autosocket", "spice-socket", "tpm-crb",
         "filesystem-virtiofs", "net-bridge", "net-direct", "net-passt", "memory-file", "memory-memfd", "disks-block"]


@pytest.mark.parametrize("name", OWNED)
def test_guests_run_as_somebody_else_and_files_go_back(foreign: Daemon, stage: Stage, name: str) -> None:
    if name in NEEDS:
        require_program(NEEDS[name])
    stage.fill(name)  # which makes what it needs first
    before = owners(stage)
    user = pwd.getpwnam("libvirt-qemu")
    with started(foreign, stage, name) as xml:
        status = Path(f"/proc/{foreign.guests()['devices']}/status").read_text()
        assert re.search(r"Uid:\s+(\d+)", status)[1] == str(user.pw_uid)  # type: ignore[index]
        lent = [path for path in re.findall(r"(?:file|dev|path)='([^']+\.(?:img|qcow2|iso))'", xml) if "@" not in path]
        assert all(os.stat(path).st_uid == user.pw_uid for path in lent), lent
        if name == "disks-pc":
            assert f"{stage.dir}/base.img" in lent
        if name == "efi":
            nvram = re.search(r"<nvram[^>]*>([^<]+)<", xml)
            assert nvram is not None
            assert os.stat(nvram[1]).st_uid == user.pw_uid
            assert os.stat("/usr/share/OVMF/OVMF_CODE_4M.fd").st_uid == 0
    assert owners(stage) == before
    nothing_left(foreign, stage)


def owners(stage: Stage) -> dict[str, tuple[int, int]]:
    """Who has each file of the stage; logs that guests wrote aside."""
    return {
        str(path): (path.stat().st_uid, path.stat().st_gid)
        for path in stage.dir.rglob("*") if path.suffix in (".img", ".qcow2", ".iso") and path.exists()
    }  # fmt: skip


def test_an_image_behind_a_closed_door(foreign: Daemon, stage: Stage, tmp_path: Path) -> None:
    closed = stage.dir / "closed"
    closed.mkdir(mode=0o700)
    (closed / "disk.img").write_bytes(bytes(1 << 20))
    disk = "<disk type='file'><source file='{}'/><target dev='vda'/></disk>"
    said = {}
    for place in (closed / "disk.img", closed / "none.img", stage.dir / "nowhere/disk.img"):
        file = tmp_path / "d.xml"
        file.write_text(guest_xml("door", devices=disk.format(place)))
        said[place.name + place.parent.name] = foreign.virsh("create", str(file)).fails()
        assert foreign.virsh("list", "--all", "--name").check().split() == []
    assert f"may not enter {closed} (mode 700)" in said["disk.imgclosed"]
    assert f"{closed}/none.img: No such file or directory" in said["none.imgclosed"]
    assert f"No such file or directory at {stage.dir}/nowhere" in said["disk.imgnowhere"]
    assert (closed / "disk.img").stat().st_uid == 0


def test_a_qemu_that_exits_at_once_has_the_last_word(daemon: Daemon, tmp_path: Path) -> None:
    file = tmp_path / "bad.xml"
    text = guest_xml("bad").replace("<domain ", "<domain xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0' ")
    extra = "<qemu:commandline><qemu:arg value='-device'/><qemu:arg value='no-such-device'/></qemu:commandline>"
    file.write_text(text.replace("</domain>", f"{extra}</domain>"))
    said = daemon.virsh("create", str(file)).fails()
    assert "'no-such-device' is not a valid device model name" in said
    assert "shutting down" not in said
    assert daemon.virsh("list", "--all", "--name").check().split() == []


INSTALLS = {
    "plain": "--import --disk path={dir}/raw.img,format=raw --network user --graphics vnc",
    "q35, UEFI, SPICE, TPM": (
        "--import --machine q35 --boot uefi --tpm emulator --disk path={dir}/raw.img,bus=scsi,cache=none,discard=unmap,"
        "serial=abc --controller scsi,model=virtio-scsi --network bridge=brtest,model=virtio,mtu.size=1300,"
        "driver.queues=2 --graphics spice --video qxl --channel spicevmc --redirdev usb,type=spicevmc --sound ich9 "
        "--rng /dev/urandom --watchdog i6300esb,action=reset --panic default --input tablet,bus=usb "
        "--smartcard passthrough,type=spicevmc"
    ),
    "shared memory, character devices": (
        "--machine q35 --disk path={dir}/top.qcow2,bus=sata --cdrom {dir}/cd.iso --network type=direct,source=lower,"
        "source_mode=bridge,model=e1000e --graphics vnc,listen=socket --memorybacking access.mode=shared,"
        "source.type=memfd --filesystem {dir}/shared,tag,driver.type=virtiofs --cpu Nehalem,+aes,topology.sockets=1,"
        "topology.cores=2,topology.threads=1 --vcpus 2 --iothreads 2 --serial file,path={dir}/s.log --serial "
        "pty,log.file={dir}/l.log --parallel pty --console pty,target.type=virtio --channel unix,mode=bind,"
        "path={dir}/ch.sock,target.type=virtio,target.name=org.x --memballoon model=virtio,stats.period=5 --clock "
        "offset=localtime,rtc_tickpolicy=catchup --sysinfo bios.vendor=X,system.product=Y --shmem "
        "shm0,model.type=ivshmem-plain,size=4,size.unit=M --audio type=none,id=1 --iommu intel --features "
        "ioapic.driver=qemu"
    ),
    "two displays, kernel": (
        "--import --disk path={dir}/raw.img,bus=usb --disk path={dir}/floppy.img,device=floppy --network "
        "type=ethernet,target=tapnew --graphics vnc,password=abc,port=5999 --graphics spice,listen=none --boot "
        "kernel={kernel},initrd={initrd},kernel_args=console=ttyS0 --cpu host-model"
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", INSTALLS)
def test_virt_install_gets_what_it_asks_for(daemon: Daemon, stage: Stage, what: str) -> None:
    if "tpm" in INSTALLS[what]:
        require_program("swtpm_setup")
    kernel, initrd = guest_files()
    words = INSTALLS[what].format(dir=stage.dir, kernel=kernel, initrd=initrd).split()
    try:
        run(require_program("virt-install"), "--connect", daemon.uri, "--name", "vi", "--memory", "128", "--virt-type",
            "qemu", "--noautoconsole", "--osinfo", "generic", *words, timeout=60).check()
        assert daemon.virsh("domstate", "vi").check().strip() == "running"
    finally:
        daemon.virsh("destroy", "vi")
        daemon.virsh("undefine", "vi", "--nvram")
    nothing_left(daemon, stage)


class FaultyBeside(Faulty):
    """A daemon in the stage's network that can be told to die."""

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self.stage = stage

    def argv(self) -> Sequence[str]:
        return [*self.stage.prefix, *super().argv()]


@pytest.mark.slow
@pytest.mark.parametrize("operation", ["start", "destroy"])
def test_a_daemon_killed_at_any_step_leaves_no_helper(stage: Stage, tmp_path: Path, operation: str) -> None:
    require_program("swtpm_setup")
    file = tmp_path / "small.xml"
    text = guest_xml("small", devices=BESIDE.format(dir=stage.dir), machine="q35")
    file.write_text(text.replace("<vcpu>", SHARED + "<vcpu>"))
    with closing(FaultyBeside(stage)) as faulty:
        faulty.start()
        faulty.virsh("define", str(file)).check()
        for step in range(1, 60):
            if operation == "destroy":
                faulty.virsh("start", "small").check()
            faulty.fail_at(step)
            said = faulty.virsh(operation, "small")
            died = faulty.died(0.5 if said.code else 0.05)
            at = faulty.steps()
            faulty.fail_at(None)
            if died:
                faulty.process = None
                faulty.start()
            if faulty.virsh("list", "--name").check().split():
                assert sorted(helpers(faulty)) == ["swtpm", "virtiofsd"], at
                faulty.virsh("destroy", "small").check()
            assert not faulty.guests(), at
            nothing_left(faulty, stage)
            if not died:
                assert said.code == 0, said.err
                assert "helper" in at
                return
    pytest.fail("it takes more than 60 steps")
