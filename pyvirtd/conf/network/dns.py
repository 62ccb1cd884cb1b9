"""`<dns>`: what a network's name server answers by itself, and whom it asks."""

from __future__ import annotations

from typing import Annotated

from pyvirtd.conf.inet import IpAddress
from pyvirtd.conf.xml import Element, at, children, must, texts
from pyvirtd.conf.xml.fields import told
from pyvirtd.conf.xml.types import YesNo, integer
from pyvirtd.errors import ErrorDomain, XMLDetail

SrvNumber = Annotated[int, integer(1, 65535)]


class Forwarder(Element, tag="forwarder"):
    """A server that is asked, for one domain or for all; a domain without server is answered here."""

    ERRORS = ErrorDomain.NETWORK
    domain: str | None = at("@domain")
    address: IpAddress | None = at("@addr")


class TxtRecord(Element, tag="txt"):
    """A TXT record."""

    ERRORS = ErrorDomain.NETWORK
    name: str = must("@name", bad=XMLDetail)
    value: str = must("@value", bad=XMLDetail)


class SrvRecord(Element, tag="srv"):
    """An SRV record."""

    ERRORS = ErrorDomain.NETWORK
    service: str = must("@service", bad=XMLDetail)
    protocol: str = must("@protocol", bad=XMLDetail)
    domain: str | None = at("@domain")
    target: str | None = at("@target")
    port: SrvNumber | None = at("@port", bad=XMLDetail)
    priority: Annotated[int, integer(0, 65535)] | None = at("@priority", keep=told, bad=XMLDetail)
    weight: Annotated[int, integer(0, 65535)] | None = at("@weight", keep=told, bad=XMLDetail)


class DnsHost(Element, tag="host"):
    """Names of an address."""

    ERRORS = ErrorDomain.NETWORK
    ip: IpAddress = must("@ip", bad=XMLDetail)
    hostnames: list[str] = texts("hostname")


class Dns(Element, tag="dns"):
    """The name server."""

    ERRORS = ErrorDomain.NETWORK
    enable: YesNo | None = at("@enable")
    forward_plain_names: YesNo | None = at("@forwardPlainNames")
    forwarders: list[Forwarder] = children()
    txts: list[TxtRecord] = children()
    srvs: list[SrvRecord] = children()
    hosts: list[DnsHost] = children()
