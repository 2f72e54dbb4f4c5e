"""Which fields an object may have: by the cluster's own schema where it was read, else by what is built in.

The built-in tree holds what the labs' kinds need, so that a typo is found without a cluster. A leaf says the
type: ``s`` text, ``i`` whole number, ``b`` true or false, ``p`` port (number or text), ``m`` map of text to text,
``*`` anything. A list has one element, the shape of its items. ``!`` names the required fields.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from k8s_tutor.checks.words import clip, did_you_mean

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Misfit:
    """A field that does not fit: ``id`` is the cause (unknown-field, field-missing, field-value)."""

    id: str
    path: Path
    text: str
    fix: str = ""


def _struct(names: str, required: str = "", **shapes: Any) -> dict[str, Any]:
    """A shape with ``names`` (anything below them) and the given shapes."""
    return {"!": tuple(required.split()), **dict.fromkeys(names.split(), "*"), **shapes}


_META = _struct(
    "creationTimestamp deletionGracePeriodSeconds deletionTimestamp finalizers generation managedFields ownerReferences"
    " resourceVersion selfLink",
    name="s", generateName="s", namespace="s", uid="s", labels="m", annotations="m",
)  # fmt: skip
_PORT = _struct("", "containerPort", name="s", containerPort="i", protocol="s", hostPort="i", hostIP="s")
_REF = _struct("", "name", name="s", key="s", optional="b")
_ENV = _struct(
    "fieldRef resourceFieldRef fileKeyRef",
    configMapKeyRef=_struct("", "key", name="s", key="s", optional="b"),
    secretKeyRef=_struct("", "key", name="s", key="s", optional="b"),
)
_PROBE = _struct(
    "exec tcpSocket grpc",
    httpGet=_struct("", "port", path="s", port="p", host="s", scheme="s", httpHeaders=["*"]),
    initialDelaySeconds="i", periodSeconds="i", timeoutSeconds="i", successThreshold="i", failureThreshold="i",
    terminationGracePeriodSeconds="i",
)  # fmt: skip
_CONTAINER = _struct(
    "lifecycle securityContext resizePolicy volumeDevices restartPolicyRules",
    "name",
    name="s", image="s", imagePullPolicy="s", restartPolicy="s", workingDir="s", command=["s"], args=["s"],
    ports=[_PORT], stdin="b", stdinOnce="b", tty="b", terminationMessagePath="s", terminationMessagePolicy="s",
    env=[_struct("", "name", name="s", value="s", valueFrom=_ENV)],
    envFrom=[_struct("", "", prefix="s", configMapRef=_struct("", "", name="s", optional="b"),
                     secretRef=_struct("", "", name="s", optional="b"))],
    resources=_struct("claims", "", requests="*", limits="*"),
    volumeMounts=[_struct("subPathExpr mountPropagation recursiveReadOnly", "name mountPath", name="s", mountPath="s",
                          subPath="s", readOnly="b")],
    livenessProbe=_PROBE, readinessProbe=_PROBE, startupProbe=_PROBE,
)  # fmt: skip
_POD = _struct(
    "affinity dnsConfig enableServiceLinks ephemeralContainers hostAliases hostIPC hostNetwork hostPID hostUsers"
    " hostnameOverride os overhead preemptionPolicy priority readinessGates resourceClaims resources runtimeClassName"
    " schedulingGates schedulingGroup securityContext serviceAccount setHostnameAsFQDN shareProcessNamespace subdomain"
    " topologySpreadConstraints volumes workloadRef",
    "containers",
    containers=[_CONTAINER], initContainers=[_CONTAINER], nodeSelector="m", nodeName="s", restartPolicy="s",
    serviceAccountName="s", hostname="s", dnsPolicy="s", schedulerName="s", priorityClassName="s",
    automountServiceAccountToken="b", terminationGracePeriodSeconds="i", activeDeadlineSeconds="i",
    imagePullSecrets=[_struct("", "", name="s")],
    tolerations=[_struct("", "", key="s", operator="s", value="s", effect="s", tolerationSeconds="i")],
)  # fmt: skip
_SELECTOR = _struct("matchExpressions", "", matchLabels="m")


def _kind(spec: dict[str, Any]) -> dict[str, Any]:
    return _struct("status", "apiVersion kind metadata spec", apiVersion="s", kind="s", metadata=_META, spec=spec)


BUILT_IN: dict[str, dict[str, Any]] = {
    "Pod": _kind(_POD),
    "Deployment": _kind(
        _struct(
            "",
            "selector template",
            replicas="i",
            selector=_SELECTOR,
            minReadySeconds="i",
            paused="b",
            progressDeadlineSeconds="i",
            revisionHistoryLimit="i",
            strategy=_struct("", "", type="s", rollingUpdate=_struct("", "", maxSurge="p", maxUnavailable="p")),
            template=_struct("", "spec", metadata=_META, spec=_POD),
        )
    ),
    "Service": _kind(
        _struct(
            "clusterIPs ipFamilies sessionAffinityConfig loadBalancerSourceRanges externalIPs",
            "",
            type="s",
            selector="m",
            clusterIP="s",
            sessionAffinity="s",
            externalName="s",
            externalTrafficPolicy="s",
            internalTrafficPolicy="s",
            ipFamilyPolicy="s",
            loadBalancerIP="s",
            loadBalancerClass="s",
            healthCheckNodePort="i",
            publishNotReadyAddresses="b",
            allocateLoadBalancerNodePorts="b",
            trafficDistribution="s",
            ports=[
                _struct("", "port", name="s", port="i", targetPort="p", protocol="s", nodePort="i", appProtocol="s")
            ],
        )
    ),
}
"""Kind -> shape, from the API reference of v1.37."""

_WORDS = {"s": "text", "i": "a whole number", "b": "true or false", "p": "a port number or a port's name", "m": "a map"}
_RIGHT: dict[str, tuple[type, ...]] = {"s": (str,), "i": (int,), "b": (bool,), "p": (int, str), "m": (Mapping,)}


def misfits(kind: str, value: object, schema: Mapping[str, Any] | None = None) -> list[Misfit]:
    """What in an object does not fit its kind, in the order of the object; unknown kinds have no misfits."""
    shape = _shape(kind, schema) if schema else BUILT_IN.get(kind)
    return list(_walk(value, shape, ())) if shape is not None else []


_SHAPES: dict[tuple[str, int], tuple[Mapping[str, Any], Any]] = {}
"""Kind and identity of a schema -> that schema (kept, so that its identity stays its own) and the shape.

