"""One learner's seat: at most one tutor process at a time, and the browser tab that it is shown in."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from aiohttp import WSMsgType, web

from k8s_tutor.errors import TutorError
from k8s_tutor.serving import wire
from k8s_tutor.serving.sandbox import Launch

LEAVE_SECONDS = 3.0
"""What a tutor has to end by itself; it saves at each change, so little is left to do."""
TAKEN, ENDED, FAULT = 4001, 4000, 4002
"""Codes of a closed websocket: another tab took over; the tutor was left; something broke."""
KEPT = 2000
"""Bytes of what a tutor wrote on stderr that are kept, to tell why it ended."""

Command = Callable[[tuple[int, int]], Launch]


class Seat:
    """A place for one learner. ``command`` gives the program for a size; it may block.

    ``say`` takes a sentence for whoever runs the server.
    """

    def __init__(self, name: str, command: Command, say: Callable[[str], None]) -> None:
        self.name = name
        self._command = command
        self._say = say
        self._turn = asyncio.Lock()
        self._page: web.WebSocketResponse | None = None
        self._process: asyncio.subprocess.Process | None = None

    @property
    def taken(self) -> bool:
        """Whether a tutor runs."""
        return self._process is not None

    async def sit(self, page: web.WebSocketResponse, size: tuple[int, int]) -> None:
        """Run the tutor for this page, in place of an earlier one, until either is gone."""
        before = self._page
        self._page = page
        if before is not None:
            await before.close(code=TAKEN, message=b"opened in another tab")
        async with self._turn:
            if self._page is not page:
                return  # a third one came meanwhile
            try:
                await self._run(page, size)
            finally:
                if self._page is page:
                    self._page = None

    async def stand_up(self) -> None:
        """End whatever goes on here."""
        if self._page is not None:
            await self._page.close(code=ENDED, message=b"the server ends")
        async with self._turn:
            pass

    async def _run(self, page: web.WebSocketResponse, size: tuple[int, int]) -> None:
        try:
            launch = await asyncio.to_thread(self._command, size)
        except TutorError as error:
            self._say(f"{self.name}: {error.message}")
            await page.close(code=FAULT, message=b"the tutor cannot be started")
            return
        process = await asyncio.create_subprocess_exec(
            *launch.argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=launch.env,
            start_new_session=True,
        )
        self._process = process
        complaints = asyncio.create_task(_tail(process.stderr))
        tasks = {
            asyncio.create_task(self._from_tutor(process, page)),
            asyncio.create_task(self._from_page(process, page)),
        }
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await _end(process)
            told = await complaints
            self._process = None
            if process.returncode and told:
                self._say(f"{self.name}'s tutor ended with {process.returncode}: {told}")
            with contextlib.suppress(ConnectionError):
                await page.close(code=ENDED, message=b"the tutor has ended")

    async def _from_tutor(self, process: asyncio.subprocess.Process, page: web.WebSocketResponse) -> None:
        assert process.stdout is not None
        try:
            async for kind, payload in wire.packets(process.stdout):
                if kind == b"D":
                    await page.send_bytes(payload)
                elif kind == b"M":
                    told, ends = wire.to_page(payload)
                    if told:
                        await page.send_str(told)
                    if ends:
                        return
        except ConnectionError:
            return
        except wire.Broken as error:
            self._say(f"{self.name}: {error}")

    async def _from_page(self, process: asyncio.subprocess.Process, page: web.WebSocketResponse) -> None:
        assert process.stdin is not None
        async for message in page:
            if message.type is not WSMsgType.TEXT:
                return
            try:
                packet, answer = wire.from_page(message.data)
            except wire.Broken as error:
                self._say(f"{self.name}'s page: {error}")
                return
            with contextlib.suppress(ConnectionError):
                if packet:
                    process.stdin.write(packet)
                    await process.stdin.drain()
                if answer:
                    await page.send_str(answer)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ask the tutor to leave, then end it with all that it started: they share a process namespace."""
    if process.returncode is None and process.stdin is not None:
        with contextlib.suppress(ConnectionError, RuntimeError, TimeoutError):
            process.stdin.write(wire.meta(type="quit"))
            await asyncio.wait_for(process.stdin.drain(), LEAVE_SECONDS)
    # Nobody reads its output any more: it must not wait for that.
    draining = asyncio.create_task(_tail(process.stdout))
    try:
        await asyncio.wait_for(process.wait(), LEAVE_SECONDS)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    finally:
        draining.cancel()
        await asyncio.gather(draining, return_exceptions=True)


async def _tail(stream: asyncio.StreamReader | None) -> str:
    """The last of what comes, as one plain line."""
    kept = b""
    while stream is not None and (data := await stream.read(4096)):
        kept = (kept + data)[-KEPT:]
    text = " ".join(kept.decode("utf-8", "replace").split())
    return "".join(letter if letter.isprintable() else "?" for letter in text)
