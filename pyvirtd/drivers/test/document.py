"""From a <node> document to a world. Source: https://libvirt.org/drvtest.html"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from lxml import etree

from pyvirtd.conf.interface import parse_interface
from pyvirtd.conf.nodedev import check_node_device, parse_node_device
from pyvirtd.conf.xml.document import load_any
from pyvirtd.drivers.test import default
from pyvirtd.drivers.test.network import network_of
from pyvirtd.drivers.test.pipeline import definition_of
from pyvirtd.drivers.test.pool import pool_definition
from pyvirtd.drivers.test.world import Live, World
from pyvirtd.errors import HostSystemError, InvalidArg, XMLError

_MOST: Final = 4 << 20
"""Bytes of a document, or of one that it names."""
_TEST: Final = "{http://libvirt.org/schemas/domain/test/1.0}"
_RUNNING, _PAUSED, _SHUTOFF = 1, 3, 5


def default_world(uri: str) -> World:
    """As libvirt's `test:///default` begins."""
    world = World(uri)
    add_domain(world, load_any(default.DOMAIN, ("domain",)))
    add_network(world, default.NETWORK)
    add_pool(world, default.POOL)
    add_interface(world, default.INTERFACE)
    add_device(world, default.DEVICE)
    for domain in world.domains:
        domain.reason = 0
    return world


def read_world(uri: str, path: str) -> World:
    """As the document says. Raises HostSystemError for a file that cannot be read, and what parsing raises."""
    world, file = World(uri), Path(path)
    for item in load_any(_read(file), ("node",), what=path):
        if item.tag == "domain":
            add_domain(world, _elsewhere(item, file))
        elif item.tag in _OTHERS:
            _OTHERS[str(item.tag)](world, _text(_elsewhere(item, file)))
    return world


def add_network(world: World, xml: str) -> None:
    """A persistent network that is active."""
    entry = world.networks.take_in(network_of(xml))
    entry.persistent = entry.active = True


def add_pool(world: World, xml: str) -> None:
    """A persistent pool that is active."""
    entry = world.pools.take_in(pool_definition(xml))
    entry.persistent = entry.active = True


def add_interface(world: World, xml: str) -> None:
    """An interface that is up."""
    definition = parse_interface(xml)
    world.interfaces[definition.name] = Live(definition, active=True)


def add_device(world: World, xml: str) -> None:
    """A device of the host."""
    device = parse_node_device(xml)
    check_node_device(device)
    world.devices[device.name] = device


_OTHERS: Final = {"network": add_network, "pool": add_pool, "interface": add_interface, "device": add_device}


def add_domain(world: World, element: etree._Element) -> None:
    """A persistent domain that runs, unless its own elements say otherwise."""
    extra = {str(item.tag).removeprefix(_TEST): item.text for item in element if str(item.tag).startswith(_TEST)}
    definition = definition_of(_text(element))
    domain = world.take_in(definition)
    state = extra.get("runstate") or str(_RUNNING)
    if state not in (str(_RUNNING), str(_PAUSED), str(_SHUTOFF)):
        raise XMLError(f"{domain}: its runstate is {_RUNNING} (running), {_PAUSED} (paused) or {_SHUTOFF} (shut off), "
                       f"not '{state}'")  # fmt: skip
    transient = _flag(extra.get("transient"))
    if transient and state == str(_SHUTOFF):
        raise XMLError(f"{domain}: a transient domain cannot be shut off")
    if not transient:
        world.saved[domain.name] = definition
        domain.define(definition)
    if state != str(_SHUTOFF):
        world.start(domain, definition, "boot" if state == str(_RUNNING) else "boot-paused")
    domain.managed_save = _flag(extra.get("hasmanagedsave"))


def _flag(value: str | None) -> bool:
    return value is not None and value.strip() not in ("", "0")


def _elsewhere(item: etree._Element, file: Path) -> etree._Element:
    """The element, or the document that its `file` names in its place."""
    name = item.get("file")
    if name is None:
        return item
    return load_any(_read(file.parent / name), (str(item.tag),), what=name)


def _text(element: etree._Element) -> str:
    return etree.tostring(element, encoding="unicode", with_tail=False)


def _read(path: Path) -> bytes:
    try:
        # A pipe would let the whole daemon wait for its other end.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise InvalidArg(f"{path} is no regular file")
            data = file.read(_MOST + 1)
    except OSError as error:
        raise HostSystemError(f"cannot read {path}: {error.strerror}") from error
    if len(data) > _MOST:
        raise XMLError(f"{path} is longer than the {_MOST} bytes that such a document may have")
    return data
