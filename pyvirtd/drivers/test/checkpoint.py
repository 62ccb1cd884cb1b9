"""Checkpoints: named points since which changed blocks would be known, if there were any disks."""

from __future__ import annotations

import time
from typing import Final, Literal

from pyvirtd.conf.checkpoint import (
    CheckpointDef,
    CheckpointDisk,
    check_checkpoint,
    complete_bitmaps,
    complete_checkpoint,
    format_checkpoint,
    parse_checkpoint,
)
from pyvirtd.conf.xml import Dump
from pyvirtd.core.domain import Domain
from pyvirtd.core.modifies import modifies, queries
from pyvirtd.core.tree import Tree
from pyvirtd.drivers.test.noun import Noun
from pyvirtd.errors import ConfigUnsupported, InvalidArg, NoDomainCheckpoint, OperationInvalid
from pyvirtd.protocol.calls import supports
from pyvirtd.protocol.constants.domain_jobs import (
    DomainCheckpointCreateFlags,
    DomainCheckpointDeleteFlags,
    DomainCheckpointListFlags,
    DomainCheckpointXMLFlags,
)
from pyvirtd.protocol.types import DomainCheckpointRef

_List = DomainCheckpointListFlags
_LIST: Final = _List.ROOTS | _List.TOPOLOGICAL | _List.LEAVES | _List.NO_LEAVES
_CREATE: Final = (
    DomainCheckpointCreateFlags.REDEFINE | DomainCheckpointCreateFlags.QUIESCE
    | DomainCheckpointCreateFlags.REDEFINE_VALIDATE
)  # fmt: skip
_DELETE: Final = (
    DomainCheckpointDeleteFlags.CHILDREN | DomainCheckpointDeleteFlags.METADATA_ONLY
    | DomainCheckpointDeleteFlags.CHILDREN_ONLY
)  # fmt: skip
_XML: Final = DomainCheckpointXMLFlags.SECURE | DomainCheckpointXMLFlags.NO_DOMAIN | DomainCheckpointXMLFlags.SIZE


