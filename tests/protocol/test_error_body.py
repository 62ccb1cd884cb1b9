"""Errors on their way to a client and back."""

from __future__ import annotations

from pyvirtd.errors import ErrorDomain, ErrorLevel, NoDomain, VirtError
from pyvirtd.protocol.error_body import decode_error, decode_error_body, encode_error


def test_an_error_arrives_as_its_class() -> None:
    got = decode_error(encode_error(NoDomain("no domain is named 'x'", str3="x", int1=3), ErrorDomain.QEMU))
    assert type(got) is NoDomain
    assert (got.message, got.domain, got.str3, got.int1, got.int2) == (
        "no domain is named 'x'", ErrorDomain.QEMU, "x", 3, -1)  # fmt: skip


def test_its_own_domain_wins() -> None:
    body = decode_error_body(encode_error(VirtError("odd", domain=ErrorDomain.XML), ErrorDomain.QEMU))
    assert (body.domain, body.level, body.code) == (ErrorDomain.XML, ErrorLevel.ERROR, VirtError.code)


def test_anything_can_be_quoted() -> None:
    for text in ("a\0b", "\udcff", "\ud800", "x" * 200_000, ""):
        assert decode_error(encode_error(VirtError(text, str1=text))).message or not text


def test_codes_of_the_future_are_still_errors() -> None:
    raw = bytearray(encode_error(VirtError("new")))
    raw[:4] = (9999).to_bytes(4, "big")
    assert isinstance(decode_error(bytes(raw)), VirtError)
