"""The daemon: drivers, two servers, signals, and systemd's view of it."""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import logging
import os
import signal
import time
from collections.abc import Mapping, MutableMapping
from typing import Final

from pyvirtd.core.tasks import cancel_all, spawn
from pyvirtd.daemon.config import Config, ConfigError, DaemonSettings, load
from pyvirtd.daemon.loading import Loaded, find_drivers
from pyvirtd.daemon.logs import Logs
from pyvirtd.daemon.notify import notify, passed_sockets, reloading, watchdog_seconds
from pyvirtd.daemon.options import Options
from pyvirtd.daemon.sockets import Bound, bind_all, from_manager, lock_state
from pyvirtd.protocol.lxc import LxcCalls
from pyvirtd.protocol.qemu import QemuCalls
from pyvirtd.protocol.remote.hypervisor import HypervisorCalls
from pyvirtd.protocol.remote.interface import InterfaceCalls
from pyvirtd.protocol.remote.network import NetworkCalls
from pyvirtd.protocol.remote.nodedev import NodeDeviceCalls
from pyvirtd.protocol.remote.nwfilter import NWFilterCalls
from pyvirtd.protocol.remote.secret import SecretCalls
from pyvirtd.protocol.remote.session import SessionCalls
from pyvirtd.protocol.remote.storage import StorageCalls
from pyvirtd.server.admin import AdminDesk, Workers
from pyvirtd.server.connections import Connections
from pyvirtd.server.desk import SessionDesk
from pyvirtd.server.server import Limits, Server

log = logging.getLogger(__name__)

MAIN: Final = "libvirtd"
ADMIN: Final = "admin"
"""The servers' names, as virt-admin's users know them."""

CALLS_GRACE: Final = 3.0
"""Seconds that calls under way get to end when the daemon does."""
STOP_GRACE: Final = 5.0

_REMOTE: Final = [
    SessionCalls, HypervisorCalls, InterfaceCalls, NetworkCalls, NodeDeviceCalls, NWFilterCalls, SecretCalls,
    StorageCalls, QemuCalls, LxcCalls,
]  # fmt: skip


