"""A pod of a run in the cluster (``python3 -m k8s_tutor.grading.shards.worker``): grades one shard, student by student.

It reads its shard from a Secret, grades as the in-process run does, and writes each result when it is there. What an
earlier pod of the same shard has written is not done again. Its last line on stderr says why it failed.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from k8s_tutor import __version__
from k8s_tutor.clusters.provider import Abilities, Cluster, NodePorts, Reach
from k8s_tutor.errors import EXIT_ENVIRONMENT, EXIT_PASS, ClusterError, EnvironmentFault, TutorError, UsageError
from k8s_tutor.grading.judge import Bounds, Judge, not_graded
from k8s_tutor.grading.shards import objects, parcel
from k8s_tutor.grading.shards.objects import OTHER_LAB, SHARD
from k8s_tutor.grading.shards.parcel import Common, Entry
from k8s_tutor.grading.submission import understood
from k8s_tutor.kube.client import Api, connect
from k8s_tutor.kube.errors import ApiUnreachable, Conflict
from k8s_tutor.labs.loader import load
from k8s_tutor.labs.model import Lab
from k8s_tutor.reports.grades.report import Graded

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where every pod finds its account (https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/)."""
HERE = Path("/proc/self/ns/net")
"""The pod's own network, in which pods and Services answer."""
WRITE_SECONDS = 60.0
"""How long an API server that does not answer is tried again before a result is given up."""
ENDED = 128 + signal.SIGTERM


class Other(EnvironmentFault):
    """The image holds another version or another lab than whoever runs the class: no pod of it can grade."""


class Worker:
    """Grades one shard; ``stop`` from another thread cuts it short."""

    def __init__(self, api: Api, kubeconfig: Path, namespace: str, index: int) -> None:
        self._api, self._kubeconfig = api, kubeconfig
        self._namespace, self._index = namespace, index
        self._secrets = f"api/v1/namespaces/{namespace}/secrets"
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._judge: Judge | None = None

    def stop(self) -> None:
        """Cut short what is being graded: it takes its namespace away, and nothing is written of it."""
        self._stopped.set()
        with self._lock:
            if self._judge is not None:
                self._judge.stop()

    def run(self) -> bool:
        """Grade all who have no result yet; False when it was cut short. Raises TutorError."""
        try:
            secret = self._api.get(f"{self._secrets}/{objects.shard_name(self._index)}")
            common, entries = parcel.opened(objects.data_of(secret))
        except ValueError as error:
            raise ClusterError(f"shard {self._index} cannot be read: {error}") from error
        listed = self._api.list(self._secrets, {"labelSelector": f"{SHARD}={self._index}"})["items"]
        done = {objects.place_of(item) for item in listed}
        cluster = _cluster(common, self._kubeconfig, self._namespace, self._api.server)
        for place, entry in enumerate(entries):
            if (self._index, place) in done:
                print(f"{place + 1}/{len(entries)}: was graded before", flush=True)
                continue
            lab = lab_of(common, entry)
            graded = self._grade(lab, cluster, common, entry)
            if self._stopped.is_set():
                return False
            self._write(place, lab, graded)
            print(f"{place + 1}/{len(entries)}: {graded.word} in {graded.report.seconds:.1f} s", flush=True)
        return True

    def _grade(self, lab: Lab, cluster: Cluster, common: Common, entry: Entry) -> Graded:
        judge = Judge(lab, cluster, self._api, common.run, Bounds(common.check, common.submission))
        with self._lock:
            self._judge = judge
        if self._stopped.is_set():
            judge.stop()
        return judge.grade(understood(entry.handed_in, lab, entry.student, Path()))

    def _write(self, place: int, lab: Lab, graded: Graded) -> None:
        try:
            data = parcel.result(graded)
        except ValueError as error:
            data = parcel.result(_without_rows(lab, graded, str(error)))
        secret = objects.result(self._namespace, self._index, place, data)
        _patiently(lambda: self._api.create(self._secrets, secret))


