"""The web server as a browser, and as somebody else, meets it: over a real socket, with fake seats."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientResponse, ClientSession, CookieJar, WSServerHandshakeError, web
from aiohttp.test_utils import TestServer, unused_port

from k8s_tutor.errors import UsageError
from k8s_tutor.serving import pages
from k8s_tutor.serving.links import Links
from k8s_tutor.serving.seat import Seat
from k8s_tutor.serving.web import Address, Server, checked_url


class FakeSeat(Seat):
    def __init__(self, name: str) -> None:
        super().__init__(name, lambda _size: pytest.fail("nothing is started here"), lambda _text: None)
        self.sizes: list[tuple[int, int]] = []

    async def sit(self, page: web.WebSocketResponse, size: tuple[int, int]) -> None:
        self.sizes.append(size)
        async for message in page:
            await page.send_str(f"{self.name}: {message.data[:9]}")


class Class:
    """A server with two learners, and browsers."""

    def __init__(self, folder: Path, url: str = "") -> None:
        self.port = unused_port()
        self.address = Address("127.0.0.1", self.port, url)
        self.links = Links(folder / "links.json")
        self.seats = {name: FakeSeat(name) for name in ("anna", "bela")}
        server = Server(self.address, self.links, self.seats, {"anna": "Anna <b>", "bela": "Béla"})
        self.server = TestServer(server.app(), host="127.0.0.1", port=self.port)
        self.base = f"http://127.0.0.1:{self.port}"

    def link(self, learner: str = "anna") -> str:
        return f"{self.base}/join/{self.links.new(learner, 60)}"


@pytest.fixture
async def klass(tmp_path: Path) -> AsyncIterator[Class]:
    klass = Class(tmp_path)
    async with klass.server:
        yield klass


@pytest.fixture
async def browser() -> AsyncIterator[ClientSession]:
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
        yield session


@pytest.fixture
async def stranger() -> AsyncIterator[ClientSession]:
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
        yield session


async def test_a_link_opens_the_tutor_in_one_browser_only(
    klass: Class, browser: ClientSession, stranger: ClientSession
) -> None:
    link = klass.link()
    joined = await browser.get(link)
    assert joined.status == 200
    cookie = joined.headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; ")) and "Domain" not in cookie
    assert 'content="0;url=/"' in await joined.text()
    page = await browser.get(klass.base + "/")
    assert page.status == 200
    text = await page.text()
    assert "k8s-tutor: Anna &lt;b&gt;" in text and f"ws://127.0.0.1:{klass.port}/ws" in text

    used = await stranger.get(link)
    assert used.status == 410 and "Set-Cookie" not in used.headers
    assert "used already" in await used.text() and "k8s-tutor serve link NAME" in await used.text()
    assert (await stranger.get(klass.base + "/")).status == 403
    again = await browser.get(link)
    assert again.status == 200 and "Set-Cookie" not in again.headers, "their own link, in their own browser"


async def test_without_the_cookie_there_is_nothing(klass: Class, stranger: ClientSession) -> None:
    for path in ("/", "/static/textual.js", "/static/serve.css", "/ws"):
        answer = await stranger.get(klass.base + path, headers={"Origin": klass.base})
        assert answer.status == 403, path
        assert "have not joined" in await answer.text()
    cookies = {klass.address.cookie: "x" * 43}
    assert (await stranger.get(klass.base + "/", cookies=cookies)).status == 403
    assert (await stranger.get(klass.base + "/join/" + "x" * 43)).status == 404


async def test_what_is_fetched_ahead_uses_no_link_up(klass: Class, browser: ClientSession) -> None:
    link = klass.link()
    for headers in ({"Sec-Purpose": "prefetch"}, {"Sec-Purpose": "prefetch;prerender"}, {"Purpose": "prefetch"}):
        assert (await browser.get(link, headers=headers)).status == 503
    assert (await browser.head(link)).status == 405
    assert (await browser.get(link)).status == 200


async def test_only_what_is_on_the_list_is_served(klass: Class, browser: ClientSession) -> None:
    await browser.get(klass.link())
    for name in ("serve.css", "serve.js", "xterm.css", "textual.js", "mono.ttf", "mono-italic.ttf"):
        answer = await browser.get(f"{klass.base}/static/{name}")
        assert answer.status == 200 and await answer.read(), name
    for path in ("serve.py", "..%2fweb.py", "%2e%2e/web.py", "", "js/textual.js", "%00"):
        assert (await browser.get(f"{klass.base}/static/{path}")).status == 404, path
    assert (await browser.post(klass.base + "/", data=b"x")).status == 405


async def everything(klass: Class, browser: ClientSession, stranger: ClientSession) -> list[ClientResponse]:
    link = klass.link()
    answers = [await browser.get(link), await stranger.get(link), await stranger.get(klass.base)]
    answers += [await browser.get(klass.base + path) for path in ("/", "/static/serve.js", "/none", "/static/none")]
    return [*answers, await stranger.get(klass.base, headers={"Host": "evil.example"})]


async def test_every_answer_is_guarded_by_its_headers(
    klass: Class, browser: ClientSession, stranger: ClientSession
) -> None:
    for answer in await everything(klass, browser, stranger):
        headers = answer.headers
        policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
        assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert policy["script-src"] == policy["font-src"] == "'self'"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "clipboard-read=()" in headers["Permissions-Policy"]
        assert headers["Server"] == "k8s-tutor"


async def test_nothing_is_loaded_from_elsewhere(klass: Class, browser: ClientSession, stranger: ClientSession) -> None:
    found = set()
    for answer in await everything(klass, browser, stranger):
        if answer.headers["Content-Type"].startswith("text/html"):
            found |= set(re.findall(r"(?:src|href|url)=\"?([^\"\s>]+)", await answer.text()))
    assert found == {"/", "data:,", "/static/xterm.css", "/static/serve.css", "/static/textual.js", "/static/serve.js",
                     f"ws://127.0.0.1:{klass.port}/ws"}  # fmt: skip
    for name in ("serve.css", "xterm.css", "serve.js", "textual.js"):
        content = pages.file(name)
        assert content is not None
        # Comments name their authors' pages.
        code = re.sub(rb"/\*.*?\*/", b"", content[0], flags=re.DOTALL) if name.endswith(".css") else content[0]
        foreign = re.findall(rb"https?://[^\s\"'`)]+|@import|//fonts", code)
        assert not foreign, name
        addresses = re.findall(rb"url\(\"?([^\")]+)", content[0]) if name.endswith(".css") else []
        assert all(address.startswith(b"/static/") for address in addresses), name


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1:1", "10.0.0.1:{port}", "u@127.0.0.1:{port}", "", "[::1"]
)
async def test_another_name_for_this_address_is_refused(klass: Class, browser: ClientSession, host: str) -> None:
    """DNS rebinding: a page of evil.example whose name now leads here."""
    await browser.get(klass.link())
    answer = await browser.get(klass.base + "/", headers={"Host": host.format(port=klass.port)})
    assert answer.status in (400, 421)
    assert "textual-terminal" not in await answer.text()


async def test_a_websocket_needs_cookie_and_origin(
    klass: Class, browser: ClientSession, stranger: ClientSession
) -> None:
    await browser.get(klass.link())
    url = f"ws://127.0.0.1:{klass.port}/ws?width=120&height=9999"
    async with browser.ws_connect(url, origin=klass.base) as socket:
        await socket.send_str("hello")
        assert await socket.receive_str(timeout=10) == "anna: hello"
        await socket.send_str("x" * (300 << 10))
        assert (await socket.receive(timeout=10)).data == 1009, "too large a message closes it"
    assert klass.seats["anna"].sizes == [(120, 200)]
    for session, origin in (
        (stranger, klass.base), (browser, None), (browser, "http://evil.example"), (browser, "null"),
        (browser, f"https://127.0.0.1:{klass.port}"), (browser, "http://127.0.0.1:1"),
    ):  # fmt: skip
        with pytest.raises(WSServerHandshakeError) as refused:
            await session.ws_connect(url, origin=origin)
        assert refused.value.status == 403


async def test_each_cookie_leads_to_its_own_learner(
    klass: Class, browser: ClientSession, stranger: ClientSession
) -> None:
    await browser.get(klass.link("anna"))
    await stranger.get(klass.link("bela"))
    for session, name in ((browser, "anna"), (stranger, "bela")):
        async with session.ws_connect(f"ws://127.0.0.1:{klass.port}/ws", origin=klass.base) as socket:
            await socket.send_str("who")
            assert await socket.receive_str(timeout=10) == f"{name}: who"


async def test_a_newer_link_shuts_the_older_browser_out(
    klass: Class, browser: ClientSession, stranger: ClientSession
) -> None:
    await browser.get(klass.link())
    await stranger.get(klass.link())
    assert ((await browser.get(klass.base)).status, (await stranger.get(klass.base)).status) == (403, 200)


async def test_behind_a_proxy_with_tls(tmp_path: Path, browser: ClientSession) -> None:
    klass = Class(tmp_path, "https://class.example")
    async with klass.server:
        answer = await browser.get(klass.link(), headers={"Host": "class.example"})
        assert "Secure" in answer.headers["Set-Cookie"] and answer.headers["Set-Cookie"].startswith("__Host-")
        value = answer.cookies[klass.address.cookie].value
        headers = {"Host": "class.example", "Cookie": f"{klass.address.cookie}={value}"}
        page = await browser.get(klass.base + "/", headers=headers)
        assert page.status == 200
        assert "wss://class.example/ws" in await page.text()
        assert "wss://class.example/ws" in page.headers["Content-Security-Policy"]
        good = {**headers, "Origin": "https://class.example"}
        async with browser.ws_connect(f"{klass.base}/ws", headers=good) as socket:
            await socket.send_str("hello")
            assert await socket.receive_str(timeout=10) == "anna: hello"


def test_addresses() -> None:
    assert Address("127.0.0.1", 8765).loopback and Address("::1", 8765).loopback and Address("localhost", 1).loopback
    lan = Address("192.168.1.5", 8765)
    assert not lan.loopback and lan.base == "http://192.168.1.5:8765"
    assert lan.knows("192.168.1.5:8765") and not lan.knows("evil.example:8765") and not lan.knows("192.168.1.5")
    assert Address("::1", 80).base == "http://[::1]:80"
    assert checked_url("https://class.example/") == "https://class.example"


@pytest.mark.parametrize(
    "url", ["class.example", "ftp://x", "https://x/path", "https://u:p@x", "https://x?q", "https://", "https://x:99999"]
)
def test_wrong_proxy_addresses(url: str) -> None:
    with pytest.raises(UsageError):
        checked_url(url)
