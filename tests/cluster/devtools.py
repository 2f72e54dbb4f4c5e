"""A real Chromium, driven over its DevTools protocol: pages, keys, what was requested, what the terminal shows."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import json
import os
import shutil
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp

FLAGS = (
    "--headless=new", "--no-first-run", "--no-default-browser-check", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-default-apps", "--disable-extensions",
    "--disable-dev-shm-usage", "--hide-scrollbars", "--force-device-scale-factor=1", "--remote-debugging-port=0",
)  # fmt: skip
KEYS = {"Enter": (13, "\r"), "Escape": (27, ""), "F6": (117, ""), "Tab": (9, "")}
DRAWN = """
(() => {
  // What xterm.js holds: everything is selected by the mouse (Shift keeps the program from it), then asked for as a
  // copy does. The drawing itself is a canvas, which has no text.
  const screen = document.querySelector(".xterm-screen");
  if (!screen || !document.body.matches(".-first-byte")) return "";
  const box = screen.getBoundingClientRect();
  const at = (kind, x, y, where) => where.dispatchEvent(new MouseEvent(kind, {
    bubbles: true, cancelable: true, view: window, button: 0, buttons: kind === "mouseup" ? 0 : 1, detail: 1,
    clientX: x, clientY: y, shiftKey: true}));
  at("mousedown", box.left + 1, box.top + 1, screen);
  at("mousemove", box.right - 1, box.bottom - 1, document);
  at("mouseup", box.right - 1, box.bottom - 1, document);
  const data = new DataTransfer();
  document.querySelector(".xterm").dispatchEvent(
    new ClipboardEvent("copy", {clipboardData: data, bubbles: true, cancelable: true}));
  at("mousedown", box.left + 1, box.top + 1, screen);  // a click selects nothing
  at("mouseup", box.left + 1, box.top + 1, document);
  return data.getData("text/plain");
})()
"""


class Page:
    """One tab."""

    def __init__(self, browser: Browser, session: str, context: str) -> None:
        self._browser = browser
        self._session = session
        self.context = context
        self.events: list[dict[str, Any]] = []

    async def __call__(self, method: str, **params: Any) -> dict[str, Any]:
        return await self._browser.send(method, params, self._session)

    async def goto(self, url: str) -> None:
        await self("Page.navigate", url=url)

    async def js(self, expression: str) -> Any:
        done = await self("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    async def body(self) -> str:
        return str(await self.js("document.body ? document.body.innerText : ''"))

    async def drawn(self) -> str:
        """The terminal's text as the page holds it; nothing while there is none."""
        with contextlib.suppress(AssertionError):  # between two pages there is nothing to ask
            return str(await self.js(DRAWN))
        return ""

    async def until(self, wanted: Callable[[str], bool], what: str, within: float = 30.0) -> str:
        """The drawn text once it is as wanted."""
        deadline = time.monotonic() + within
        while True:
            text = await self.drawn()
            if wanted(text):
                return text
            assert time.monotonic() < deadline, f"not within {within:g} s: {what}\n{text}\n{self.complaints()}"
            await asyncio.sleep(0.2)

    async def until_js(self, expression: str, within: float = 20.0) -> None:
        deadline = time.monotonic() + within
        while True:
            with contextlib.suppress(AssertionError):  # between two pages there is nothing to ask
                if await self.js(expression):
                    return
            assert time.monotonic() < deadline, f"not within {within:g} s: {expression}\n{self.complaints()}"
            await asyncio.sleep(0.1)

    async def press(self, key: str) -> None:
        code, text = KEYS.get(key, (ord(key.upper()[0]), key))
        event = {"key": key, "windowsVirtualKeyCode": code, "nativeVirtualKeyCode": code}
        await self("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", text=text, **event)
        await self("Input.dispatchKeyEvent", type="keyUp", **event)

    async def type(self, text: str) -> None:
        for letter in text:
            await self("Input.dispatchKeyEvent", type="char", text=letter)

    async def screenshot(self) -> bytes:
        """The page as a PNG picture."""
        return base64.b64decode((await self("Page.captureScreenshot", format="png"))["data"])

    def requested(self) -> set[str]:
        """Every address that the page asked for, websockets too."""
        found = {event["params"]["request"]["url"] for event in self.of("Network.requestWillBeSent")}
        return found | {event["params"]["url"] for event in self.of("Network.webSocketCreated")}

    def complaints(self) -> list[str]:
        """What the browser refused or broke on: policy violations, script errors."""
        told = [event["params"]["entry"]["text"] for event in self.of("Log.entryAdded")]
        return told + [json.dumps(event["params"])[:500] for event in self.of("Runtime.exceptionThrown")]

    def of(self, method: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["method"] == method]

    async def close(self) -> None:
        await self("Page.close")


