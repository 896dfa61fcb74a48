"""`devbox serve` as a person sees it: the real command on a real mesh, in headless Chromium. `make browser` runs it.

It is no part of `make test`, for it needs a browser (`apt-get install chromium`).
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

DEVBOX = str(Path(sys.executable).with_name("devbox"))
MANIFEST = {"name": "in-browser", "services": {"talker": {"command": ["sh", "-c", "echo hello there; exec sleep 600"]}}}
CHROMIUM = (
    "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--window-size=1200,760",
    "--remote-debugging-port=0", "--remote-allow-origins=*",
)  # fmt: skip


@pytest.fixture
def address() -> Iterator[str]:
    """Where the panel of a mesh that runs is served."""
    with tempfile.TemporaryDirectory() as given:
        folder = Path(given)
        (folder / "devbox.yaml").write_text(json.dumps(MANIFEST))
        env = {**os.environ, "DEVBOX_STATE_HOME": str(folder / "state")}
        subprocess.run([DEVBOX, "up", "-d", "--wait"], cwd=folder, env=env, check=True)
        server = subprocess.Popen([DEVBOX, "serve"], cwd=folder, env=env, stdout=subprocess.PIPE, text=True)
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.terminate()
            server.wait(10)
            server.stdout.close()
            subprocess.run([DEVBOX, "down", "-v", "-t", "1"], cwd=folder, env=env, check=True)


class Page:
    """A page of a browser, over its debugging protocol."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket, self._number = socket, 0

    async def ask(self, method: str, **params: object) -> Any:
        """Have the browser do something; its answer."""
        self._number += 1
        await self._socket.send_json({"id": self._number, "method": method, "params": params})
        async with asyncio.timeout(20):
            while True:
                answer = await self._socket.receive_json()
                if answer.get("id") == self._number:
                    return answer["result"]

    async def evaluate(self, script: str) -> Any:
        result = await self.ask("Runtime.evaluate", expression=script, returnByValue=True)
        return result["result"].get("value")

    async def picture(self) -> bytes:
        return base64.b64decode((await self.ask("Page.captureScreenshot", format="png"))["data"])

    async def press(self, key: str) -> None:
        for kind in ("keyDown", "keyUp"):
            text = {"text": key} if kind == "keyDown" else {}
            await self.ask("Input.dispatchKeyEvent", type=kind, key=key, **text)


@asynccontextmanager
async def browser() -> AsyncIterator[Page]:
    """Headless Chromium with one empty page."""
    assert shutil.which("chromium"), "this needs a browser: apt-get install chromium"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen([*CHROMIUM, f"--user-data-dir={profile}", "about:blank"], stderr=subprocess.DEVNULL)
        try:
            port_file = Path(profile) / "DevToolsActivePort"
            async with asyncio.timeout(30):
                while not (port_file.exists() and port_file.read_text().strip()):
                    await asyncio.sleep(0.05)
            port = port_file.read_text().split()[0]
            async with aiohttp.ClientSession() as session:
                async with session.get(f"http://127.0.0.1:{port}/json") as response:
                    pages = await response.json()
                target = next(page for page in pages if page["type"] == "page")
                async with session.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=1 << 26) as socket:
                    yield Page(socket)
        finally:
            process.terminate()
            process.wait(10)


async def _status(url: str, **headers: str) -> int:
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers, allow_redirects=False) as answer:
        return answer.status


async def test_without_the_token_nothing_is_served(address: str) -> None:
    bare = address.split("?")[0]
    assert await _status(bare) == 403
    assert await _status(f"{bare}ws") == 403
    assert await _status(f"{bare}static/js/textual.js") == 403
    assert await _status(f"{bare}?token=wrong") == 403
    assert await _status(address) == 302
    assert await _status(address, Host="devbox.example") == 421
    token = address.split("token=")[1]
    port = bare.rsplit(":", 1)[1].rstrip("/")
    cookie = f"devbox-token-{port}={token}"
    assert await _status(bare, Cookie=cookie) == 200
    assert await _status(f"{bare}ws", Cookie=cookie, Origin="http://evil.example") == 403


async def test_the_panel_is_drawn_and_answers_to_keys(address: str) -> None:
    async with browser() as page:
        await page.ask("Page.enable")
        await page.ask("Page.navigate", url=address)
        async with asyncio.timeout(30):
            while not await page.evaluate("document.body.classList.contains('-first-byte')"):
                await asyncio.sleep(0.1)
        await asyncio.sleep(2)
        assert "token" not in await page.evaluate("location.href")
        before = await page.picture()
        await page.press("?")
        await asyncio.sleep(1.5)
        after = await page.picture()
        into = Path(__file__).parents[2] / "screenshots" / "browser.png"
        into.write_bytes(before)
        assert len(before) > 10_000, "an empty page is smaller"
        assert before != after, "the help came"
