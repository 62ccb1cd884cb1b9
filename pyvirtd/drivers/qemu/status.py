"""What must be known to find a running guest again: Paths.run/qemu/NAME.xml, one file for each active domain.

::

    <domstatus state='running' reason='booted' id='3' pid='4711' start-time='123456' run-dir='...' since='1700000000'>
      <flag name='transient'/> ...
      <vcpu id='0' tid='4713'/>
      <lent path='/var/lib/disk.qcow2'/>
      <helper pid='4712' start-time='123450'/>
      <domain ...>the live definition, with what only the daemon needs</domain>
      <original><cpu ...>as it was defined</cpu></original>
    </domstatus>

Other daemons' status files are not ours to understand, nor ours to find here.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from lxml import etree

from pyvirtd.conf.domain.cpu import Cpu
from pyvirtd.conf.domain.domain import DomainDef
from pyvirtd.conf.xml import Dump, format, read
from pyvirtd.conf.xml.types import escape
from pyvirtd.core.lifecycle import State, reason_name, reason_number
from pyvirtd.errors import VirtError
from pyvirtd.host.process import ProcessId
from pyvirtd.store import atomic
from pyvirtd.store.aside import set_aside
from pyvirtd.store.names import file_name

log = logging.getLogger(__name__)

_LIVE: Final = Dump.STATUS | Dump.SECURE


@dataclass
class Status:
    """One active domain as the file has it. `flags`: transient, autodestroy, fake-reboot."""

    definition: DomainDef
    state: State
    reason: int
    id: int
    process: ProcessId
    run_dir: Path
    since: float = 0.0
    log_start: int = 0
    flags: set[str] = field(default_factory=set)
    taints: set[str] = field(default_factory=set)
    vcpus: dict[int, int] = field(default_factory=dict)
    channels: set[str] = field(default_factory=set)
    lent: list[str] = field(default_factory=list)
    helpers: list[ProcessId] = field(default_factory=list)

    def text(self) -> str:
        """As it stands in the file."""
        parts = [
            f"<domstatus state='{self.state.name.lower()}' reason='{escape(reason_name(self.state, self.reason))}'"
            f" id='{self.id}' pid='{self.process.pid}' start-time='{self.process.start_time}'"
            f" run-dir='{escape(str(self.run_dir))}' since='{self.since:.0f}' log-start='{self.log_start}'>\n"
        ]
        parts += [f"  <flag name='{escape(flag)}'/>\n" for flag in sorted(self.flags)]
        parts += [f"  <taint flag='{escape(taint)}'/>\n" for taint in sorted(self.taints)]
        parts += [f"  <vcpu id='{number}' tid='{thread}'/>\n" for number, thread in sorted(self.vcpus.items())]
        parts += [f"  <open channel='{escape(alias)}'/>\n" for alias in sorted(self.channels)]
        parts += [f"  <lent path='{escape(path)}'/>\n" for path in self.lent]
        parts += [f"  <helper pid='{pid}' start-time='{began}'/>\n" for pid, began in self.helpers]
        parts.append(format(self.definition, _LIVE))
        if self.definition.original_cpu is not None:
            parts += ["<original>\n", format(self.definition.original_cpu, _LIVE), "</original>\n"]
        return "".join(parts) + "</domstatus>\n"

    @classmethod
    def parse(cls, data: bytes) -> Status:
        """Raises ValueError, KeyError, TypeError or VirtError for anything that `text` would not have written."""
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
        root = etree.fromstring(data, parser)
        if root.tag != "domstatus":
            raise ValueError(f"its root is <{root.tag!s}>, not <domstatus>")
        domain = root.find("domain")
        if domain is None:
            raise ValueError("it has no <domain>")
        has = root.attrib
        definition, original = read(DomainDef, domain, _LIVE), root.find("original/cpu")
        definition.original_cpu = read(Cpu, original, _LIVE) if original is not None else None
        state = State[str(has["state"]).upper()]
        return cls(
            definition=definition,
            state=state,
            reason=reason_number(state, str(has["reason"])),
            id=int(has["id"]),
            process=ProcessId(int(has["pid"]), int(has["start-time"])),
            run_dir=Path(str(has["run-dir"])),
            since=float(has.get("since", 0)),
            log_start=int(has.get("log-start", 0)),
            flags={str(item.attrib["name"]) for item in root.findall("flag")},
            taints={str(item.attrib["flag"]) for item in root.findall("taint")},
            vcpus={int(item.attrib["id"]): int(item.attrib["tid"]) for item in root.findall("vcpu")},
            channels={str(item.attrib["channel"]) for item in root.findall("open")},
            lent=[str(item.attrib["path"]) for item in root.findall("lent")],
            helpers=[
                ProcessId(int(item.attrib["pid"]), int(item.attrib["start-time"])) for item in root.findall("helper")
            ],
        )


class StatusDirectory:
    """The status files of one driver."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def file(self, name: str) -> Path:
        """Where that domain's status is or would be."""
        return self.path / (file_name(name) + ".xml")

    def save(self, name: str, text: str) -> None:
        """On disk when this returns."""
        atomic.make_directory(self.path)
        atomic.write(self.file(name), text.encode("utf-8", "surrogateescape"))

    def remove(self, name: str) -> None:
        """The guest is no more."""
        atomic.remove(self.file(name))

    def load(self, damaged: list[str]) -> Iterator[Status]:
        """Every status that can be read; what cannot be is set aside, and its file's name goes into `damaged`."""
        if not self.path.is_dir():
            return
        atomic.sweep(self.path)
        for path in sorted(self.path.glob("*.xml")):
            try:
                yield Status.parse(path.read_bytes())
            except (OSError, ValueError, KeyError, TypeError, etree.XMLSyntaxError, VirtError) as error:
                damaged.append(path.name)
                set_aside(path, f"this is no status of a running guest: {error!s:.300}")
