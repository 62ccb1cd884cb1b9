"""From declarations and drivers to the table a session dispatches from.

tables = bind(session, driver, network_driver, readonly=client.readonly)
bound = tables[program].get(procedure)        # None: VIR_ERR_NO_SUPPORT
args, encode = bound.decode(body)             # flags checked, wire-only parameters taken off
result = bound.method(*args)                  # awaited where bound.is_async; stream and files come last
reply = encode(result)                        # of result.value where bound.files_out
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from inspect import iscoroutinefunction
from typing import Any

from pyvirtd.errors import OperationDenied
from pyvirtd.protocol.calls import Acl, Call, Direction, Program, When
from pyvirtd.protocol.codec import ALL_FLAGS, Encoder, compile_args_decoder
from pyvirtd.protocol.shapes import call_shape

READ_PERMISSIONS = frozenset({"getattr", "read", "none"})
"""What a read-only client may do, beside searching: the permissions libvirt's own read-only check lets pass."""


def is_read(permission: str) -> bool:
    """Whether object:permission only looks."""
    verb = permission.rpartition(":")[2]
    return verb in READ_PERMISSIONS or verb.startswith("search_")


class BoundCall:
    """One procedure as a session calls it.

    `decode(body)` gives the method's positional arguments and the encoder for this request's reply; it raises
    Malformed for bytes that don't fit the declaration, InvalidArg for unknown flags, OperationDenied for what a
    read-only client may not do.
    """

    __slots__ = ("acl", "decode", "files_in", "files_out", "high", "is_async", "mask", "method", "name", "number",
                 "owner", "program", "readonly", "sparse", "stream", "wire")  # fmt: skip

    def __init__(self, declared: Call, owner: Any, *, readonly: bool = False) -> None:
        self.wire = declared
        self.name, self.number, self.program = declared.name, declared.number, declared.program
        self.owner = owner
        self.method: Callable[..., Any | Awaitable[Any]] = getattr(owner, declared.name)
        self.mask, self.is_async = _support(declared, owner)
        self.acl: tuple[Acl, ...] = declared.acl
        self.high, self.sparse = declared.high, declared.sparse
        self.stream: Direction | None = declared.stream
        self.files_in = declared.files in ("in", "both")
        self.files_out = declared.files in ("out", "both")
        self.readonly = readonly
        self.decode: Callable[[bytes], tuple[tuple[Any, ...], Encoder]] = self._first

    def __repr__(self) -> str:
        return f"<bound {self.name} of {type(self.owner).__name__}>"

    def _first(self, body: bytes) -> tuple[tuple[Any, ...], Encoder]:
        """The decoder until the first call: compiles the real one and takes its place."""
        if self.readonly and not self.wire.ro:
            self.decode = self._denied
        else:
            decode = _decoder(self.wire, self.mask)
            guards = [acl for acl in self.acl if isinstance(acl, When) and not is_read(acl.permission)]
            self.decode = _guarded(self.wire, decode, guards) if self.readonly and guards else decode
        return self.decode(body)

    def _denied(self, body: bytes) -> tuple[tuple[Any, ...], Encoder]:
        raise OperationDenied(f"{self.name} changes things, and this connection is read-only")


_decoders: dict[tuple[Call, int], Callable[[bytes], tuple[tuple[Any, ...], Encoder]]] = {}


def _decoder(declared: Call, mask: int) -> Callable[[bytes], tuple[tuple[Any, ...], Encoder]]:
    found = _decoders.get((declared, mask))
    if found is None:
        found = _decoders[declared, mask] = compile_args_decoder(declared, mask)
    return found


def _support(declared: Call, owner: Program) -> tuple[int, bool]:
    """Mask and asynchrony, from the override, or from what a `via` call goes through."""
    method = getattr(type(owner), declared.name)
    if method is not declared.function:
        return getattr(method, "__supports__", 0), iscoroutinefunction(method)
    assert declared.via is not None
    mask, is_async = _support(type(owner).calls[declared.via], owner)
    return getattr(method, "__supports__", mask), is_async


def _guarded(
    declared: Call, decode: Callable[[bytes], tuple[tuple[Any, ...], Encoder]], guards: list[When]
) -> Callable[[bytes], tuple[tuple[Any, ...], Encoder]]:
    """A decoder that refuses what needs more than reading, for the conditions the declaration names."""
    hidden = declared.asks.name if declared.asks is not None else None
    names = [name for name, _ in call_shape(declared).args if name != hidden]
    flags = names.index("flags") if "flags" in names else None

    def check(body: bytes) -> tuple[tuple[Any, ...], Encoder]:
        args, encode = decode(body)
        given = 0 if flags is None else args[flags]
        for permission, bits, without, param in guards:
            if (
                (bits and given & bits)
                or (without and not given & without)
                or (param is not None and args[names.index(param[0])] == param[1])
            ):
                what = f"with {param[0]}={param[1]}" if param is not None else f"with flags {given & bits:#x}"
                raise OperationDenied(f"{declared.name} {what} needs {permission}, and this connection is read-only")
        return args, encode

    return check


Tables = dict[int, dict[int, BoundCall]]


def bind(*instances: Program, readonly: bool = False) -> Tables:
    """program number -> procedure number -> bound call; what nobody overrides is absent. The first one that does wins.

    For a read-only client every call that its declaration doesn't open is in the table and refuses with
    OperationDenied, so that it learns the reason.
    """
    tables: Tables = {}
    for instance in instances:
        for name, declared in type(instance).calls.items():
            if type(instance).implements(name):
                table = tables.setdefault(declared.program, {})
                table.setdefault(declared.number, BoundCall(declared, instance, readonly=readonly))
    return tables


__all__ = ["ALL_FLAGS", "BoundCall", "Tables", "bind", "is_read"]
