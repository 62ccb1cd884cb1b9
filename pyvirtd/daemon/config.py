"""The configuration file: TOML with libvirtd.conf's key names, and one table a driver.

::

    max_clients = 5000
    unix_sock_group = "libvirt"

    [qemu]                      # what the qemu driver's settings class declares
    user = "libvirt-qemu"

Unknown keys, wrong types and values out of range are ConfigErrors that name file and line.
"""

from __future__ import annotations

import dataclasses
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pyvirtd.core.settings import SettingError, fill


class ConfigError(Exception):
    """`FILE:LINE: what is wrong`."""


@dataclass(frozen=True)
class DaemonSettings:
    """The top level of the file; names and defaults are libvirtd.conf's unless said otherwise."""

    unix_sock_group: str | None = None
    unix_sock_ro_perms: str = "0777"
    unix_sock_rw_perms: str | None = None
    """None: 0770 with a unix_sock_group, else 0700. libvirtd's is 0777 where polkit asks; nobody asks here."""
    unix_sock_admin_perms: str = "0700"
    unix_sock_dir: str | None = None
    socket_names: tuple[str, ...] = ("libvirt",)
    """Ours: NAME-sock, NAME-sock-ro and NAME-admin-sock for each, so that virtqemud's clients are served as well."""
    auth_unix_ro: str = "none"
    auth_unix_rw: str = "none"
    max_clients: int = 5000
    max_anonymous_clients: int = 20
    max_client_requests: int = 5
    keepalive_interval: int = 5
    """Seconds; -1: never ask."""
    keepalive_count: int = 5
    admin_max_clients: int = 5
    admin_max_client_requests: int = 5
    admin_keepalive_interval: int = 5
    admin_keepalive_count: int = 5
    min_workers: int = 5
    """This and the next two are for the admin interface alone: one event loop does the work of all threads."""
    max_workers: int = 20
    prio_workers: int = 5
    log_level: int = 3
    log_filters: str = ""
    log_outputs: str = ""
    timeout: int = 0
    """Seconds without clients and running guests after which the daemon ends; 0: never. Ours, for --timeout."""


NOT_HERE: Final = frozenset(
    """listen_tls listen_tcp tls_port tcp_port listen_addr auth_tcp auth_tls tcp_min_ssf access_drivers key_file
    cert_file ca_file crl_file tls_no_sanity_certificate tls_no_verify_certificate tls_allowed_dn_list tls_priority
    sasl_allowed_username_list max_queued_clients admin_min_workers admin_max_workers admin_max_queued_clients
    audit_level audit_logging host_uuid host_uuid_source ovs_timeout keepalive_required
    admin_keepalive_required""".split()
)
"""libvirtd.conf's other keys. They are refused by name: a daemon that overlooks listen_tls is worse than none."""

_PERMISSIONS: Final = re.compile(r"0?[0-7]{3}")
SOCKET_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,40}")
_RANGES: Final[dict[str, tuple[int, int]]] = {
    "max_clients": (1, 1_000_000),
    "max_anonymous_clients": (1, 1_000_000),
    "max_client_requests": (1, 100_000),
    "admin_max_clients": (1, 1_000_000),
    "admin_max_client_requests": (1, 100_000),
    "keepalive_interval": (-1, 1_000_000),
    "keepalive_count": (0, 1_000_000),
    "admin_keepalive_interval": (-1, 1_000_000),
    "admin_keepalive_count": (0, 1_000_000),
    "min_workers": (0, 1_000_000),
    "max_workers": (1, 1_000_000),
    "prio_workers": (0, 1_000_000),
    "log_level": (1, 4),
    "timeout": (0, 1_000_000_000),
}


@dataclass(frozen=True)
class Config:
    daemon: DaemonSettings = DaemonSettings()
    drivers: Mapping[str, Mapping[str, object]] = dataclasses.field(default_factory=dict)
    """Each driver's table, checked."""


def load(path: Path | None, schemas: Callable[[], Mapping[str, type | None]]) -> Config:
    """Reads the file; None is the defaults. `schemas` gives the drivers' settings classes, asked only if needed."""
    if path is None:
        return Config()
    try:
        text = path.read_bytes().decode()
        parsed = tomllib.loads(text)
    except OSError as error:
        raise ConfigError(f"{path}: cannot read it: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 at byte {error.start}") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: {error}") from None
    top = {key: value for key, value in parsed.items() if not isinstance(value, dict)}
    tables = {key: value for key, value in parsed.items() if isinstance(value, dict)}
    try:
        daemon = _checked(top)
    except SettingError as error:
        raise ConfigError(f"{path}:{_line(text, '', error.key)}: {error}") from None
    known = schemas() if tables else {}
    for name, table in tables.items():
        schema = known.get(name)
        if schema is None:
            raise ConfigError(f"{path}:{_line(text, name, None)}: no driver has a table [{name}]")
        try:
            fill(schema, table)
        except SettingError as error:
            raise ConfigError(f"{path}:{_line(text, name, error.key)}: {error} in [{name}]") from None
    return Config(daemon, tables)


def _checked(top: Mapping[str, object]) -> DaemonSettings:
    for key in top:
        if key in NOT_HERE:
            raise SettingError(key, f"'{key}' is a key of libvirtd.conf that pyvirtd has nothing for; remove it")
    settings = fill(DaemonSettings, top)
    for key, (low, high) in _RANGES.items():
        if not low <= getattr(settings, key) <= high:
            raise SettingError(key, f"'{key}' must be between {low} and {high}")
    for key in ("unix_sock_ro_perms", "unix_sock_rw_perms", "unix_sock_admin_perms"):
        value = getattr(settings, key)
        if value is not None and not _PERMISSIONS.fullmatch(value):
            raise SettingError(key, f"'{key}' must be octal permissions like \"0770\"")
    for key in ("auth_unix_ro", "auth_unix_rw"):
        if getattr(settings, key) != "none":
            raise SettingError(key, f"'{key}' can only be \"none\"; restrict the socket by group and permissions")
    for name in settings.socket_names:
        if not SOCKET_NAME.fullmatch(name):
            raise SettingError("socket_names", f"'socket_names' has '{name}'; a name like \"virtqemud\" is expected")
    if settings.unix_sock_dir is not None and not settings.unix_sock_dir.startswith("/"):
        raise SettingError("unix_sock_dir", "'unix_sock_dir' must be an absolute path")
    return settings


def _line(text: str, table: str, key: str | None) -> int:
    """The line where the key (or, for None, the table) stands; 1 when it is written in a way not looked for."""
    current = ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[\s*[\"']?([^\]\"']+?)[\"']?\s*\]", line):
            current = header[1]
            if key is None and current.split(".")[0] == table:
                return number
        elif assignment := re.match(r"\s*[\"']?([\w.-]+)[\"']?\s*=", line):
            name = assignment[1]
            if current == table and key is not None and name.split(".")[0] == key:
                return number
            if not current and table and name.split(".")[0] == table:
                return number
    return 1
