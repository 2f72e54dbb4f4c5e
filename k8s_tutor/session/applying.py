"""What the session does to the cluster in the learner's name: apply a file, fetch a page."""

from __future__ import annotations

import http.client
import queue
import threading

from k8s_tutor.errors import EnvironmentFault, TutorError
from k8s_tutor.kube.apply import Applied, apply_text
from k8s_tutor.kube.client import Api
from k8s_tutor.kube.manifest import ManifestError
from k8s_tutor.session.connection import Connection

VISIT_SECONDS = 5.0
LEARNERS_AGENT = "curl/8"
"""What the solution's request calls itself: it stands for the learner's own, so it must not bear our name."""


def apply_lines(api: Api, text: str, namespace: str, name: str = "") -> list[str]:
    """Apply a manifest; one line for each object, as kubectl prints it.

    Raises TutorError when the text is no manifest or an object is refused: with line, column and field. What
    was accepted before stays applied, and is named in the error.
    """
    try:
        applied = apply_text(api, text, namespace)
    except ManifestError as error:
        where = f"{name or 'the manifest'}:{error.line}:{error.column}" if error.line else name or "the manifest"
        raise TutorError(f"{where}: {error.message}", code=error.code) from error
    refused = [item for item in applied if item.verb == "failed"]
    lines = [item.sentence + _elsewhere(item, namespace) for item in applied if item.verb != "failed"]
    if refused:
        told = "; ".join(_refusal(item, name) for item in refused)
        done = f" (applied: {', '.join(lines)})" if lines else ""
        raise TutorError(told + done, remedy="correct that line, save, and apply again", code="refused")
    return lines


def _elsewhere(item: Applied, namespace: str) -> str:
    return f" (in namespace {item.namespace})" if item.namespace not in ("", namespace) else ""


def _refusal(item: Applied, name: str) -> str:
    told = [
        f"{name or item.kind}:{problem.line or item.line}: "
        f"{problem.path + ': ' if problem.path else ''}{problem.message}"
        for problem in item.problems
    ]
    return "; ".join(told) or f"{name + ': ' if name else ''}{item.sentence}"


def visit(connection: Connection, ip: str, port: int) -> int | None:
    """One GET of a pod's page as the learner's own curl sends it; the HTTP status, None without an answer.

    Raises EnvironmentFault where pod addresses cannot be reached from here.
    """
    netns = connection.cluster.netns
    if netns is None:
        return _by_curl(connection, ip, port)
    from k8s_tutor.kube.probes import enter_netns

    result: queue.SimpleQueue[int | OSError | None] = queue.SimpleQueue()

    def work() -> None:
        try:
            enter_netns(netns)
        except OSError as error:
            result.put(error)
            return
        result.put(_get(ip, port))

    # A thread that has entered another network cannot be used for anything else: it ends with the request.
    threading.Thread(target=work, name="visit", daemon=True).start()
    got = result.get(timeout=VISIT_SECONDS * 3)
    if isinstance(got, OSError):
        raise EnvironmentFault(f"cannot enter the cluster's network: {got.strerror}", remedy="k8s-tutor cluster status")
    return got


def _get(ip: str, port: int) -> int | None:
    connection = http.client.HTTPConnection(ip, port, timeout=VISIT_SECONDS)
    try:
        connection.request("GET", "/", headers={"User-Agent": LEARNERS_AGENT, "Connection": "close"})
        response = connection.getresponse()
        response.read(4096)
        return response.status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _by_curl(connection: Connection, ip: str, port: int) -> int | None:
    """From inside some pod that has curl (nginx's image has): the only place where pod addresses answer."""
    from k8s_tutor.session.kubectl import run_kubectl

    host = f"[{ip}]" if ":" in ip else ip
    for pod in connection.api.list(f"api/v1/namespaces/{connection.namespace.name}/pods")["items"]:
        if (pod.get("status") or {}).get("podIP") != ip:
            continue
        name = str(pod["metadata"]["name"])
        curl = ["curl", "-sS", "-m", "5", "-o", "/dev/null", "-w", "%{http_code}", f"http://{host}:{port}/"]
        args = ["exec", name, "--", *curl]
        ran = run_kubectl(connection.cluster, connection.namespace.name, args)
        return int(ran.out) if ran.code == 0 and ran.out.isdigit() else None
    return None