def lab_of(common: Common, entry: Entry) -> Lab:
    """The lab that a student was given, of this image's own. Raises Other when it is not the one of the run."""
    try:
        lab = load(common.lab, seed=entry.seed)
    except UsageError as error:
        raise Other(f"the image's k8s-tutor {__version__} has no lab {common.lab[:40]}") from error
    if (lab.hash, __version__) != (common.hash, common.version):
        raise Other(
            f"the image holds k8s-tutor {__version__} with {lab.id} {lab.hash[:12]}, and what is graded is "
            f"{common.version[:40]} with {lab.id} {common.hash[:12]}"
        )
    return lab


def _without_rows(lab: Lab, graded: Graded, trouble: str) -> Graded:
    from k8s_tutor.grading.submission import Submission

    submission = Submission(graded.student, lab.id, Path(), digest=graded.digest)
    return not_graded(lab, submission, trouble, graded.report.cluster, graded.report.namespace, graded.attempts)


def _cluster(common: Common, kubeconfig: Path, namespace: str, server: str) -> Cluster:
    return Cluster(
        name=common.cluster,
        provider="pod",
        kubeconfig=kubeconfig,
        namespace=namespace,
        owned=False,
        tenant=True,  # the coordinator has asked whether it may be worked on
        server=server,
        version=common.kubernetes,
        netns=HERE,
        running=True,
        ready=True,
        egress=common.egress,
        stand_ins=dict(common.stand_ins),
        can=Abilities(pod_addresses=Reach.NODE, node_ports=NodePorts.NODE),
    )


def _patiently(do: Callable[[], object]) -> None:
    """Do it, again for a while where the API server does not answer. Raises ClusterError."""
    until = time.monotonic() + WRITE_SECONDS
    while True:
        try:
            do()
            return
        except Conflict:
            return  # an earlier pod wrote it, or an answer was lost
        except ApiUnreachable:
            if time.monotonic() > until:
                raise
        time.sleep(1.0)


def own_kubeconfig(folder: Path, account: Path = ACCOUNT) -> Path:
    """A kubeconfig of the pod's own account, whose token is read again when it is renewed.

    Raises EnvironmentFault where this is no pod with an account.
    """
    host, port = os.environ.get("KUBERNETES_SERVICE_HOST", ""), os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    try:
        authority = base64.b64encode((account / "ca.crt").read_bytes()).decode()
        namespace = (account / "namespace").read_text("utf-8").strip()
    except OSError as error:
        raise EnvironmentFault(f"this is no pod with an account: {error}") from error
    if not host:
        raise EnvironmentFault("this is no pod: KUBERNETES_SERVICE_HOST is not set")
    address = f"[{host}]" if ":" in host else host
    cluster = {"server": f"https://{address}:{port}", "certificate-authority-data": authority}
    context = {"cluster": "own", "user": "own", "namespace": namespace}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "own",
        "clusters": [{"name": "own", "cluster": cluster}],
        "contexts": [{"name": "own", "context": context}],
        "users": [{"name": "own", "user": {"tokenFile": str(account / "token")}}],
    }
    path = folder / "own.kubeconfig"
    path.write_text(json.dumps(document), encoding="utf-8")
    path.chmod(0o600)
    return path


def main() -> int:
    """Grade the shard of this pod; 0 all have a result, 42 another version or lab, 143 ended before."""
    try:
        index = int(os.environ["JOB_COMPLETION_INDEX"])
        with tempfile.TemporaryDirectory(prefix="k8s-tutor-shard-") as folder:
            kubeconfig = own_kubeconfig(Path(folder))
            api = connect(kubeconfig)
            worker = Worker(api, kubeconfig, api.namespace, index)
            # In a thread: the handler runs in the middle of whatever the main thread holds.
            signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=worker.stop, daemon=True).start())
            try:
                return EXIT_PASS if worker.run() else ENDED
            finally:
                api.close()
    except Other as error:
        print(error.message, file=sys.stderr)
        return OTHER_LAB
    except (TutorError, KeyError, ValueError) as error:
        print(f"not graded: {getattr(error, 'message', None) or repr(error)}", file=sys.stderr)
        return EXIT_ENVIRONMENT


if __name__ == "__main__":
    sys.exit(main())
