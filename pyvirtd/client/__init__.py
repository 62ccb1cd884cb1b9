"""Asyncio client of libvirt daemons, ours or the real one, built from the declarations in pyvirtd.protocol.

    async with connect("qemu:///system") as conn:
        refs = await conn.connect_list_all_domains(0)
        info = await conn.domain_get_info(refs[0])
        async with conn.events(DomainEventLifecycle) as events:
            async for event in events: ...
        async with await conn.storage_vol_download(vol, 0, 0) as stream:
            async for chunk in stream: ...

Every declared call is a coroutine method of that name, with the parameters of the declaration (`flags` at the end may
be left out). Errors are the classes of pyvirtd.errors. A call with a stream returns a `ClientStream`, whose `reply`
is the call's own answer; file descriptors go in as `files=[...]` and come back in a `Passed`.
"""

from pyvirtd.client.connection import Connection, connect
from pyvirtd.client.stream import ClientStream, Hole

__all__ = ["ClientStream", "Connection", "Hole", "connect"]
