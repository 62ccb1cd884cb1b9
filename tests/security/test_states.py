"""Calls on a guest that is off, has an empty drive, is ending (notices 2013-7, -10, -17, -19, -20, 2014-4, 2017-1).

Every call that takes a domain, in every state, with the smallest arguments and with odd ones: it answers or says what
is wrong, and never fails inside.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from typing import Any

import pytest

from pyvirtd.errors import NoDomain, VirtError
from pyvirtd.protocol.bind import BoundCall, bind
from pyvirtd.protocol.codec import args_encoder
from pyvirtd.protocol.constants.domain import DomainCreateFlags
from pyvirtd.protocol.shapes import StructShape, call_shape
from pyvirtd.protocol.types import DomainRef
from tests.drivers.qemu.conftest import Bench, bench
from tests.protocol.test_codec import blank_of

__all__ = ["bench"]  # the fixture
DEVICES = """<disk type='file' device='cdrom'><target dev='sda' bus='sata'/></disk>
<interface type='user'><mac address='52:54:00:00:00:01'/></interface><serial type='pty'/><memballoon model='virtio'/>"""


def domain_calls(driver: object) -> list[BoundCall]:
    """The bound calls whose first parameter is a domain."""
    found = []
    for table in bind(driver).values():
        for bound in table.values():
            args = call_shape(bound.wire).args
            first = args[0][1] if args else None
            is_domain = isinstance(first, StructShape) and [name for name, _ in first.fields] == ["name", "uuid", "id"]
            if is_domain and bound.stream is None:
                found.append(bound)
    return sorted(found, key=lambda bound: bound.name)


def odd(shape: Any, name: str) -> Any:
    """A value that nobody should send, within what the wire allows."""
    kind = type(shape).__name__
    if kind == "OptionalShape":
        return odd(shape.item, name)
    if kind == "TextShape":
        return {"path": "sda", "disk": "sda", "device": "52:54:00:00:00:01"}.get(name, "<disk type='file'/>")
    if kind == "NumberShape":
        return 0 if name == "flags" else 1
    if kind == "ListShape":
        return [odd(shape.item, name)]
    return blank_of(shape)


VARIANTS: dict[str, Callable[[Any, str], Any]] = {"smallest": lambda shape, name: blank_of(shape), "odd": odd}


async def in_state(bench: Bench, state: str) -> DomainRef:
    """The domain, in that state."""
    driver = bench.driver
    try:
        dom = driver.domain_lookup_by_name("a")
    except NoDomain:
        dom = await driver.domain_define_xml_flags(bench.xml(devices=DEVICES), 0)
    if state == "off" and dom.id >= 0:
        await driver.domain_destroy_flags(dom, 0)
    elif state != "off" and dom.id < 0:
        flags = DomainCreateFlags.START_PAUSED if state == "paused" else 0
        dom = await driver.domain_create_with_files(dom, flags, [])
    return driver.domain_lookup_by_name("a")


JUST_ENDED = pytest.param("just ended", marks=pytest.mark.slow)  # each call on a guest of its own


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("state", ["off", "paused", "running", "gone", JUST_ENDED])
async def test_every_call_in_every_state(
    bench: Bench, caplog: pytest.LogCaptureFixture, state: str, variant: str
) -> None:
    calls, failures, answered = domain_calls(bench.driver), [], 0
    assert len(calls) > 60
    for bound in calls:
        dom = await in_state(bench, {"just ended": "paused", "gone": "off"}.get(state, state))
        if state == "just ended":
            machine = bench.driver.domains.resolve(dom).machine
            assert machine is not None
            os.kill(machine.pid, 9)
        elif state == "gone":
            await bench.driver.domain_undefine_flags(dom, 0)
        args = [VARIANTS[variant](shape, name) for name, shape in call_shape(bound.wire).args[1:]
                if bound.wire.asks is None or name != bound.wire.asks.name]  # fmt: skip
        try:
            values, encode = bound.decode(args_encoder(bound.wire)(dom, *args))
            files: list[list[int]] = [[]] if bound.files_in else []
            result = bound.method(*values, *files)
            if asyncio.iscoroutine(result):
                async with asyncio.timeout(20):
                    result = await result
            encode(result.value if bound.files_out else result)
            answered += 1
        except VirtError:
            pass
        except Exception as error:
            failures.append(f"{bound.name}{tuple(args)}: {error!r}")
        if state == "just ended":
            async with asyncio.timeout(10):
                await machine.finished
    assert not failures, "\n".join(failures)
    assert not [record for record in caplog.records if record.exc_info and record.levelno >= logging.ERROR]
    assert answered > 10 or state == "gone"