class Browser:
    """The browser's own connection; each page of ``page`` is a person of its own unless told otherwise."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._pages: dict[str, Page] = {}
        self._reader = asyncio.create_task(self._read())

    async def send(self, method: str, params: dict[str, Any], session: str = "") -> dict[str, Any]:
        number = next(self._numbers)
        future = self._waiting[number] = asyncio.get_running_loop().create_future()
        message = {"id": number, "method": method, "params": params, **({"sessionId": session} if session else {})}
        await self._socket.send_json(message)
        return await asyncio.wait_for(future, 30)

    async def page(self, context: str = "", *, size: tuple[int, int] = (1440, 860)) -> Page:
        """A new tab, in a profile of its own or in ``context``."""
        context = context or (await self.send("Target.createBrowserContext", {}))["browserContextId"]
        target = await self.send("Target.createTarget", {"url": "about:blank", "browserContextId": context})
        attached = await self.send("Target.attachToTarget", {"targetId": target["targetId"], "flatten": True})
        page = self._pages[attached["sessionId"]] = Page(self, attached["sessionId"], context)
        for domain in ("Page", "Network", "Log", "Runtime"):
            await page(f"{domain}.enable")
        await page(
            "Emulation.setDeviceMetricsOverride", width=size[0], height=size[1], deviceScaleFactor=1, mobile=False
        )
        return page

    @property
    def pages(self) -> list[Page]:
        """Every page there was."""
        return list(self._pages.values())

    async def _read(self) -> None:
        async for message in self._socket:
            told = json.loads(message.data)
            future = self._waiting.pop(told.get("id", 0), None)
            if future is not None and not future.done():
                if "error" in told:
                    future.set_exception(AssertionError(f"DevTools: {told['error']}"))
                else:
                    future.set_result(told["result"])
            elif told.get("sessionId") in self._pages:
                self._pages[told["sessionId"]].events.append(told)

    async def close(self) -> None:
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)


@contextlib.asynccontextmanager
async def chromium(folder: Path) -> AsyncIterator[Browser]:
    """Start Chromium with a fresh profile in ``folder``; it is gone afterwards."""
    program = shutil.which("chromium")
    assert program, "Debian's package chromium is missing"
    flags = [*FLAGS, f"--user-data-dir={folder / 'profile'}"]
    if os.geteuid() == 0:
        flags.append("--no-sandbox")  # its own sandbox refuses root; it only meets our own page here
    with open(folder / "chromium.log", "w") as log:  # noqa: ASYNC230 - a moment
        process = await asyncio.create_subprocess_exec(
            program, *flags, "about:blank", stdout=log, stderr=log, start_new_session=True
        )
    try:
        address = await _address(folder)
        async with aiohttp.ClientSession() as client, client.ws_connect(address, max_msg_size=0) as socket:
            browser = Browser(socket)
            try:
                yield browser
            finally:
                with contextlib.suppress(AssertionError, TimeoutError, ConnectionError):
                    await browser.send("Browser.close", {})
                await browser.close()
    finally:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), 5)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 9)
        await process.wait()


async def _address(folder: Path) -> str:
    deadline = time.monotonic() + 30
    while True:
        lines = _text(folder / "profile" / "DevToolsActivePort").split()
        if len(lines) == 2:
            return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
        assert time.monotonic() < deadline, f"Chromium did not start: {_text(folder / 'chromium.log')[-2000:]}"
        await asyncio.sleep(0.1)


def _text(file: Path) -> str:
    return file.read_text(errors="replace") if file.exists() else ""
