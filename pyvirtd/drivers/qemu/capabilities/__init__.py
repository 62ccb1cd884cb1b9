"""What the installed QEMU binaries and the host can do.

schema      questions to a QMP schema
model       QemuCapabilities: what one binary can do, cheap to ask
gather      the QMP queries, and how their replies become a model's facts
probe       a sandboxed QEMU that answers them
recorded    recorded replies that answer them
cache       facts on disk by the binary's identity
selftest    does KVM really run guest code here?
emulators   which binaries are installed, for which architectures
hostdoc     <capabilities>; domaindoc and devicesdoc: <domainCapabilities>; sysinfodoc: <sysinfo>
calls       what clients ask about all this
"""

from pyvirtd.drivers.qemu.capabilities.model import CpuDefinition, Machine, QemuCapabilities

__all__ = ["CpuDefinition", "Machine", "QemuCapabilities"]
