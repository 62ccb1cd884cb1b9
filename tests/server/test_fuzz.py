"""Mutated messages: never a traceback, never a dead server, never a leaked descriptor."""

import asyncio
import logging
import os
import random
import struct
from pathlib import Path

import pytest

from pyvirtd.protocol.frame import CALL, CONTINUE, ERROR, OK, PING, STREAM, STREAM_HOLE, encode_message
from tests.harness.wire import DOMAIN, VOLUME, AllCalls, FakeDriver, World

PLAIN = [b"", b"\0" * 4, b"\0\0\0\1", b"\xff" * 4, b"\0\0\0\3one\0", b"\x7f\xff\xff\xff", b"\0" * 64, b"\xff" * 40]


def seeds(random_: random.Random) -> list[bytes]:
    """A call of every declared procedure, and streams."""
    from pyvirtd.protocol.codec import args_encoder

    messages = []
    for number, declared in enumerate(AllCalls.calls.values()):
        body = b"".join(random_.choice(PLAIN) for _ in range(random_.randrange(4)))
        messages.append(encode_message(declared.program, 1, declared.number, CALL, number, OK, body))
    known = {
        "connect_open": ("fake:///", 0),
        "domain_lookup_by_name": ("one",),
        "domain_shutdown_flags": (DOMAIN, 1),
        "domain_open_console": (DOMAIN, None, 0),
        "storage_vol_upload": (VOLUME, 0, 0, 0),
        "storage_vol_download": (VOLUME, 5, 100_000, 1),
        "connect_domain_event_callback_register_any": (0, DOMAIN),
        "connect_domain_monitor_event_register": (DOMAIN, "S.*", 1),
        "connect_supports_feature": (14,),
    }
    for name, args in known.items():
        declared = AllCalls.calls[name]
        for serial in range(3):
            messages.append(
                encode_message(declared.program, 1, declared.number, CALL, serial, OK, args_encoder(declared)(*args))
            )
            for status in (CONTINUE, OK, ERROR):
                for kind in (STREAM, STREAM_HOLE):
                    body = random_.choice([b"", b"data", struct.pack(">qI", 9, 0)])
                    messages.append(encode_message(declared.program, 1, declared.number, kind, serial, status, body))
    messages.append(PING)
    return messages


def mutated(message: bytes, random_: random.Random) -> bytes:
    data = bytearray(message)
    for _ in range(random_.choice([0, 1, 1, 1, 2, 5])):
        kind = random_.randrange(5)
        at = random_.randrange(len(data))
        if kind == 0:
            data[at] ^= 1 << random_.randrange(8)
        elif kind == 1:
            data[at] = random_.choice([0, 1, 0x7F, 0x80, 0xFF])
        elif kind == 2:
            del data[at : at + random_.randrange(1, 9)]
        elif kind == 3:
            data[at:at] = random_.randbytes(random_.randrange(1, 9))
        else:
            data[at : at + 4] = struct.pack(">I", random_.choice([0, 1, 255, 1 << 16, 1 << 31, 0xFFFFFFFF]))
        if not data:
            data = bytearray(b"\0")
    if random_.random() < 0.9 and len(data) >= 28:
        data[:4] = struct.pack(">I", len(data))  # most should get past the framer
    return bytes(data)


async def fuzz(root: Path, seed: int, count: int) -> None:
    random_ = random.Random(seed)
    messages = seeds(random_)
    world = World(root)
    del FakeDriver.connect_get_hostname, FakeDriver.connect_get_max_vcpus  # they fail on purpose
    world.driver.gate.set()
    world.driver.release.set()
    done = 0
    while done < count:
        peer = await world.peer()
        session = world.server.sessions[max(world.server.sessions)]
        for turn in range(200):
            data = mutated(random_.choice(messages), random_)
            if turn % 40 == 7:
                data = data[: random_.randrange(len(data))] + data
            done += 1
            session._inside(session.received, data, [])
            if session.channel.closed:
                break
            if turn % 10 == 0:
                await asyncio.sleep(0)
            if session.channel.pending > 1 << 18:
                break
        peer.close()
        session.close()
        if done % 2000 < 200:
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)
    assert not world.server.sessions
    assert await (await world.peer()).call("connect_get_type") == "Fake"
    world.close()


def complaints(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR]


@pytest.fixture(autouse=True)
def _whole_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test deletes methods; this puts them back."""
    for name in ("connect_get_hostname", "connect_get_max_vcpus"):
        monkeypatch.setattr(FakeDriver, name, vars(FakeDriver)[name])


@pytest.mark.parametrize("count", [3000, pytest.param(100_000, marks=pytest.mark.slow)])
async def test_mutated_messages(tmp_path: Path, caplog: pytest.LogCaptureFixture, count: int) -> None:
    before = len(os.listdir("/proc/self/fd"))
    await fuzz(tmp_path, seed=count, count=count)
    assert complaints(caplog) == []
    assert len(os.listdir("/proc/self/fd")) <= before