A Deployment's has thousands of fields: made anew at every judgement it was half of what a judgement cost.
"""
_MOST_SHAPES = 32


def _shape(kind: str, schema: Mapping[str, Any]) -> Any:
    """The schema's shape, and the built-in one where it is silent."""
    key = (kind, id(schema))
    known = _SHAPES.get(key)
    if known is None:
        live = shape_of(schema)
        known = schema, _merge(BUILT_IN[kind], live) if kind in BUILT_IN else live
        if len(_SHAPES) >= _MOST_SHAPES:
            _SHAPES.clear()
        _SHAPES[key] = known
    return known[1]


def _walk(value: object, shape: Any, path: Path) -> Iterator[Misfit]:
    if shape == "*" or value is None or len(path) > 40:
        return
    if isinstance(shape, dict):
        yield from _walk_struct(value, shape, path)
    elif isinstance(shape, list):
        if not isinstance(value, list):
            yield _wrong(path, "a list (each item begins with a dash)", value)
        else:
            for index, item in enumerate(value[:1000]):
                yield from _walk(item, shape[0], (*path, index))
    elif not isinstance(value, _RIGHT[shape]) or (isinstance(value, bool) and shape != "b"):
        yield _wrong(path, _WORDS[shape], value)
    elif shape == "m" and isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(item, str):
                yield _wrong((*path, str(key)), "text (put it in quotes)", item)


def _walk_struct(value: object, shape: dict[str, Any], path: Path) -> Iterator[Misfit]:
    if not isinstance(value, Mapping):
        yield _wrong(path, "a group of fields", value)
        return
    known = [name for name in shape if name != "!"]
    unknown = [key for key in value if key not in shape or key == "!"]
    meant = {str(key): did_you_mean(str(key), known) for key in unknown}
    for key, item in value.items():
        if key in unknown:
            near = meant[str(key)]
            known_here = ", ".join(sorted(known)[:12])
            fix = f"did you mean {near}?" if near else f"known here: {known_here}"
            where = spell(path) or "the object"
            yield Misfit("unknown-field", (*path, str(key)), f"{where} has no field {clip(str(key), 60)!r}", fix)
        else:
            yield from _walk(item, shape[key], (*path, str(key)))
    for name in shape.get("!", ()):
        # A required name that is only misspelt is told once, as the unknown field.
        if value.get(name) is None and name not in meant.values():
            where = spell(path) or "the object"
            yield Misfit("field-missing", path, f"{where} has no {name}, which is required", f"add {name}:")


