"""An echo server on aiohttp."""

import asyncio

from aiohttp import WSMsgType, web

from foreign_testees import command_line


async def echo(request):
    ws = web.WebSocketResponse(max_msg_size=command_line.MAX_MESSAGE)
    await ws.prepare(request)
    async for message in ws:
        if message.type is WSMsgType.TEXT:
            await ws.send_str(message.data)
        elif message.type is WSMsgType.BINARY:
            await ws.send_bytes(message.data)
    return ws


async def run():
    app = web.Application()
    app.router.add_get("/{path:.*}", echo)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", command_line.port()).start()
    host, port = runner.addresses[0]
    print(f"ws://{host}:{port}", flush=True)
    await asyncio.Event().wait()


def main():
    asyncio.run(run())
