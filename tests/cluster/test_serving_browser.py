"""A class in a real Chromium: join, work, reload, take over, leave. Nothing is asked of any other server.

``K8S_TUTOR_SERVE_PICTURE=FILE`` keeps a picture of the tutor in the browser (docs/images/serve.png).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from aiohttp.test_utils import unused_port
from devtools import Browser, Page, chromium
from native_helpers import until
from test_serving import processes_of

from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.serving import roster

NAMES = ("Anna", "Béla")
FINE = ("software WebGL", "WebSocket is already in CLOSING or CLOSED state")
"""What Chromium says where there is no graphics card, and of focus that comes and goes on a page that is closed."""


@dataclass
class Served:
    process: subprocess.Popen[str]
    cluster: str
    port: int
    links: dict[str, str]

    @property
    def origin(self) -> str:
        return f"127.0.0.1:{self.port}"

    def k8s_tutor(self, *arguments: str) -> str:
        argv = [sys.executable, "-m", "k8s_tutor", "serve", *arguments, "--name", self.cluster]
        return subprocess.run(argv, capture_output=True, text=True, timeout=120, check=True).stdout

    def processes(self, name: str) -> list[str]:
        return processes_of(roster.find(self.cluster, name))


@pytest.fixture(scope="module")
def served(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    assert not roster.load(cluster.name), "somebody is served there, and would be removed: name another cluster"
    folder = tmp_path_factory.mktemp("served")
    (folder / "roster").write_text("\n".join(NAMES))
    port = unused_port()
    argv = [sys.executable, "-m", "k8s_tutor", "serve", "--name", cluster.name, "--roster", str(folder / "roster")]
    with (folder / "stderr").open("w") as log:
        process = subprocess.Popen([*argv, f"--port={port}"], stdout=subprocess.PIPE, stderr=log, text=True)
    served = Served(process, cluster.name, port, {})
    try:
        assert process.stdout is not None
        for _ in NAMES:
            name, _, link = process.stdout.readline().rstrip("\n").partition("\t")
            served.links[name] = link
        assert list(served.links) == list(NAMES), (folder / "stderr").read_text()
        yield served
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert not any(served.processes(name) for name in NAMES)
        told = (folder / "stderr").read_text()
        assert "Traceback" not in told and "tutor ended with" not in told, told
        assert "2 learners removed" in served.k8s_tutor("down")
    finally:
        process.kill()
        process.wait()


@contextlib.asynccontextmanager
async def browsing(folder: Path, served: Served) -> AsyncIterator[Browser]:
    """A browser that, in the end, has asked nobody but our server, and has refused and broken nothing."""
    async with chromium(folder) as browser:
        yield browser
        for page in browser.pages:
            hosts = {urlsplit(url).netloc for url in page.requested() if not url.startswith(("data:", "about:"))}
            assert hosts <= {served.origin}, hosts
            assert [text for text in page.complaints() if not any(fine in text for fine in FINE)] == []


async def home(browser: Browser, link: str) -> Page:
    page = await browser.page()
    await page.goto(link)
    await page.until(lambda text: "A Pod" in text and "ready" in text, "the tutor's first screen")
    return page


async def test_a_learner_joins_works_and_comes_back(served: Served, tmp_path: Path) -> None:
    async with browsing(tmp_path, served) as browser:
        page = await home(browser, served.links["Anna"])
        assert urlsplit(str(await page.js("location.href"))).path == "/", "the link is not in the address any more"
        assert await page.js("document.cookie") == "", "no script can read the cookie"
        await page.press("Enter")
        await page.until(lambda text: "Why an orchestrator" in text and "learner-anna" in text, "lab 1")
        for title in ("2  How a cluster is built", "3  Write it down"):
            await page.press("n")
            await page.until(lambda text, title=title: title in text, title)
        await page.until(lambda text: "2 of 12" in text, "two steps are done")

        await page.press("F6")
        await page.until(lambda text: "~/lab1 $" in text, "the shell")
        await page.type("kubectl run nginx-pod --image=nginx --labels=app=nginx")
        await page.press("Enter")
        await page.until(lambda text: "pod/nginx-pod created" in text, "kubectl's answer")
        text = await page.until(lambda text: "● nginx-pod" in text and "3 of 12" in text, "cluster and lab moved", 60)
        assert "forbidden" not in text.lower()
        await page.type("id -u; curl -s $(kubectl get pod nginx-pod -o jsonpath={.status.podIP}) | grep -c nginx")
        await page.press("Enter")
        uid = str(roster.find(served.cluster, "Anna").uid)
        await page.until(lambda text: uid in text, "the learner's own user")
        await page.press("F6")
        await page.until(lambda text: "F6 terminal" in text, "the keys are the tutor's again")
        if picture := os.environ.get("K8S_TUTOR_SERVE_PICTURE"):
            await asyncio.sleep(1)
            Path(picture).write_bytes(await page.screenshot())  # noqa: ASYNC240 - a moment

        await page("Page.reload")
        await page.until(lambda text: "A Pod" in text and "nginx-pod" in text, "the same lab, gone on at once", 60)

        second = await browser.page(page.context)
        await second.goto(f"http://{served.origin}/")
        await second.until(lambda text: "A Pod" in text, "the second tab")
        await page.until_js("document.body.classList.contains('-closed')")
        assert "opened in another tab" in await page.body()
        await page.js("document.getElementById('again').click()")
        await page.until(lambda text: "A Pod" in text, "the first tab again")
        await second.until_js("document.body.classList.contains('-closed')")

        assert served.processes("Anna")
        await page.goto("about:blank")
        await asyncio.to_thread(until, lambda: not served.processes("Anna"), within=15, what="nothing runs any more")


async def test_a_link_works_once_and_a_new_one_can_be_had(served: Served, tmp_path: Path) -> None:
    async with browsing(tmp_path, served) as browser:
        page = await home(browser, served.links["Béla"])
        assert "learner-bela" in await page.drawn() and "learner-anna" not in await page.drawn()
        thief = await browser.page()
        await thief.goto(served.links["Béla"])
        await thief.until_js("document.body.innerText.includes('used already')")
        await thief.goto(f"http://{served.origin}/")
        await thief.until_js("document.body.innerText.includes('not joined')")

        name, _, link = (await asyncio.to_thread(served.k8s_tutor, "link", "Béla")).strip().partition("\t")
        assert name == "Béla" and link not in served.links.values()
        other = await home(browser, link)
        await page.until_js("document.body.classList.contains('-closed')")
        await page("Page.reload")
        await page.until_js("document.body.innerText.includes('not joined')")
        await other.press("q")
        await other.until_js("document.body.classList.contains('-closed')")
        await asyncio.to_thread(until, lambda: not served.processes("Béla"), within=15, what="left with q, and gone")
        # Refusals are what this is about: the log tells of their status.
        for one in (thief, page):
            one.events = [event for event in one.events if event["method"] != "Log.entryAdded"]


async def test_a_link_followed_from_another_site(served: Served, tmp_path: Path) -> None:
    """A cookie that stays within its site must come along after a link in a chat."""
    link = (await asyncio.to_thread(served.k8s_tutor, "link", "Anna")).strip().partition("\t")[2]

    async def chat(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = f'<a id="link" href="{link}">join</a>'.encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()

    other = await asyncio.start_server(chat, "127.0.0.2", 0)
    try:
        async with chromium(tmp_path) as browser:
            page = await browser.page()
            port = other.sockets[0].getsockname()[1]
            await page.goto(f"http://127.0.0.2:{port}/")
            await page.until_js("!!document.getElementById('link')")
            await page.js("document.getElementById('link').click()")
            await page.until(lambda text: "A Pod" in text, "the tutor")
            evil = await browser.page(page.context)
            await evil.goto(f"http://127.0.0.2:{port}/")
            await evil.until_js("!!document.getElementById('link')")
            told = await evil.js(f"""new Promise(done => {{
                const socket = new WebSocket('ws://{served.origin}/ws');
                socket.onopen = () => done('open');
                socket.onerror = () => done('no');
            }})""")
            assert told == "no", "another site's page opens no terminal"
            framed = "(() => { const f = document.createElement('iframe'); f.src = %r; document.body.append(f); })()"
            await evil.js(framed % f"http://{served.origin}/")
            await asyncio.sleep(1)
            assert any("frame-ancestors" in text or "X-Frame-Options" in text for text in evil.complaints())
    finally:
        other.close()
        await other.wait_closed()