class Daemon:
    """`run` is its whole life."""

    def __init__(self, options: Options, environ: MutableMapping[str, str]) -> None:
        self._options = options
        self._environ = environ
        self._privileged = os.geteuid() == 0
        self._paths = options.paths(environ, privileged=self._privileged)
        self._loaded = Loaded()
        self._timeout = 0
        self._idle: asyncio.TimerHandle | None = None
        self._stopping = asyncio.Event()
        self.logs = Logs(2 if options.verbose else 3)
        self.servers: dict[str, Server] = {}
        self.workers: Mapping[str, Workers] = {}

    async def run(self) -> None:
        """Serves until it is told to end. Raises VirtError or ConfigError when it cannot start."""
        began = time.monotonic()
        classes = find_drivers()
        self._schemas = {cls.name: cls.settings for cls in classes}
        config = self._read_config()
        settings = config.daemon
        self._set_up_logs(settings)
        lock_state(self._paths.run)
        bound = self._bind(settings)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.shut_down)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        await self._loaded.start(classes, self._paths, config.drivers, self._privileged)
        self._make_servers(settings)
        self._listen(bound)
        self._watch()
        self.set_timeout(self._options.timeout if self._options.timeout is not None else settings.timeout)
        # What start-up made lives as long as the daemon: the collector need not look at it again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(10_000, 20, 20)  # calls leave few cycles behind: look less often than the default of 700
        notify(self._environ, "READY=1", f"MAINPID={os.getpid()}")
        log.info("listening after %.0f ms", (time.monotonic() - began) * 1000)
        try:
            await self._stopping.wait()
        finally:
            await self._end()

    # What the admin interface does

    def set_timeout(self, seconds: int) -> None:
        """Ends the daemon after that long without clients and without anything running; 0: never."""
        self._timeout = seconds
        self._idle_changed()

    def shut_down(self) -> None:
        """Ends the daemon in good order; guests go on."""
        if self._stopping.is_set():
            log.warning("told to end a second time: ending at once")
            os._exit(1)
        self._stopping.set()

    # Start

    def _read_config(self) -> Config:
        return load(self._options.config_file(self._paths), lambda: self._schemas)

    def _set_up_logs(self, settings: DaemonSettings) -> None:
        if settings.log_outputs:
            self.logs.set_outputs(settings.log_outputs)
        self.logs.set_filters(settings.log_filters)
        self.logs.set_level(min(settings.log_level, 2) if self._options.verbose else settings.log_level)

    def _bind(self, settings: DaemonSettings) -> list[Bound]:
        try:
            passed = passed_sockets(self._environ)
        except ValueError as error:
            raise ConfigError(str(error)) from None
        if passed:
            return from_manager(passed)
        directory = self._options.socket_dir or (
            self._paths.sockets if settings.unix_sock_dir is None else type(self._paths.sockets)(settings.unix_sock_dir)
        )
        self._paths = dataclasses.replace(self._paths, sockets=directory)
        names = self._options.socket_names or settings.socket_names
        return bind_all(directory, names, settings, private=not self._privileged)

    def _make_servers(self, settings: DaemonSettings) -> None:
        desk = SessionDesk(Connections(self._loaded.drivers, self._loaded.buses))
        admin = AdminDesk(self)
        self.servers = {
            MAIN: Server(MAIN, desk.greeting, [*_REMOTE], Limits()),
            ADMIN: Server(ADMIN, admin.greeting, [AdminDesk], Limits()),
        }
        self.workers = {
            MAIN: Workers(settings.min_workers, settings.max_workers, settings.prio_workers),
            ADMIN: Workers(1, 5, 0),
        }
        self._apply_limits(settings)
        for server in self.servers.values():
            server.idle_changed = self._idle_changed
        self._loaded.activity_changed = self._idle_changed

    def _apply_limits(self, settings: DaemonSettings) -> None:
        main, admin = self.servers[MAIN].limits, self.servers[ADMIN].limits
        main.max_clients = settings.max_clients
        main.max_anonymous_clients = settings.max_anonymous_clients
        main.max_client_requests = settings.max_client_requests
        main.keepalive_interval, main.keepalive_count = settings.keepalive_interval, settings.keepalive_count
        admin.max_clients = settings.admin_max_clients
        admin.max_anonymous_clients = settings.admin_max_clients
        admin.max_client_requests = settings.admin_max_client_requests
        admin.keepalive_interval = settings.admin_keepalive_interval
        admin.keepalive_count = settings.admin_keepalive_count
        for server in self.servers.values():
            server.check_limits()

    def _listen(self, bound: list[Bound]) -> None:
        for item in bound:
            self.servers[ADMIN if item.admin else MAIN].listen(item.sock, readonly=item.readonly, path=item.path)

    def _watch(self) -> None:
        """Tells systemd every now and then that the loop turns."""
        every = watchdog_seconds(self._environ)
        if every is not None:
            notify(self._environ, "WATCHDOG=1")
            asyncio.get_running_loop().call_later(every, self._watch)

    # While it runs

    def _reload(self) -> None:
        notify(self._environ, *reloading())
        try:
            config = self._read_config()
            self._set_up_logs(config.daemon)
            if self.servers:
                self._apply_limits(config.daemon)
            self._loaded.reload(config.drivers)
            log.info("configuration read again")
        except Exception as error:
            log.error("configuration not read again, the old one stays: %s", error)
        notify(self._environ, "READY=1")

    def _idle_changed(self) -> None:
        busy = bool(self._loaded.active) or any(server.sessions for server in self.servers.values())
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        if self._timeout and not busy:
            self._idle = asyncio.get_running_loop().call_later(self._timeout, self._idle_too_long)

    def _idle_too_long(self) -> None:
        log.info("no clients and nothing running for %d s: ending", self._timeout)
        if not self._stopping.is_set():
            self.shut_down()

    # End

    async def _end(self) -> None:
        notify(self._environ, "STOPPING=1")
        for server in self.servers.values():
            server.stop_listening()
        deadline = time.monotonic() + CALLS_GRACE
        while time.monotonic() < deadline and any(  # noqa: ASYNC110  (nothing on the hot path tells when none is left)
            session.in_flight for server in self.servers.values() for session in server.sessions.values()
        ):
            await asyncio.sleep(0.02)
        for server in self.servers.values():
            server.close()
        stopping = spawn(self._loaded.stop(), name="stopping drivers")
        _, late = await asyncio.wait([stopping], timeout=STOP_GRACE)
        if late:
            log.warning("drivers did not stop within %s s", STOP_GRACE)
        await cancel_all()
