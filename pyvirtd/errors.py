"""Every error that pyvirtd raises on purpose: one table of codes, one class a code.

A class carries its VIR_ERR_* number; a handler raises the class and the session puts it on the wire.
The groups between exist to be caught, and have no number of their own::

    VirtError
    ├── LookupFailed    Lookups that found nothing.
    ├── AlreadyExists   Something by that name is already there.
    ├── BadRequest      An argument, an object reference or a document that makes no sense.
    ├── Refused         Who asks may not.
    ├── WrongState      A well-formed request that does not fit the state of the object.
    ├── NotProvided     Nobody here implements that.
    ├── Failure         The host, a hypervisor or another program failed.

Numbers: VIR_ERR_* and VIR_FROM_* of libvirt's public API. Messages are ours: they say what is wrong, where,
and what would be right.
"""

from __future__ import annotations

from typing import ClassVar, Final


class ErrorDomain:
    """VIR_FROM_*: which part of libvirt's world an error comes from."""

    NONE: Final = 0
    XEN: Final = 1
    XEND: Final = 2
    XENSTORE: Final = 3
    SEXPR: Final = 4
    XML: Final = 5
    DOM: Final = 6
    RPC: Final = 7
    PROXY: Final = 8
    CONF: Final = 9
    QEMU: Final = 10
    NET: Final = 11
    TEST: Final = 12
    REMOTE: Final = 13
    OPENVZ: Final = 14
    XENXM: Final = 15
    STATS_LINUX: Final = 16
    LXC: Final = 17
    STORAGE: Final = 18
    NETWORK: Final = 19
    DOMAIN: Final = 20
    UML: Final = 21
    NODEDEV: Final = 22
    XEN_INOTIFY: Final = 23
    SECURITY: Final = 24
    VBOX: Final = 25
    INTERFACE: Final = 26
    ONE: Final = 27
    ESX: Final = 28
    PHYP: Final = 29
    SECRET: Final = 30
    CPU: Final = 31
    XENAPI: Final = 32
    NWFILTER: Final = 33
    HOOK: Final = 34
    DOMAIN_SNAPSHOT: Final = 35
    AUDIT: Final = 36
    SYSINFO: Final = 37
    STREAMS: Final = 38
    VMWARE: Final = 39
    EVENT: Final = 40
    LIBXL: Final = 41
    LOCKING: Final = 42
    HYPERV: Final = 43
    CAPABILITIES: Final = 44
    URI: Final = 45
    AUTH: Final = 46
    DBUS: Final = 47
    PARALLELS: Final = 48
    DEVICE: Final = 49
    SSH: Final = 50
    LOCKSPACE: Final = 51
    INITCTL: Final = 52
    IDENTITY: Final = 53
    CGROUP: Final = 54
    ACCESS: Final = 55
    SYSTEMD: Final = 56
    BHYVE: Final = 57
    CRYPTO: Final = 58
    FIREWALL: Final = 59
    POLKIT: Final = 60
    THREAD: Final = 61
    ADMIN: Final = 62
    LOGGING: Final = 63
    XENXL: Final = 64
    PERF: Final = 65
    LIBSSH: Final = 66
    RESCTRL: Final = 67
    FIREWALLD: Final = 68
    DOMAIN_CHECKPOINT: Final = 69
    TPM: Final = 70
    BPF: Final = 71
    CH: Final = 72


class ErrorLevel:
    """VIR_ERR_{NONE,WARNING,ERROR}."""

    NONE: Final = 0
    WARNING: Final = 1
    ERROR: Final = 2


