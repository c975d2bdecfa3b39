"""An echo client on websockets."""

import asyncio
import os

from foreign_testees import command_line

# The library reads its limit on the number of fragments when it is imported.
os.environ.setdefault("WEBSOCKETS_MAX_FRAGMENTS", "1000000")

from websockets.asyncio.client import connect  # noqa: E402


async def echo(url):
    async with connect(url, max_size=command_line.MAX_MESSAGE) as ws:
        async for message in ws:
            await ws.send(message)


def main():
    asyncio.run(command_line.run(echo))
