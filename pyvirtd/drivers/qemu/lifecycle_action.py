"""What becomes of a guest that powers off, resets or crashes: changed while it runs, and in its definition."""

from __future__ import annotations

from typing import Final

from pyvirtd.conf.domain.domain import DomainDef
from pyvirtd.core.calls.change import change_live, impact, keep, tried
from pyvirtd.core.domain import Domain
from pyvirtd.core.modifies import modifies
from pyvirtd.drivers.qemu.noun import Noun, machine_of
from pyvirtd.errors import ConfigUnsupported, InvalidArg
from pyvirtd.protocol.calls import supports
from pyvirtd.protocol.constants.domain import DomainModificationImpact as Impact

_FIELDS: Final = ("on_poweroff", "on_reboot", "on_crash")
_ACTIONS: Final = ("destroy", "restart", "rename-restart", "preserve", "coredump-destroy", "coredump-restart")
_CRASH_ONLY: Final = ("coredump-destroy", "coredump-restart")


class LifecycleActionCalls(Noun):
    """domain_set_lifecycle_action."""

    @supports(Impact.LIVE | Impact.CONFIG)
    @modifies
    async def domain_set_lifecycle_action(self, dom: Domain, type: int, action: int, flags: int) -> None:
        field, word = _checked(type, action)
        live, config = impact(dom, flags)

        def change(definition: DomainDef) -> None:
            setattr(definition, field, word)

        kept = tried(dom, change) if config else None
        if live:
            # Only what a reset does is decided inside QEMU; a shutdown and a crash are reported to us.
            if field == "on_reboot":
                await machine_of(dom).run("set-action", reboot="shutdown" if word == "destroy" else "reset")
            await change_live(self.runtime, dom, change)
        if kept is not None:
            await keep(self.runtime, dom, kept)


def _checked(type: int, action: int) -> tuple[str, str]:
    """Field of the definition and word. Raises InvalidArg, ConfigUnsupported."""
    if type >= len(_FIELDS):
        raise InvalidArg(f"there is no kind {type} of a guest's end; 0 is power-off, 1 reboot, 2 crash")
    if action >= len(_ACTIONS):
        raise InvalidArg(f"there is no action {action}; there are 0 to {len(_ACTIONS) - 1}, {', '.join(_ACTIONS)}")
    field, word = _FIELDS[type], _ACTIONS[action]
    if word in _CRASH_ONLY and field != "on_crash":
        raise ConfigUnsupported(f"{word} is an action for a crash, not for {field}")
    if word == "rename-restart":
        raise ConfigUnsupported(f"QEMU guests know no {word}; destroy, restart and preserve are possible")
    return field, word
