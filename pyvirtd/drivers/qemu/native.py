"""virsh domxml-to-native: the command line that a definition would be started with."""

from __future__ import annotations

from typing import Final

from pyvirtd.drivers.qemu.command import build_command, dry_context, native_text, prepare_dry
from pyvirtd.drivers.qemu.noun import Noun
from pyvirtd.drivers.qemu.pipeline import capabilities_of, definition_of, named
from pyvirtd.errors import InvalidArg
from pyvirtd.store.atomic import in_background

FORMAT: Final = "qemu-argv"


class NativeCalls(Noun):
    """Translations between definitions and command lines."""

    async def connect_domain_xml_to_native(self, native_format: str, domain_xml: str, flags: int) -> str:
        """InvalidArg for a format other than qemu-argv; nothing is prepared, so nothing of it can be run as it is."""
        if native_format != FORMAT:
            raise InvalidArg(f"format {native_format!r} is unknown; {FORMAT} is what QEMU has")
        definition = await definition_of(self.runtime, domain_xml)
        caps = await capabilities_of(self.runtime, definition)
        context = dry_context(definition, str(self.runtime.lib_dir.parent))
        context.nvram_dir = str(self.runtime.nvram_dir)
        await in_background(prepare_dry, definition, caps, context)
        return native_text(build_command(named(definition), caps, context))
