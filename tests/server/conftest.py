from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.harness.wire import World


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A server with fake drivers, of this test alone."""
    made = World(tmp_path)
    yield made
    made.close()
