"""A peer on the package websockets.

`peer.py client PLAN` checks a server. `peer.py server [CERTIFICATE KEY]` prints its URL and checks
the first echo client that connects. Both print a line for each check. The plan is JSON, as in
plan.rs. The files are in PEM and are for TLS.
"""

import asyncio
import json
import os
import ssl
import sys

from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed, InvalidHandshake

LENGTHS = [0, 1, 125, 126, 65535, 65536]
MIB = 1024 * 1024
CLOSE = (4321, "auf Wiedersehen, tschüß")
MAX_SIZE = 4 * MIB


def letters(length):
    """Returns an ASCII text of `length` bytes that compresses well."""
    return ("the quick brown fox " * (length // 20 + 1))[:length]


def records(length):
    """Returns a JSON text of about `length` bytes."""
    count = length // 60
    return json.dumps(
        [{"id": id, "name": f"item {id}", "price": id * 7919 % 10007} for id in range(count)]
    ).ljust(length)


async def negotiated(connection, compressed):
    extensions = [extension.name for extension in connection.protocol.extensions]
    expected = ["permessage-deflate"] if compressed else []
    assert extensions == expected, f"expected {expected}, agreed on {extensions}"


async def echo(connection, *messages):
    async def send():
        for message in messages:
            await connection.send(message)

    # Sends while it receives. If it sent everything first, both ends would wait until the other one
    # reads.
    sending = asyncio.create_task(send())
    for sent in messages:
        received = await connection.recv()
        assert received == sent, f"{describe(sent)} came back as {describe(received)}"
    await sending


def describe(message):
    return f"{'text' if isinstance(message, str) else 'binary'} of {len(message)}"


async def fragments(connection):
    parts = ["one ", "", "and two ", "and three " * 10_000]
    await connection.send(parts)
    received = await connection.recv()
    assert received == "".join(parts), f"fragments came back as {describe(received)}"


async def ping(connection):
    await (await connection.ping("still there?"))


async def close(connection, code=CLOSE[0], reason=CLOSE[1]):
    await connection.close(code, reason)
    await closed(connection, code)


async def closed(connection, expected):
    try:
        received = await connection.recv()
    except ConnectionClosed as end:
        assert end.rcvd is not None, "no Close came back"
        # Only the code is compared. An endpoint that answers a Close returns its code, but not
        # necessarily its reason.
        assert end.rcvd.code == expected, f"the close code is {end.rcvd.code}, expected {expected}"
    else:
        raise AssertionError(f"expected a Close, received {describe(received)}")


async def dialogue(connection, steps):
    for step in steps:
        ((kind, value),) = step.items()
        if kind == "send":
            await connection.send(value)
        elif kind == "receive":
            received = await connection.recv()
            assert received == value, f"expected {value!r}, received {received!r}"
        elif kind == "close":
            await close(connection, value, "")
        elif kind == "closed":
            await closed(connection, value)
        else:
            raise ValueError(f"there is no step {kind!r}")


CHECKS = {
    "text": lambda to: echo(to, *map(letters, LENGTHS)),
    "binary": lambda to: echo(to, *(letters(length).encode() for length in LENGTHS)),
    "json": lambda to: echo(to, records(MIB)),
    "incompressible": lambda to: echo(to, os.urandom(MIB)),
    "non-ascii": lambda to: echo(to, "κόσμε", "ß€😀 " * 20_000),
    "many small": lambda to: echo(
        to, *(json.dumps({"event": "price", "of": "something", "id": id}) for id in range(200))
    ),
    "fragments": fragments,
    "ping": ping,
    "close": close,
}


async def check(connection, compressed, steps=None):
    checks = {"dialogue": lambda to: dialogue(to, steps)} if steps else CHECKS
    negotiation = {"negotiated": lambda to: negotiated(to, compressed)}
    for name, run in {**negotiation, **checks}.items():
        try:
            await run(connection)
            print(f"ok {name}", flush=True)
        except Exception as error:
            print(f"failed {name}: {type(error).__name__}: {error}", flush=True)


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
        await check(connection, compressed, plan.get("steps"))


async def server(certificate=None, key=None):
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
    checked = asyncio.Event()

    async def handler(connection):
        await check(connection, compressed=True)
        checked.set()

    async with serve(handler, "127.0.0.1", 0, ssl=context, max_size=MAX_SIZE) as listening:
        port = listening.sockets[0].getsockname()[1]
        origin = "wss://localhost" if context else "ws://127.0.0.1"
        print(f"{origin}:{port}", flush=True)
        await checked.wait()


if __name__ == "__main__":
    role, *rest = sys.argv[1:]
    asyncio.run(client(*rest) if role == "client" else server(*rest))
