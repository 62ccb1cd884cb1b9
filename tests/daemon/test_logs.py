import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyvirtd.daemon.logs import Logs, parse_filters, parse_outputs
from pyvirtd.errors import InvalidArg


@pytest.fixture(autouse=True)
def root_logger() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    for handler in set(root.handlers) - set(handlers):
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)


def test_levels_filters_and_files(tmp_path: Path) -> None:
    file = tmp_path / "log"
    logs = Logs(3, "1:qemu 4:qemu.monitor", f"1:file:{file} 4:file:{file}.errors")
    logging.getLogger("pyvirtd.server").info("too little")
    logging.getLogger("pyvirtd.server").warning("enough")
    logging.getLogger("pyvirtd.drivers.qemu").debug("wanted")
    logging.getLogger("pyvirtd.drivers.qemu.monitor").warning("chatter")
    logging.getLogger("pyvirtd.drivers.qemu.monitor").error("broken")
    assert [line.rpartition(": ")[2] for line in file.read_text().splitlines()] == ["enough", "wanted", "broken"]
    assert [line.rpartition(": ")[2] for line in Path(f"{file}.errors").read_text().splitlines()] == ["broken"]
    assert logs.filters_text() == "1:qemu 4:qemu.monitor"
    assert logs.outputs_text() == f"1:file:{file} 4:file:{file}.errors"
    logs.set_filters("")
    logs.set_level(1)
    logging.getLogger("pyvirtd.server").debug("all of it")
    assert file.read_text().splitlines()[-1].endswith("all of it")


def test_a_wrong_change_changes_nothing(tmp_path: Path) -> None:
    logs = Logs(3, "1:qemu", f"1:file:{tmp_path / 'log'}")
    before = logs.filters_text(), logs.outputs_text()
    with pytest.raises(InvalidArg):
        logs.set_filters("1:a 9:b")
    with pytest.raises(InvalidArg, match="No such file"):
        logs.set_outputs("1:stderr 1:file:/nonexistent/x")
    with pytest.raises(InvalidArg):
        logs.set_level(0)
    assert (logs.filters_text(), logs.outputs_text()) == before


@pytest.mark.parametrize("text", ["qemu", "1:", ":x", "5:x", "1:+"])
def test_bad_filters(text: str) -> None:
    with pytest.raises(InvalidArg):
        parse_filters(text)


@pytest.mark.parametrize("text", ["stderr", "1:tape", "1:file", "1:file:rel", "1:stderr:x", "0:stderr", "1:syslog"])
def test_bad_outputs(text: str) -> None:
    with pytest.raises(InvalidArg):
        parse_outputs(text)
