"""A domain: the one owner of its definitions, its state, its job and its machine.

Definitions are values: nobody changes one in place. Who wants a change copies it, changes the copy, saves it, and
hands it over (`define`, `set_live`), all inside the job. Queries may therefore keep what they got.

Thousands of inactive domains must cost little, so a `Domain` starts as name and UUID; its definition is parsed when it
is first needed and the least recently used ones are dropped again (`Definitions`); its job is made when asked for.
"""

from __future__ import annotations

import uuid as uuids
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pyvirtd.core.jobs import DEFAULT_TIMEOUT, Job
from pyvirtd.core.lifecycle import TRANSITIONS, State, Transition
from pyvirtd.errors import InternalError, OperationInvalid
from pyvirtd.protocol.types import DomainRef

if TYPE_CHECKING:
    from pyvirtd.conf.domain.domain import DomainDef

T = TypeVar("T")

_INACTIVE: Final = 2  # VIR_DOMAIN_XML_INACTIVE
_CACHED_DUMPS: Final = 4


class Definitions:
    """Parses persistent definitions when they are needed and keeps the most recently used `keep` of them.

    Printed definitions cost a tenth of parsed ones, so they stay longer: those most recently asked for, `keep_text`
    characters of them. `load` parses the definition of a name from disk; `format` prints one (flags: VIR_DOMAIN_XML_*).
    """

    def __init__(
        self, load: Callable[[str], DomainDef], format: Callable[[DomainDef, int], str], *, keep: int = 64,
        keep_text: int = 8 << 20, job_timeout: float = DEFAULT_TIMEOUT,
    ) -> None:
        self.load, self.format, self.keep, self.job_timeout = load, format, keep, job_timeout
        self.keep_text = keep_text
        self._recent: OrderedDict[Domain, None] = OrderedDict()
        self._printed: OrderedDict[Domain, int] = OrderedDict()
        self._text = 0

    def used(self, domain: Domain) -> None:
        """This one was needed; the one that was not needed for longest may go."""
        self._recent[domain] = None
        self._recent.move_to_end(domain)
        while len(self._recent) > self.keep:
            oldest, _ = self._recent.popitem(last=False)
            oldest.unload()

    def printed(self, domain: Domain, size: int) -> None:
        """This one was printed, `size` more characters of it; what was not asked for for longest may go."""
        self._text += size
        self._printed[domain] = self._printed.pop(domain, 0) + size
        while self._text > self.keep_text and len(self._printed) > 1:
            oldest, length = self._printed.popitem(last=False)
            self._text -= length
            oldest.drop_text()

    def changed(self, domain: Domain) -> None:
        """What was printed of it is gone."""
        self._text -= self._printed.pop(domain, 0)

    def forget(self, domain: Domain) -> None:
        """It is no more."""
        self._recent.pop(domain, None)
        self.changed(domain)


