"""The web server: a link is exchanged for a cookie, the cookie opens the page, its files and one websocket.

Only GET, no bodies, no paths to files: what is served is a list. Requests under a foreign name (DNS rebinding), and
websockets from a foreign page, are refused before anything else is looked at.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import web

from k8s_tutor.errors import UsageError
from k8s_tutor.serving import pages, wire
from k8s_tutor.serving.links import Links, Verdict
from k8s_tutor.serving.seat import Seat

HEARTBEAT = 20.0
"""Seconds between signs of life that a page is asked for: one that is gone without a word is noticed so."""
_TOLD = {
    Verdict.USED: (
        "This link was used already",
        "Each link opens the tutor once, in one browser. If that was you, go on in that browser. If not, or if you "
        "need another browser, ask for a new link: whoever runs the server makes one with `k8s-tutor serve link NAME`.",
    ),
    Verdict.EXPIRED: ("This link is too old", "Ask for a new one: `k8s-tutor serve link NAME` makes it."),
    Verdict.UNKNOWN: (
        "There is no such link",
        "Perhaps a part of it is missing, or a newer one was made. Open the newest that you were given, as a whole.",
    ),
}
_NOBODY = (
    "You have not joined",
    "Open the link that you were given. It works once, in one browser; whoever runs the server can make a new one.",
)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Address:
    """Where the server listens, and what browsers call it. ``url``: of a proxy with TLS before it, else empty."""

    host: str
    port: int
    url: str = ""

    @property
    def loopback(self) -> bool:
        """Whether only this machine reaches it."""
        return _is_loopback(self.host)

    @property
    def base(self) -> str:
        """The address that links begin with, without a slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.url or f"http://{host}:{self.port}"

    @property
    def secure(self) -> bool:
        """Whether browsers come by TLS."""
        return self.url.startswith("https:")

    @property
    def cookie(self) -> str:
        """The cookie's name: cookies know no ports, so two servers of one machine need two names."""
        return f"__Host-k8s-tutor-{self.port}" if self.secure else f"k8s-tutor-{self.port}"

    def knows(self, host: str) -> bool:
        """Whether a request's Host is this server. A name that may be somebody else's is not; an address is."""
        if self.url and host == urlsplit(self.url).netloc:
            return True
        try:
            parts = urlsplit(f"//{host}")
            name, port = parts.hostname or "", parts.port or 80
        except ValueError:
            return False
        if port != self.port or parts.username is not None or parts.path:
            return False
        if name == "localhost" or name == self.host:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return _is_loopback(name) or not self.loopback

    def origins(self, host: str) -> tuple[str, ...]:
        """The origins that a page of ours can have, asked for under ``host``."""
        return (f"http://{host}", *([self.url] if self.url else []))

    def websocket(self, host: str) -> str:
        """The websocket's address for a page that was asked for under ``host``."""
        if (self.url and host == urlsplit(self.url).netloc) or self.secure:
            return self.url.replace("http", "ws", 1) + "/ws"
        return f"ws://{host}/ws"


def checked_url(url: str) -> str:
    """The address of a proxy: scheme, host and port, nothing more. Raises UsageError."""
    try:
        parts = urlsplit(url)
        fine = parts.scheme in ("http", "https") and parts.hostname and parts.path in ("", "/") and parts.port != 0
    except ValueError:
        fine = False
    if not fine or parts.query or parts.fragment or parts.username is not None or not url.isascii():
        raise UsageError(f"{url[:100]!r} is no address to come by", remedy="--url https://class.example", code="url")
    return f"{parts.scheme}://{parts.netloc}"


class Server:
    """The server's answers. ``seats``: learner's id -> seat; ``names``: id -> the name that the page bears."""

    def __init__(self, address: Address, links: Links, seats: Mapping[str, Seat], names: Mapping[str, str]) -> None:
        self._address = address
        self._links = links
        self._seats = seats
        self._names = names

    def app(self) -> web.Application:
        """The application to run."""
        app = web.Application(middlewares=[self._guard], client_max_size=1024)
        app.router.add_get("/", self._index, allow_head=False)
        app.router.add_get("/join/{secret}", self._join, allow_head=False)
        app.router.add_get("/static/{name}", self._file, allow_head=False)
        app.router.add_get("/ws", self._websocket, allow_head=False)
        app.on_response_prepare.append(self._dress)
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not self._address.knows(request.host):
            return _answer(421, "Not here", "This server does not go by that name.")
        origin = request.headers.get("Origin")
        if origin is not None and origin not in self._address.origins(request.host):
            return _answer(403, "Not from there", "Another site's page asked for this.")
        try:
            return await handler(request)
        except web.HTTPException as error:
            return _answer(error.status, "Nothing here", "There is no such page.")

    async def _dress(self, request: web.Request, response: web.StreamResponse) -> None:
        known = self._address.knows(request.host)
        response.headers.update(pages.headers(self._address.websocket(request.host) if known else ""))
        response.headers["Server"] = "k8s-tutor"

    def _who(self, request: web.Request) -> str:
        cookie = request.cookies.get(self._address.cookie, "")
        learner = self._links.who(cookie) if cookie else ""
        return learner if learner in self._seats else ""

    async def _join(self, request: web.Request) -> web.Response:
        if "prefetch" in request.headers.get("Sec-Purpose", request.headers.get("Purpose", "")):
            # A browser that guesses where its user will go must not use the link up.
            return _answer(503, "Later", "This is not fetched ahead.")
        exchange = self._links.exchange(request.match_info["secret"])
        if exchange.verdict is not Verdict.GOOD:
            if self._who(request) and exchange.verdict is Verdict.USED:
                return _page(pages.joined())  # their own link, opened again in their own browser
            return _answer(410 if exchange.verdict is not Verdict.UNKNOWN else 404, *_TOLD[exchange.verdict])
        response = _page(pages.joined())
        response.set_cookie(
            self._address.cookie,
            exchange.cookie,
            httponly=True,
            samesite="Strict",
            secure=self._address.secure,
            path="/",
        )
        return response

    async def _index(self, request: web.Request) -> web.Response:
        learner = self._who(request)
        if not learner:
            return _answer(403, *_NOBODY)
        return _page(pages.tutor(self._names[learner], self._address.websocket(request.host)))

    async def _file(self, request: web.Request) -> web.Response:
        if not self._who(request):
            return _answer(403, *_NOBODY)
        found = pages.file(request.match_info["name"])
        if found is None:
            return _answer(404, "Nothing here", "There is no such file.")
        return web.Response(body=found[0], content_type=found[1])

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        learner = self._who(request)
        # Every browser names the page that opens a websocket.
        if not learner or request.headers.get("Origin") is None:
            return _answer(403, *_NOBODY)
        page = web.WebSocketResponse(heartbeat=HEARTBEAT, max_msg_size=wire.LARGEST_MESSAGE, compress=False)
        await page.prepare(request)
        size = wire.size_of(request.query.get("width"), request.query.get("height"))
        await self._seats[learner].sit(page, size)
        return page


def _page(html: str, status: int = 200) -> web.Response:
    return web.Response(text=html, content_type="text/html", status=status)


def _answer(status: int, title: str, text: str) -> web.Response:
    return _page(pages.told(title, text), status)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
