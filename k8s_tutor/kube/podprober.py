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
from k8s_tutor.kube.logs import raw_log
from k8s_tutor.kube.probes import BODY_LIMIT, USER_AGENT, ProbeError, Target, nonce_of
from k8s_tutor.kube.record import Request
from k8s_tutor.kube.recorder import OWN_LABEL, OWN_PREFIX
from k8s_tutor.kube.resources import BY_KIND

# Fixed text; what varies comes as arguments and is never part of a command. One line for each request:
# number, time, and the answer (head and body, or curl's complaint) in base64.
_SCRIPT = """\
timeout=$1; agent=$2; shift 2
n=0
for url in "$@"; do
  answer=$(curl -sS -i -A "$agent" -H 'Connection: close' --max-time "$timeout" -- "$url" 2>&1 \
    | head -c 6000 | base64 | tr -d '\\n')
  echo "k8s-tutor-answer $n $(date +%s) $answer"
  n=$((n+1))
done
echo k8s-tutor-end
"""
_LINE = re.compile(r"^k8s-tutor-answer (\d+) (\d+) ([A-Za-z0-9+/=]*)$", re.M)


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
                return raw_log(self._api, self._namespace, name)
            time.sleep(pause)
            pause = min(pause * 1.5, 0.5)
        if status.get("phase") == "Running":
            return raw_log(self._api, self._namespace, name)
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
    found = {int(number): (float(at), answer) for number, at, answer in _LINE.findall(text)}
    requests = []
    for number, (_, path) in enumerate(targets):
        if number not in found:
            break  # cut short: what comes after was not sent
        at, encoded = found[number]
        try:
            answer = base64.b64decode(encoded, validate=True).decode("utf-8", "replace")
        except binascii.Error:
            answer = ""
        requests.append(_request(nonce_of(path), at, answer))
    return requests


def _request(nonce: str, at: float, answer: str) -> Request:
    head, _, body = answer.replace("\r\n", "\n").partition("\n\n")
    status = re.match(r"HTTP/\S+ (\d{3})", head)
    if not status:
        return Request(nonce, at, None, re.sub(r"^curl: \(\d+\) ", "", answer.strip())[:300] or "no answer")
    server = re.search(r"^server: *(.*)$", head, re.M | re.I)
    return Request(nonce, at, int(status[1]), "", server[1].strip()[:200] if server else "", body[:BODY_LIMIT])
