"""The calls about the host: values on the wire, and refusals."""

from __future__ import annotations

import pytest

from pyvirtd.drivers.qemu.capabilities import calls
from pyvirtd.drivers.qemu.capabilities.calls import CapabilityCalls
from pyvirtd.drivers.qemu.capabilities.sysinfodoc import format_sysinfo
from pyvirtd.drivers.qemu.cpu.host import host_cpu
from pyvirtd.errors import ConfigUnsupported, CPUIncompatible, InvalidArg, OperationFailed
from pyvirtd.host.sysinfo import SystemInfo
from pyvirtd.protocol.types import Int, TypedParams, UInt, ULLong


class Calls(CapabilityCalls):
    """Without a runtime: what needs none."""


@pytest.fixture
def host() -> Calls:
    return Calls()


def test_page_sharing_has_the_wires_types(host: Calls) -> None:
    params = host.node_get_memory_parameters(0)
    if not params:
        pytest.skip("this kernel has no page sharing")
    assert isinstance(params["shm_pages_to_scan"], UInt)
    assert isinstance(params["shm_pages_shared"], ULLong)


@pytest.mark.parametrize(
    "params",
    [{"shm_full_scans": ULLong(1)}, {"pages_to_scan": UInt(1)}, {"x": UInt(1)}, {"shm_pages_to_scan": Int(-1)}],
)
def test_page_sharing_refuses_what_is_no_setting(host: Calls, params: TypedParams) -> None:
    with pytest.raises(InvalidArg):
        host.node_set_memory_parameters(params, 0)


def test_free_pages_of_cells(host: Calls) -> None:
    assert len(host.node_get_free_pages([4], 0, 1, 0)) == 1
    assert host.node_get_free_pages([], 0, 1, 0) == []
    with pytest.raises(OperationFailed, match="NUMA cell 99"):
        host.node_get_free_pages([4], 99, 1, 0)
    with pytest.raises(OperationFailed, match="NUMA cell -7"):
        host.node_get_free_pages([4], -7, 1, 0)
    with pytest.raises(InvalidArg, match="as many"):
        host.node_alloc_pages([2048], [], 0, 1, 0)


def test_model_names(host: Calls) -> None:
    assert host.connect_get_cpu_model_names("x86_64", 0)[0] == "486"
    assert host.connect_get_cpu_model_names("i686", 0) == host.connect_get_cpu_model_names("x86_64", 0)
    assert "POWER9" in host.connect_get_cpu_model_names("ppc64le", 0)
    assert host.connect_get_cpu_model_names("s390x", 0) == []
    with pytest.raises(InvalidArg, match="nonsense"):
        host.connect_get_cpu_model_names("nonsense", 0)


def test_this_hosts_cpu_compares_to_itself(host: Calls) -> None:
    own = host_cpu()
    if own is None or own.described is None:
        pytest.skip("not an x86 host")
    features = "".join(f"<feature name='{name}'/>" for name in own.described.require)
    xml = f"<cpu><arch>x86_64</arch><model>{own.described.model}</model>{features}</cpu>"
    assert host.connect_compare_cpu(xml, 0) == 1
    assert f">{own.described.model}<" in host.connect_baseline_cpu([xml], 0)
    alien = "<cpu><arch>x86_64</arch><model>486</model><vendor>Nobody</vendor></cpu>"
    assert host.connect_compare_cpu(alien, 0) == 0
    with pytest.raises(CPUIncompatible, match="Nobody"):
        host.connect_compare_cpu(alien, 1)


def test_sysinfo(host: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "system_info", lambda: None)
    with pytest.raises(ConfigUnsupported, match="no SMBIOS"):
        host.connect_get_sysinfo(0)
    info = SystemInfo(bios=(("vendor", "A & B"),), base_boards=((("product", "p"),),), oem_strings=("one", "<two>"))
    assert format_sysinfo(info) == (
        "<sysinfo type='smbios'>\n"
        "  <bios>\n    <entry name='vendor'>A &amp; B</entry>\n  </bios>\n"
        "  <baseBoard>\n    <entry name='product'>p</entry>\n  </baseBoard>\n"
        "  <oemStrings>\n    <entry>one</entry>\n    <entry>&lt;two&gt;</entry>\n  </oemStrings>\n"
        "</sysinfo>\n"
    )
