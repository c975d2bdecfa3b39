"""The checks of the peers in Python.

A connection has these members, whatever library it is on:

* `extensions`: the names of the extensions that both sides agreed on
* `send(message)`: sends a text, bytes, or a list of texts, which are the fragments of one message
* `recv()`: returns the next message, or raises `Closed`
* `ping()`: sends a Ping, and waits for its Pong
* `close(code, reason)`: sends a Close, and waits for the Close of the other side
"""

import asyncio
import json
import os

LENGTHS = [0, 1, 125, 126, 65535, 65536]
MIB = 1024 * 1024
CLOSE = (4321, "auf Wiedersehen, tschüß")
MAX_SIZE = 4 * MIB


class Closed(Exception):
    """The connection has ended. `code` is `None` if no Close came."""

    def __init__(self, code):
        super().__init__(f"the connection has ended with code {code}")
        self.code = code


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
    expected = ["permessage-deflate"] if compressed else []
    agreed = connection.extensions
    assert agreed == expected, f"expected {expected}, agreed on {agreed}"


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
    await connection.ping()


async def close(connection, code=CLOSE[0], reason=CLOSE[1]):
    await connection.close(code, reason)
    await closed(connection, code)


async def closed(connection, expected):
    try:
        received = await connection.recv()
    except Closed as end:
        assert end.code is not None, "no Close came back"
        # Only the code is compared. An endpoint that answers a Close returns its code, but not
        # necessarily its reason.
        assert end.code == expected, f"the close code is {end.code}, expected {expected}"
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
}

# The checks of libraries with which fragments, Pings and Closes can be sent and received.
FRAMES = {"fragments": fragments, "ping": ping, "close": close}


async def follow(connection, compressed, steps=None, more=None):
    """Performs the checks, or takes `steps`. Prints a line for each check.

    `more` has the checks that not every library supports.
    """
    if steps:
        checks = {"dialogue": lambda to: dialogue(to, steps)}
    else:
        checks = {**CHECKS, **(more or {})}
    for name, run in {"negotiated": lambda to: negotiated(to, compressed), **checks}.items():
        try:
            await run(connection)
            print(f"ok {name}", flush=True)
        except Exception as error:
            print(f"failed {name}: {type(error).__name__}: {error}", flush=True)
