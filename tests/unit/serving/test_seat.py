"""A seat with a program in place of the tutor: one at a time, and gone when its page is."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType, web
from aiohttp.test_utils import TestServer

from k8s_tutor.errors import ClusterError
from k8s_tutor.serving import seat as seats
from k8s_tutor.serving.sandbox import Launch
from k8s_tutor.serving.seat import Seat

PROGRAM = """
import os, sys
def out(kind, payload):
    os.write(1, kind + len(payload).to_bytes(4, "big") + payload)
def inp():
    head = sys.stdin.buffer.read(5)
    return sys.stdin.buffer.read(int.from_bytes(head[1:], "big")) if len(head) == 5 else b""
os.write(1, b"__GANGLION__\\n")
out(b"D", b"pid %d size %s" % (os.getpid(), sys.argv[1].encode()))
while True:
    got = inp()
    if not got or b'"quit"' in got and MODE != "deaf":
        sys.exit("some [red]last\\x1b words" if MODE == "loud" else 0)
    if got == b"exit":
        out(b"M", b'{"type": "exit"}')
    elif got == b"garbage":
        os.write(1, b"?????????")
    elif MODE != "deaf":
        out(b"D", b"echo " + got)
"""


class Room:
    def __init__(self) -> None:
        self.mode = "fine"
        self.said: list[str] = []
        self.seat = Seat("Anna", self.command, self.said.append)

    def command(self, size: tuple[int, int]) -> Launch:
        if self.mode == "broken":
            raise ClusterError("no cluster")
        code = f"MODE = {self.mode!r}\n{PROGRAM}"
        return Launch((sys.executable, "-I", "-c", code, f"{size[0]}x{size[1]}"), {"ONLY": "this"})

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        page = web.WebSocketResponse()
        await page.prepare(request)
        await self.seat.sit(page, (100, 30))
        return page


@pytest.fixture
async def room(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Room, ClientSession, str]]:
    monkeypatch.setattr(seats, "LEAVE_SECONDS", 0.5)
    room = Room()
    app = web.Application()
    app.router.add_get("/ws", room.handle)
    async with TestServer(app) as server, ClientSession() as client:
        yield room, client, str(server.make_url("/ws"))
        await room.seat.stand_up()
        assert not room.seat.taken


async def hello(page: ClientWebSocketResponse) -> int:
    text = (await page.receive_bytes(timeout=10)).decode()
    assert text.endswith("size 100x30")
    return int(text.split()[1])


def alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


async def gone(pid: int) -> None:
    for _ in range(100):
        if not alive(pid):
            return
        await asyncio.sleep(0.05)
    pytest.fail(f"{pid} is still there")


async def test_keys_go_in_and_the_screen_comes_out(room: tuple[Room, ClientSession, str]) -> None:
    _, client, url = room
    async with client.ws_connect(url) as page:
        await hello(page)
        await page.send_str(json.dumps(["stdin", "hé"]))
        assert await page.receive_bytes(timeout=10) == "echo hé".encode()
        await page.send_str(json.dumps(["ping", "1"]))
        assert await page.receive_str(timeout=10) == '["pong", "1"]'


async def test_the_page_goes_and_so_does_the_tutor(room: tuple[Room, ClientSession, str]) -> None:
    _, client, url = room
    async with client.ws_connect(url) as page:
        pid = await hello(page)
        assert alive(pid)
    await gone(pid)


async def test_one_that_does_not_leave_is_ended(room: tuple[Room, ClientSession, str]) -> None:
    where, client, url = room
    where.mode = "deaf"
    async with client.ws_connect(url) as page:
        pid = await hello(page)
    await gone(pid)


async def test_a_second_tab_takes_over(room: tuple[Room, ClientSession, str]) -> None:
    _, client, url = room
    async with client.ws_connect(url) as first:
        before = await hello(first)
        async with client.ws_connect(url) as second:
            message = await first.receive(timeout=10)
            assert (message.type, message.data) == (WSMsgType.CLOSE, seats.TAKEN)
            after = await hello(second)
            assert after != before
            assert not alive(before), "the first had ended before the second began"


async def test_a_tutor_that_is_left_closes_its_page(room: tuple[Room, ClientSession, str]) -> None:
    where, client, url = room
    async with client.ws_connect(url) as page:
        pid = await hello(page)
        await page.send_str(json.dumps(["stdin", "exit"]))
        message = await page.receive(timeout=10)
        assert (message.type, message.data) == (WSMsgType.CLOSE, seats.ENDED)
    await gone(pid)
    assert where.said == []


@pytest.mark.parametrize("sent", [json.dumps(["stdin", "garbage"]), "no json", json.dumps(["quit"])])
async def test_a_broken_protocol_ends_it_and_is_told(room: tuple[Room, ClientSession, str], sent: str) -> None:
    where, client, url = room
    async with client.ws_connect(url) as page:
        pid = await hello(page)
        await page.send_str(sent)
        assert (await page.receive(timeout=10)).type is WSMsgType.CLOSE
    await gone(pid)
    assert len(where.said) == 1 and where.said[0].startswith("Anna")


async def test_last_words_are_plain(room: tuple[Room, ClientSession, str]) -> None:
    where, client, url = room
    where.mode = "loud"
    async with client.ws_connect(url) as page:
        await hello(page)
    for _ in range(100):
        if where.said:
            break
        await asyncio.sleep(0.05)
    assert where.said == ["Anna's tutor ended with 1: some [red]last? words"]


async def test_what_cannot_start_closes_the_page(room: tuple[Room, ClientSession, str]) -> None:
    where, client, url = room
    where.mode = "broken"
    async with client.ws_connect(url) as page:
        message = await page.receive(timeout=10)
    assert (message.type, message.data) == (WSMsgType.CLOSE, seats.FAULT)
    assert where.said == ["Anna: no cluster"]
