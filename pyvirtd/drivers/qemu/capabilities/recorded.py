"""Capabilities from recorded QMP conversations: requests and replies as JSON documents, blank lines between.

A conversation begins with qmp_capabilities; the first one is of a QEMU with KVM, the second of one without.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pyvirtd.drivers.qemu.capabilities.gather import Answerer, gather
from pyvirtd.drivers.qemu.capabilities.model import QemuCapabilities


async def from_recording(path: Path, binary: str) -> QemuCapabilities:
    """The capabilities that a recorded QEMU has. ValueError when the file is no recording."""
    conversations = _conversations(path.read_text())
    if not conversations:
        raise ValueError(f"{path} has no recorded conversation with QEMU")
    gathered = await gather(
        _answerer(conversations[0]), _answerer(conversations[1]) if len(conversations) > 1 else None
    )
    return QemuCapabilities(binary, gathered)


def _conversations(text: str) -> list[dict[str, Any]]:
    """Each conversation as request (without its id, as sorted JSON) to reply."""
    conversations: list[dict[str, Any]] = []
    documents = [json.loads(part) for part in text.split("\n\n") if part.strip()]
    for request, reply in zip(documents[::2], documents[1::2], strict=True):
        if request["execute"] == "qmp_capabilities":
            conversations.append({})
        conversations[-1][_key(request["execute"], request.get("arguments", {}))] = reply.get("return")
    return conversations


def _key(command: str, arguments: Mapping[str, Any]) -> str:
    return json.dumps([command, arguments], sort_keys=True)


def _answerer(replies: Mapping[str, Any]) -> Answerer:
    async def answer(command: str, arguments: Mapping[str, Any]) -> Any:
        return replies.get(_key(command, arguments))

    return answer
