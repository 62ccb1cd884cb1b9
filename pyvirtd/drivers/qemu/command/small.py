"""Devices of one or two words: input, hub, smartcard, TPM, watchdog, balloon, rng, panic, shmem, vsock, crypto."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyvirtd.conf.domain.address import CcidAddress, IsaAddress
from pyvirtd.drivers.qemu.command.chardev import add_chardev
from pyvirtd.drivers.qemu.command.virtio import virtio_driver, virtio_props
from pyvirtd.drivers.qemu.command.words import Props, option_word
from pyvirtd.drivers.qemu.postparse.machine import is_q35
from pyvirtd.errors import ConfigUnsupported, InternalError, XMLError

if TYPE_CHECKING:
    from pyvirtd.conf.domain.input import Input
    from pyvirtd.conf.domain.shmem import Shmem
    from pyvirtd.conf.domain.smartcard import SmartCard
    from pyvirtd.conf.domain.tpm import Tpm
    from pyvirtd.drivers.qemu.command.builder import Builder

USB_INPUTS = {"mouse": "usb-mouse", "tablet": "usb-tablet", "keyboard": "usb-kbd"}
VIRTIO_INPUTS = {
    "mouse": "virtio-mouse", "tablet": "virtio-tablet", "keyboard": "virtio-keyboard",
    "passthrough": "virtio-input-host",
}  # fmt: skip
DEFAULT_CERTIFICATES = "/etc/pki/nssdb"


def add_hubs(b: Builder) -> None:
    for hub in b.devices.hubs:
        b.device(b.address(hub, {"driver": "usb-hub", "id": hub.alias or ""}))


def add_inputs(b: Builder) -> None:
    for device in b.devices.inputs:
        if device.type == "evdev":
            add_evdev(b, device)
        elif device.bus == "usb":
            b.device(b.address(device, {"driver": USB_INPUTS[device.type], "id": device.alias or ""}))
        elif device.bus == "virtio":
            props: Props = {"driver": virtio_driver(device, VIRTIO_INPUTS[device.type], device.model)}
            virtio_props(device.driver, props)
            props["id"] = device.alias or ""
            if device.type == "passthrough":
                props["evdev"] = device.evdev or ""
            b.device(b.address(device, props))


def add_evdev(b: Builder, device: Input) -> None:
    props: Props = {"qom-type": "input-linux", "id": device.alias or "", "evdev": device.dev or ""}
    if device.repeat is not None:
        props["repeat"] = device.repeat
    if device.grab == "all":
        props["grab_all"] = True
    if device.grab_toggle is not None:
        props["grab-toggle"] = device.grab_toggle
    b.object(props)


def add_smartcards(b: Builder) -> None:
    for card in b.devices.smartcards:
        add_smartcard(b, card)


def add_smartcard(b: Builder, card: SmartCard) -> None:
    alias = card.alias or ""
    props: Props
    match card.mode:
        case "host":
            props = {"driver": "ccid-card-emulated", "backend": "nss-emulated"}
        case "host-certificates":
            props = {"driver": "ccid-card-emulated", "backend": "certificates"}
            for number, certificate in enumerate(card.certificates, 1):
                props[f"cert{number}"] = certificate
            props["db"] = card.database or DEFAULT_CERTIFICATES
        case _:
            ident = add_chardev(b, card.backend, alias)
            props = {"driver": "ccid-card-passthru", "chardev": ident}
    props["id"] = alias
    controller = card.address.controller if isinstance(card.address, CcidAddress) else 0
    props["bus"] = f"{b.controller_alias('ccid', controller)}.0"
    b.device(props)


def add_tpms(b: Builder) -> None:
    for tpm in b.devices.tpms:
        add_tpm(b, tpm)


def add_tpm(b: Builder, tpm: Tpm) -> None:
    alias = tpm.alias or ""
    ident = f"tpm-{alias}"
    backend = tpm.backend
    if tpm.model == "spapr-tpm-proxy":
        b.device({"driver": "spapr-tpm-proxy", "id": alias, "host-path": backend.device or "/dev/tpmrm0"})
        return
    match backend.type:
        case "passthrough":
            fds = b.context.tpm_fds.get(alias)
            path = backend.device or "/dev/tpm0"
            pairs: list[tuple[str, str | int | bool | None]] = [("id", ident)]
            if fds is not None:
                pairs += [("path", b.fdset(fds[0])), ("cancel-path", b.fdset(fds[1]))]
            else:
                pairs += [("path", path), ("cancel-path", "/dev/null")]
            b.add("-tpmdev", option_word("passthrough", pairs))
        case "emulator" | "external":
            given = backend.source_path if backend.type == "external" else None
            path = given or f"{b.context.swtpm_dir}/{b.context.domain_id}-{b.definition.name}-swtpm.sock"
            if backend.type == "emulator":
                b.prepare("swtpm", alias, path)
            b.add("-chardev", option_word("socket", [("id", "chrtpm"), ("path", path)]))
            b.add("-tpmdev", option_word("emulator", [("id", ident), ("chardev", "chrtpm")]))
    driver: str = tpm.model or "tpm-tis"
    if driver == "tpm-tis" and b.caps.arch in ("aarch64", "armv7l"):
        driver = "tpm-tis-device"
    b.device(b.address(tpm, {"driver": driver, "tpmdev": ident, "id": alias}))


def add_watchdogs(b: Builder) -> None:
    """The devices; what happens on expiry is one option for all."""
    for watchdog in b.devices.watchdogs:
        if watchdog.model == "itco":
            if not is_q35(b.definition):
                raise ConfigUnsupported("watchdog: model itco is part of q35 boards only")
            b.add("-global", "ICH9-LPC.noreboot=off")
            continue
        b.device(b.address(watchdog, {"driver": watchdog.model, "id": watchdog.alias or ""}))
    if b.devices.watchdogs:
        action = b.devices.watchdogs[0].action
        # QEMU only stops the guest for a dump; taking it is ours to do on the event.
        b.add("-watchdog-action", "pause" if action == "dump" else action)


def add_balloon(b: Builder) -> None:
    for balloon in b.devices.memballoons[:1]:
        if balloon.model == "none":
            return
        props: Props = {"driver": virtio_driver(balloon, "virtio-balloon", balloon.model)}
        virtio_props(balloon.driver, props)
        props["id"] = balloon.alias or ""
        if balloon.autodeflate is not None:
            props["deflate-on-oom"] = balloon.autodeflate
        if balloon.free_page_reporting is not None:
            props["free-page-reporting"] = balloon.free_page_reporting
        b.device(b.address(balloon, props))


def add_rngs(b: Builder) -> None:
    for rng in b.devices.rngs:
        alias = rng.alias or ""
        backend = f"obj{alias}"
        match rng.backend.model:
            case "random":
                b.object({"qom-type": "rng-random", "id": backend, "filename": rng.backend.path or "/dev/random"})
            case "egd":
                ident = add_chardev(b, rng.backend.chardev, alias)
                b.object({"qom-type": "rng-egd", "id": backend, "chardev": ident})
            case "builtin":
                b.object({"qom-type": "rng-builtin", "id": backend})
        props: Props = {"driver": virtio_driver(rng, "virtio-rng", rng.model)}
        virtio_props(rng.driver, props)
        props |= {"rng": backend, "id": alias}
        if rng.rate_bytes:
            props["max-bytes"] = rng.rate_bytes
            props["period"] = rng.rate_period or 1000
        b.device(b.address(rng, props))


def add_panics(b: Builder) -> None:
    for panic in b.devices.panics:
        if panic.model in ("isa", "default", None):
            props: Props = {"driver": "pvpanic"}
            if isinstance(panic.address, IsaAddress) and panic.address.iobase is not None:
                props["ioport"] = panic.address.iobase
            b.device(props)
        elif panic.model == "pvpanic":
            b.device(b.address(panic, {"driver": "pvpanic-pci"}))


def add_shmems(b: Builder) -> None:
    for shmem in b.devices.shmems:
        add_shmem(b, shmem)


def add_shmem(b: Builder, shmem: Shmem) -> None:
    alias = shmem.alias or ""
    size = shmem.size
    if size is not None and (size < 1 or size & (size - 1)):
        raise XMLError(f"shmem '{shmem.name}': its size is {size} MiB, it has to be a power of two from 1 MiB on")
    props: Props
    match shmem.model:
        case "ivshmem-plain":
            backend = f"shmmem-{alias}"
            b.object(
                {
                    "qom-type": "memory-backend-file",
                    "id": backend,
                    "mem-path": f"/dev/shm/{shmem.name}",
                    "size": (shmem.size or 4) * 1024 * 1024,
                    "share": True,
                }
            )
            props = {"driver": "ivshmem-plain", "id": alias, "memdev": backend}
        case "ivshmem-doorbell":
            path = shmem.server_path or f"/var/lib/libvirt/shmem-{shmem.name}-sock"
            b.add("-chardev", option_word("socket", [("id", f"char{alias}"), ("path", path)]))
            props = {"driver": "ivshmem-doorbell", "id": alias, "chardev": f"char{alias}"}
            if shmem.msi_vectors:
                props["vectors"] = shmem.msi_vectors
            if shmem.msi_ioeventfd is not None:
                props["ioeventfd"] = shmem.msi_ioeventfd
        case _:
            raise ConfigUnsupported("shmem: QEMU has no device ivshmem any more; ivshmem-plain or ivshmem-doorbell")
    if shmem.role is not None:
        props["master"] = "on" if shmem.role == "master" else "off"
    b.device(b.address(shmem, props))


def add_vsocks(b: Builder) -> None:
    for vsock in b.devices.vsocks:
        fd = b.context.vsock_fds.get(vsock.alias or "")
        if fd is None and not b.context.dry:
            raise InternalError("vsock: /dev/vhost-vsock was not opened for it")
        props: Props = {"driver": virtio_driver(vsock, "vhost-vsock", vsock.model)}
        virtio_props(vsock.driver, props)
        props |= {"id": vsock.alias or "", "guest-cid": vsock.cid or 0}
        props["vhostfd"] = str(b.inherit(fd) if fd is not None else -1)
        b.device(b.address(vsock, props))


def add_cryptos(b: Builder) -> None:
    for crypto in b.devices.cryptos:
        backend: Props = {"qom-type": f"cryptodev-backend-{crypto.backend}", "id": f"obj{crypto.alias}"}
        if crypto.queues:
            backend["queues"] = crypto.queues
        b.object(backend)
        props: Props = {"driver": virtio_driver(crypto, "virtio-crypto")}
        virtio_props(crypto.driver, props)
        props |= {"cryptodev": f"obj{crypto.alias}", "id": crypto.alias or ""}
        b.device(b.address(crypto, props))


def add_iommus(b: Builder) -> None:
    for iommu in b.devices.iommus:
        if iommu.model == "intel":
            props: Props = {"driver": "intel-iommu", "id": iommu.alias or ""}
            driver = iommu.driver
            if driver is not None:
                if driver.intremap is not None:
                    props["intremap"] = "on" if driver.intremap else "off"
                if driver.caching_mode is not None:
                    props["caching-mode"] = driver.caching_mode
                if driver.eim is not None:
                    props["eim"] = "on" if driver.eim else "off"
                if driver.iotlb is not None:
                    props["device-iotlb"] = driver.iotlb
                if driver.aw_bits:
                    props["aw-bits"] = driver.aw_bits
            b.device(props)
        elif iommu.model == "virtio":
            b.device(b.address(iommu, {"driver": "virtio-iommu-pci", "id": iommu.alias or ""}))
