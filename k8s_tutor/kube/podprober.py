"""Requests from a short-lived pod, for clusters whose pod network this machine cannot enter."""

from __future__ import annotations

import base64
import binascii
import contextlib
import re
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from k8s_tutor.kube.client import Api
from k8s_tutor.kube.errors import ApiRefused, ApiUnreachable, NotFound
from k8s_tutor.kube.logs import parse_lines, raw_log
from k8s_tutor.kube.prober import BODY_LIMIT, USER_AGENT, ProbeError, Target, nonce_of
from k8s_tutor.kube.record import Request
from k8s_tutor.kube.recorder import OWN_LABEL, OWN_PREFIX
from k8s_tutor.kube.resources import BY_KIND

# Fixed text; what varies comes as arguments and is never part of a command. The first answer is shown whole
# (head and body in base64), the rest as one line each, all by one curl: a process each would take 0.1 s each.
# %{stderr} and 2>&1 >/dev/null part curl's own words from what the pods send, so no page can forge a line.
_SCRIPT = """\
timeout=$1; agent=$2; shift 2
answer=$(curl -sS -i -A "$agent" -H 'Connection: close' --max-time "$timeout" -- "$1" 2>&1 \
  | head -c 3000 | base64 | tr -d '\\n')
echo "k8s-tutor-first $answer"
shift
[ $# -eq 0 ] || curl -s -A "$agent" -H 'Connection: close' --max-time "$timeout" \
  -w '%{stderr}k8s-tutor-next %{urlnum} %{http_code} %{num_connects} %header{server}\t%{errormsg}\n' \
  -- "$@" 2>&1 >/dev/null
echo k8s-tutor-end
"""
_FIRST = re.compile(r"k8s-tutor-first ([A-Za-z0-9+/=]*)")
_NEXT = re.compile(r"k8s-tutor-next (\d+) (\d{3}) (\d+) ([^\t]*)\t(.*)")


class PodProber:
    """One pod a call, deleted by its UID afterwards, also after an error. See Prober."""

    batch = 0

    def __init__(self, api: Api, namespace: str, image: str = "nginx") -> None:
        self._api = api
        self._namespace = namespace
        self._image = image

    def requests(self, targets: Sequence[Target], *, timeout: float = 2.0, deadline: float) -> list[Request]:
        """See Prober. Raises ProbeError when the pod is refused or does not come to run before the deadline."""
        if not targets:
            return []
        seconds = max(1, int(deadline - time.monotonic()) + 1)
        pods = BY_KIND["Pod"].collection(self._namespace)
        try:
            pod = self._api.create(pods, self._pod(targets, timeout, seconds))
        except ApiRefused as error:
            raise ProbeError(f"a pod that sends requests may not be made: {error.message}") from error
        name, uid = str(pod["metadata"]["name"]), str(pod["metadata"]["uid"])
        try:
            text = self._output(name, deadline)
        finally:
            with contextlib.suppress(ApiRefused, ApiUnreachable):
                self._api.delete(BY_KIND["Pod"].item(name, self._namespace), uid=uid, grace=0)
        return _requests(targets, text)

    def close(self) -> None:
        """Nothing stays between calls."""

    def _pod(self, targets: Sequence[Target], timeout: float, seconds: int) -> dict[str, Any]:
        urls = [f"http://{address}{path}" for address, path in targets]
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": f"{OWN_PREFIX}{uuid.uuid4().hex[:10]}",
                "labels": {"app.kubernetes.io/managed-by": "k8s-tutor", OWN_LABEL[0]: OWN_LABEL[1]},
            },
            "spec": {
                "restartPolicy": "Never",
                "activeDeadlineSeconds": seconds,
                "terminationGracePeriodSeconds": 0,
                "automountServiceAccountToken": False,
                "enableServiceLinks": False,
                "containers": [
                    {
                        "name": "probe",
                        "image": self._image,
                        "imagePullPolicy": "IfNotPresent",
                        "command": ["sh", "-c", _SCRIPT, "probe", f"{timeout:g}", USER_AGENT, *urls],
                        "resources": {
                            "requests": {"cpu": "10m", "memory": "16Mi"},
                            "limits": {"cpu": "500m", "memory": "64Mi"},
                        },
                    }
                ],
            },
        }

    def _output(self, name: str, deadline: float) -> str:
        path = BY_KIND["Pod"].item(name, self._namespace)
        pause = 0.1
        status: Mapping[str, Any] = {}
        while time.monotonic() < deadline:
            try:
                status = self._api.get(path).get("status", {})
            except NotFound as error:
                raise ProbeError("the pod that sends requests was deleted by somebody else") from error
            if status.get("phase") in ("Succeeded", "Failed"):
                return raw_log(self._api, self._namespace, name, timestamps=True)
            time.sleep(pause)
            pause = min(pause * 1.5, 0.5)
        if status.get("phase") == "Running":
            return raw_log(self._api, self._namespace, name, timestamps=True)
        raise ProbeError(f"the pod that sends requests did not start in time{_waiting(status)}")


def _waiting(status: Mapping[str, Any]) -> str:
    for container in status.get("containerStatuses") or ():
        waiting = (container.get("state") or {}).get("waiting")
        if waiting:
            return f": {waiting.get('reason', '')} {waiting.get('message', '')}"[:300]
    for condition in status.get("conditions") or ():
        if condition.get("status") == "False" and condition.get("message"):
            return f": {condition['message']}"[:300]
    return ""


def _requests(targets: Sequence[Target], text: str) -> list[Request]:
    """The requests that were sent, in order; shorter than the targets when the pod was cut short."""
    requests: list[Request] = []
    for line in parse_lines(text):
        first, following = _FIRST.fullmatch(line.text), _NEXT.fullmatch(line.text)
        if first and not requests:
            try:
                answer = base64.b64decode(first[1], validate=True).decode("utf-8", "replace")
            except binascii.Error:
                answer = ""
            requests.append(_request(nonce_of(targets[0][1]), line.at, answer))
        elif following and int(following[1]) + 1 == len(requests) < len(targets):
            nonce = nonce_of(targets[len(requests)][1])
            _, status, connects, server, error = following.groups()
            if status == "000":
                requests.append(Request(nonce, line.at, None, error[:300] or "no answer"))
            elif connects == "0":
                requests.append(Request(nonce, line.at, None, "the connection was used twice"))
            else:
                requests.append(Request(nonce, line.at, int(status), "", server[:200]))
    return requests


def _request(nonce: str, at: float, answer: str) -> Request:
    head, _, body = answer.replace("\r\n", "\n").partition("\n\n")
    status = re.match(r"HTTP/\S+ (\d{3})", head)
    if not status:
        return Request(nonce, at, None, re.sub(r"^curl: \(\d+\) ", "", answer.strip())[:300] or "no answer")
    server = re.search(r"^server: *(.*)$", head, re.M | re.I)
    return Request(nonce, at, int(status[1]), "", server[1].strip()[:200] if server else "", body[:BODY_LIMIT])
