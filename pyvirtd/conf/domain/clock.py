"""<clock> and its timers."""

from __future__ import annotations

from typing import Annotated, Literal

from pyvirtd.conf.xml import Dump, Element, at, child, children, must
from pyvirtd.conf.xml.types import Codec, Long, ULong, YesNo, integer
from pyvirtd.errors import ConfigUnsupported, XMLError

_NUMBER = integer(-(2**63), 2**63 - 1)


def _adjustment(text: str) -> int | str:
    if text == "reset":
        return text
    assert _NUMBER.parse is not None
    number: int = _NUMBER.parse(text)
    return number


Adjustment = Annotated[int | str, Codec(_adjustment, str, right="a number of seconds or reset")]


class Catchup(Element, tag="catchup"):
    """Limits of a timer that catches up."""

    threshold: ULong | None = at("@threshold", omit=0)
    slew: ULong | None = at("@slew", omit=0)
    limit: ULong | None = at("@limit", omit=0)


class Timer(Element, tag="timer"):
    """One of the guest's timers."""

    name: Literal["platform", "pit", "rtc", "hpet", "tsc", "kvmclock", "hypervclock", "armvtimer"] = must(
        "@name", bad=ConfigUnsupported
    )
    present: YesNo | None = at("@present", bad=ConfigUnsupported)
    tickpolicy: Literal["delay", "catchup", "merge", "discard"] | None = at("@tickpolicy", bad=ConfigUnsupported)
    track: Literal["boot", "guest", "wall", "realtime"] | None = at("@track", bad=ConfigUnsupported)
    frequency: ULong | None = at("@frequency", omit=0)
    mode: Literal["auto", "native", "emulate", "paravirt", "smpsafe"] | None = at("@mode", bad=ConfigUnsupported)
    catchup: Catchup | None = child(empty=False)


class Clock(Element, tag="clock"):
    """What the guest's clock starts from. `adjustment`: seconds, or "reset" (back to the host's at every start)."""

    offset: Literal["utc", "localtime", "variable", "timezone", "absolute"] = at(
        "@offset", "utc", bad=ConfigUnsupported
    )
    adjustment: Adjustment | None = at(
        "@adjustment", when=lambda c, _: c.offset == "variable" or c.adjustment == "reset"
    )
    basis: Literal["utc", "localtime"] | None = at("@basis", when=lambda c, _: c.offset == "variable")
    timezone: str | None = at("@timezone", when=lambda c, _: c.offset == "timezone")
    start: ULong | None = at("@start", when=lambda c, _: c.offset == "absolute")
    adjustment0: Long | None = at("@adjustment0", status=True)
    timers: list[Timer] = children()

    def parsed(self, flags: int) -> None:
        """Complete what the offset implies."""
        if self.offset == "variable":
            self.adjustment = 0 if self.adjustment is None else self.adjustment
            self.basis = self.basis or "utc"
        elif self.offset == "timezone" and not self.timezone:
            raise XMLError(f"line {self.line}, <clock>: offset timezone has to come with a timezone")
        elif self.offset == "absolute" and self.start is None:
            raise XMLError(f"line {self.line}, <clock>: offset absolute has to come with start, seconds since 1970")
        if not flags & Dump.STATUS:
            self.adjustment0 = None
