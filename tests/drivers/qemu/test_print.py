"""Dumps of running guests: what belongs to the run, and what to the definition."""

from __future__ import annotations

from pathlib import Path

from pyvirtd.conf.domain.domain import DomainDef
from pyvirtd.conf.xml import Dump, parse
from pyvirtd.core.lifecycle import State
from pyvirtd.drivers.qemu.postparse.migratable import print_definition
from pyvirtd.drivers.qemu.status import Status
from pyvirtd.host.process import ProcessId

LIVE = """<domain type='qemu' id='3'>
  <name>a</name>
  <uuid>00000000-0000-0000-0000-000000000001</uuid>
  <memory unit='KiB'>65536</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <cpu mode='custom' match='exact' check='full'>
    <model fallback='forbid'>qemu64</model>
    <feature policy='require' name='hypervisor'/>
  </cpu>
  <devices>
    <disk type='file' device='cdrom'>
      <driver name='qemu'/>
      <target dev='sda' bus='sata'/>
    </disk>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2'/>
      <source file='/top.qcow2' index='2'/>
      <backingStore type='file' index='3' detected='yes'>
        <format type='qcow2'/>
        <source file='/base.qcow2'/>
        <backingStore/>
      </backingStore>
      <target dev='vda' bus='virtio'/>
    </disk>
    <channel type='unix'>
      <source mode='bind' path='/run/pyvirtd/qemu/channel/3-a/org.qemu.guest_agent.0'/>
      <target type='virtio' name='org.qemu.guest_agent.0' state='connected'/>
      <alias name='channel0'/>
    </channel>
    <graphics type='vnc' port='5900' autoport='yes' listen='127.0.0.1' passwd='geheim'>
      <listen type='address' address='127.0.0.1' fromConfig='1'/>
    </graphics>
  </devices>
  <seclabel type='dynamic' model='dac' relabel='yes' implicit='yes'>
    <label>+1:+1</label>
    <imagelabel>+1:+1</imagelabel>
  </seclabel>
</domain>"""


def live() -> DomainDef:
    found = parse(DomainDef, LIVE, Dump.STATUS | Dump.SECURE)
    assert found.cpu is not None
    found.original_cpu = found.cpu.copy()
    found.original_cpu.check, found.original_cpu.features = "none", []
    return found


def test_a_live_dump_shows_the_run() -> None:
    text = print_definition(live(), 0)
    for word in ("id='3'", "check='full'", "name='hypervisor'", "port='5900'", "/3-a/org.qemu", "<label>+1:+1</label>",
                 "/base.qcow2", "index='3'"):  # fmt: skip
        assert word in text, word
    for word in ("geheim", "fromConfig", "implicit", "detected", "original"):
        assert word not in text, word


def test_an_inactive_dump_of_a_running_guest_shows_the_definition() -> None:
    definition = live()
    text = print_definition(definition, Dump.INACTIVE)
    for word in ("check='none'", "port='-1'", "<listen type='address'/>", "type='raw'"):
        assert word in text, word
    for word in ("id='3'", "hypervisor", "5900", "3-a", "seclabel", "127.0.0.1", "geheim", "channel0", "base", "index"):
        assert word not in text, word
    assert "hypervisor" in print_definition(definition, 0)


def test_what_migrates_is_the_definition_with_its_secrets() -> None:
    text = print_definition(live(), Dump.MIGRATABLE)
    assert "passwd='geheim'" in text
    for word in ("id='3'", "hypervisor", "5900", "alias", "seclabel"):
        assert word not in text, word


def test_a_status_file_keeps_what_the_definition_was() -> None:
    definition = live()
    text = Status(definition, State.RUNNING, 1, 3, ProcessId(1, 1), Path("/run/x")).text()
    again = Status.parse(text.encode()).definition
    assert again.original_cpu == definition.original_cpu
    assert print_definition(again, Dump.INACTIVE) == print_definition(definition, Dump.INACTIVE)