class VirtError(Exception):
    """The root. `domain` left at None is filled in with the driver's own by the session that answers the call.

    `str1`..`str3`, `int1`, `int2` travel in the wire's error struct beside the message; few clients read them.
    """

    code: ClassVar[int] = 1

    def __init__(
        self,
        message: str,
        *,
        domain: int | None = None,
        str1: str | None = None,
        str2: str | None = None,
        str3: str | None = None,
        int1: int = -1,
        int2: int = -1,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.domain = domain
        self.str1, self.str2, self.str3 = str1, str2, str3
        self.int1, self.int2 = int1, int2

    @classmethod
    def of(cls, code: int, message: str, *, domain: int | None = None) -> VirtError:
        """The error of that VIR_ERR_* number (for errors that arrive as numbers: the wire, a recorded reply)."""
        return BY_CODE.get(code, InternalError)(message, domain=domain)



class LookupFailed(VirtError):
    """Lookups that found nothing."""


class AlreadyExists(VirtError):
    """Something by that name is already there."""


class BadRequest(VirtError):
    """An argument, an object reference or a document that makes no sense."""


class Refused(VirtError):
    """Who asks may not."""


class WrongState(VirtError):
    """A well-formed request that does not fit the state of the object."""


class NotProvided(VirtError):
    """Nobody here implements that."""


class Failure(VirtError):
    """The host, a hypervisor or another program failed."""


class UnknownHost(LookupFailed):
    code = 4


class NoDomain(LookupFailed):
    code = 42


class NoNetwork(LookupFailed):
    code = 43


class NoStoragePool(LookupFailed):
    code = 49


class NoStorageVol(LookupFailed):
    code = 50


class NoNodeDevice(LookupFailed):
    code = 53


class NoInterface(LookupFailed):
    code = 57


class NoNWFilter(LookupFailed):
    code = 62


class NoSecret(LookupFailed):
    code = 66


class NoDomainSnapshot(LookupFailed):
    code = 72


class NoDomainMetadata(LookupFailed):
    code = 80


class NoServer(LookupFailed):
    code = 95


class NoClient(LookupFailed):
    code = 96


class DeviceMissing(LookupFailed):
    code = 99


class NoNWFilterBinding(LookupFailed):
    code = 101


class NoDomainCheckpoint(LookupFailed):
    code = 103


class NoDomainBackup(LookupFailed):
    code = 104


class NoNetworkPort(LookupFailed):
    code = 107


class NoHostname(LookupFailed):
    code = 108


class NoNetworkMetadata(LookupFailed):
    code = 111


class DomExist(AlreadyExists):
    code = 28


class NetworkExist(AlreadyExists):
    code = 37


class StorageVolExist(AlreadyExists):
    code = 90


class NetworkPortExist(AlreadyExists):
    code = 106


class InvalidConn(BadRequest):
    code = 6


class InvalidDomain(BadRequest):
    code = 7


class InvalidArg(BadRequest):
    code = 8


class SexprSerial(BadRequest):
    code = 13


class WrongOSType(BadRequest):
    code = 16


class NoKernel(BadRequest):
    code = 17


class NoRoot(BadRequest):
    code = 18


class NoSource(BadRequest):
    code = 19


class NoTarget(BadRequest):
    code = 20


class NoName(BadRequest):
    code = 21


class NoOS(BadRequest):
    code = 22


class NoDevice(BadRequest):
    code = 23


class XMLError(BadRequest):
    code = 27


class ParseFailed(BadRequest):
    code = 32


class ConfSyntax(BadRequest):
    code = 33


class XMLDetail(BadRequest):
    code = 35


class InvalidNetwork(BadRequest):
    code = 36


class RPCError(BadRequest):
    code = 39


class InvalidMAC(BadRequest):
    code = 44


class InvalidStoragePool(BadRequest):
    code = 46


class InvalidStorageVol(BadRequest):
    code = 47


class InvalidNodeDevice(BadRequest):
    code = 52


class InvalidInterface(BadRequest):
    code = 58


class MultipleInterfaces(BadRequest):
    code = 59


class InvalidNWFilter(BadRequest):
    code = 61


class InvalidSecret(BadRequest):
    code = 65


class InvalidDomainSnapshot(BadRequest):
    code = 71


class InvalidStream(BadRequest):
    code = 73


class ValueOverflow(BadRequest):
    code = 82


class XMLInvalidSchema(BadRequest):
    code = 92


class InvalidNWFilterBinding(BadRequest):
    code = 100


class InvalidDomainCheckpoint(BadRequest):
    code = 102


class InvalidNetworkPort(BadRequest):
    code = 105


class MultipleDomains(BadRequest):
    code = 110


class InvalidEncrKeySecret(BadRequest):
    code = 114


class OperationDenied(Refused):
    code = 29


class AuthFailed(Refused):
    code = 45


class AuthCancelled(Refused):
    code = 79


class AccessDenied(Refused):
    code = 88


class AuthUnavailable(Refused):
    code = 94


class DriverFull(WrongState):
    code = 25


class OperationInvalid(WrongState):
    code = 55


class StoragePoolBuilt(WrongState):
    code = 76


class SnapshotRevertRisky(WrongState):
    code = 77


class MigrateUnsafe(WrongState):
    code = 81


class BlockCopyActive(WrongState):
    code = 83


class ResourceBusy(WrongState):
    code = 87


class CPUIncompatible(WrongState):
    code = 91


class AgentUnsynced(WrongState):
    code = 97


class CheckpointInconsistent(WrongState):
    code = 109


class NoSupport(NotProvided):
    code = 3


class NoSecurityModel(NotProvided):
    code = 54


class ConfigUnsupported(NotProvided):
    code = 67


class ArgumentUnsupported(NotProvided):
    code = 74


class OperationUnsupported(NotProvided):
    code = 84


class InternalError(Failure):
    code = 1


class NoMemory(Failure):
    code = 2


class NoConnect(Failure):
    code = 5


class OperationFailed(Failure):
    code = 9


class GetFailed(Failure):
    code = 10


class PostFailed(Failure):
    code = 11


class HTTPError(Failure):
    code = 12


class NoXen(Failure):
    code = 14


class XenCall(Failure):
    code = 15


class NoXenstore(Failure):
    code = 24


class CallFailed(Failure):
    code = 26


class OpenFailed(Failure):
    code = 30


class ReadFailed(Failure):
    code = 31


class WriteFailed(Failure):
    code = 34


class HostSystemError(Failure):
    code = 38


class TLSError(Failure):
    code = 40


class BuildFirewall(Failure):
    code = 63


class OperationTimeout(Failure):
    code = 68


class MigratePersistFailed(Failure):
    code = 69


class HookScriptFailed(Failure):
    code = 70


class StorageProbeFailed(Failure):
    code = 75


class OperationAborted(Failure):
    code = 78


class SSHError(Failure):
    code = 85


class AgentUnresponsive(Failure):
    code = 86


class DBusServiceError(Failure):
    code = 89


class MigrateFinishOk(Failure):
    code = 93


class LibSSHError(Failure):
    code = 98


class AgentCommandTimeout(Failure):
    code = 112


class AgentCommandFailed(Failure):
    code = 113


def _subclasses(cls: type[VirtError]) -> list[type[VirtError]]:
    return [leaf for sub in cls.__subclasses__() for leaf in (_subclasses(sub) or [sub])]


BY_CODE: Final[dict[int, type[VirtError]]] = {cls.code: cls for cls in _subclasses(VirtError)}
