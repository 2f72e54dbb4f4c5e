"""What a student's manifest may hold, decided before an API server sees it: an allow-list, by field and with lines.

Pod Security admission, quota and RBAC stand behind it; this says early, and in the student's own lines, what they would
refuse, and what none of them looks at (finalizers, priorities, other namespaces, where a pod may go).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from k8s_tutor.checks.images import normalise
from k8s_tutor.grading.problem import Problem, plain
from k8s_tutor.kube.manifest import Document, Path, objects_of

KINDS = {
    ("v1", "Pod"),
    ("v1", "Service"),
    ("v1", "ConfigMap"),
    ("v1", "Secret"),
    ("apps/v1", "Deployment"),
    ("apps/v1", "ReplicaSet"),
}
OWN_NAMESPACES = ("learner",)
"""What the tutor calls the learner's namespace; a file may name it, and is put into the student's own."""
MOST_OBJECTS = 20
MOST_REPLICAS = 15
LONGEST_GRACE = 60
_METADATA = {"name", "namespace", "labels", "annotations", "creationTimestamp", "uid", "resourceVersion", "generation",
             "managedFields", "selfLink"}  # fmt: skip
"""What a file may say of its object; what the server alone decides is left to it, as of ``kubectl get -o yaml``."""
_POD = {
    "containers", "initContainers", "restartPolicy", "terminationGracePeriodSeconds", "activeDeadlineSeconds",
    "volumes", "securityContext", "dnsPolicy", "hostname", "subdomain", "enableServiceLinks",
    "automountServiceAccountToken", "readinessGates", "serviceAccountName", "serviceAccount", "schedulerName",
    "preemptionPolicy",
}  # fmt: skip
_CONTAINER = {
    "name", "image", "imagePullPolicy", "command", "args", "workingDir", "ports", "env", "envFrom", "resources",
    "volumeMounts", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle", "securityContext",
    "terminationMessagePath", "terminationMessagePolicy", "stdin", "tty",
}  # fmt: skip
_KNOWN = {
    "affinity", "dnsconfig", "ephemeralcontainers", "hostaliases", "hostipc", "hostnetwork", "hostpid", "hostusers",
    "hostnameoverride", "hostpath", "imagepullsecrets", "nodename", "nodeselector", "os", "overhead", "priority",
    "priorityclassname", "resourceclaims", "runtimeclassname", "schedulinggates", "sethostnameasfqdn",
    "shareprocessnamespace", "tolerations", "topologyspreadconstraints", "workloadref", "privileged", "procmount",
    "selinuxoptions", "apparmorprofile", "sysctls", "windowsoptions", "volumedevices", "resizepolicy",
    "finalizers", "ownerreferences", "restartpolicyrules", "stdinonce",
}  # fmt: skip
"""Fields that there are and that may not be set, in small letters: never taken for a slip of the pen."""
_VOLUMES = {"name", "emptyDir", "configMap", "secret", "downwardAPI"}
_CONTAINER_SECURITY = {"allowPrivilegeEscalation", "readOnlyRootFilesystem", "runAsNonRoot", "runAsUser", "runAsGroup",
                       "seccompProfile", "capabilities"}  # fmt: skip
_POD_SECURITY = {"fsGroup", "runAsNonRoot", "runAsUser", "runAsGroup", "seccompProfile", "supplementalGroups"}
_SERVICE_TYPES = ("ClusterIP", "NodePort")
_DEFAULTS = {"serviceAccountName": "default", "serviceAccount": "default", "schedulerName": "default-scheduler",
             "dnsPolicy": "ClusterFirst", "preemptionPolicy": "PreemptLowerPriority"}  # fmt: skip


def refusals(name: str, document: Document, images: frozenset[str]) -> Iterator[Problem]:
    """Everything in a document that is not allowed; nothing when all of it may be applied.

    ``images``: those of the lab, as it writes them; any tag or digest of their repositories may be named.
    """
    repositories = {(image.host, image.repository) for image in map(normalise, images) if image}
    judge = _Judge(name, document, repositories)
    for path, item in islice(objects_of(document), MOST_OBJECTS):
        yield from judge.object(path, item)


class _Judge:
    def __init__(self, name: str, document: Document, repositories: set[tuple[str, str]]) -> None:
        self._name = name
        self._document = document
        self._repositories = repositories

    def no(self, path: Path, message: str, remedy: str = "") -> Problem:
        """A refusal at a field."""
        return Problem(self._name, self._document.where(path)[0], message, remedy, refused=True)

    def object(self, path: Path, item: Any) -> Iterator[Problem]:
        """One object."""
        if not isinstance(item, Mapping):
            yield self.no(path, "this is no Kubernetes object")
            return
        kind = (item.get("apiVersion"), str(item.get("kind")).capitalize())
        kind = next((known for known in KINDS if known[1].lower() == kind[1].lower()), kind)
        # `pod`, or a Pod of apps/v1, is a mistake to be graded: there is no such thing, and the API server says so.
        if kind not in KINDS:
            allowed = ", ".join(sorted(each for _, each in KINDS))
            what = f"{plain(item.get('kind'), 60)} of apiVersion {plain(item.get('apiVersion'), 60)}"
            yield self.no((*path, "kind"), f"{what} may not be handed in", f"allowed: {allowed}")
            return
        yield from self._metadata(path, item)
        spec = item.get("spec")
        match kind[1]:
            case "Pod":
                yield from self.pod((*path, "spec"), spec)
            case "Deployment" | "ReplicaSet":
                yield from self._workload(path, spec)
            case "Service":
                yield from self._service((*path, "spec"), spec)

    def _metadata(self, path: Path, item: Mapping[Any, Any]) -> Iterator[Problem]:
        metadata = item.get("metadata")
        if not isinstance(metadata, Mapping):
            return
        for key in metadata:
            if key not in _METADATA:
                yield self.no((*path, "metadata", key), f"metadata.{plain(key, 60)} may not be set")
        namespace = metadata.get("namespace")
        if namespace is not None and namespace not in OWN_NAMESPACES:
            yield self.no(
                (*path, "metadata", "namespace"),
                f"it names the namespace {plain(namespace, 60)}",
                "leave metadata.namespace out: everything goes into a namespace of your own",
            )

    def _workload(self, path: Path, spec: Any) -> Iterator[Problem]:
        if not isinstance(spec, Mapping):
            return
        replicas = spec.get("replicas")
        if isinstance(replicas, int) and replicas > MOST_REPLICAS:
            yield self.no((*path, "spec", "replicas"), f"{replicas} replicas: {MOST_REPLICAS} is the most")
        template = spec.get("template")
        if isinstance(template, Mapping):
            inner = template.get("metadata")
            for key in inner if isinstance(inner, Mapping) else ():
                if key not in _METADATA:
                    where = (*path, "spec", "template", "metadata", key)
                    yield self.no(where, f"template.metadata.{plain(key, 60)} may not be set")
            yield from self.pod((*path, "spec", "template", "spec"), template.get("spec"))

    def pod(self, path: Path, spec: Any) -> Iterator[Problem]:
        """What a pod may say of itself."""
        if not isinstance(spec, Mapping):
            return
        yield from self._only(path, spec, _POD, "a pod here may not set")
        for key, value in _DEFAULTS.items():
            if spec.get(key, value) != value:
                yield self.no((*path, key), f"{key} may only be {value}")
        grace = spec.get("terminationGracePeriodSeconds")
        if isinstance(grace, int) and grace > LONGEST_GRACE:
            yield self.no((*path, "terminationGracePeriodSeconds"), f"{LONGEST_GRACE} s is the longest")
        yield from self._only((*path, "securityContext"), spec.get("securityContext"), _POD_SECURITY, "may not set")
        volumes = spec.get("volumes")
        for number, volume in enumerate(volumes if isinstance(volumes, list) else ()):
            yield from self._only((*path, "volumes", number), volume, _VOLUMES, "a volume here may not be")
        for key in ("initContainers", "containers"):
            containers = spec.get(key)
            for number, container in enumerate(containers if isinstance(containers, list) else ()):
                yield from self._container((*path, key, number), container)

    def _container(self, path: Path, container: Any) -> Iterator[Problem]:
        if not isinstance(container, Mapping):
            return
        yield from self._only(path, container, _CONTAINER, "a container here may not set")
        image = container.get("image")
        if isinstance(image, str):
            yield from self._image((*path, "image"), image)
        ports = container.get("ports")
        for number, port in enumerate(ports if isinstance(ports, list) else ()):
            if isinstance(port, Mapping):
                for key in ("hostPort", "hostIP"):
                    if port.get(key):
                        yield self.no((*path, "ports", number, key), f"{key} takes a port of the node itself")
        security = container.get("securityContext")
        yield from self._only((*path, "securityContext"), security, _CONTAINER_SECURITY, "a container may not set")
        capabilities = security.get("capabilities") if isinstance(security, Mapping) else None
        if isinstance(capabilities, Mapping) and capabilities.get("add"):
            yield self.no((*path, "securityContext", "capabilities", "add"), "capabilities may be dropped, not added")

    def _image(self, path: Path, written: str) -> Iterator[Problem]:
        image = normalise(written)
        if image is None:
            return  # the API server or the kubelet says what is wrong with it, and so do the checks
        if (image.host, image.repository) not in self._repositories and not self._misspelt(
            image.host, image.repository
        ):
            names = ", ".join(sorted(repository.removeprefix("library/") for _, repository in self._repositories))
            yield self.no(path, f"the image {plain(written, 100)} is none of this lab's", f"the lab's: {names}")

    def _misspelt(self, host: str, repository: str) -> bool:
        """A slip of one or two letters is a mistake to be graded, and harms nobody: there is no such image."""
        from difflib import SequenceMatcher

        return any(
            host == known and SequenceMatcher(None, repository, name).ratio() > 0.85
            for known, name in self._repositories
        )

    def _service(self, path: Path, spec: Any) -> Iterator[Problem]:
        if not isinstance(spec, Mapping):
            return
        kind = spec.get("type", "ClusterIP")
        if kind not in _SERVICE_TYPES:
            yield self.no((*path, "type"), f"a Service of type {plain(kind, 40)} may not be handed in")
        for key in ("externalIPs", "externalName", "loadBalancerIP", "loadBalancerClass"):
            if spec.get(key):
                yield self.no((*path, key), f"{key} leads out of your namespace")

    def _only(self, path: Path, value: Any, allowed: set[str], words: str) -> Iterator[Problem]:
        for key in value if isinstance(value, Mapping) else ():
            if key not in allowed and not _slip(key, allowed):
                yield self.no((*path, key), f"{words} {plain(key, 60)}")


def _slip(key: Any, allowed: set[str]) -> bool:
    """Whether a key is a slip of the pen: no field of any object, so that the API server refuses it by its name."""
    from difflib import get_close_matches

    return isinstance(key, str) and key.lower() not in _KNOWN and bool(get_close_matches(key, allowed, 1, 0.8))
