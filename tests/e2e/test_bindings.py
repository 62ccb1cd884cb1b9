"""libvirt-python and Sys::Virt, as Debian ships them: objects, events with their own loops, console streams."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.daemon import Daemon
from tests.harness.guests import GREETING, guest_xml
from tests.harness.programs import missing, require_program, run

pytestmark = pytest.mark.e2e
CLIENTS = Path(__file__).parent / "clients"


def test_libvirt_python(daemon: Daemon, tmp_path: Path) -> None:
    python = "/usr/bin/python3"
    if run(python, "-c", "import libvirt").code:
        missing("libvirt-python of /usr/bin/python3 (python3-libvirt)")
    file = tmp_path / "py.xml"
    file.write_text(guest_xml("py"))
    said = run(python, str(CLIENTS / "events_console.py"), daemon.uri, str(file), GREETING, timeout=180)
    assert said.check().splitlines()[-1] == "done"


def test_sys_virt(daemon: Daemon, tmp_path: Path) -> None:
    perl = require_program("perl")
    if run(perl, "-MSys::Virt", "-e", "1").code:
        missing("Sys::Virt (libsys-virt-perl)")
    file = tmp_path / "pl.xml"
    file.write_text(guest_xml("pl"))
    said = run(perl, str(CLIENTS / "objects.pl"), daemon.uri, str(file), GREETING, timeout=180)
    assert said.check().splitlines()[-1] == "done"
