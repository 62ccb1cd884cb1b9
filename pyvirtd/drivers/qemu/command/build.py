"""The whole command line: which builder writes when. The order is libvirt's; QEMU cares about some of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyvirtd.drivers.qemu.command import boot, cpu, machine, memory, small
from pyvirtd.drivers.qemu.command.builder import Builder
from pyvirtd.drivers.qemu.command.context import QemuCommand
from pyvirtd.drivers.qemu.command.controller import add_controllers, add_global_controllers
from pyvirtd.drivers.qemu.command.disk import add_disks, add_floppy_controllers, number_nodes
from pyvirtd.drivers.qemu.command.filesystem import add_filesystems
from pyvirtd.drivers.qemu.command.graphics import add_graphics
from pyvirtd.drivers.qemu.command.hostdev import add_hostdevs, add_redirdevs
from pyvirtd.drivers.qemu.command.interface import add_interfaces
from pyvirtd.drivers.qemu.command.overrides import add_arguments, add_overrides
from pyvirtd.drivers.qemu.command.serial import add_channels, add_consoles, add_serials
from pyvirtd.drivers.qemu.command.sound import add_audios, add_sounds
from pyvirtd.drivers.qemu.command.video import add_videos
from pyvirtd.drivers.qemu.command.words import escape, json_word
from pyvirtd.errors import InternalError

if TYPE_CHECKING:
    from pyvirtd.conf.domain.domain import DomainDef
    from pyvirtd.drivers.qemu.capabilities import QemuCapabilities
    from pyvirtd.drivers.qemu.command.context import LaunchContext

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def build_command(definition: DomainDef, caps: QemuCapabilities, launch: LaunchContext) -> QemuCommand:
    """QEMU's command line for a definition that went through post-parse and has aliases.

    Raises ConfigUnsupported for what QEMU can't do, InternalError for what should have been prepared and wasn't.
    """
    b = Builder(definition, caps, launch)
    b.settle_boot_order()
    number_nodes(b)
    emulator = b.devices.emulator or caps.binary
    b.add(emulator)
    machine.add_name(b)
    add_reservations(b)
    boot.add_flash(b)
    machine.add_machine(b)
    machine.add_accelerator(b)
    cpu.add_cpu(b)
    boot.add_loader(b)
    memory.add_memory(b)
    add_vcpus(b)
    memory.add_prealloc(b)
    add_iothreads(b)
    memory.add_numa(b)
    if definition.uuid:
        b.add("-uuid", definition.uuid)
    if definition.genid:
        b.device({"driver": "vmgenid", "guid": definition.genid, "id": "vmgenid0"})
    boot.add_smbios(b)
    boot.add_fw_cfg(b)
    if not b.devices.graphics:
        b.add("-display", "none")
    b.add("-no-user-config", "-nodefaults")
    add_monitor(b)
    boot.add_clock(b)
    boot.add_power(b)
    boot.add_boot(b)
    add_devices(b)
    add_arguments(b)
    if launch.seccomp:
        machine.add_sandbox(b)
    add_late_devices(b)
    if launch.timestamps:
        b.add("-msg", "timestamp=on")
    add_overrides(b)
    return QemuCommand(argv=b.argv, env=environment(b), files=b.files, before=b.before)


def add_devices(b: Builder) -> None:
    """Everything that is plugged into the board, buses first."""
    small.add_iommus(b)
    add_global_controllers(b)
    boot.add_kernel(b)
    add_controllers(b)
    small.add_hubs(b)
    add_controllers(b, ("ccid",))
    memory.add_memory_devices(b)
    add_floppy_controllers(b)
    add_disks(b)
    add_filesystems(b)
    add_interfaces(b)
    small.add_smartcards(b)
    add_serials(b)
    add_channels(b)
    add_consoles(b)
    small.add_tpms(b)
    small.add_inputs(b)
    add_audios(b)
    add_graphics(b)
    add_videos(b)
    add_sounds(b)
    small.add_watchdogs(b)
    add_redirdevs(b)
    add_hostdevs(b)
    if b.context.incoming is not None:
        b.add("-incoming", b.context.incoming)
    small.add_balloon(b)
    small.add_rngs(b)
    features = b.definition.features
    if features is not None and features.vmcoreinfo:
        b.device({"driver": "vmcoreinfo"})


def add_late_devices(b: Builder) -> None:
    small.add_panics(b)
    small.add_shmems(b)
    small.add_vsocks(b)
    small.add_cryptos(b)


def add_reservations(b: Builder) -> None:
    """One helper for all disks whose persistent reservations we manage."""
    sources = [disk.source for disk in b.devices.disks if disk.source is not None]
    if any(source.reservations is not None and source.reservations.managed for source in sources):
        path = f"{b.context.run_dir}/pr-helper0.sock"
        b.object({"qom-type": "pr-manager-helper", "id": "pr-helper0", "path": path})
        b.prepare("pr-helper", "pr-helper0", path)


def add_monitor(b: Builder) -> None:
    """QMP on a socket that listens already, or that QEMU makes."""
    if b.context.monitor_fd is not None:
        where = f"fd={b.inherit(b.context.monitor_fd)}"
    else:
        path = b.context.monitor_path or f"{b.context.run_dir}/monitor.sock"
        where = f"path={escape(path)}"
    b.add("-chardev", f"socket,id=charmonitor,{where},server=on,wait=off")
    b.add("-mon", "chardev=charmonitor,id=monitor,mode=control")


def add_vcpus(b: Builder) -> None:
    """-smp: how many, of how many, in which topology."""
    maximum = b.definition.max_vcpus or 1
    hotplugged = [v for v in b.definition.vcpus if v.enabled and v.hotpluggable]
    current = b.definition.current_vcpus or maximum
    start = current - len(hotplugged)
    words = [str(max(start, 1))]
    if start != maximum:
        words.append(f"maxcpus={maximum}")
    cpu_def = b.definition.cpu
    topology = cpu_def.topology if cpu_def is not None else None
    if topology is not None:
        sockets, dies, cores, threads = topology
        if sockets * dies * cores * threads != maximum:
            raise InternalError(f"cpu: the topology has {sockets * dies * cores * threads} CPUs, <vcpu> {maximum}")
        words += [f"sockets={sockets}", f"dies={dies}", f"cores={cores}", f"threads={threads}"]
    else:
        words += [f"sockets={maximum}", "cores=1", "threads=1"]
    b.add("-smp", ",".join(words))


def add_iothreads(b: Builder) -> None:
    for thread in b.definition.iothread_ids:
        props: dict[str, str | int] = {"qom-type": "iothread", "id": f"iothread{thread.id}"}
        if thread.thread_pool_min is not None and thread.thread_pool_min >= 0:
            props["thread-pool-min"] = thread.thread_pool_min
        if thread.thread_pool_max is not None and thread.thread_pool_max >= 0:
            props["thread-pool-max"] = thread.thread_pool_max
        b.add("-object", json_word(props))


def environment(b: Builder) -> dict[str, str]:
    """A clean one: nothing of the daemon's own goes to a guest."""
    home = b.context.home or b.context.run_dir
    env = {
        "LC_ALL": "C",
        "PATH": PATH,
        "HOME": home,
        "XDG_DATA_HOME": f"{home}/.local/share",
        "XDG_CACHE_HOME": f"{home}/.cache",
        "XDG_CONFIG_HOME": f"{home}/.config",
    }
    clock = b.definition.clock
    if clock is not None and clock.offset == "timezone" and clock.timezone:
        env["TZ"] = clock.timezone
    for graphics in b.devices.graphics:
        if graphics.type == "sdl":
            display, xauth = getattr(graphics, "display", None), getattr(graphics, "xauth", None)
            if xauth:
                env["XAUTHORITY"] = xauth
            if display:
                env["DISPLAY"] = display
    namespace = b.definition.qemu
    for extra in namespace.envs if namespace is not None else []:
        env[extra.name] = extra.value or ""
    return env