class CheckpointCalls(Noun):
    """See the module."""

    def _checkpoints(self, domain: Domain) -> Tree[CheckpointDef]:
        return self.runtime.checkpoints.setdefault(domain.uuid, Tree())

    def _point(self, ref: DomainCheckpointRef) -> tuple[Domain, Tree[CheckpointDef], CheckpointDef]:
        """What a reference means. Raises NoDomain, NoDomainCheckpoint."""
        domain = self.domains.resolve(ref.dom)
        tree = self._checkpoints(domain)
        point = tree.find(ref.name)
        if point is None:
            raise NoDomainCheckpoint(f"{domain} has no checkpoint '{ref.name}'")
        return domain, tree, point

    @supports(_CREATE)
    @modifies
    async def domain_checkpoint_create_xml(self, dom: Domain, xml_desc: str, flags: int) -> DomainCheckpointRef:
        redefined = bool(flags & DomainCheckpointCreateFlags.REDEFINE)
        checkpoint = parse_checkpoint(xml_desc)
        check_checkpoint(checkpoint, redefined=redefined)
        tree = self._checkpoints(dom)
        if redefined:
            if checkpoint.parent is not None and tree.find(checkpoint.parent) is None:
                raise InvalidArg(f"checkpoint '{checkpoint.name}': its parent '{checkpoint.parent}' is none of {dom}")
            if tree.would_circle(str(checkpoint.name), checkpoint.parent):
                raise InvalidArg(f"checkpoint '{checkpoint.name}' cannot come after what comes after it")
            complete_bitmaps(checkpoint)
        else:
            dom.require_active()
            _align(dom, checkpoint)
            now = int(time.time())
            complete_checkpoint(checkpoint, str(now), now)
            if tree.find(str(checkpoint.name)) is not None:
                raise OperationInvalid(f"{dom} has a checkpoint '{checkpoint.name}' already")
            checkpoint.parent = tree.current
        checkpoint.domain = checkpoint.domain or dom.current.copy()
        tree.put(checkpoint, current=True)
        dom.has_checkpoint = True
        return DomainCheckpointRef(str(checkpoint.name), dom.ref)

    @supports(_XML)
    def domain_checkpoint_get_xml_desc(self, checkpoint: DomainCheckpointRef, flags: int) -> str:
        _, _, point = self._point(checkpoint)
        shown = point.copy()
        if flags & DomainCheckpointXMLFlags.NO_DOMAIN:
            shown.domain = None
        for disk in shown.disks:
            disk.size = 0 if flags & DomainCheckpointXMLFlags.SIZE and disk.checkpoint == "bitmap" else None
        secure = flags & DomainCheckpointXMLFlags.SECURE
        return format_checkpoint(shown, secure if flags & DomainCheckpointXMLFlags.SIZE else secure | Dump.INACTIVE)

    @supports(_LIST)
    @queries
    def domain_list_all_checkpoints(self, dom: Domain, flags: int) -> list[DomainCheckpointRef]:
        tree = self._checkpoints(dom)
        points = tree.children(None) if flags & _List.ROOTS else tree.descendants(None)
        return [DomainCheckpointRef(str(point.name), dom.ref) for point in _select(tree, points, flags)]

    @supports(_LIST)
    def domain_checkpoint_list_all_children(
        self, checkpoint: DomainCheckpointRef, flags: int
    ) -> list[DomainCheckpointRef]:
        domain, tree, point = self._point(checkpoint)
        below = tree.descendants if flags & _List.DESCENDANTS else tree.children
        found = _select(tree, below(str(point.name)), flags)
        return [DomainCheckpointRef(str(point.name), domain.ref) for point in found]

    @queries
    def domain_checkpoint_lookup_by_name(self, dom: Domain, name: str, flags: int) -> DomainCheckpointRef:
        return DomainCheckpointRef(str(self._point(DomainCheckpointRef(name, dom.ref))[2].name), dom.ref)

    def domain_checkpoint_get_parent(self, checkpoint: DomainCheckpointRef, flags: int) -> DomainCheckpointRef:
        domain, _, point = self._point(checkpoint)
        if point.parent is None:
            raise NoDomainCheckpoint(f"checkpoint '{point.name}' of {domain} has no parent")
        return DomainCheckpointRef(point.parent, domain.ref)

    @supports(_DELETE)
    async def domain_checkpoint_delete(self, checkpoint: DomainCheckpointRef, flags: int) -> None:
        domain = self.domains.resolve(checkpoint.dom)
        async with domain.job.hold("domain_checkpoint_delete"):
            domain, tree, point = self._point(checkpoint)
            only = bool(flags & DomainCheckpointDeleteFlags.CHILDREN_ONLY)
            if only and flags & DomainCheckpointDeleteFlags.CHILDREN:
                raise InvalidArg("a checkpoint goes with its children, or they go without it")
            children = only or bool(flags & DomainCheckpointDeleteFlags.CHILDREN)
            tree.remove(str(point.name), itself=not only, children=children)
            domain.has_checkpoint = len(tree) > 0


def _align(dom: Domain, checkpoint: CheckpointDef) -> None:
    """Every disk of the domain, as the document says or by default. Raises ConfigUnsupported for others."""
    given = {disk.name: disk for disk in checkpoint.disks}
    names = [str(disk.target) for disk in dom.current.devices.disks]
    for name in given:
        if name not in names:
            raise ConfigUnsupported(f"{dom} has no disk '{name}'; it has {', '.join(names) or 'none'}")
    default: Literal["no", "bitmap"] = "no" if given else "bitmap"
    checkpoint.disks = [given.get(name) or CheckpointDisk(name=name, checkpoint=default) for name in names]


def _select(tree: Tree[CheckpointDef], points: list[CheckpointDef], flags: int) -> list[CheckpointDef]:
    wanted = flags & (_List.LEAVES | _List.NO_LEAVES)
    if wanted not in (_List.LEAVES, _List.NO_LEAVES):
        return points
    return [point for point in points if bool(tree.children(str(point.name))) == (wanted == _List.NO_LEAVES)]
