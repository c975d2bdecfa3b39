"""A client over HTTP/2 (RFC 8441), on the packages h2 and wsproto.

`http2_client.py client PLAN` checks a server, and prints a line for each check. The plan is JSON, as
in plan.rs. Over TCP, the server must expect HTTP/2 (prior knowledge).
"""

import asyncio
import json
import ssl
import sys
from contextlib import suppress
from urllib.parse import urlsplit

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    DataReceived,
    RemoteSettingsChanged,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    WindowUpdated,
)
from h2.exceptions import StreamClosedError
from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Message, Ping, Pong, TextMessage
from wsproto.extensions import PerMessageDeflate

from checks import FRAMES, MIB, Closed, echo, follow

# The window of the connection. Each stream keeps the default window of 65,535 bytes, so a stream
# that is not read leaves most of it to the others.
WINDOW = MIB


class Refused(Exception):
    """The server has not opened a WebSocket."""


class Session:
    """A connection of HTTP/2."""

    @classmethod
    async def start(cls, url, authority):
        context = None
        if url.scheme == "wss":
            context = ssl.create_default_context(cafile=authority)
            context.set_alpn_protocols(["h2"])
        reader, writer = await asyncio.open_connection(url.hostname, url.port, ssl=context)
        if context:
            agreed = writer.get_extra_info("ssl_object").selected_alpn_protocol()
            if agreed != "h2":
                raise Refused(f"the server agreed to {agreed} by ALPN")
        session = cls(reader, writer)
        await session.settings
        if not session.http2.remote_settings.enable_connect_protocol:
            raise Refused("the server does not announce that it opens WebSockets")
        return session

    def __init__(self, reader, writer):
        self.http2 = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
        self.http2.initiate_connection()
        self.http2.increment_flow_control_window(WINDOW)
        self.settings = asyncio.get_running_loop().create_future()
        self.window = asyncio.Condition()
        self.streams = {}
        self.reader, self.writer = reader, writer
        self.flush()
        self.reading = asyncio.create_task(self._read())

    def flush(self):
        self.writer.write(self.http2.data_to_send())

    async def _read(self):
        try:
            while data := await self.reader.read(65536):
                for event in self.http2.receive_data(data):
                    await self._handle(event)
                self.flush()
            self._end("the server has ended the connection of HTTP/2")
        except Exception as error:
            self._end(f"{type(error).__name__}: {error}")

    def _end(self, failure):
        for stream in self.streams.values():
            stream.end(failure)
        if not self.settings.done():
            self.settings.set_exception(Refused(failure))

    async def _handle(self, event):
        if isinstance(event, RemoteSettingsChanged):
            if not self.settings.done():
                self.settings.set_result(None)
        if isinstance(event, (WindowUpdated, RemoteSettingsChanged)):
            async with self.window:
                self.window.notify_all()
        stream = self.streams.get(getattr(event, "stream_id", None))
        if stream is not None:
            stream.handle(event)

    async def open(self, url, compressed, headers=()):
        deflate = PerMessageDeflate()
        request = [
            (":method", "CONNECT"),
            (":protocol", "websocket"),
            (":scheme", "https" if url.scheme == "wss" else "http"),
            (":path", (url.path or "/") + (f"?{url.query}" if url.query else "")),
            (":authority", url.netloc),
            ("sec-websocket-version", "13"),
            *((name.lower(), value) for name, value in headers),
        ]
        if compressed:
            request.append(("sec-websocket-extensions", f"{deflate.name}; {deflate.offer()}"))
        id = self.http2.get_next_available_stream_id()
        stream = self.streams[id] = WebSocket(self, id, deflate)
        self.http2.send_headers(id, request)
        self.flush()
        await stream.opened
        return stream

    async def close(self):
        self.http2.close_connection()
        self.flush()
        self.writer.close()
        self.reading.cancel()


