from dataclasses import dataclass
from pathlib import Path

import pytest

from pyvirtd.core.driver import Driver, DriverContext, Drivers
from pyvirtd.core.events import EventBus
from pyvirtd.core.paths import Paths
from pyvirtd.core.settings import SettingError, fill
from pyvirtd.core.uri import ConnectURI
from pyvirtd.errors import InternalError, InvalidArg


@dataclass(frozen=True)
class Options:
    user: str = "nobody"
    limit: int = 3
    ratio: float = 0.5
    on: bool = False
    names: tuple[str, ...] = ()
    maybe: str | None = None


class One(Driver):
    name = "one"


class Two(Driver):
    name = "two"


def test_settings_take_types_seriously() -> None:
    assert fill(Options, {"on": 1, "ratio": 2, "names": ["a"], "maybe": "x"}) == Options(
        on=True, ratio=2.0, names=("a",), maybe="x"
    )
    for table in ({"limit": True}, {"limit": "3"}, {"user": 3}, {"names": [1]}, {"on": 2}, {"nope": 1}):
        with pytest.raises(SettingError) as error:
            fill(Options, table)
        assert error.value.key in table


def test_drivers_by_name_and_kind(tmp_path: Path) -> None:
    drivers = Drivers()
    one, two = One(), Two()
    drivers.add(one)
    drivers.add(two)
    assert drivers.get("two") is two
    assert drivers.find(One) is one
    assert drivers.get("three") is None
    with pytest.raises(InternalError, match="two drivers are named 'one'"):
        drivers.add(One())
    context = DriverContext(Paths.under(tmp_path), EventBus(), drivers, False, {"limit": 9})
    assert context.settings(Options).limit == 9


def test_uri() -> None:
    uri = ConnectURI.parse("qemu+ssh://host/system?socket=/x&a=")
    assert uri[1:] == ("qemu", "ssh", "host", "/system", {"socket": "/x", "a": ""})
    for bad in ("nothing", "", "http://[x"):
        with pytest.raises(InvalidArg):
            ConnectURI.parse(bad)


def test_user_paths_ignore_relative_xdg_directories() -> None:
    paths = Paths.user({"HOME": "/h", "XDG_RUNTIME_DIR": "/run/user/9", "XDG_CONFIG_HOME": "rel"})
    assert paths.sockets == Path("/run/user/9/libvirt")
    assert paths.etc == Path("/h/.config/pyvirtd")
    assert Paths.user({"HOME": "/h"}).sockets == Path("/h/.cache/libvirt")
