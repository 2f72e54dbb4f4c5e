"""What the browser gets: the tutor's page, a few plain ones, and files from this package and textual-serve's. Pure.

Nothing is loaded from elsewhere. textual-serve's own page is not used: it asks another company's server for a font.
"""

from __future__ import annotations

import functools
from html import escape
from importlib.util import find_spec
from pathlib import Path

_OWN = Path(__file__).parent / "static"
_FILES = {
    "serve.css": (_OWN, "serve.css", "text/css"),
    "serve.js": (_OWN, "serve.js", "text/javascript"),
    "xterm.css": (None, "css/xterm.css", "text/css"),
    "textual.js": (None, "js/textual.js", "text/javascript"),
    "mono.ttf": (None, "fonts/RobotoMono-VariableFont_wght.ttf", "font/ttf"),
    "mono-italic.ttf": (None, "fonts/RobotoMono-Italic-VariableFont_wght.ttf", "font/ttf"),
}
"""All that is served as a file: name in the address -> folder (None: textual-serve's), path in it, type."""


def installed() -> bool:
    """Whether the extra ``serve`` is there."""
    return all(find_spec(name) is not None for name in ("aiohttp", "textual_serve"))


@functools.cache
def file(name: str) -> tuple[bytes, str] | None:
    """Content and type of a file, None if there is none of this name."""
    if name not in _FILES:
        return None
    folder, path, kind = _FILES[name]
    return ((folder or _theirs()) / path).read_bytes(), kind


def _theirs() -> Path:
    spec = find_spec("textual_serve")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("textual_serve")
    return Path(spec.submodule_search_locations[0]) / "static"


def headers(websocket: str) -> dict[str, str]:
    """The headers of every answer. ``websocket``: where the page may open its websocket, beside its own origin."""
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        # xterm.js sets sizes and colours by style elements of its own.
        "style-src": "'self' 'unsafe-inline'",
        "font-src": "'self'",
        "img-src": "'self' data:",
        "connect-src": f"'self' {websocket}",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "X-Frame-Options": "DENY",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        # A program in the learner's terminal may write the clipboard, never read it.
        "Permissions-Policy": "clipboard-read=(), camera=(), microphone=(), geolocation=()",
    }


def tutor(name: str, websocket: str) -> str:
    """The page with the tutor in it. ``name``: whose; ``websocket``: its address."""
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>k8s-tutor: {escape(name)}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/static/xterm.css">
<link rel="stylesheet" href="/static/serve.css">
<script src="/static/textual.js"></script>
<script src="/static/serve.js"></script>
</head>
<body>
<p id="waiting">The tutor starts …</p>
<div id="ended"><p>The tutor is closed here: it was left, it was opened in another tab, or the server ended.
What you did is saved.</p><p><button type="button" id="again">Open it here</button></p></div>
<div id="terminal" class="textual-terminal" data-session-websocket-url="{escape(websocket)}" data-font-size="16"></div>
</body>
</html>
"""


def joined() -> str:
    """The page after a link was used: it leads on to the tutor.

    A page and no redirect: a cookie that is only sent within one site is not sent along a way that began on another
    one, as a link in a chat or a mail does.
    """
    return _plain(
        "Welcome",
        'You have joined. <a href="/">Go on to the tutor</a>.',
        more='<meta http-equiv="refresh" content="0;url=/">',
    )


def told(title: str, text: str) -> str:
    """A plain page that says something."""
    return _plain(escape(title), escape(text))


def _plain(title: str, body: str, more: str = "") -> str:
    return f"""<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>k8s-tutor</title><link rel="icon" href="data:,">{more}</head>
<body><h1>{title}</h1><p>{body}</p></body>
</html>
"""
