"""IP addresses in the spelling of inet_ntop."""

from __future__ import annotations

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyvirtd.conf.inet import canonical, packed, prefix_of, within


@given(st.binary(min_size=16, max_size=16) | st.binary(max_size=4).map(lambda tail: tail.rjust(16, b"\0")))
def test_ipv6_is_spelled_as_the_c_library_does(raw: bytes) -> None:
    spelled = socket.inet_ntop(socket.AF_INET6, raw)
    assert canonical(spelled) == spelled
    assert canonical(spelled.upper()) == spelled
    assert packed(spelled) == int.from_bytes(raw, "big")


@pytest.mark.parametrize("text", ["", "10.0.0", "010.0.0.1", "1.2.3.4.5", "fe80::1%eth0", "g::", "1" * 5000])
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (codecs say no more)
        canonical(text)


def test_masks() -> None:
    assert [prefix_of(mask) for mask in ("0.0.0.0", "255.255.254.0", "255.255.255.255")] == [0, 23, 32]
    with pytest.raises(ValueError):  # noqa: PT011 (codecs say no more)
        prefix_of("255.0.255.0")
    assert within("10.1.2.3", "10.1.0.0", 16)
    assert not within("10.2.2.3", "10.1.0.0", 16)
    assert not within("fd00::1", "10.1.0.0", 0)
