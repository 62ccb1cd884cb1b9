"""What clients ask about the host's and the hypervisor's capabilities, through a QEMU connection."""

from __future__ import annotations

from typing import Final

from pyvirtd.conf.sysinfo import format_host
from pyvirtd.core.calls import supports
from pyvirtd.drivers.qemu.capabilities.domaindoc import Selection, domain_capabilities_xml, select
from pyvirtd.drivers.qemu.capabilities.emulators import KNOWN_ARCHES, find_emulator, host_arch
from pyvirtd.drivers.qemu.capabilities.hostdoc import host_capabilities_xml
from pyvirtd.drivers.qemu.cpu.compare import baseline, compare
from pyvirtd.drivers.qemu.cpu.cpu_map import Features, x86
from pyvirtd.drivers.qemu.cpu.host import host_cpu
from pyvirtd.drivers.qemu.cpu.hypervisor import guest_cpu, known_features, offered_models
from pyvirtd.drivers.qemu.noun import Noun
from pyvirtd.errors import ConfigUnsupported, ErrorDomain, InvalidArg, NoSupport, OperationFailed, OperationUnsupported
from pyvirtd.host import cpuid, memory, numa
from pyvirtd.host.sysinfo import system_info
