"""SCSI hosts, targets and devices of the host."""

from __future__ import annotations

from pyvirtd.conf.nodedev.capability import Capability
from pyvirtd.conf.xml import Element, at, children, kind
from pyvirtd.conf.xml.types import UInt
from pyvirtd.errors import ErrorDomain


class ScsiHostFeature(Element, tag="capability", family=True):
    """Something that not every SCSI host can."""

    ERRORS = ErrorDomain.NODEDEV
    type: str = kind("@type", required=True)


class FcHost(ScsiHostFeature, variant="fc_host"):
    """It is on Fibre Channel."""

    wwnn: str | None = at("wwnn")
    wwpn: str | None = at("wwpn")
    fabric_wwn: str | None = at("fabric_wwn")


class VportOps(ScsiHostFeature, variant="vport_ops"):
    """It can have virtual ports."""

    max_vports: UInt | None = at("max_vports")
    vports: UInt | None = at("vports")


class ScsiHostCapability(Capability, variant="scsi_host"):
    """A controller."""

    host: UInt | None = at("host")
    unique_id: UInt | None = at("unique_id")
    features: list[ScsiHostFeature] = children(ScsiHostFeature)


class ScsiTargetFeature(Element, tag="capability", family=True):
    """Something that not every target is."""

    ERRORS = ErrorDomain.NODEDEV
    type: str = kind("@type", required=True)


class FcRemotePort(ScsiTargetFeature, variant="fc_remote_port"):
    """It is behind a port on Fibre Channel."""

    rport: str | None = at("rport")
    wwpn: str | None = at("wwpn")


class ScsiTargetCapability(Capability, variant="scsi_target"):
    """A target of a controller."""

    target: str | None = at("target")
    features: list[ScsiTargetFeature] = children(ScsiTargetFeature)


class ScsiCapability(Capability, variant="scsi"):
    """A logical unit."""

    host: UInt | None = at("host")
    bus: UInt | None = at("bus")
    target: UInt | None = at("target")
    lun: UInt | None = at("lun")
    scsi_type: str | None = at("type")


class ScsiGenericCapability(Capability, variant="scsi_generic"):
    """Its character device."""

    char: str | None = at("char")
