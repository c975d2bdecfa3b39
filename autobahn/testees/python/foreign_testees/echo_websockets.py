"""An echo server on websockets."""

import asyncio
import os

from foreign_testees import command_line

# The library reads its limit on the number of fragments when it is imported.
os.environ.setdefault("WEBSOCKETS_MAX_FRAGMENTS", "1000000")

from websockets.asyncio.server import serve  # noqa: E402


async def echo(ws):
    async for message in ws:
        await ws.send(message)


async def run():
    limit = command_line.MAX_MESSAGE
    async with serve(echo, "127.0.0.1", command_line.port(), max_size=limit) as server:
        host, port = server.sockets[0].getsockname()
        print(f"ws://{host}:{port}", flush=True)
        await server.serve_forever()


def main():
    asyncio.run(run())
