"""Questions to a QMP schema: does this QEMU know that command, argument, variant or value?

A path is words with slashes between, walked from a command, event or type of the schema (QAPI introspection,
docs/devel/qapi-code-gen in QEMU's documentation)::

    blockdev-add                              the command is there
    blockdev-reopen/arg-type/options          its argument `options` is there
    nbd-server-add/arg-type/*bitmap           ... and may be left out
    blockdev-add/arg-type/+file/aio           the variant `file` of a union has a member `aio`
    blockdev-add/arg-type/+file/aio/^io_uring ... whose enum has the value `io_uring`
    blockdev-add/arg-type/$dynamic-auto-read-only    a feature flag is there
    getfd/arg-type/fdname/!str                a member is of that built-in type
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class QmpSchema:
    """The reply to query-qmp-schema, by name."""

    def __init__(self, entries: Sequence[dict[str, Any]]) -> None:
        self._entries: dict[str, dict[str, Any]] = {entry["name"]: entry for entry in entries}
        self._answers: dict[str, bool] = {}

    def has(self, path: str) -> bool:
        """Whether the path leads to something. Answers are remembered."""
        answer = self._answers.get(path)
        if answer is None:
            name, _, rest = path.partition("/")
            entry = self._entries.get(name)
            answer = entry is not None and self._walk(entry, rest.split("/") if rest else [])
            self._answers[path] = answer
        return answer

    def values(self, path: str) -> list[str]:
        """The values of the enum that a path leads to; none when it leads nowhere."""
        name, *rest = path.split("/")
        entry = self._entries.get(name)
        for word in rest:
            if entry is None:
                return []
            entry = self._step(self._plain(entry), word)
        entry = self._plain(entry) if entry is not None else {}
        return [str(value) for value in entry.get("values", [])]

    def _plain(self, entry: dict[str, Any]) -> dict[str, Any]:
        """An array stands for its elements."""
        while entry.get("meta-type") == "array":
            entry = self._entries.get(entry["element-type"], {})
        return entry

    def _walk(self, entry: dict[str, Any], words: list[str]) -> bool:
        entry = self._plain(entry)
        if not words:
            return True
        word, rest = words[0], words[1:]
        if word.startswith("$"):
            return not rest and word[1:] in entry.get("features", ())
        if word.startswith("^"):
            return not rest and entry.get("meta-type") == "enum" and word[1:] in entry["values"]
        if word.startswith("!"):
            return not rest and word[1:] in (entry.get("json-type"), entry.get("name"))
        if entry.get("meta-type") == "alternate":
            return any(self._walk(self._entries[m["type"]], words) for m in entry["members"])
        member = self._member(entry, word)
        if member is not None and rest and rest[0].startswith("$") and rest[0][1:] in member.get("features", ()):
            return len(rest) == 1
        following = self._step(entry, word)
        return following is not None and self._walk(following, rest)

    def _step(self, entry: dict[str, Any], word: str) -> dict[str, Any] | None:
        kind = entry.get("meta-type")
        if kind in ("command", "event"):
            return self._entries.get(entry[word]) if word in ("arg-type", "ret-type") and word in entry else None
        if word.startswith("+"):
            for variant in entry.get("variants", ()):
                if variant["case"] == word[1:]:
                    return self._entries.get(variant["type"])
            return None
        member = self._member(entry, word)
        return self._entries.get(member["type"]) if member is not None else None

    @staticmethod
    def _member(entry: dict[str, Any], word: str) -> dict[str, Any] | None:
        """The member of an object; with a star in front only when it is optional."""
        name = word.removeprefix("*")
        for member in entry.get("members", ()):
            if member.get("name") == name and (name == word or "default" in member):
                return dict(member)
        return None
