"""<cpu> documents that clients compare and combine: parsed to features by policy, written with what was found."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from pyvirtd.conf.outline import Outline
from pyvirtd.conf.xml.document import load
from pyvirtd.drivers.qemu.capabilities.emulators import KNOWN_ARCHES
from pyvirtd.drivers.qemu.cpu.cpu_map import CpuMap, Features
from pyvirtd.errors import ConfigUnsupported, ErrorDomain, InternalError, XMLError

POLICIES: Final = ("force", "require", "optional", "disable", "forbid")
MATCHES: Final = ("minimum", "exact", "strict")
MODES: Final = ("custom", "host-model", "host-passthrough", "maximum")


class CpuDocument(NamedTuple):
    """A parsed <cpu>. A host's (`is_host`) has an architecture; its features are all required."""

    is_host: bool
    arch: str | None
    model: str | None
    vendor: str | None
    match: str
    mode: str
    features: tuple[tuple[str, str], ...]
    """(name, policy)."""


def parse(xml: str, *, must_be_host: bool = False) -> CpuDocument:
    """Errors, all of domain CPU: XMLError for what is no <cpu> or incomplete, ConfigUnsupported for a guest's
    attributes in a host's CPU."""
    root = load(xml, "cpu", what="CPU")
    mode, match = root.get("mode"), root.get("match")
    arch = root.findtext("arch")
    is_host = must_be_host or (arch is not None and mode is None and match is None)
    if must_be_host and mode is not None:
        raise ConfigUnsupported("<cpu>: mode is for a guest's CPU, not a host's", domain=ErrorDomain.CPU)
    if is_host and arch is None:
        raise XMLError("<cpu>: <arch> is missing; a host's CPU has one", domain=ErrorDomain.CPU)
    if arch is not None and arch not in KNOWN_ARCHES:
        raise XMLError(f"<cpu>: {arch!r} is no architecture", domain=ErrorDomain.CPU)
    model = (root.findtext("model") or "").strip() or None
    features = []
    for element in root.findall("feature"):
        name, policy = element.get("name"), element.get("policy", "require")
        if not name:
            raise XMLError("<cpu>: a <feature> has no name", domain=ErrorDomain.CPU)
        if policy not in POLICIES:
            raise XMLError(
                f"<cpu>: feature {name}: {policy!r} is none of {', '.join(POLICIES)}", domain=ErrorDomain.CPU
            )
        features.append((name, "require" if is_host else policy))
    if len({name for name, _ in features}) != len(features):
        raise XMLError("<cpu>: a feature is there twice", domain=ErrorDomain.CPU)
    if model is None and (is_host or (features and (mode or "custom") == "custom")):
        raise XMLError("<cpu>: <model> is missing", domain=ErrorDomain.CPU)
    for given, known, what in ((match, MATCHES, "match"), (mode, MODES, "mode")):
        if given is not None and given not in known:
            raise XMLError(f"<cpu>: {what} {given!r} is none of {', '.join(known)}", domain=ErrorDomain.CPU)
    vendor = (root.findtext("vendor") or "").strip() or None
    return CpuDocument(is_host, arch, model, vendor, match or "exact", mode or "custom", tuple(features))


def features_with(cpu_map: CpuMap, cpu: CpuDocument, policy: str | None) -> Features:
    """The features under a policy ("require" has the model's, too). None: what the CPU as a whole has.

    InternalError for a model or feature that nobody knows.
    """
    found: set[str] = set()
    if cpu.model is not None and policy in (None, "require"):
        model = cpu_map.models.get(cpu.model)
        if model is None:
            raise InternalError(f"no CPU model is named {cpu.model!r}", domain=ErrorDomain.CPU)
        found |= model.features
    for name, own in cpu.features:
        if name not in cpu_map.order:
            raise InternalError(f"no CPU feature is named {name!r}", domain=ErrorDomain.CPU)
        if policy is None:
            (found.discard if own in ("disable", "forbid") else found.add)(name)
        elif own == policy:
            found.add(name)
    return frozenset(found)


def format_guest_cpu(model: str, vendor: str | None, features: Iterable[tuple[str, str]], *, fallback: bool) -> str:
    """A guest's <cpu> of exactly that model and (policy, feature)s. `fallback`: whether another may stand in."""
    out = Outline()
    with out.inside("cpu", mode="custom", match="exact"):
        out.element("model", model, fallback="allow" if fallback else "forbid")
        if vendor is not None:
            out.element("vendor", vendor)
        for policy, name in features:
            out.element("feature", policy=policy, name=name)
    return out.text()
