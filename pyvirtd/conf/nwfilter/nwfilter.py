"""<filter>: a network filter, and <filterbinding>: its use on a port. Source: formatnwfilter.html."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pyvirtd.conf.domain.interface import FilterParameter
from pyvirtd.conf.domain.postparse.definition import new_uuid
from pyvirtd.conf.nwfilter.protocol import AllProtocol, AllV6Protocol, Protocol
from pyvirtd.conf.xml import Dump, Element, at, child, children, format, must, parse
from pyvirtd.conf.xml.fields import told
from pyvirtd.conf.xml.types import Codec, Mac, Uuid, integer
from pyvirtd.errors import ConfigUnsupported, ErrorDomain, InternalError, InvalidArg, XMLInvalidSchema

CHAINS: Final = {
    "root": 0,
    "stp": -810,
    "mac": -800,
    "vlan": -750,
    "ipv4": -700,
    "ipv6": -600,
    "arp": -500,
    "rarp": -400,
}
"""The chains there are, user-defined ones being named after one (arp-mine), and their priorities."""
MAX_PRIORITY: Final = 1000
LONGEST_CHAIN: Final = 28


def _priority(text: str) -> int:
    try:
        value = int(text) if len(text) < 8 else 500
    except ValueError:
        return 500
    return value if -MAX_PRIORITY <= value <= MAX_PRIORITY else 500


Priority = Annotated[int, Codec(_priority, str, right="-1000 to 1000", pattern="-?[0-9]+")]
StateMatch = Annotated[
    bool,
    Codec(
        lambda text: text in ("0", "false"),
        lambda _: "false",
        right="true or false",
        words=("1", "0", "true", "false"),
    ),
]


class Entry(Element, family=True):
    """A rule, or another filter's rules."""

    ERRORS = ErrorDomain.NWFILTER


class FilterInclude(Entry, tag="filterref", variant="filterref"):
    """Another filter. Variables are sorted by name."""

    filter: str = must("@filter", bad=InternalError)
    parameters: list[FilterParameter] = children()

    def parsed(self, flags: int) -> None:
        """Variables are a mapping to lists: by name, then as written."""
        self.parameters.sort(key=lambda parameter: parameter.name)


class FilterRule(Entry, tag="rule", variant="rule"):
    """A rule: what to do with which packets. `matches`: at most what must not match, and then what has to."""

    action: Literal["drop", "accept", "reject", "return", "continue"] | None = at("@action", bad=ConfigUnsupported)
    direction: Literal["in", "out", "inout"] | None = at("@direction", bad=ConfigUnsupported)
    priority: Priority = at("@priority", 500)
    stateless: StateMatch = at("@statematch", False, keep=told)
    matches: list[Protocol] = children(Protocol)

    def parsed(self, flags: int) -> None:
        """Several elements of one protocol are one match; a second protocol is not looked at."""
        if self.action is None or self.direction is None:
            raise InternalError(f"line {self.line}: <rule> needs action and direction", domain=ErrorDomain.NWFILTER)
        if not self.matches:
            return
        cls = type(self.matches[0])
        plain, negated = cls(), cls(negated=True)
        for match in self.matches:
            if type(match) is cls:
                target, other = (negated, plain) if match.negated else (plain, negated)
                for name, value in match.given.items():
                    setattr(target, name, value)
                    setattr(other, name, None)
        for name, leader in cls.FOLLOWS.items():
            value = getattr(plain, name) if getattr(plain, name) is not None else getattr(negated, name)
            target, other = (negated, plain) if getattr(negated, leader) is not None else (plain, negated)
            setattr(target, name, value)
            setattr(other, name, None)
        for part in (plain, negated):
            part.line = self.matches[0].line
            if isinstance(part, AllProtocol | AllV6Protocol) and (part.ipset is None or part.ipsetflags is None):
                part.ipset = part.ipsetflags = None
        self.matches = [negated] if negated.given else []
        if plain.given or not negated.given:
            self.matches.append(plain)


