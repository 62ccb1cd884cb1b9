"""What drivers add to a domain under a namespace of their own: <qemu:commandline> and the like."""

from __future__ import annotations

from typing import Literal

from pyvirtd.conf.xml import Element, at, children, flag, must, namespace, texts


class QemuEnv(Element, tag="qemu:env"):
    """An environment variable of QEMU."""

    name: str = must("@name")
    value: str | None = at("@value")


class QemuProperty(Element, tag="qemu:property"):
    """A property of a device's frontend, set or removed."""

    name: str = must("@name")
    type: Literal["string", "signed", "unsigned", "bool", "remove"] = must("@type")
    value: str | None = at("@value")


class QemuOverride(Element, tag="qemu:device"):
    """Properties for the device with an alias."""

    alias: str = must("@alias")
    properties: list[QemuProperty] = children(under="qemu:frontend")


class QemuNamespace(Element):
    """Passed to QEMU as it is, at the user's own risk."""

    xmlns: None = namespace("qemu")
    args: list[str] = texts("qemu:commandline/qemu:arg/@value")
    envs: list[QemuEnv] = children(under="qemu:commandline")
    capabilities_add: list[str] = texts("qemu:capabilities/qemu:add/@capability")
    capabilities_del: list[str] = texts("qemu:capabilities/qemu:del/@capability")
    overrides: list[QemuOverride] = children(under="qemu:override")
    deprecation: str | None = at("qemu:deprecation/@behavior")


class LxcNamespace(Element):
    """Namespaces a container shares with others."""

    xmlns: None = namespace("lxc")
    present: bool = flag("lxc:namespace")
    sharenet_type: Literal["none", "name", "pid", "netns"] | None = at("lxc:namespace/lxc:sharenet/@type")
    sharenet: str | None = at("lxc:namespace/lxc:sharenet/@value")
    shareipc_type: Literal["none", "name", "pid", "netns"] | None = at("lxc:namespace/lxc:shareipc/@type")
    shareipc: str | None = at("lxc:namespace/lxc:shareipc/@value")
    shareuts_type: Literal["none", "name", "pid", "netns"] | None = at("lxc:namespace/lxc:shareuts/@type")
    shareuts: str | None = at("lxc:namespace/lxc:shareuts/@value")
