"""How a procedure, an event and a driver's support for them are declared.

A procedure is a method signature: its parameters are the argument struct, its return type the reply. Parameters that
only the wire has are named by `asks` and appear neither in the signature nor in the reply.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import Any, ClassVar, Generic, Literal, NamedTuple, TypeAlias, TypeVar

from pyvirtd.protocol.types import I32, U32, plain

T = TypeVar("T")
U = TypeVar("U")
F = TypeVar("F", bound=Callable[..., Any])
Reply: TypeAlias = T | Awaitable[T]
Stream = Any
"""The stream parameter: core.stream.Stream in a driver, the client's stream on the other side."""


class Passed(NamedTuple, Generic[T]):
    """The reply of a call that hands out file descriptors: the reply's own value (None where it has none) and them."""

    value: T
    files: list[int]


class Asks:
    """A parameter and a reply field which only the wire has, because C callers bring their own arrays.

    `name` None: only the reply field `ret`, the number of items. `before`: the parameter that follows it on the wire
    (where there is none of that name it comes last). `unread`: clients may send nonsense, and get everything for it.
    """

    __slots__ = ("arg", "before", "kind", "name", "ret", "unread")

    def __init__(self, kind: str, name: str | None, arg: Any, ret: Any, before: str, *, unread: bool = False) -> None:
        self.kind, self.name, self.arg, self.ret, self.before = kind, name, arg, ret, before
        self.unread = unread


def need_results(*, arg: Any = I32, ret: Any = U32) -> Asks:
    """0 asks for the number alone; the reply carries the list and the number."""
    return Asks("need_results", "need_results", arg, ret, "flags")


def at_most(name: str, *, arg: Any = I32, ret: Any = None, before: str = "flags") -> Asks:
    """The caller's room. With `ret`, the reply carries the number too, and room 0 asks for it."""
    return Asks("at_most", name, arg, ret, before)


def nparams(*, before: str = "flags", unread: bool = False) -> Asks:
    """0 asks for the number of parameters, which is then all the reply holds; else the number stays 0."""
    return Asks("nparams", "nparams", I32, I32, before, unread=unread)


def counted(ret: Any = U32) -> Asks:
    """The reply's list is followed by its length once more."""
    return Asks("counted", None, None, ret, "")


class When(NamedTuple):
    """A permission needed under a condition: some of `flags` set, all of `without` clear, or a parameter's value."""

    permission: str
    flags: int = 0
    without: int = 0
    param: tuple[str, int] | None = None


Acl = str | When
Direction = Literal["read", "write"]
Files = Literal["in", "out", "both"]


class Call:
    """One declared procedure. `program` and `owner` are filled in when its class is made."""

    __slots__ = (
        "acl",
        "asks",
        "files",
        "filter",
        "function",
        "high",
        "name",
        "noauth",
        "number",
        "owner",
        "program",
        "ro",
        "sparse",
        "stream",
        "via",
    )

    def __init__(self, function: Callable[..., Any], number: int, **facts: Any) -> None:
        self.function, self.number, self.name = function, number, function.__name__
        self.program: int = 0
        self.owner: type[Program] = Program
        self.acl: tuple[Acl, ...] = facts["acl"]
        self.asks: Asks | None = facts["asks"]
        self.files: Files | None = facts["files"]
        self.filter: str | None = facts["filter"]
        self.high: bool = facts["high"]
        self.noauth: bool = facts["noauth"]
        self.ro: bool = facts["ro"]
        self.sparse: int = facts["sparse"]
        self.stream: Direction | None = facts["stream"]
        self.via: str | None = facts["via"]

    def __repr__(self) -> str:
        return f"<call {self.name} {self.program:#x}:{self.number}>"


