import asyncio

import pytest

from pyvirtd.core.tasks import cancel_all, spawn


async def test_failures_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def fails() -> None:
        raise RuntimeError("broken")

    task = spawn(fails(), name="the failing one")
    with pytest.raises(RuntimeError):
        await task
    assert "task the failing one failed" in caplog.text
    assert "broken" in caplog.text


async def test_cancel_all_ends_everything() -> None:
    task = spawn(asyncio.sleep(60), name="sleeper")
    await cancel_all()
    assert task.cancelled()
