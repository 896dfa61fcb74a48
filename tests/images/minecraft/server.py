"""The status of a server, as the game asks for it: https://minecraft.wiki/w/Java_Edition_protocol/Server_List_Ping."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

if os.environ.get("EULA", "").lower() != "true":
    sys.exit("Please accept the Minecraft EULA: set the environment variable EULA to TRUE")

STATUS = json.dumps({"version": {"name": "stand-in", "protocol": 765}, "players": {"max": 20, "online": 0}})


def number(value: int) -> bytes:
    """A number as the protocol has it: seven bits in a byte, the least first."""
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + number(rest) if rest else bytes([low])


async def read_number(reader: asyncio.StreamReader) -> int:
    value = shift = 0
    while True:
        (byte,) = await reader.readexactly(1)
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return value


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    for _ in ("handshake", "status request"):
        await reader.readexactly(await read_number(reader))
    text = STATUS.encode()
    packet = number(0) + number(len(text)) + text
    writer.write(number(len(packet)) + packet)
    await writer.drain()
    writer.close()


async def main() -> None:
    Path("/data/world").mkdir(parents=True, exist_ok=True)
    server = await asyncio.start_server(serve, "0.0.0.0", 25565)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, server.close)
    print('Done! For help, type "help"', flush=True)
    await server.wait_closed()


asyncio.run(main())
