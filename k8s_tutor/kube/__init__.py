"""The one door to an API server: bounded requests, watches, the live record with history, apply, probes.

The public functions, module by module (each module says more)::

    client.connect(kubeconfig: Path, context: str | None = None) -> Api
    client.Api: .server .context .namespace (the context's default, "default" if none)
        .get(path, query=None) .list(path, query=None) -> dict        .text(path, query=None, limit=...) -> str
        .create(path, object, query=None) .patch(path, body, content_type=..., query=None) -> dict
        .delete(path, uid=None, grace=None, propagation=None) -> dict  .apply(object, namespace=..., ...) -> dict
        .stream(path, query, read_timeout) -> Stream (iterate; .close() from any thread)   .close()
    client.identity(api) -> Identity(uid, ca_fingerprint, version)
    errors: ApiUnreachable, ApiRefused (.status .reason .problems), NotFound, FieldProblem(path, message)

    manifest.parse_manifest(text) -> list[Document]  (.line .object .where(path) -> (line, column)); ManifestError
    apply.apply_text(api, text, namespace, dry_run=False) -> list[Applied]
        (.verb created|configured|unchanged|failed, .kind .name .namespace .line .problems .message)

    recorder.Recorder(namespace, kinds=KINDS): .feed .sync .lost .found .observe(...) .snapshot() .subscribe(callback)
    watcher.Watcher(api, namespace, recorder, kinds=KINDS, on_link=callback): .start() .wait_synced(timeout) .stop()
        on_link(LinkState(state, heard, trouble)); state is "connecting", "live" or "lost"
    watcher.observe_once(api, namespace, recorder, kinds=KINDS) -> None   (parallel lists; no thread stays)

    logs.pod_log(api, namespace, pod, container="", uid="", previous=False, tail=200) -> Log
    look.elsewhere(api, kind, name, namespace) -> tuple[str, ...]     the other namespaces that hold it
    look.schema(api, kind) -> dict                                    the kind's OpenAPI schema, resolved one level

    probes.NetnsProber(netns: Path), probes.PodProber(api, namespace, image="nginx"):
        .requests(targets, timeout=2.0, deadline=...) -> list[Request]   .close()     ProbeError
    sample.sample_service(api, prober, namespace, service, cap=None, deadline=...) -> Sample
    sample.reach_pod(api, prober, namespace, pod, port=80, deadline=...) -> Sample (kept under the key "pod/<name>")
    sample.draws(n, miss=1e-6) -> int
    probes.enter_netns(path): move the calling thread, alone, into a network namespace
"""
