"""Time: this machine's clock against the API server's, and the certificates that hold for a time only."""

from __future__ import annotations

import base64
import socket
import ssl
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from k8s_tutor.clusters.doctor.finding import CLUSTER, Finding, Topic
from k8s_tutor.clusters.provider import Cluster

LARGEST_SKEW = 5.0
"""Seconds; a Date header is exact to one, and tokens and certificates made just now are refused by a late clock."""
SOON = 7 * 86_400.0

_SUBJECT = "clock"
CLOCK = Topic(
    "clock", _SUBJECT, "this machine's clock against the API server's", "Date header of the API server", (CLUSTER,),
    "https://kubernetes.io/docs/tasks/debug/debug-cluster/troubleshoot-kubectl/",
)  # fmt: skip
CERTIFICATES = Topic(
    "certificates", _SUBJECT, "certificates hold now: the server's, the CA's, the client's",
    "the kubeconfig, the server's TLS handshake", (CLUSTER,),
    "https://kubernetes.io/docs/tasks/administer-cluster/kubeadm/kubeadm-certs/",
)  # fmt: skip
TOPICS = (CLOCK, CERTIFICATES)


def clock(headers: Mapping[str, str], asked: float, answered: float) -> Finding:
    """Compare with an answer's Date; ``asked`` and ``answered``: Unix seconds here before and after."""
    try:
        there = parsedate_to_datetime(headers["date"]).timestamp()
    except (KeyError, ValueError, TypeError):
        return CLOCK.unseen("the API server's answer has no Date")
    # The header is whole seconds, and was written at some time between question and answer.
    off = max(asked - (there + 1.0), there - answered, 0.0)
    ahead = "ahead of" if asked > there else "behind"
    if off > LARGEST_SKEW:
        told = f"this machine's clock is {off:.0f} s {ahead} the API server's"
        return CLOCK.lack(told, "sudo timedatectl set-ntp true (WSL 2: wsl --shutdown, then start anew)")
    return CLOCK.ok(f"within {max(off, 1.0):.0f} s of the API server's")


def look_certificates(cluster: Cluster, *, timeout: float = 2.0, now: float | None = None) -> list[Finding]:
    """All certificates that can be had: also of a server that is refused because of them."""
    moment = time.time() if now is None else now
    bad, soon, told, unseen = [], [], [], []
    for name, read in (("client", _client), ("CA", _authority), ("server", _server)):
        try:
            certificate = read(cluster, timeout)
        except (OSError, ValueError) as error:
            unseen.append(f"{name}: {error}")
            continue
        if certificate is None:
            continue
        begin, end = validity(certificate)
        words = f"{name}: until {_day(end)}"
        if moment < begin:
            bad.append(f"{name}: holds only from {_day(begin)}")
        elif moment > end:
            bad.append(f"{name}: expired on {_day(end)}")
        elif end - moment < SOON:
            soon.append(words)
        else:
            told.append(words)
    rest = "; ".join(soon + told + [f"not seen: {why}" for why in unseen])
    if bad:
        return [CERTIFICATES.lack("; ".join([*bad, rest] if rest else bad), _remedy(cluster))]
    if soon:
        return [CERTIFICATES.note(f"{rest} (soon)", _remedy(cluster))]
    if not told:
        return [CERTIFICATES.unseen(rest or "the kubeconfig holds none, and the server is not asked over TLS")]
    return [CERTIFICATES.ok(rest)]


def _remedy(cluster: Cluster) -> str:
    if cluster.owned:
        return f"k8s-tutor cluster down --name {cluster.name} && k8s-tutor cluster up --name {cluster.name}"
    return "see whether the clock is right (clock), else renew them with the tool that made the cluster"


def _client(cluster: Cluster, _timeout: float) -> bytes | None:
    return _from_kubeconfig(cluster, "users", "user", "client-certificate-data")


def _authority(cluster: Cluster, _timeout: float) -> bytes | None:
    return _from_kubeconfig(cluster, "clusters", "cluster", "certificate-authority-data")


def _from_kubeconfig(cluster: Cluster, group: str, kind: str, key: str) -> bytes | None:
    from k8s_tutor.clusters.context import read_kubeconfig

    entries = read_kubeconfig(cluster.kubeconfig).get(group)
    for entry in entries if isinstance(entries, list) else []:
        inner = entry.get(kind) if isinstance(entry, dict) else None
        if isinstance(inner, dict) and inner.get(key):
            return _der(base64.b64decode(str(inner[key])).decode("ascii"))
    return None


def _server(cluster: Cluster, timeout: float) -> bytes | None:
    url = urlsplit(cluster.server)
    if url.scheme != "https" or not url.hostname:
        return None
    # Only to read the certificate, whatever is wrong with it: nothing is sent.
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        socket.create_connection((url.hostname, url.port or 443), timeout=timeout) as plain_socket,
        context.wrap_socket(plain_socket, server_hostname=url.hostname) as wrapped,
    ):
        return wrapped.getpeercert(binary_form=True)


def _der(pem: str) -> bytes:
    begin, end = pem.find("-----BEGIN CERTIFICATE-----"), pem.find("-----END CERTIFICATE-----")
    if begin < 0 or end < 0:
        raise ValueError("not a PEM certificate")
    return ssl.PEM_cert_to_DER_cert(pem[begin : end + len("-----END CERTIFICATE-----")])


def validity(der: bytes) -> tuple[float, float]:
    """From when to when a certificate holds, Unix seconds (X.509, RFC 5280 4.1.2.5). Raises ValueError.

    The standard library reads only certificates that it trusts.
    """
    try:
        _, at, _ = _element(der, 0)  # Certificate
        _, at, _ = _element(der, at)  # TBSCertificate
        tag, _, end = _element(der, at)
        if tag == 0xA0:  # version
            _, _, end = _element(der, end)  # serialNumber
        for _ in range(2):  # signature, issuer
            _, _, end = _element(der, end)
        _, at, _ = _element(der, end)  # validity
        first_tag, first, first_end = _element(der, at)
        last_tag, last, last_end = _element(der, first_end)
    except IndexError as error:
        raise ValueError("a torn certificate") from error
    return _time(first_tag, der[first:first_end]), _time(last_tag, der[last:last_end])


def _element(der: bytes, at: int) -> tuple[int, int, int]:
    """Tag, and where the content of the element at ``at`` begins and ends."""
    tag, length = der[at], der[at + 1]
    begin = at + 2
    if length & 0x80:
        size = length & 0x7F
        length = int.from_bytes(der[begin : begin + size], "big")
        begin += size
    if begin + length > len(der):
        raise IndexError
    return tag, begin, begin + length


def _time(tag: int, text: bytes) -> float:
    words = text.decode("ascii")
    if tag == 0x17:  # UTCTime: 50 and above is the last century
        words = ("19" if int(words[:2]) >= 50 else "20") + words
    return datetime.strptime(words, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp()


def _day(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M UTC")
