from __future__ import annotations

import asyncio
import json

import pytest

from k8s_tutor.serving import wire


async def read(data: bytes) -> list[tuple[bytes, bytes]]:
    stream = asyncio.StreamReader()
    stream.feed_data(data)
    stream.feed_eof()
    return [found async for found in wire.packets(stream)]


async def test_packets_come_whole_and_the_last_cut_one_is_dropped() -> None:
    data = b"a warning\n" + wire.GREETING + wire.packet(b"D", b"\x1b[2J") + wire.meta(type="exit") + b"D\0\0\0\x09cut"
    assert await read(data) == [(b"D", b"\x1b[2J"), (b"M", b'{"type": "exit"}')]
    assert await read(b"") == []


@pytest.mark.parametrize(
    "data",
    [
        b"no\n" * 10 + wire.GREETING,
        wire.GREETING + b"X\0\0\0\x01x",
        wire.GREETING + b"D" + (wire.LARGEST_PACKET + 1).to_bytes(4, "big"),
        b"x" * 200_000,
    ],
)
async def test_what_is_no_packet_is_refused(data: bytes) -> None:
    with pytest.raises(wire.Broken):
        await read(data)


def test_what_the_page_says() -> None:
    assert wire.from_page('["stdin", "é"]') == (b"D\0\0\0\x02\xc3\xa9", "")
    assert wire.from_page('["ping", "17"]') == (b"", '["pong", "17"]')
    packet, answer = wire.from_page('["resize", {"width": 100000, "height": "-3"}]')
    assert (json.loads(packet[5:]), answer) == ({"type": "resize", "width": 500, "height": 5}, "")
    assert json.loads(wire.from_page('["focus"]')[0][5:]) == {"type": "focus"}


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", '["stdin"]', '["stdin", 3]', '["quit"]', '["resize", 3]', "[" * 100_000, '["deliver_chunk", "x"]'],
)
def test_what_the_page_never_says_is_refused(text: str) -> None:
    with pytest.raises(wire.Broken):
        wire.from_page(text)


def test_what_the_tutor_says() -> None:
    assert wire.to_page(b'{"type": "exit"}') == ("", True)
    told, ends = wire.to_page(b'{"type": "open_url", "url": "https://kubernetes.io/docs/", "new_tab": false}')
    assert (json.loads(told), ends) == (["open_url", {"url": "https://kubernetes.io/docs/", "new_tab": True}], False)


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "//x", "https://", "http://[", "x" * 3000]
)
def test_only_web_pages_are_opened(url: str) -> None:
    assert wire.to_page(json.dumps({"type": "open_url", "url": url}).encode()) == ("", False)


@pytest.mark.parametrize("payload", [b"", b"[]", b"{}", b'{"type": "deliver_file_start", "key": "x"}', b"\xff", b"3"])
def test_other_news_are_nothing(payload: bytes) -> None:
    assert wire.to_page(payload) == ("", False)


@pytest.mark.parametrize(
    ("given", "size"), [((None, None), (80, 24)), (("x", "1"), (80, 24)), (("200", "50"), (200, 50))]
)
def test_sizes(given: tuple[str | None, str | None], size: tuple[int, int]) -> None:
    assert wire.size_of(*given) == size
