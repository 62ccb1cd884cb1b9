"""The layout of the documents that are only written."""

from __future__ import annotations

from lxml import etree

from pyvirtd.conf.capabilities import (
    CacheBank,
    Capabilities,
    CpuTopology,
    Guest,
    GuestFeature,
    GuestMachine,
    HostCell,
    HostCellCpu,
    HostCpu,
)
from pyvirtd.conf.outline import Outline

EXPECTED = """\
<capabilities>

  <host>
    <uuid>u</uuid>
    <cpu>
      <arch>x86_64</arch>
      <topology sockets='1' dies='1' cores='2' threads='1'/>
    </cpu>
    <power_management/>
    <iommu support='no'/>
    <migration_features>
      <live/>
    </migration_features>
    <topology>
      <cells num='1'>
        <cell id='0'>
          <memory unit='KiB'>1024</memory>
          <pages unit='KiB' size='4'>256</pages>
          <cpus num='2'>
            <cpu id='0' socket_id='0' die_id='0' core_id='0' siblings='0'/>
            <cpu id='1'/>
          </cpus>
        </cell>
      </cells>
    </topology>
    <cache>
      <bank id='0' level='3' type='both' size='1536' unit='KiB' cpus='0-1'/>
    </cache>
  </host>

  <guest>
    <os_type>hvm</os_type>
    <arch name='x86_64'>
      <wordsize>64</wordsize>
      <machine canonical='pc-7' maxCpus='255' deprecated='yes'>pc</machine>
      <domain type='qemu'/>
    </arch>
    <features>
      <acpi default='on' toggle='yes'/>
      <pae/>
    </features>
  </guest>

</capabilities>
"""


def test_layout() -> None:
    cell = HostCell(0, 1024, [(4, 256)], [], [HostCellCpu(0, 0, 0, 0, "0"), HostCellCpu(1, None, None, None, "")])
    guest = Guest(
        arch="x86_64",
        word_size=64,
        machines=[GuestMachine("pc", "pc-7", 255, True)],
        domain_types=["qemu"],
        features=[GuestFeature("acpi", True, True), GuestFeature("pae")],
    )
    document = Capabilities(
        uuid="u",
        cpu=HostCpu(arch="x86_64", topology=CpuTopology(1, 1, 2, 1)),
        iommu=False,
        cells=[cell],
        caches=[CacheBank(0, 3, "both", 1536, "0-1")],
        guests=[guest],
    )
    assert document.format() == EXPECTED


def test_nothing_breaks_out_of_its_quotes() -> None:
    hostile = "a'b\"c<d>&\x00\x1be\n"
    out = Outline()
    with out.inside("a", value=hostile):
        out.element("b", hostile)
    root = etree.fromstring(out.text())
    assert root.get("value") == "a'b\"c<d>&e "
    assert root.findtext("b") == "a'b\"c<d>&e\n"