class Domain:
    """One domain. Drivers subclass it for what their machines need; `machine` is None while it does not run."""

    __slots__ = (
        "__weakref__", "_definition", "_definitions", "_facts", "_job", "_ref", "_xml", "autostart", "autostart_once",
        "has_checkpoint", "has_snapshot", "id", "live", "machine", "managed_save", "name", "persistent", "reason",
        "removed", "state", "taints", "updated", "uuid", "version",
    )  # fmt: skip

    def __init__(self, name: str, uuid: bytes, definitions: Definitions) -> None:
        self.name, self.uuid, self.id = name, uuid, -1
        self.state, self.reason = State.SHUTOFF, 0
        self.persistent = self.autostart = self.autostart_once = self.updated = self.removed = False
        self.managed_save = self.has_snapshot = self.has_checkpoint = False
        self.version = 0
        """Grows whenever a definition, the name or the id changes: what was made from them is old then."""
        self.live: DomainDef | None = None
        self.machine: Any = None
        self.taints: frozenset[str] = frozenset()
        self._definitions = definitions
        self._definition: DomainDef | None = None
        self._ref: DomainRef | None = None
        self._job: Job | None = None
        self._xml: dict[tuple[bool, int], str] | None = None
        self._facts: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"<domain '{self.name}' {self.state.name.lower()}>"

    def __str__(self) -> str:
        return f"domain '{self.name}'"

    @property
    def ref(self) -> DomainRef:
        """As the wire names it."""
        if self._ref is None:
            self._ref = DomainRef(self.name, self.uuid, self.id)
        return self._ref

    def forget_ref(self) -> None:
        """Name or id have changed."""
        self._ref = None
        self._changed()
        if self._job is not None:
            self._job.what = str(self)

    @property
    def uuid_text(self) -> str:
        """The UUID with its dashes."""
        return str(uuids.UUID(bytes=self.uuid))

    @property
    def job(self) -> Job:
        """The right to change it."""
        if self._job is None:
            self._job = Job(str(self), timeout=self._definitions.job_timeout)
        return self._job

    def set_job_timeout(self, seconds: float) -> None:
        """The configuration has changed."""
        if self._job is not None:
            self._job.timeout = seconds

    @property
    def active(self) -> bool:
        """Whether it has a machine: it runs, is paused, or is being started or ended."""
        return self.id != -1

    # Definitions

    @property
    def definition(self) -> DomainDef:
        """The persistent definition. Raises OperationInvalid for a transient domain."""
        if not self.persistent:
            raise OperationInvalid(f"{self} is transient: it has no persistent definition")
        if self._definition is None:
            self._definition = self._definitions.load(self.name)
        self._definitions.used(self)
        return self._definition

    @property
    def current(self) -> DomainDef:
        """The live definition of an active domain, else the persistent one."""
        return self.live if self.live is not None else self.definition

    def define(self, definition: DomainDef) -> None:
        """This is its persistent definition now; it is on disk already."""
        self._definition, self.persistent = definition, True
        self._changed()
        self._definitions.used(self)

    def undefine(self) -> None:
        """It has no persistent definition any more; the file is gone already."""
        self._definition, self.persistent, self.autostart, self.autostart_once = None, False, False, False
        self._changed()
        self._definitions.forget(self)

    def set_live(self, live: DomainDef | None) -> None:
        """This is its live definition now; None: it does not run."""
        self.live = live
        self._changed()

    def live_changed(self) -> None:
        """Something that the live definition shows has changed in it (a balloon, a tray): dumps are made anew."""
        self._changed()

    def _changed(self) -> None:
        """What was made from the definitions is old now."""
        self.version += 1
        self._facts = {}
        if self._xml is not None:
            self.drop_text()
            self._definitions.changed(self)

    def unload(self) -> None:
        """Drop the parsed definition; the file has it."""
        self._definition = None

    def drop_text(self) -> None:
        """Drop what was printed of it."""
        self._xml = None

    def fact(self, make: Callable[[DomainDef], T]) -> T:
        """`make(current definition)`, a small value, made again only when the definitions have changed."""
        name = make.__qualname__
        if name not in self._facts:
            self._facts[name] = make(self.current)
        found: T = self._facts[name]
        return found

    def xml(self, flags: int = 0) -> str:
        """Its XML with VIR_DOMAIN_XML_* flags, from the live definition unless INACTIVE asks otherwise."""
        live = self.live is not None and not (flags & _INACTIVE and self.persistent)
        cache = self._xml
        if cache is None:
            cache = self._xml = {}
        text = cache.get((live, flags))
        if text is None:
            definition = self.live if live else self.definition
            if definition is None:
                raise InternalError(f"{self} has no definition at all")
            text = self._definitions.format(definition, flags if live else flags | _INACTIVE)
            if len(cache) < _CACHED_DUMPS:
                cache[live, flags] = text
                self._definitions.printed(self, len(text))
        return text

    # Life

    def step(self, name: str) -> Transition:
        """Go through a transition of the table. Raises OperationInvalid when it does not start from here."""
        transition = TRANSITIONS[name]
        if self.state not in transition.sources:
            raise OperationInvalid(f"{self} is {self.state.name.lower()}: it cannot go through '{name}'")
        self.state, self.reason = transition.state, transition.reason
        return transition

    def require_active(self) -> None:
        """Raises OperationInvalid unless it has a machine."""
        if self.id == -1:
            raise OperationInvalid(f"{self} is not running")

    def require_inactive(self) -> None:
        """Raises OperationInvalid when it has a machine."""
        if self.id != -1:
            raise OperationInvalid(f"{self} is already running")

    def require_persistent(self) -> None:
        """Raises OperationInvalid for a transient domain."""
        if not self.persistent:
            raise OperationInvalid(f"{self} is transient: this needs a persistent one")
