"""All devices: which class reads which element, and a device alone as clients hand it to attach-device."""

from __future__ import annotations

from itertools import chain
from operator import attrgetter
from typing import Final

from pyvirtd.conf.domain.audio import Audio
from pyvirtd.conf.domain.chardev import Channel, Console, Parallel, Serial
from pyvirtd.conf.domain.controller import Controller
from pyvirtd.conf.domain.crypto import Crypto
from pyvirtd.conf.domain.disk import Disk
from pyvirtd.conf.domain.filesystem import Filesystem
from pyvirtd.conf.domain.graphics import Graphics
from pyvirtd.conf.domain.hostdev import Hostdev
from pyvirtd.conf.domain.hub import Hub
from pyvirtd.conf.domain.input import Input
from pyvirtd.conf.domain.interface import Interface
from pyvirtd.conf.domain.iommu import Iommu
from pyvirtd.conf.domain.lease import Lease
from pyvirtd.conf.domain.memballoon import MemBalloon
from pyvirtd.conf.domain.memory_device import MemoryDevice
from pyvirtd.conf.domain.nvram import NvramDevice
from pyvirtd.conf.domain.panic import Panic
from pyvirtd.conf.domain.pstore import Pstore
from pyvirtd.conf.domain.redirdev import RedirDev, RedirFilter
from pyvirtd.conf.domain.rng import Rng
from pyvirtd.conf.domain.shmem import Shmem
from pyvirtd.conf.domain.smartcard import SmartCard
from pyvirtd.conf.domain.sound import Sound
from pyvirtd.conf.domain.tpm import Tpm
from pyvirtd.conf.domain.video import Video
from pyvirtd.conf.domain.vsock import Vsock
from pyvirtd.conf.domain.watchdog import Watchdog
from pyvirtd.conf.xml import Dump, Element, at, children, read
from pyvirtd.conf.xml.document import load_any

# In the order in which libvirt prints them.
DEVICE_CLASSES: Final[dict[str, type[Element]]] = {
    cls.TAG: cls
    for cls in (
        Disk, Controller, Lease, Filesystem, Interface, SmartCard, Serial, Parallel, Console, Channel, Input, Tpm,
        Graphics, Sound, Audio, Video, Hostdev, RedirDev, RedirFilter, Hub, Watchdog, MemBalloon, Rng, NvramDevice,
        Panic, Shmem, MemoryDevice, Crypto, Iommu, Vsock, Pstore,
    )
}  # fmt: skip


class Devices(Element, tag="devices"):
    """A domain's devices, a list each. Lists of what there can be only one of are lists all the same: validation
    counts."""

    emulator: str | None = at("emulator")
    disks: list[Disk] = children()
    controllers: list[Controller] = children()
    leases: list[Lease] = children()
    filesystems: list[Filesystem] = children()
    interfaces: list[Interface] = children()
    smartcards: list[SmartCard] = children()
    serials: list[Serial] = children()
    parallels: list[Parallel] = children()
    consoles: list[Console] = children()
    channels: list[Channel] = children()
    inputs: list[Input] = children()
    tpms: list[Tpm] = children()
    graphics: list[Graphics] = children()
    sounds: list[Sound] = children()
    audios: list[Audio] = children()
    videos: list[Video] = children()
    hostdevs: list[Hostdev] = children()
    redirdevs: list[RedirDev] = children()
    redirfilters: list[RedirFilter] = children()
    hubs: list[Hub] = children()
    watchdogs: list[Watchdog] = children()
    memballoons: list[MemBalloon] = children()
    rngs: list[Rng] = children()
    nvrams: list[NvramDevice] = children()
    panics: list[Panic] = children()
    shmems: list[Shmem] = children()
    memories: list[MemoryDevice] = children()
    cryptos: list[Crypto] = children()
    iommus: list[Iommu] = children()
    vsocks: list[Vsock] = children()
    pstores: list[Pstore] = children()

    def mirror_console(self) -> None:
        """The first console, where it is a serial port by another name, shows what that port is now."""
        if self.consoles and self.serials and self.consoles[0].target_type == "serial":
            console, serial = self.consoles[0], self.serials[0]
            console.backend, console.port = serial.backend, serial.port
            console.alias, console.address, console.acpi_index = serial.alias, serial.address, serial.acpi_index

    def printed(self, flags: int) -> bool:
        """Always, with the console as it is now."""
        self.mirror_console()
        return True

    def hollow(self, flags: int) -> bool:
        """Always with its closing tag."""
        return True

    def all(self) -> list[Element]:
        """Every device, in print order."""
        return list(chain.from_iterable(_lists_of(self)))


LISTS: Final = tuple(Devices.LISTS)
_lists_of: Final = attrgetter(*LISTS)
LIST_OF: Final[dict[type[Element], str]] = dict(zip(DEVICE_CLASSES.values(), LISTS, strict=True))


def parse_device(xml: str | bytes, flags: int = Dump.INACTIVE) -> Element:
    """A device alone. XMLDetail for what isn't XML, XMLError for an element that is no device."""
    element = load_any(xml, tuple(DEVICE_CLASSES), what="device")
    return read(DEVICE_CLASSES[str(element.tag)], element, flags)