def _wrong(path: Path, word: str, value: object) -> Misfit:
    shown = clip(repr(value) if isinstance(value, str) else value, 60)
    return Misfit("field-value", path, f"{spell(path) or 'the object'} must be {word}, not {shown}", f"write {word}")


def spell(path: Path) -> str:
    """``spec.containers[0].image`` for a path of keys and indices."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{clip(step, 60)}" if text else clip(step, 60)
    return text


def shape_of(schema: Mapping[str, Any], depth: int = 0, root: Mapping[str, Any] | None = None) -> Any:
    """The shape that an OpenAPI schema describes; ``*`` where it is silent, unresolved or deeper than 12 levels."""
    root = schema if root is None else root
    schema = resolve(schema, root)
    if depth > 12 or schema.get("x-kubernetes-preserve-unknown-fields"):
        return "*"
    if schema.get("x-kubernetes-int-or-string") or schema.get("format") == "int-or-string":
        return "p"
    properties = schema.get("properties")
    if isinstance(properties, Mapping):
        required = schema.get("required")
        shape: dict[str, Any] = {"!": tuple(required) if isinstance(required, list) else ()}
        for name, below in properties.items():
            shape[str(name)] = shape_of(below, depth + 1, root) if isinstance(below, Mapping) else "*"
        return shape
    kind = schema.get("type")
    if kind == "array" and isinstance(schema.get("items"), Mapping):
        return [shape_of(schema["items"], depth + 1, root)]
    plain = {"string": "s", "integer": "i", "boolean": "b"}
    return plain.get(kind, "*") if isinstance(kind, str) and not schema.get("oneOf") else "*"


def required_below(schema: Mapping[str, Any], steps: Sequence[str]) -> tuple[object, ...]:
    """The required fields of what lies at ``steps`` (keys; lists are seen through), empty where nothing is said.

    Looks at that one path: the shape of a whole kind has thousands of fields.
    """
    at: Mapping[str, Any] = _through(schema, schema)
    for step in steps:
        properties = at.get("properties")
        below = properties.get(step) if isinstance(properties, Mapping) else None
        if not isinstance(below, Mapping):
            return ()
        at = _through(below, schema)
    required = at.get("required")
    return tuple(required) if isinstance(at.get("properties"), Mapping) and isinstance(required, list) else ()


def _through(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    """A schema, or for a list that of its items; empty where anything may stand."""
    schema = resolve(schema, root)
    if schema.get("type") == "array" and isinstance(schema.get("items"), Mapping):
        schema = resolve(schema["items"], root)
    return {} if schema.get("x-kubernetes-preserve-unknown-fields") else schema


def resolve(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    """A schema without ``allOf`` and ``$ref`` around it; ``root`` may carry the others under ``components.schemas``."""
    for _ in range(8):
        inner = schema.get("allOf")
        if (
            isinstance(inner, list)
            and len(inner) == 1
            and isinstance(inner[0], Mapping)
            and not schema.get("properties")
        ):
            schema = inner[0]
            continue
        reference = schema.get("$ref")
        if not isinstance(reference, str):
            return schema
        name = reference.rsplit("/", 1)[-1]
        components = root.get("components")
        places = [root.get("definitions"), root.get("schemas"), root.get("$defs")]
        places.append(components.get("schemas") if isinstance(components, Mapping) else None)
        found = next((place[name] for place in places if isinstance(place, Mapping) and name in place), None)
        if not isinstance(found, Mapping):
            return {}
        schema = found
    return {}


def _merge(built_in: Any, live: Any) -> Any:
    """The live shape, and the built-in one where the live one is silent."""
    if live == "*":
        return built_in
    if isinstance(built_in, dict) and isinstance(live, dict):
        known = {name: _merge(built_in.get(name, "*"), below) for name, below in live.items() if name != "!"}
        return {"!": tuple(dict.fromkeys((*live.get("!", ()), *built_in.get("!", ())))), **known}
    if isinstance(built_in, list) and isinstance(live, list):
        return [_merge(built_in[0], live[0])]
    return live if isinstance(live, list | dict) else built_in
