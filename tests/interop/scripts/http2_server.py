"""A server over HTTP/2 (RFC 8441), on Hypercorn.

`http2_server.py server VERSION [CERTIFICATE KEY]` prints its URL, and checks the first echo client
that connects. It prints a line for each check. VERSION is the version of HTTP that the client must
use. A proxy may use 1.1. The files are in PEM and are for TLS.

An application of ASGI can send neither fragments nor Pings, and does not get the answer to its
Close. Hypercorn sends a Ping ten times per second.
"""

import asyncio
import os
import socket
import sys

from hypercorn.asyncio import serve
from hypercorn.config import Config

from checks import CLOSE, Closed, follow


class Connection:
    """A connection of ASGI, as the checks use it."""

    def __init__(self, scope, receive, send):
        offered = dict(scope["headers"]).get(b"sec-websocket-extensions", b"").decode()
        # Hypercorn agrees to the first offer.
        self.extensions = [offered.split(";")[0]] if offered else []
        self._receive, self._send = receive, send

    async def send(self, message):
        kind = "text" if isinstance(message, str) else "bytes"
        await self._send({"type": "websocket.send", kind: message})

    async def recv(self):
        event = await self._receive()
        if event["type"] == "websocket.disconnect":
            raise Closed(event["code"])
        text = event.get("text")
        return event["bytes"] if text is None else text


async def version(scope, expected):
    used = scope["http_version"]
    assert used == expected, f"the client uses HTTP/{used}, expected HTTP/{expected}"


async def server(http, certificate=None, key=None):
    config = Config()
    if certificate:
        config.certfile, config.keyfile = certificate, key
    config.websocket_ping_interval = 0.1
    config.accesslog = config.errorlog = "-"
    listener = socket.create_server(("127.0.0.1", 0))
    # Hypercorn takes a socket by its number.
    config.bind = [f"fd://{os.dup(listener.fileno())}"]
    checked = asyncio.Event()

    async def app(scope, receive, send):
        if scope["type"] != "websocket":
            return
        await receive()
        await send({"type": "websocket.accept"})
        more = {"version of HTTP": lambda to: version(scope, http)}
        await follow(Connection(scope, receive, send), compressed=True, more=more)
        code, reason = CLOSE
        await send({"type": "websocket.close", "code": code, "reason": reason})
        checked.set()
        # Hypercorn ends the connection if a frame arrives after the application has returned.
        await receive()

    origin = "wss://localhost" if certificate else "ws://127.0.0.1"
    print(f"{origin}:{listener.getsockname()[1]}", flush=True)
    try:
        await serve(app, config, shutdown_trigger=checked.wait)
    except Exception:
        # Hypercorn forgets a stream after both Closes, and fails if the end of the stream arrives in
        # a frame of its own. The client checks the Close.
        if not checked.is_set():
            raise


if __name__ == "__main__":
    role, *rest = sys.argv[1:]
    assert role == "server", "there is no other role"
    asyncio.run(server(*rest))
