"""What the real libvirtd printed comes back byte for byte."""

from __future__ import annotations

import pytest

from tests.conf import corpus

pytestmark = pytest.mark.skipif(not corpus.place().is_dir(), reason="the shared corpus is not beside the repository")


def test_everything_but_devices_comes_back() -> None:
    wrong = []
    documents = list(corpus.printed("domain-qemu"))
    for name, xml in documents:
        want = corpus.without_devices(xml)
        if corpus.round_trip(name, want) != want:
            wrong.append(name)
    assert wrong == []
    assert len(documents) > 1000
