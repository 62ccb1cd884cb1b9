"""The error struct: a VirtError on its way to a client, and back."""

from __future__ import annotations

from typing import NamedTuple, overload

from pyvirtd.errors import ErrorLevel, VirtError
from pyvirtd.protocol.shapes import struct_shape
from pyvirtd.protocol.types import I32, DomainRef, NetworkRef, String
from pyvirtd.protocol.xdr import compile_decoder, compile_encoder


class ErrorBody(NamedTuple):
    """virNetMessageError. `code` and `domain` are VIR_ERR_* and VIR_FROM_*."""

    code: I32
    domain: I32
    message: String | None
    level: I32
    dom: DomainRef | None
    str1: String | None
    str2: String | None
    str3: String | None
    int1: I32
    int2: I32
    net: NetworkRef | None


_encode = compile_encoder(struct_shape(ErrorBody), "error")
_decode = compile_decoder(struct_shape(ErrorBody), "error")
_MESSAGE_MAX = 65536


@overload
def _sendable(text: str) -> str: ...


@overload
def _sendable(text: None) -> None: ...


def _sendable(text: str | None) -> str | None:
    """Text that any encoder takes: an error may quote what a guest or a file said."""
    if text is None:
        return None
    raw = text[:_MESSAGE_MAX].replace("\0", "\\0")
    return raw.encode("utf-8", "backslashreplace").decode()


def encode_error(error: VirtError, domain: int = 0) -> bytes:
    """The body of an error reply; `domain` (VIR_FROM_*) stands in where the error names none."""
    message = _sendable(error.message)
    return _encode(
        ErrorBody(
            code=error.code,
            domain=domain if error.domain is None else error.domain,
            message=message,
            level=ErrorLevel.ERROR,
            dom=None,
            str1=_sendable(error.str1),
            str2=message if error.str2 is None else _sendable(error.str2),
            str3=_sendable(error.str3),
            int1=error.int1,
            int2=error.int2,
            net=None,
        )
    )


def decode_error_body(body: bytes) -> ErrorBody:
    """The struct as it came; Malformed for bytes that are none."""
    return _decode(body)  # type: ignore[no-any-return]


def decode_error(body: bytes) -> VirtError:
    """The error of the class its code names, ready to be raised."""
    got = decode_error_body(body)
    error = VirtError.of(got.code, got.message or "the other side reported an error without a message")
    error.domain = got.domain
    error.str1, error.str2, error.str3 = got.str1, got.str2, got.str3
    error.int1, error.int2 = got.int1, got.int2
    return error
