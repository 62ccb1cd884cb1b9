"""Snapshots: of a domain without a guest they are its definition and its state."""

from __future__ import annotations

import time
from typing import Final

from pyvirtd.conf.domain.domain import DomainDef
from pyvirtd.conf.snapshot import (
    SnapshotDef,
    align_disks,
    check_created,
    check_redefined,
    complete_snapshot,
    format_snapshot,
    parse_snapshot,
)
from pyvirtd.core.domain import Domain
from pyvirtd.core.lifecycle import State
from pyvirtd.core.modifies import modifies, queries
from pyvirtd.core.tree import Tree
from pyvirtd.drivers.test.noun import Noun
from pyvirtd.errors import InvalidArg, NoDomainSnapshot, OperationInvalid
from pyvirtd.protocol.calls import supports
from pyvirtd.protocol.constants.domain_jobs import (
    DomainSnapshotCreateFlags as Create,
)
from pyvirtd.protocol.constants.domain_jobs import (
    DomainSnapshotDeleteFlags,
    DomainSnapshotListFlags,
    DomainSnapshotRevertFlags,
    DomainSnapshotXMLFlags,
)
from pyvirtd.protocol.types import DomainRef, DomainSnapshotRef

_CREATE: Final = (
    Create.REDEFINE | Create.CURRENT | Create.NO_METADATA | Create.HALT | Create.DISK_ONLY | Create.REUSE_EXT
    | Create.QUIESCE | Create.ATOMIC | Create.LIVE | Create.VALIDATE
)  # fmt: skip
_DELETE: Final = (
    DomainSnapshotDeleteFlags.CHILDREN | DomainSnapshotDeleteFlags.METADATA_ONLY
    | DomainSnapshotDeleteFlags.CHILDREN_ONLY
)  # fmt: skip
_REVERT: Final = (
    DomainSnapshotRevertFlags.RUNNING | DomainSnapshotRevertFlags.PAUSED | DomainSnapshotRevertFlags.FORCE
    | DomainSnapshotRevertFlags.RESET_NVRAM
)  # fmt: skip
_List = DomainSnapshotListFlags
_LIST: Final = 0x7FF
_ACTIVE: Final = ("running", "paused", "blocked", "pmsuspended")


