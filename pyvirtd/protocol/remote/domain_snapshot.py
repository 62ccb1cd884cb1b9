"""A domain's snapshots, checkpoints and backups."""

# mypy: disable-error-code="empty-body"
from __future__ import annotations

from typing import Annotated

from pyvirtd.protocol.calls import Program, Reply, When, at_most, call, names, need_results, then
from pyvirtd.protocol.constants.domain_jobs import (
    DomainCheckpointCreateFlags,
    DomainCheckpointXMLFlags,
    DomainSnapshotCreateFlags,
    DomainSnapshotXMLFlags,
)
from pyvirtd.protocol.params import number_of
from pyvirtd.protocol.remote.limits import DOMAIN_CHECKPOINT_LIST_MAX, DOMAIN_SNAPSHOT_LIST_MAX, REMOTE
from pyvirtd.protocol.types import I32, U32, DomainCheckpointRef, DomainRef, DomainSnapshotRef, Max, String


class DomainSnapshotCalls(Program, number=REMOTE):
    """A domain's snapshots, checkpoints and backups."""

    @call(185, acl=("domain:snapshot", When("domain:fs_freeze", flags=DomainSnapshotCreateFlags.QUIESCE)))
    def domain_snapshot_create_xml(self, dom: DomainRef, xml_desc: String, flags: U32) -> Reply[DomainSnapshotRef]:
        """virDomainSnapshotCreateXML."""

    @call(186, acl=("domain:read", When("domain:read_secure", flags=DomainSnapshotXMLFlags.SECURE)), ro=True, high=True)
    def domain_snapshot_get_xml_desc(self, snap: DomainSnapshotRef, flags: U32) -> Reply[String]:
        """virDomainSnapshotGetXMLDesc."""

    @call(187, acl="domain:read", ro=True, high=True, via="domain_list_all_snapshots")
    def domain_snapshot_num(self, dom: DomainRef, flags: U32) -> Reply[I32]:
        """virDomainSnapshotNum."""

        return then(self.domain_list_all_snapshots(dom, flags), number_of)

    @call(188, acl="domain:read", ro=True, high=True, asks=at_most("maxnames"), via="domain_list_all_snapshots")
    def domain_snapshot_list_names(
        self, dom: DomainRef, flags: U32
    ) -> Reply[Annotated[list[String], Max(DOMAIN_SNAPSHOT_LIST_MAX)]]:
        """virDomainSnapshotListNames."""

        return then(self.domain_list_all_snapshots(dom, flags), names)

    @call(189, acl="domain:read", ro=True, high=True)
    def domain_snapshot_lookup_by_name(self, dom: DomainRef, name: String, flags: U32) -> Reply[DomainSnapshotRef]:
        """virDomainSnapshotLookupByName."""

    @call(190, acl="domain:read", ro=True)
    def domain_has_current_snapshot(self, dom: DomainRef, flags: U32) -> Reply[I32]:
        """virDomainHasCurrentSnapshot."""

    @call(191, acl="domain:read", ro=True)
    def domain_snapshot_current(self, dom: DomainRef, flags: U32) -> Reply[DomainSnapshotRef]:
        """virDomainSnapshotCurrent."""

    @call(192, acl="domain:snapshot")
    def domain_revert_to_snapshot(self, snap: DomainSnapshotRef, flags: U32) -> Reply[None]:
        """virDomainRevertToSnapshot."""

    @call(193, acl="domain:snapshot")
    def domain_snapshot_delete(self, snap: DomainSnapshotRef, flags: U32) -> Reply[None]:
        """virDomainSnapshotDelete."""

    @call(244, acl="domain:read", ro=True, high=True)
    def domain_snapshot_get_parent(self, snap: DomainSnapshotRef, flags: U32) -> Reply[DomainSnapshotRef]:
        """virDomainSnapshotGetParent."""

    @call(246, acl="domain:read", ro=True, high=True, via="domain_snapshot_list_all_children")
    def domain_snapshot_num_children(self, snap: DomainSnapshotRef, flags: U32) -> Reply[I32]:
        """virDomainSnapshotNumChildren."""

        return then(self.domain_snapshot_list_all_children(snap, flags), number_of)

    @call(247, acl="domain:read", ro=True, high=True, asks=at_most("maxnames"), via="domain_snapshot_list_all_children")
    def domain_snapshot_list_children_names(
        self, snap: DomainSnapshotRef, flags: U32
    ) -> Reply[Annotated[list[String], Max(DOMAIN_SNAPSHOT_LIST_MAX)]]:
        """virDomainSnapshotListChildrenNames."""

        return then(self.domain_snapshot_list_all_children(snap, flags), names)

    @call(271, acl="domain:read", ro=True)
    def domain_snapshot_is_current(self, snap: DomainSnapshotRef, flags: U32) -> Reply[I32]:
        """virDomainSnapshotIsCurrent."""

    @call(272, acl="domain:read", ro=True)
    def domain_snapshot_has_metadata(self, snap: DomainSnapshotRef, flags: U32) -> Reply[I32]:
        """virDomainSnapshotHasMetadata."""

    @call(274, acl="domain:read", ro=True, high=True, asks=need_results(ret=I32))
    def domain_list_all_snapshots(
        self, dom: DomainRef, flags: U32
    ) -> Reply[Annotated[list[DomainSnapshotRef], Max(DOMAIN_SNAPSHOT_LIST_MAX)]]:
        """virDomainListAllSnapshots."""

    @call(275, acl="domain:read", ro=True, high=True, asks=need_results(ret=I32))
    def domain_snapshot_list_all_children(
        self, snapshot: DomainSnapshotRef, flags: U32
    ) -> Reply[Annotated[list[DomainSnapshotRef], Max(DOMAIN_SNAPSHOT_LIST_MAX)]]:
        """virDomainSnapshotListAllChildren."""

    @call(411, acl=("domain:checkpoint", When("domain:fs_freeze", flags=DomainCheckpointCreateFlags.QUIESCE)))
    def domain_checkpoint_create_xml(self, dom: DomainRef, xml_desc: String, flags: U32) -> Reply[DomainCheckpointRef]:
        """virDomainCheckpointCreateXML."""

    @call(412, acl=("domain:read", When("domain:read_secure", flags=DomainCheckpointXMLFlags.SECURE)), ro=True)
    def domain_checkpoint_get_xml_desc(self, checkpoint: DomainCheckpointRef, flags: U32) -> Reply[String]:
        """virDomainCheckpointGetXMLDesc."""

    @call(413, acl="domain:read", ro=True, high=True, asks=need_results(ret=I32))
    def domain_list_all_checkpoints(
        self, dom: DomainRef, flags: U32
    ) -> Reply[Annotated[list[DomainCheckpointRef], Max(DOMAIN_CHECKPOINT_LIST_MAX)]]:
        """virDomainListAllCheckpoints."""

    @call(414, acl="domain:read", ro=True, high=True, asks=need_results(ret=I32))
    def domain_checkpoint_list_all_children(
        self, checkpoint: DomainCheckpointRef, flags: U32
    ) -> Reply[Annotated[list[DomainCheckpointRef], Max(DOMAIN_CHECKPOINT_LIST_MAX)]]:
        """virDomainCheckpointListAllChildren."""

    @call(415, acl="domain:read", ro=True, high=True)
    def domain_checkpoint_lookup_by_name(self, dom: DomainRef, name: String, flags: U32) -> Reply[DomainCheckpointRef]:
        """virDomainCheckpointLookupByName."""

    @call(416, acl="domain:read", ro=True, high=True)
    def domain_checkpoint_get_parent(self, checkpoint: DomainCheckpointRef, flags: U32) -> Reply[DomainCheckpointRef]:
        """virDomainCheckpointGetParent."""

    @call(417, acl="domain:checkpoint")
    def domain_checkpoint_delete(self, checkpoint: DomainCheckpointRef, flags: U32) -> Reply[None]:
        """virDomainCheckpointDelete."""

    @call(421, acl=("domain:checkpoint", "domain:block_write"))
    def domain_backup_begin(
        self, dom: DomainRef, backup_xml: String, checkpoint_xml: String | None, flags: U32
    ) -> Reply[None]:
        """virDomainBackupBegin."""

    @call(422, acl="domain:read", ro=True, high=True)
    def domain_backup_get_xml_desc(self, dom: DomainRef, flags: U32) -> Reply[String]:
        """virDomainBackupGetXMLDesc."""
