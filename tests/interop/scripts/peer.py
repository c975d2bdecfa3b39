"""A peer on the package websockets.

`peer.py client PLAN` checks a server. `peer.py server [CERTIFICATE KEY]` prints its URL and checks
the first echo client that connects. Both print a line for each check. The plan is JSON, as in
plan.rs. The files are in PEM and are for TLS.
"""

import asyncio
import json
import ssl
import sys

from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from checks import FRAMES, MAX_SIZE, Closed, follow


class Connection:
    """A connection of websockets, as the checks use it."""

    def __init__(self, connection):
        self._connection = connection
        self.extensions = [extension.name for extension in connection.protocol.extensions]
        self.send = connection.send
        self.close = connection.close

    async def recv(self):
        try:
            return await self._connection.recv()
        except ConnectionClosed as end:
            raise Closed(end.rcvd and end.rcvd.code) from end

    async def ping(self):
        await (await self._connection.ping("still there?"))


async def client(plan):
    plan = json.loads(plan)
    authority, compressed = plan.get("authority"), plan["compressed"]
    try:
        connection = await connect(
            plan["url"],
            ssl=authority and ssl.create_default_context(cafile=authority),
            compression="deflate" if compressed else None,
            additional_headers=plan["headers"],
            max_size=MAX_SIZE,
        )
    except (OSError, InvalidHandshake) as error:
        print(f"failed connection: {error}", flush=True)
        return
    async with connection:
        await follow(Connection(connection), compressed, plan.get("steps"), FRAMES)


async def server(certificate=None, key=None):
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
    checked = asyncio.Event()

    async def handler(connection):
        await follow(Connection(connection), compressed=True, more=FRAMES)
        checked.set()

    async with serve(handler, "127.0.0.1", 0, ssl=context, max_size=MAX_SIZE) as listening:
        port = listening.sockets[0].getsockname()[1]
        origin = "wss://localhost" if context else "ws://127.0.0.1"
        print(f"{origin}:{port}", flush=True)
        await checked.wait()


if __name__ == "__main__":
    role, *rest = sys.argv[1:]
    asyncio.run(client(*rest) if role == "client" else server(*rest))