class FilterDef(Element, tag="filter"):
    """A filter. `chain`: where its rules stand among those of others; `priority` as given, else the chain's."""

    ERRORS = ErrorDomain.NWFILTER
    name: str = must("@name", bad=InternalError)
    chain: str = at("@chain", "root")
    priority: Annotated[int, integer(-MAX_PRIORITY, MAX_PRIORITY)] | None = at("@priority", bad=InvalidArg)
    uuid: Uuid | None = at("uuid")
    entries: list[Entry] = children(Entry)


class BindingRef(Element, tag="filterref"):
    """The filter of a port and its variables."""

    ERRORS = ErrorDomain.NWFILTER
    filter: str = must("@filter", bad=InternalError)
    parameters: list[FilterParameter] = children()

    def parsed(self, flags: int) -> None:
        """Variables are a mapping to lists: by name, then as written."""
        self.parameters.sort(key=lambda parameter: parameter.name)


class FilterBindingDef(Element, tag="filterbinding"):
    """A filter on a guest's port. `linkdev`: the host's interface below a macvtap."""

    ERRORS = ErrorDomain.NWFILTER
    owner_name: str = must("owner/name", bad=InternalError)
    owner_uuid: Uuid = must("owner/uuid", bad=InternalError)
    portdev: str = must("portdev/@name", bad=InternalError)
    linkdev: str | None = at("linkdev/@name")
    mac: Mac = must("mac/@address", bad=InternalError)
    filter: BindingRef = child(required=True)


def parse_filter(xml: str | bytes, *, validate: bool = False) -> FilterDef:
    """A <filter> document as it stands. validate: hold it against the schema first (XMLInvalidSchema)."""
    if validate:
        from pyvirtd.conf.schema import check_schema  # compiling it is slow

        check_schema(FilterDef, xml, what="network filter XML")
    try:
        return parse(FilterDef, xml, Dump.INACTIVE, what="network filter XML")
    except InternalError as error:  # what is wrong with a value, the schema would say first
        raise XMLInvalidSchema(error.message, domain=ErrorDomain.XML) if validate else error from None


def format_filter(definition: FilterDef) -> str:
    """The document as libvirt prints it."""
    return format(definition)


def complete_filter(definition: FilterDef) -> None:
    """A UUID; the priority of a chain that there always is, which for the root one is not told."""
    definition.uuid = definition.uuid or new_uuid()
    definition.chain = definition.chain or "root"
    if definition.chain == "root":
        definition.priority = None
    elif definition.priority is None:
        definition.priority = CHAINS.get(definition.chain)


def check_filter(definition: FilterDef) -> None:
    """A chain that there can be. Whether included filters are there, and without a circle, is the driver's to say."""
    chain, where = definition.chain, f"filter {definition.name!r}"
    if len(chain) > LONGEST_CHAIN:
        raise InvalidArg(
            f"{where}: chain {chain[:60]!r} has more than {LONGEST_CHAIN} letters", domain=ErrorDomain.NWFILTER
        )
    if not chain or not all(letter.isalnum() or letter in "_:-." for letter in chain) or not chain.isascii():
        raise InvalidArg(f"{where}: chain {chain!r} has to be of letters, digits and _:-.", domain=ErrorDomain.NWFILTER)
    if (chain not in CHAINS and chain.partition("-")[0] not in CHAINS) or chain.startswith("root-"):
        raise InvalidArg(
            f"{where}: chain {chain!r} has to be one of {', '.join(CHAINS)} or one of these with -NAME behind it",
            domain=ErrorDomain.NWFILTER,
        )


def included(definition: FilterDef) -> list[str]:
    """For the driver: the names of the filters that have to be there."""
    return [entry.filter for entry in definition.entries if isinstance(entry, FilterInclude)]


def parse_filter_binding(xml: str | bytes) -> FilterBindingDef:
    """A <filterbinding> document."""
    return parse(FilterBindingDef, xml, Dump.INACTIVE, what="network filter binding XML")


def format_filter_binding(binding: FilterBindingDef) -> str:
    """The document as libvirt prints it."""
    return format(binding)
