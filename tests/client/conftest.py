"""One private real libvirtd for all of a module's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.harness.daemon import Reference


@pytest.fixture(scope="module")
def libvirtd() -> Iterator[Reference]:
    """Skips where libvirtd isn't installed; in CI that fails."""
    daemon = Reference()
    try:
        daemon.start()
        yield daemon
    finally:
        daemon.close()
