"""Sets of CPUs as the wire has them: maps, little-endian, one bit a CPU."""

from __future__ import annotations

from collections.abc import Iterable

from pyvirtd.errors import InternalError, InvalidArg
from pyvirtd.protocol.remote.limits import CPUMAP_MAX, CPUMAPS_MAX


def to_map(cpus: Iterable[int], size: int) -> bytes:
    """The map, `size` bytes long; CPUs beyond that are left out."""
    bits = bytearray(size)
    for cpu in cpus:
        if cpu < size * 8:
            bits[cpu // 8] |= 1 << cpu % 8
    return bytes(bits)


def from_map(bits: bytes) -> frozenset[int]:
    """The CPUs of a map. Raises InvalidArg for none."""
    cpus = frozenset(n * 8 + bit for n, byte in enumerate(bits) for bit in range(8) if byte >> bit & 1)
    if not cpus:
        raise InvalidArg("an empty set of CPUs: a thread has to be allowed on one at least")
    return cpus


def bounded(count: int, maplen: int, most: int) -> None:
    """Raises InternalError for more maps, or longer ones, than an answer can hold."""
    if not 0 <= maplen <= CPUMAP_MAX or not 0 <= count <= most or count * maplen > CPUMAPS_MAX:
        raise InternalError(f"{count} maps of {maplen} bytes are more than an answer can hold")
