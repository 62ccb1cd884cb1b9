"""The loop's second look before it sleeps."""

from __future__ import annotations

import asyncio
import os
import selectors
import time

from pyvirtd.daemon.loop import EagerSelector, new_loop


def test_it_is_a_loop_like_any_other() -> None:
    async def work() -> str:
        left, right = os.pipe()
        loop = asyncio.get_running_loop()
        came = asyncio.Event()
        loop.add_reader(left, came.set)
        loop.call_later(0.01, os.write, right, b"x")
        await asyncio.wait_for(came.wait(), 5)
        loop.remove_reader(left)
        os.close(left)
        os.close(right)
        return await asyncio.to_thread(lambda: "done")

    with asyncio.Runner(loop_factory=new_loop) as runner:
        assert runner.run(work()) == "done"


def test_what_comes_within_the_moment_is_found_and_vain_polling_stops() -> None:
    selector = EagerSelector()
    left, right = os.pipe()
    try:
        selector.register(left, selectors.EVENT_READ)
        os.write(right, b"x")
        assert selector.select(1)
        os.read(left, 1)
        for _ in range(40):
            selector._last = time.perf_counter()
            assert selector.select(0.0001) == []
        assert selector._vain > 16
        os.write(right, b"x")
        while selector._vain:
            selector._last = time.perf_counter()
            assert selector.select(1), "what is there is found, polled for or waited for"
    finally:
        selector.close()
        os.close(left)
        os.close(right)