def call(
    number: int,
    *,
    acl: Acl | tuple[Acl, ...] = (),
    filter: str | None = None,
    ro: bool = False,
    high: bool = False,
    noauth: bool = False,
    stream: Direction | None = None,
    sparse: int = 0,
    files: Files | None = None,
    asks: Asks | None = None,
    via: str | None = None,
) -> Callable[[F], F]:
    """Declare the method as procedure `number`.

    `acl`: what the caller must be allowed (object:permission), with `When` for what only some flags need;
    `filter`: what it must be allowed on every item of a list or event. `ro`: open to read-only clients.
    `high`: answered even when the workers are busy. `noauth`: allowed before authentication.
    `stream`: direction of the data, the method then takes `stream` last; `sparse`: the flag that allows holes.
    `files`: file descriptors come in (last parameter `files`), go out (the method returns `Passed`), or both.
    `via`: the call whose special case this one is; the declared body says how, and stands wherever that call does.
    """
    acls = acl if isinstance(acl, tuple) else (acl,)
    facts: dict[str, Any] = {
        "acl": acls,
        "filter": filter,
        "ro": ro,
        "high": high,
        "noauth": noauth,
        "stream": stream,
        "sparse": sparse,
        "files": files,
        "asks": asks,
        "via": via,
    }

    def mark(function: F) -> F:
        function.__wire__ = Call(function, number, **facts)  # type: ignore[attr-defined]
        return function

    return mark


def supports(mask: int) -> Callable[[F], F]:
    """The flags a driver's method understands; every other bit is refused before the method is called."""

    def mark(function: F) -> F:
        function.__supports__ = mask  # type: ignore[attr-defined]
        return function

    return mark


class Program:
    """Base of the declarations and, through them, of the drivers.

    A class with a `number` of its own declares procedures; its subclasses without one override some of them.
    `calls` holds everything declared so far up the tree, by name.
    """

    number: ClassVar[int] = 0
    version: ClassVar[int] = 1
    calls: ClassVar[dict[str, Call]] = {}

    def __init_subclass__(cls, *, number: int | None = None, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if number is not None:
            cls.number = number
        own = [f.__wire__ for f in vars(cls).values() if hasattr(f, "__wire__") and f.__wire__.function is f]
        for declared in own:
            declared.program, declared.owner = cls.number, cls
        merged: dict[str, Call] = {}
        for base in reversed(cls.__bases__):
            merged.update(getattr(base, "calls", {}))
        merged.update((declared.name, declared) for declared in own)
        cls.calls = merged

    @classmethod
    def implements(cls, name: str) -> bool:
        """Whether the class overrides that call, or the one it goes through."""
        declared = cls.calls.get(name)
        if declared is None:
            return False
        if getattr(cls, name) is not declared.function:
            return True
        return declared.via is not None and cls.implements(declared.via)


class Event:
    """One declared event: the numbers of its messages, and which extra field only the callback style carries."""

    __slots__ = ("callback", "cls", "event_id", "extra", "number", "object", "program")

    def __init__(
        self,
        cls: type,
        object: str,
        event_id: int | None,
        number: int | None,
        callback: int | None,
        extra: str | None,
        program: int,
    ) -> None:
        self.cls, self.object, self.event_id = cls, object, event_id
        self.number, self.callback, self.extra, self.program = number, callback, extra, program


EVENTS: dict[tuple[int, int], Event] = {}
"""Declared events by program and message number (old style and callback style)."""

C = TypeVar("C", bound=type)


def event(
    object: str,
    event_id: int | None,
    *,
    number: int | None = None,
    callback: int | None = None,
    extra: str | None = None,
    program: int = 0x20008086,
) -> Callable[[C], C]:
    """Declare a NamedTuple as an event of `object` (domain, network, ...), numbered `event_id` among its events.

    `number`: the message for clients without callback ids; `callback`: the message that starts with one.
    `extra`: the field that only the callback style carries, right after the id.
    """

    def mark(cls: C) -> C:
        declared = Event(cls, object, event_id, number, callback, extra, program)
        cls.__event__ = declared  # type: ignore[attr-defined]
        for message in (number, callback):
            if message is not None:
                EVENTS[program, message] = declared
        return cls

    return mark


def then(reply: Reply[T], change: Callable[[T], U]) -> Reply[U]:
    """`change` applied to a reply, now or when it is there."""
    if isawaitable(reply):
        return _later(reply, change)
    return change(reply)


async def _later(reply: Awaitable[T], change: Callable[[T], U]) -> U:
    return change(await reply)


def names(items: list[Any]) -> list[str]:
    """The names of references, for the calls of old that list names."""
    return [plain(item).name for item in plain(items)]


def nothing(_: object) -> None:
    """For `then`: the reply is dropped."""
