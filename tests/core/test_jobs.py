"""The job: fairness, the timeout's words, async masks."""

import asyncio

import pytest

from pyvirtd.core.jobs import Job, JobKind
from pyvirtd.errors import OperationTimeout


async def test_served_in_order() -> None:
    job, order = Job("domain 'a'"), []

    async def call(n: int) -> None:
        async with job.hold(f"call {n}"):
            order.append(n)
            await asyncio.sleep(0)

    await asyncio.gather(*(call(n) for n in range(5)))
    assert order == [0, 1, 2, 3, 4]
    assert not job


async def test_timeout_names_call_client_and_age() -> None:
    job = Job("domain 'a'", timeout=0.02)
    async with job.hold("domain_save", client="client 7"):
        with pytest.raises(OperationTimeout, match=r"domain_start: domain 'a' was busy for 0.02 s: domain_save of "
                                                   r"client 7 for 0 s holds its job"):
            async with job.hold("domain_start"):
                pytest.fail("the job was held twice")
    async with job.hold("after", timeout=0.02):
        pass


async def test_cancelled_waiter_leaves_the_queue() -> None:
    job = Job("domain 'a'")

    async def call() -> None:
        async with job.hold("waits"):
            pass

    async with job.hold("first"):
        task = asyncio.create_task(call())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert not job


async def test_grant_that_meets_a_cancel_goes_on() -> None:
    job = Job("domain 'a'")
    done = []

    async def call(name: str) -> None:
        async with job.hold(name):
            done.append(name)

    async with job.hold("first"):
        one, two = asyncio.create_task(call("one")), asyncio.create_task(call("two"))
        await asyncio.sleep(0)
    one.cancel()
    await asyncio.wait_for(two, 1)
    with pytest.raises(asyncio.CancelledError):
        await one
    assert done == ["two"]
    assert not job


async def test_async_mask() -> None:
    job = Job("domain 'a'", timeout=0.02)
    async with job.hold_async("save", allow=JobKind.QUERY | JobKind.DESTROY) as background:
        async with job.hold("destroy", kind=JobKind.DESTROY):
            pass
        with pytest.raises(OperationTimeout, match="save for"):
            async with job.hold("attach", kind=JobKind.MODIFY):
                pytest.fail("not allowed beside it")
        async with background.step():
            assert job.holder is not None
        background.allow |= JobKind.MODIFY
        async with job.hold("attach", kind=JobKind.MODIFY):
            pass
        with pytest.raises(OperationTimeout, match="save for"):
            async with job.hold_async("dump", timeout=0.02):
                pytest.fail("two async jobs")
    assert not job


async def test_async_end_wakes_waiters() -> None:
    job = Job("domain 'a'")
    entered = asyncio.Event()

    async def call() -> None:
        async with job.hold("attach"):
            entered.set()

    async with job.hold_async("save"):
        task = asyncio.create_task(call())
        await asyncio.sleep(0.01)
        assert not entered.is_set()
    await asyncio.wait_for(task, 1)


async def test_bound_on_waiters() -> None:
    job = Job("domain 'a'", max_waiters=1)
    async with job.hold("first"):
        waiting = asyncio.create_task(job.acquire(job.hold("second")))
        await asyncio.sleep(0)
        with pytest.raises(OperationTimeout, match="1 calls already wait"):
            await job.acquire(job.hold("third"))
    await waiting
    job.release()
