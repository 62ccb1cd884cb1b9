"""The small guest of tools/guest.py, and domain XML that boots it."""

from __future__ import annotations

import atexit
import functools
import importlib.util
import shutil
import tempfile
import uuid
from pathlib import Path
from types import ModuleType
from xml.sax.saxutils import escape

from tests.harness.daemon import SHORT_TMP
from tests.harness.programs import TOP, missing, require_program


def _builder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("guest_builder", TOP / "tools/guest.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


BUILDER = _builder()
GREETING: str = BUILDER.GREETING


@functools.cache
def guest_files(agent: bool = False) -> tuple[Path, Path]:
    """Paths of the guest's kernel and initrd; built at the first call, kept in the user's cache."""
    for program in ("apt-get", "dpkg-deb"):
        require_program(program)
    try:
        place: Path = BUILDER.guest(agent)
    except SystemExit as failed:
        missing(f"the test guest ({failed})")
        raise AssertionError("not reached") from failed
    # A copy: QEMU may run as a user who cannot look into our cache, and daemons change the owner of what they use.
    copy = Path(tempfile.mkdtemp(prefix="pv-guest-", dir=SHORT_TMP))
    atexit.register(shutil.rmtree, copy, ignore_errors=True)
    copy.chmod(0o755)
    for name in ("vmlinuz", "initrd.img"):
        shutil.copy(place / name, copy / name)
    return copy / "vmlinuz", copy / "initrd.img"


def guest_xml(name: str, *, devices: str = "", memory_mib: int = 96, machine: str = "pc", agent: bool = False,
              append: str = "", serial: str = "<serial type='pty'/><console type='pty'/>",
              domain_id: str | None = None) -> str:
    """Domain XML of the small guest: emulated, direct kernel boot, serial console, `devices` added as they are."""
    kernel, initrd = guest_files(agent)
    require_program("qemu-system-x86_64")
    channel = ("<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>"
               if agent else "")
    return f"""<domain type='qemu'>
  <name>{escape(name)}</name>
  <uuid>{domain_id or uuid.uuid4()}</uuid>
  <memory unit='MiB'>{memory_mib}</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='{machine}'>hvm</type>
    <kernel>{escape(str(kernel))}</kernel>
    <initrd>{escape(str(initrd))}</initrd>
    <cmdline>console=ttyS0 quiet {escape(append)}</cmdline>
  </os>
  <features><acpi/></features>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    {serial}{channel}{devices}
    <memballoon model='virtio'/>
  </devices>
</domain>
"""