class SnapshotCalls(Noun):
    """See the module."""

    def _tree(self, domain: Domain) -> Tree[SnapshotDef]:
        return self.runtime.snapshots.setdefault(domain.uuid, Tree())

    def _snapshot(self, snap: DomainSnapshotRef) -> tuple[Domain, Tree[SnapshotDef], SnapshotDef]:
        """What a reference means. Raises NoDomain, NoDomainSnapshot."""
        domain = self.domains.resolve(snap.dom)
        tree = self._tree(domain)
        return domain, tree, _named(domain, tree, snap.name)

    @supports(_CREATE)
    @modifies
    async def domain_snapshot_create_xml(self, dom: Domain, xml_desc: str, flags: int) -> DomainSnapshotRef:
        if flags & Create.REDEFINE and flags & (Create.NO_METADATA | Create.HALT | Create.DISK_ONLY):
            raise InvalidArg("a snapshot that is told again is neither made anew nor without metadata")
        snapshot = parse_snapshot(xml_desc, validate=bool(flags & Create.VALIDATE))
        tree = self._tree(dom)
        if flags & Create.REDEFINE:
            self._redefine(dom, tree, snapshot)
            tree.put(snapshot, current=bool(flags & Create.CURRENT))
        else:
            self._take(dom, tree, snapshot, flags)
        dom.has_snapshot = len(tree) > 0
        return DomainSnapshotRef(str(snapshot.name), dom.ref)

    def _redefine(self, dom: Domain, tree: Tree[SnapshotDef], snapshot: SnapshotDef) -> None:
        """Judge one that was made before. Raises what `check_redefined` raises, and InvalidArg."""
        check_redefined(snapshot)
        name = str(snapshot.name)
        if snapshot.domain is not None and snapshot.domain.uuid and snapshot.domain.uuid != dom.uuid_text:
            raise InvalidArg(f"snapshot '{name}' is of the domain {snapshot.domain.uuid}, not of {dom}")
        if snapshot.parent is not None and tree.find(snapshot.parent) is None:
            raise InvalidArg(f"snapshot '{name}': its parent '{snapshot.parent}' is no snapshot of {dom}")
        if tree.would_circle(name, snapshot.parent):
            raise InvalidArg(f"snapshot '{name}' cannot come after '{snapshot.parent}', which comes after it")

    def _take(self, dom: Domain, tree: Tree[SnapshotDef], snapshot: SnapshotDef, flags: int) -> None:
        disk_only = bool(flags & Create.DISK_ONLY)
        check_created(snapshot, running=dom.active, disk_only=disk_only)
        now = int(time.time())
        complete_snapshot(snapshot, str(now), now, running=dom.active, disk_only=disk_only)
        if dom.active and not disk_only:
            snapshot.state = "paused" if dom.state is State.PAUSED else "running"
        if tree.find(str(snapshot.name)) is not None:
            raise OperationInvalid(f"{dom} has a snapshot '{snapshot.name}' already")
        names = [str(disk.target) for disk in dom.current.devices.disks]
        align_disks(snapshot, names, "external" if disk_only else "internal", external_only=disk_only)
        snapshot.parent = tree.current
        snapshot.domain = dom.current.copy()
        if flags & Create.HALT and dom.active:
            if not dom.persistent:
                raise OperationInvalid(f"{dom} is transient: it would be gone, and its snapshots with it")
            self.runtime.end(dom, "to-snapshot")
        if not flags & Create.NO_METADATA:
            tree.put(snapshot, current=True)

    @supports(DomainSnapshotXMLFlags.SECURE)
    def domain_snapshot_get_xml_desc(self, snap: DomainSnapshotRef, flags: int) -> str:
        return format_snapshot(self._snapshot(snap)[2], flags)

    @supports(_LIST)
    @queries
    def domain_list_all_snapshots(self, dom: Domain, flags: int) -> list[DomainSnapshotRef]:
        tree = self._tree(dom)
        points = tree.children(None) if flags & _List.ROOTS else tree.descendants(None)
        return _refs(dom.ref, _select(tree, points, flags))

    @supports(_LIST)
    def domain_snapshot_list_all_children(self, snapshot: DomainSnapshotRef, flags: int) -> list[DomainSnapshotRef]:
        domain, tree, point = self._snapshot(snapshot)
        below = tree.descendants if flags & _List.DESCENDANTS else tree.children
        return _refs(domain.ref, _select(tree, below(str(point.name)), flags))

    @queries
    def domain_snapshot_lookup_by_name(self, dom: Domain, name: str, flags: int) -> DomainSnapshotRef:
        return DomainSnapshotRef(str(_named(dom, self._tree(dom), name).name), dom.ref)

    @queries
    def domain_has_current_snapshot(self, dom: Domain, flags: int) -> int:
        return int(self._tree(dom).current is not None)

    @queries
    def domain_snapshot_current(self, dom: Domain, flags: int) -> DomainSnapshotRef:
        current = self._tree(dom).current
        if current is None:
            raise NoDomainSnapshot(f"{dom} has no current snapshot")
        return DomainSnapshotRef(current, dom.ref)

    def domain_snapshot_get_parent(self, snap: DomainSnapshotRef, flags: int) -> DomainSnapshotRef:
        domain, _, point = self._snapshot(snap)
        if point.parent is None:
            raise NoDomainSnapshot(f"snapshot '{point.name}' of {domain} has no parent")
        return DomainSnapshotRef(point.parent, domain.ref)

    def domain_snapshot_is_current(self, snap: DomainSnapshotRef, flags: int) -> int:
        _, tree, point = self._snapshot(snap)
        return int(tree.current == point.name)

    def domain_snapshot_has_metadata(self, snap: DomainSnapshotRef, flags: int) -> int:
        self._snapshot(snap)
        return 1

    @supports(_REVERT)
    async def domain_revert_to_snapshot(self, snap: DomainSnapshotRef, flags: int) -> None:
        domain = self.domains.resolve(snap.dom)
        async with domain.job.hold("domain_revert_to_snapshot"):
            domain, tree, point = self._snapshot(snap)
            self._revert(domain, point, flags)
            tree.current = str(point.name)

    def _revert(self, dom: Domain, point: SnapshotDef, flags: int) -> None:
        wanted = DomainSnapshotRevertFlags.RUNNING, DomainSnapshotRevertFlags.PAUSED
        if all(flags & flag for flag in wanted):
            raise InvalidArg("after it a domain runs or is paused, not both")
        paused = flags & wanted[1] or (point.state == "paused" and not flags & wanted[0])
        active = point.state in _ACTIVE or bool(flags & (wanted[0] | wanted[1]))
        definition = _definition(dom, point)
        if not active and not dom.persistent:
            raise OperationInvalid(f"{dom} is transient: it would be gone in the state of snapshot '{point.name}'")
        if dom.persistent:
            self.runtime.saved[dom.name] = definition
            dom.define(definition)
        if dom.active and not active:
            self.runtime.end(dom, "to-snapshot")
        elif active:
            if dom.active:
                # The same machine goes on, from elsewhere: nobody is told that it had stopped.
                dom.step("to-snapshot")
                dom.set_live(None)
                self.domains.deactivate(dom)
            self.runtime.start(dom, definition, "from-snapshot-paused" if paused else "from-snapshot")

    @supports(_DELETE)
    async def domain_snapshot_delete(self, snap: DomainSnapshotRef, flags: int) -> None:
        domain = self.domains.resolve(snap.dom)
        async with domain.job.hold("domain_snapshot_delete"):
            domain, tree, point = self._snapshot(snap)
            only = bool(flags & DomainSnapshotDeleteFlags.CHILDREN_ONLY)
            if only and flags & DomainSnapshotDeleteFlags.CHILDREN:
                raise InvalidArg("a snapshot goes with its children, or they go without it")
            children = only or bool(flags & DomainSnapshotDeleteFlags.CHILDREN)
            tree.remove(str(point.name), itself=not only, children=children)
            domain.has_snapshot = len(tree) > 0


