"""How many vCPUs a domain has: asked, set in the definition, plugged into the running guest."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from pyvirtd.core import client
from pyvirtd.core.calls.change import change_live, impact, keep, targets, tried
from pyvirtd.core.domain import Domain
from pyvirtd.core.modifies import queries
from pyvirtd.core.vcpus import listed_vcpus, set_count, set_maximum, switch
from pyvirtd.drivers.qemu.launch import vcpu_threads
from pyvirtd.drivers.qemu.lifecycle import agent_of
from pyvirtd.drivers.qemu.machine import Machine
from pyvirtd.drivers.qemu.noun import Noun, machine_of
from pyvirtd.drivers.qemu.pinning import set_affinity
from pyvirtd.errors import AgentCommandFailed, ConfigUnsupported, InvalidArg, NoDomain, OperationTimeout
from pyvirtd.protocol.calls import supports
from pyvirtd.protocol.constants.domain import DomainVcpuFlags as Flags

UNPLUG_WAIT: Final = 5.0
"""Seconds that a guest gets to let go of a device before the call says that it has not."""
_BOTH: Final = Flags.LIVE | Flags.CONFIG


class VcpuCalls(Noun):
    """See the module."""

    @supports(_BOTH | Flags.MAXIMUM | Flags.GUEST)
    @queries
    async def domain_get_vcpus_flags(self, dom: Domain, flags: int) -> int:
        if flags & Flags.LIVE and flags & Flags.CONFIG:
            raise InvalidArg("vCPUs are counted in the running guest or in its definition, not in both")
        live, _ = impact(dom, flags)
        if flags & Flags.GUEST:
            if flags & Flags.MAXIMUM or not live:
                raise InvalidArg("the guest agent counts the vCPUs that the running guest has")
            return len(await guest_vcpus(dom))
        definition = dom.current if live else dom.definition
        return int(definition.max_vcpus if flags & Flags.MAXIMUM else definition.current_vcpus or definition.max_vcpus)

    @supports(_BOTH | Flags.MAXIMUM | Flags.GUEST | Flags.HOTPLUGGABLE)
    @queries
    async def domain_set_vcpus_flags(self, dom: Domain, nvcpus: int, flags: int) -> None:
        if nvcpus < 1:
            raise InvalidArg("a domain has one vCPU at least")
        if flags & Flags.GUEST and flags & Flags.MAXIMUM:
            raise InvalidArg("what a guest uses of its vCPUs is no maximum")
        # The agent takes its time; it does not hold the job.
        if flags & Flags.GUEST:
            await self._set_in_guest(dom, nvcpus)
            return
        async with dom.job.hold("domain_set_vcpus_flags", client=str(client.current())):
            if dom.removed:
                raise NoDomain(f"Domain not found: '{dom.name}' was removed while this call waited for it")
            await self._set_vcpus(dom, nvcpus, flags)

    async def _set_in_guest(self, dom: Domain, count: int) -> None:
        found = await guest_vcpus(dom, offline_too=True)
        if count > len(found):
            raise InvalidArg(f"the guest sees {len(found)} vCPUs, so it cannot use {count} of them")
        change = []
        online = sum(found.values())
        for number, is_online in sorted(found.items(), reverse=count < online):
            if online == count:
                break
            if is_online == (count < online):
                change.append({"logical-id": number, "online": not is_online})
                online += -1 if is_online else 1
        if change:
            await agent_of(dom, machine_of(dom)).run("guest-set-vcpus", {"vcpus": change})

    async def _set_vcpus(self, dom: Domain, count: int, flags: int) -> None:
        live, config = impact(dom, flags)
        hotpluggable = bool(flags & Flags.HOTPLUGGABLE)
        if flags & Flags.MAXIMUM:
            if live:
                raise InvalidArg(f"{dom}: the most vCPUs that it may have cannot be changed while it runs")
            await keep(self.runtime, dom, tried(dom, lambda definition: set_maximum(definition, count)))
            return
        for which, given in targets(dom, live, config):
            if count > given.max_vcpus:
                raise InvalidArg(f"{dom}: its {which} definition allows {given.max_vcpus} vCPUs at most, not {count}")
        kept = tried(dom, lambda definition: set_count(definition, count, hotpluggable)) if config else None
        if live:
            await self._set_live(dom, machine_of(dom), count)
        if kept is not None:
            await keep(self.runtime, dom, kept)

    async def _set_live(self, dom: Domain, machine: Machine, count: int) -> None:
        listed = listed_vcpus(dom.current)
        now = sum(vcpu.enabled for vcpu in listed)
        if count > now:
            chosen = [vcpu for vcpu in listed if not vcpu.enabled][: count - now]
            for vcpu in chosen:
                await self._plug_vcpu(dom, machine, int(vcpu.id))
        elif count < now:
            chosen = [vcpu for vcpu in reversed(listed) if vcpu.enabled and vcpu.hotpluggable][: now - count]
            if len(chosen) < now - count:
                raise ConfigUnsupported(
                    f"{dom}: only {len(chosen)} of its {now} vCPUs can be unplugged, which leaves more than {count}"
                )
            for vcpu in chosen:
                await self._unplug_vcpu(dom, machine, int(vcpu.id))

    async def _plug_vcpu(self, dom: Domain, machine: Machine, number: int) -> None:
        slots = await machine.run("query-hotpluggable-cpus")
        # QEMU lists the last one first.
        slots = slots[::-1] if isinstance(slots, list) else []
        slot = slots[number] if number < len(slots) else None
        if not isinstance(slot, dict) or not isinstance(slot.get("props"), dict) or not slot.get("type"):
            raise ConfigUnsupported(f"{dom}: this machine type has no place for vCPU {number} to plug in")
        if "qom-path" not in slot:
            await machine.run("device_add", {"driver": slot["type"], "id": f"vcpu{number}", **slot["props"]})
        machine.vcpu_threads = vcpu_threads(await machine.run("query-cpus-fast"))
        tune = dom.current.cputune
        pins = {pin.vcpu: pin.cpuset for pin in tune.vcpupins} if tune is not None else {}
        cpus = pins.get(number, dom.current.cpuset)
        if cpus is not None and number in machine.vcpu_threads:
            set_affinity(machine.vcpu_threads[number], cpus)
        await change_live(self.runtime, dom, lambda definition: switch(definition, number, on=True))

    async def _unplug_vcpu(self, dom: Domain, machine: Machine, number: int) -> None:
        gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def deleted(data: Mapping[str, Any]) -> None:
            # The guest may take longer than the call waits, so this stays until it has happened.
            if data.get("device") == f"vcpu{number}":
                stop_listening()
                machine.vcpu_threads.pop(number, None)
                if dom.live is not None:
                    switch(dom.live, number, on=False)
                    machine.live_changed()
                if not gone.done():
                    gone.set_result(None)

        key = f"unplugging vcpu{number}"
        stop_listening = machine.listen("DEVICE_DELETED", deleted)
        if key in machine.facts:
            machine.facts[key]()
        machine.facts[key] = stop_listening
        try:
            await machine.run("device_del", id=f"vcpu{number}")
        except BaseException:
            stop_listening()
            raise
        try:
            async with asyncio.timeout(UNPLUG_WAIT):
                await gone
        except TimeoutError:
            raise OperationTimeout(
                f"{dom}: the guest has not let go of vCPU {number} within {UNPLUG_WAIT:g} s; it still may"
            ) from None
        await machine.saved()


async def guest_vcpus(dom: Domain, *, offline_too: bool = False) -> dict[int, bool]:
    """The vCPUs that the guest's agent sees, by their number in the guest, and whether each is used."""
    reply = await agent_of(dom, machine_of(dom)).run("guest-get-vcpus")
    found = {}
    for entry in reply if isinstance(reply, list) else []:
        number = entry.get("logical-id") if isinstance(entry, dict) else None
        if isinstance(number, int) and 0 <= number < 1 << 16:
            found[number] = entry.get("online") is True
    if not found:
        raise AgentCommandFailed(f"{dom}: its guest agent lists no vCPUs")
    return found if offline_too else {number: True for number, online in found.items() if online}