class WebSocket:
    """A stream that carries a WebSocket, as the checks use it."""

    def __init__(self, session, id, deflate):
        self.session, self.id = session, id
        self.extensions = []
        self.protocol = None
        self.opened = asyncio.get_running_loop().create_future()
        # `None` after the end of the stream, or a text if the stream has failed.
        self.ended = asyncio.get_running_loop().create_future()
        self.is_reading = True
        self._deflate = deflate
        self._connection = None
        self._parts = []
        self._code = None
        self._messages = asyncio.Queue()
        self._pong = asyncio.Event()

    def handle(self, event):
        if isinstance(event, ResponseReceived):
            self._answered(dict(event.headers))
        elif isinstance(event, DataReceived):
            if self.is_reading:
                self.session.http2.acknowledge_received_data(
                    event.flow_controlled_length, self.id
                )
            # The body of a refusal, or the end of the stream behind the Close.
            if self._connection is None or not event.data:
                return
            self._connection.receive_data(event.data)
            for message in self._connection.events():
                self._received(message)
        elif isinstance(event, StreamEnded):
            self.end(None)
        elif isinstance(event, StreamReset):
            self.end(f"the server has reset the stream with {event.error_code!r}")

    def _answered(self, headers):
        status = headers[":status"]
        if status != "200":
            self.opened.set_exception(Refused(f"the server answered with status {status}"))
            return
        self.protocol = headers.get("sec-websocket-protocol")
        agreed = headers.get("sec-websocket-extensions")
        if agreed:
            self._deflate.finalize(agreed)
            self.extensions = [agreed.split(";")[0]]
        extensions = [self._deflate] if agreed else []
        self._connection = Connection(ConnectionType.CLIENT, extensions)
        self.opened.set_result(None)

    def _received(self, event):
        if isinstance(event, Message):
            self._parts.append(event.data)
            if event.message_finished:
                empty = "" if isinstance(event, TextMessage) else b""
                self._messages.put_nowait(empty.join(self._parts))
                self._parts = []
        elif isinstance(event, Ping):
            self._write(self._connection.send(event.response()))
        elif isinstance(event, Pong):
            self._pong.set()
        elif isinstance(event, CloseConnection):
            self._code = event.code
            if self._connection.state == ConnectionState.REMOTE_CLOSING:
                self._write(self._connection.send(event.response()))
            # A server that has sent all may reset the stream instead of waiting for its end
            # (RFC 9113 §8.1).
            with suppress(StreamClosedError):
                self.session.http2.end_stream(self.id)

    def end(self, failure):
        if not self.opened.done():
            self.opened.set_exception(Refused(failure or "the server has ended the stream"))
        if not self.ended.done():
            self.ended.set_result(failure)
        self._messages.put_nowait(None)

    def _write(self, data):
        """Sends a short frame, for which there is always room."""
        self.session.http2.send_data(self.id, data)
        self.session.flush()

    async def _send(self, data):
        http2 = self.session.http2
        while data:
            room = min(http2.local_flow_control_window(self.id), http2.max_outbound_frame_size)
            if room > 0:
                self._write(data[:room])
                data = data[room:]
                await self.session.writer.drain()
            else:
                async with self.session.window:
                    await self.session.window.wait()

    async def send(self, message):
        if isinstance(message, bytes):
            frames = [BytesMessage(data=message)]
        else:
            parts = [message] if isinstance(message, str) else message
            last = len(parts) - 1
            frames = [TextMessage(part, message_finished=at == last) for at, part in enumerate(parts)]
        for frame in frames:
            await self._send(self._connection.send(frame))

    async def recv(self):
        message = await self._messages.get()
        if message is None:
            raise Closed(self._code)
        return message

    async def ping(self):
        self._write(self._connection.send(Ping(b"still there?")))
        await self._pong.wait()

    async def close(self, code, reason):
        self._write(self._connection.send(CloseConnection(code, reason)))
        failure = await self.ended
        assert failure is None, failure

    def reset(self):
        self.session.http2.reset_stream(self.id, ErrorCodes.CANCEL)
        self.session.flush()


def checks_of_streams(session, url, compressed):
    """Returns the checks that open more WebSockets in the connection. The server must know the
    subprotocol `echo`.
    """

    async def reset(connection):
        others = [await session.open(url, compressed) for _ in range(10)]
        others[3].reset()
        for at, other in enumerate(others):
            if at != 3:
                await echo(other, f"message {at}", bytes(100_000))
                await other.close(1000, "")
        await echo(connection, "still open")

    async def unread(connection):
        unread = await session.open(url, compressed=False)
        unread.is_reading = False
        await unread.send(bytes(4 * 65536))
        await echo(connection, *(bytes(100_000) for _ in range(20)))
        unread.reset()

    async def subprotocol(_):
        headers = [("sec-websocket-protocol", "chat, echo")]
        other = await session.open(url, compressed, headers)
        assert other.protocol == "echo", f"the server chose {other.protocol!r}"
        await echo(other, "hello")
        await other.close(1000, "")

    return {
        "subprotocol": subprotocol,
        "one stream is reset": reset,
        "one stream is not read": unread,
    }


async def client(plan):
    plan = json.loads(plan)
    url, compressed, steps = urlsplit(plan["url"]), plan["compressed"], plan.get("steps")
    try:
        session = await Session.start(url, plan.get("authority"))
        connection = await session.open(url, compressed, plan["headers"])
    except (OSError, Refused) as error:
        print(f"failed connection: {error}", flush=True)
        return
    more = {**checks_of_streams(session, url, compressed), **FRAMES}
    for check in plan.get("without", []):
        del more[check]
    await follow(connection, compressed, steps, more)
    await session.close()


if __name__ == "__main__":
    role, plan = sys.argv[1:]
    assert role == "client", "there is no other role"
    asyncio.run(client(plan))