def _definition(dom: Domain, point: SnapshotDef) -> DomainDef:
    if point.domain is None:
        raise OperationInvalid(f"snapshot '{point.name}' of {dom} does not say what the domain was like")
    definition = point.domain.copy()
    definition.id = None
    return definition


def _named(dom: Domain, tree: Tree[SnapshotDef], name: str) -> SnapshotDef:
    point = tree.find(name)
    if point is None:
        raise NoDomainSnapshot(f"{dom} has no snapshot '{name}'")
    return point


def _refs(ref: DomainRef, points: list[SnapshotDef]) -> list[DomainSnapshotRef]:
    return [DomainSnapshotRef(str(point.name), ref) for point in points]


def _select(tree: Tree[SnapshotDef], points: list[SnapshotDef], flags: int) -> list[SnapshotDef]:
    """Those that VIR_DOMAIN_SNAPSHOT_LIST_* flags choose. Both bits of a group are as good as none."""

    def shown(point: SnapshotDef) -> bool:
        disk_only = point.state == "disk-snapshot"
        external = point.memory == "external" or any(disk.snapshot == "external" for disk in point.disks)
        leaf = not tree.children(str(point.name))
        state = _List.DISK_ONLY if disk_only else _List.ACTIVE if point.state in _ACTIVE else _List.INACTIVE
        facts = (
            (_List.LEAVES | _List.NO_LEAVES, _List.LEAVES if leaf else _List.NO_LEAVES),
            (_List.METADATA | _List.NO_METADATA, _List.METADATA),
            (_List.INACTIVE | _List.ACTIVE | _List.DISK_ONLY, state),
            (_List.INTERNAL | _List.EXTERNAL, _List.EXTERNAL if external else _List.INTERNAL),
        )
        return all(not flags & group or flags & fact for group, fact in facts)

    return [point for point in points if shown(point)]
