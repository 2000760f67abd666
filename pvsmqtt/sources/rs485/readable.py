"""Waiting until a descriptor has something to read, and nothing else."""

from __future__ import annotations

import asyncio

CHUNK = 4096
"""Bytes that are read at once at most: no more than are looked at in a moment."""
DATAGRAM = 65536
"""No datagram is longer."""


async def readable(patience: float, *descriptors: int) -> bool:
    """Whether one of them can be read (or was hung up) within ``patience`` seconds."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    for descriptor in descriptors:
        loop.add_reader(descriptor, ready.set)
    try:
        async with asyncio.timeout(patience):
            await ready.wait()
    except TimeoutError:
        return False
    finally:
        for descriptor in descriptors:
            loop.remove_reader(descriptor)
    return True
