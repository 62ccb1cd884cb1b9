"""Who may change a domain, and when: one `Job` a domain, held for the length of a call.

A job is asked for by kind (what sort of change it is) and by the name of the call. Waiters are served in the order in
which they came; one that waits longer than the timeout gives up with VIR_ERR_OPERATION_TIMEOUT, which names the call,
the client and the age of what holds the job. Long work (save, dump, migration, backup) holds the *async* slot instead,
with a mask of the kinds that may run beside it, and takes the plain slot only for the length of each monitor command.

Queries do not come here: they answer from cached state.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from enum import IntFlag
from types import TracebackType
from typing import Final

from pyvirtd.errors import OperationTimeout

DEFAULT_TIMEOUT: Final = 30.0


class JobKind(IntFlag):
    """What sort of work a job does; async jobs carry a mask of these."""

    QUERY = 1
    DESTROY = 2
    SUSPEND = 4
    MODIFY = 8
    ABORT = 16
    MIGRATION = 32


BESIDE_ASYNC: Final = JobKind.QUERY | JobKind.DESTROY | JobKind.ABORT
"""What most async jobs allow beside them."""


_ALONE: Final = JobKind(0)
"""No mask allows it: what waits with it waits for the end of the async job."""


class Holder:
    """Who holds a slot: `call` and `client` as text, `kind`, and since when (monotonic seconds)."""

    __slots__ = ("call", "client", "kind", "since")

    def __init__(self, kind: JobKind, call: str, client: str) -> None:
        self.kind, self.call, self.client = kind, call, client
        self.since = time.monotonic()

    @property
    def age_ms(self) -> int:
        """Milliseconds since it began."""
        return int((time.monotonic() - self.since) * 1000)

    def __str__(self) -> str:
        who = f" of {self.client}" if self.client else ""
        return f"{self.call}{who} for {time.monotonic() - self.since:.0f} s"


class AsyncHolder(Holder):
    """The holder of the async slot. `allow` may be narrowed or widened while it runs."""

    __slots__ = ("_job", "allow")

    def __init__(self, job: Job, call: str, client: str, allow: JobKind) -> None:
        super().__init__(JobKind.MODIFY, call, client)
        self._job, self.allow = job, allow

    def step(self, kind: JobKind = JobKind.MODIFY) -> Hold:
        """The plain slot, for one step of the async job itself: its own mask does not bind it."""
        return Hold(self._job, kind, self.call, self.client, None, nested=True)


class _Waiter:
    __slots__ = ("granted", "hold")

    def __init__(self, hold: Hold) -> None:
        self.hold = hold
        self.granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class Hold:
    """`async with` it: the job is yours until the block ends."""

    __slots__ = ("_job", "call", "client", "kind", "nested", "timeout")

    def __init__(
        self, job: Job, kind: JobKind, call: str, client: str, timeout: float | None, *, nested: bool = False
    ) -> None:
        self._job, self.kind, self.call, self.client = job, kind, call, client
        self.timeout, self.nested = timeout, nested

    async def __aenter__(self) -> Holder:
        return await self._job.acquire(self)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._job.release()


class AsyncHold:
    """`async with` it: the async slot is yours until the block ends."""

    __slots__ = ("_holder", "_job", "_timeout")

    def __init__(self, job: Job, holder: AsyncHolder, timeout: float | None) -> None:
        self._job, self._holder, self._timeout = job, holder, timeout

    async def __aenter__(self) -> AsyncHolder:
        holder = self._holder
        async with Hold(self._job, _ALONE, holder.call, holder.client, self._timeout):
            holder.since = time.monotonic()
            self._job.background = holder
        return holder

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._job.background = None
        self._job.wake()


class Job:
    """The two slots of one domain. `what` names the domain in messages; `timeout` is in seconds."""

    __slots__ = ("_queue", "background", "holder", "max_waiters", "timeout", "what")

    def __init__(self, what: str, *, timeout: float = DEFAULT_TIMEOUT, max_waiters: int = 0) -> None:
        self.what, self.timeout = what, timeout
        self.max_waiters = max_waiters
        """At most so many calls wait; 0 means no bound but the clients' own."""
        self.holder: Holder | None = None
        self.background: AsyncHolder | None = None
        self._queue: deque[_Waiter] = deque()

    def hold(
        self, call: str, *, kind: JobKind = JobKind.MODIFY, client: str = "", timeout: float | None = None
    ) -> Hold:
        """The plain slot for `call`; waits at most `timeout` seconds (default: the job's own; math.inf: for ever)."""
        return Hold(self, kind, call, client, timeout)

    def hold_async(
        self, call: str, *, allow: JobKind = BESIDE_ASYNC, client: str = "", timeout: float | None = None
    ) -> AsyncHold:
        """The async slot for `call`, with `allow` running beside it."""
        return AsyncHold(self, AsyncHolder(self, call, client, allow), timeout)

    def __bool__(self) -> bool:
        """True while anything holds or waits for the job: then it must not be thrown away."""
        return self.holder is not None or self.background is not None or bool(self._queue)

    async def acquire(self, hold: Hold) -> Holder:
        """Take the plain slot; the fast path, a free job, does not wait."""
        if self._free_for(hold) and not self._queue:
            return self._grant(hold)
        if self.max_waiters and len(self._queue) >= self.max_waiters:
            raise OperationTimeout(f"{self.what}: {len(self._queue)} calls already wait for {self._blocker(hold)}")
        waiter = _Waiter(hold)
        self._queue.append(waiter)
        self.wake()
        timeout = self.timeout if hold.timeout is None else hold.timeout
        limit = None if timeout == math.inf else timeout
        try:
            async with asyncio.timeout(limit):
                await waiter.granted
        except TimeoutError:
            self._forget(waiter)
            raise OperationTimeout(
                f"{hold.call}: {self.what} was busy for {timeout:g} s: {self._blocker(hold)} holds its job"
            ) from None
        except asyncio.CancelledError:
            self._forget(waiter)
            raise
        assert self.holder is not None
        return self.holder

    def release(self) -> None:
        """Give the plain slot to the next that may have it."""
        self.holder = None
        self.wake()

    def wake(self) -> None:
        """Serve the first waiter that may run now."""
        if self.holder is not None:
            return
        for waiter in self._queue:
            if not waiter.granted.done() and self._free_for(waiter.hold):
                self._queue.remove(waiter)
                self._grant(waiter.hold)
                waiter.granted.set_result(None)
                return

    def _free_for(self, hold: Hold) -> bool:
        if self.holder is not None:
            return False
        return hold.nested or self.background is None or bool(self.background.allow & hold.kind)

    def _grant(self, hold: Hold) -> Holder:
        self.holder = Holder(hold.kind, hold.call, hold.client)
        return self.holder

    def _forget(self, waiter: _Waiter) -> None:
        """A waiter that gave up. If it was granted in the same turn of the loop, the slot goes on to the next."""
        if waiter.granted.done() and not waiter.granted.cancelled():
            self.release()
        else:
            self._queue = deque(other for other in self._queue if other is not waiter)
            self.wake()

    def _blocker(self, hold: Hold) -> str:
        if self.holder is not None:
            return str(self.holder)
        return str(self.background) if self.background is not None else "another call"
