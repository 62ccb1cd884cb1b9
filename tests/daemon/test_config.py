from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from pyvirtd.daemon.config import Config, ConfigError, load


@dataclass(frozen=True)
class Qemu:
    user: str = "root"
    limit: int = 1


def schemas() -> Mapping[str, type | None]:
    return {"qemu": Qemu, "bare": None}


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "pyvirtd.toml"
    path.write_text(text)
    return path


def test_values_and_tables(tmp_path: Path) -> None:
    config = load(written(tmp_path, 'max_clients = 7\nunix_sock_group = "kvm"\n[qemu]\nuser = "me"\n'), schemas)
    assert config.daemon.max_clients == 7
    assert config.daemon.unix_sock_group == "kvm"
    assert config.drivers == {"qemu": {"user": "me"}}
    assert load(None, schemas) == Config()


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("max_clients = 7\n# x\nmax_client = 8\n", 3, "unknown key 'max_client'"),
        ('max_clients = "7"\n', 1, "'max_clients' must be an integer"),
        ("\nmax_clients = 0\n", 2, "between 1 and"),
        ('unix_sock_rw_perms = "0999"\n', 1, "octal permissions"),
        ('auth_unix_rw = "sasl"\n', 1, "can only be"),
        ("listen_tls = true\n", 1, "has nothing for"),
        ('unix_sock_dir = "run"\n', 1, "absolute path"),
        ("log_level = 9\n", 1, "between 1 and 4"),
        ("max_clients = 7\n\n[lxc]\nuser = 1\n", 3, r"no driver has a table \[lxc\]"),
        ("[bare]\nx = 1\n", 1, r"no driver has a table \[bare\]"),
        ('[qemu]\nuser = "x"\nlimit = "y"\n', 3, r"'limit' must be an integer, not 'y' in \[qemu\]"),
        ("qemu.limit = 1.5\n", 1, "must be an integer"),
        ('[qemu]\nuser = "x"\n"nope" = 1\n', 3, "unknown key 'nope'"),
    ],
)
def test_mistakes_name_their_line(tmp_path: Path, text: str, line: int, words: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError, match=words) as error:
        load(path, schemas)
    assert str(error.value).startswith(f"{path}:{line}: ")


def test_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load(tmp_path / "absent", schemas)
    with pytest.raises(ConfigError, match="line 1"):
        load(written(tmp_path, "= 3"), schemas)
    path = tmp_path / "binary"
    path.write_bytes(b"a = '\xff'")
    with pytest.raises(ConfigError, match="not UTF-8 at byte 5"):
        load(path, schemas)
