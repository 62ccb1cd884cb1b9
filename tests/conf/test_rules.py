"""Every declared rule, one by one: what it prints is what it reads, in every kind of document it belongs to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pyvirtd.conf.backup import BackupDef
from pyvirtd.conf.checkpoint import CheckpointDef
from pyvirtd.conf.domain.domain import DomainDef
from pyvirtd.conf.interface import HostInterface
from pyvirtd.conf.network import NetworkDef
from pyvirtd.conf.network.port import NetworkPortDef
from pyvirtd.conf.nodedev import NodeDeviceDef
from pyvirtd.conf.nwfilter import FilterBindingDef, FilterDef
from pyvirtd.conf.secret import SecretDef
from pyvirtd.conf.snapshot import SnapshotDef
from pyvirtd.conf.storage import Pool, Volume
from pyvirtd.conf.xml import Dump, format, read, reader
from pyvirtd.conf.xml.document import load_any
from pyvirtd.conf.xml.names import NAMESPACES
from tests.conf import samples

ALL = Dump.SECURE | Dump.STATUS
ROOTS = (
    DomainDef, NetworkDef, NetworkPortDef, Pool, Volume, FilterDef, FilterBindingDef, SecretDef, HostInterface,
    NodeDeviceDef, SnapshotDef, CheckpointDef, BackupDef,
)  # fmt: skip
EVERY = list(dict.fromkeys(cls for root in ROOTS for cls in samples.classes(root)))
CLASSES = [cls for cls in EVERY if cls.TAG]


@pytest.fixture(autouse=True, scope="module")
def rules_alone() -> Iterator[None]:
    """Without what classes settle between their fields."""
    compile_plan = reader._compile

    def without_hook(cls: Any, flags: int) -> Any:
        plan = compile_plan(cls, flags)
        plan.hook = False
        return plan

    def forget() -> None:
        for cls in EVERY:
            cls.PLANS.clear()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "_compile", without_hook)
        forget()
        yield
    forget()


def declared(text: str) -> str:
    """With the namespaces of its prefixes."""
    for prefix, uri in NAMESPACES.items():
        if text.startswith(f"<{prefix}:"):
            end = min(place for mark in " />" if (place := text.find(mark, 1)) > 0)
            return f"{text[:end]} xmlns:{prefix}='{uri}'{text[end:]}"
    return text


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_each_rule_reads_what_it_prints(cls: Any) -> None:
    for rule in samples.rules(cls):
        element = samples.make(cls)
        value = samples.sample(cls, rule)
        assert value is not None, f"{rule.name}: the declaration gives no value to try"
        setattr(element, rule.name, value)
        alone = rule.when is None and (rule.keep is None or rule.keep(value, ALL))
        text = format(element, ALL)
        again = read(cls, load_any(declared(text), ()), Dump.STATUS)
        if alone:
            assert getattr(again, rule.name) == value, f"{rule.name} in {text}"
        text = format(again, ALL)
        assert format(read(cls, load_any(declared(text), ()), Dump.STATUS), ALL) == text, rule.name
        assert element.copy() == element
        assert element.copy() is not element


def test_marks_decide_who_sees_a_rule() -> None:
    seen = 0
    for cls in CLASSES:
        for rule in samples.rules(cls):
            plain = not (rule.live or rule.status or rule.secure) and rule.migratable
            if plain or rule.when is not None or rule.keep is not None:
                continue
            element, blank = samples.make(cls), samples.make(cls)
            setattr(element, rule.name, samples.sample(cls, rule))
            for flags in (0, Dump.INACTIVE, Dump.SECURE, Dump.STATUS, Dump.STATUS | Dump.SECURE, Dump.MIGRATABLE):
                shown = format(element, flags) != format(blank, flags)
                assert shown == rule.printed(flags), f"{cls.__name__}.{rule.name}, flags {flags}"
            seen += 1
    assert seen > 10
