"""A QEMU driver of a test's own whose guests are tests/fakes/qemu.py."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from pyvirtd.conf.domain.domain import DomainDef, parse_domain
from pyvirtd.core.driver import DriverContext, Drivers
from pyvirtd.core.events import EventBus
from pyvirtd.core.identity import check_name
from pyvirtd.core.paths import Paths
from pyvirtd.drivers.qemu import definition as definitions
from pyvirtd.drivers.qemu import launch, lifecycle
from pyvirtd.drivers.qemu.command import QemuCommand
from pyvirtd.drivers.qemu.driver import QemuDriver
from pyvirtd.drivers.qemu.pipeline import named
from pyvirtd.protocol.remote.events import DomainEventLifecycle

FAKE = Path(__file__).parents[2] / "fakes/qemu.py"


class Bench:
    """A driver, what it emitted, and what its next guests play."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.play = ""
        self.events: list[Any] = []
        self.driver = QemuDriver()

    async def start(self, table: dict[str, Any] | None = None) -> None:
        """Start a driver on the root, as a daemon would."""
        self.driver = QemuDriver()
        bus = EventBus()
        bus.subscribe(self.events.append)
        context = DriverContext(Paths.under(self.root), bus, Drivers(), False, table or {})
        await self.driver.start(context)

    def lifecycle(self) -> list[tuple[str, int, int]]:
        """The lifecycle events so far: (name, event, detail)."""
        return [(e.dom.name, int(e.event), e.detail) for e in self.events if isinstance(e, DomainEventLifecycle)]

    def xml(self, name: str = "a", number: int = 1, devices: str = "") -> str:
        """A definition."""
        return (
            f"<domain type='qemu'><name>{name}</name><uuid>{number:032x}</uuid><memory unit='MiB'>64</memory>"
            f"<vcpu>1</vcpu><os><type arch='x86_64' machine='pc'>hvm</type></os>"
            f"<devices><emulator>{FAKE}</emulator>{devices}</devices></domain>"
        )


@pytest.fixture
async def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    """Post-parse and command line are other tests' matter: they are replaced, the rest is the driver's own."""
    made = Bench(tmp_path)

    async def parse(runtime: object, xml: str, *, check_schema: bool = False) -> DomainDef:
        found = parse_domain(xml)
        check_name(found.name)
        return found

    async def capabilities(runtime: object, definition: DomainDef) -> Any:
        return type("Caps", (), {"binary": str(FAKE)})()

    def command(live: DomainDef, caps: object, context: Any) -> QemuCommand:
        argv = [sys.executable, str(FAKE), "-name", f"guest={live.name}", "-chardev",
                f"socket,id=charmonitor,fd={context.monitor_fd},server=on,wait=off"]
        return QemuCommand([*argv, *(["--play", made.play] if made.play else [])], {"LC_ALL": "C"})

    replace: Callable[..., None] = monkeypatch.setattr
    replace(definitions, "definition_of", parse)
    replace(lifecycle, "definition_of", parse)
    replace(launch, "capabilities_of", capabilities)
    replace(launch, "live_definition", lambda definition, caps: named(definition.copy()))
    replace(launch, "build_command", command)
    await made.start()
    yield made
    for domain in made.driver.domains:
        if domain.machine is not None and not domain.machine.finished.done():
            await domain.machine.stop("destroyed", grace=0)
    await made.driver.stop()
