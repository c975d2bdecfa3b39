"""An echo client on aiohttp."""

import asyncio

from aiohttp import ClientSession, WSMsgType

from foreign_testees import command_line


async def echo(url):
    options = {"max_msg_size": command_line.MAX_MESSAGE, "compress": 15}
    async with ClientSession() as session:
        async with session.ws_connect(url, **options) as ws:
            async for message in ws:
                if message.type is WSMsgType.TEXT:
                    await ws.send_str(message.data)
                elif message.type is WSMsgType.BINARY:
                    await ws.send_bytes(message.data)
                elif message.type is WSMsgType.ERROR:
                    raise message.data


def main():
    asyncio.run(command_line.run(echo))
