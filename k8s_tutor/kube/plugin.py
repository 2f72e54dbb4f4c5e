"""Credentials of exec plugins and auth providers: the official client's own loader, in a process of its own.

In ours a plugin would hold the terminal (its stderr on the tutor's screen, its stdin the learner's keys) and could
hang for ever; and the loader goes on without credentials when a plugin fails. Here a plugin gets no terminal and a
minute, and what it says on stderr is told when it gives nothing.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from k8s_tutor.errors import ClusterError
from k8s_tutor.paths import state_dir

PATIENCE = 60.0
"""Seconds for a plugin; one that opens a browser for a login needs some."""
_WORDS = 300


def credentials(kubeconfig: Path, context: str) -> tuple[str, bytes, bytes]:
    """Authorization header, client certificate and key (PEM), empty where the plugin gave none of it.

    Raises ClusterError (code ``credentials``) with the plugin's own words: it failed, gave nothing, or took too long.
    """
    argv = [sys.executable, "-m", __name__, str(kubeconfig), context]
    process = subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    try:
        out, err = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        _end(process)
        raise _failed(kubeconfig, context, f"it did not end within {PATIENCE:.0f} s") from None
    except BaseException:
        _end(process)
        raise
    words = err.decode("utf-8", "replace").strip()
    try:
        told = json.loads(out)
        authorization = str(told["authorization"])
        certificate, key = base64.b64decode(told["certificate"]), base64.b64decode(told["key"])
    except (ValueError, TypeError, KeyError):
        raise _failed(kubeconfig, context, words or f"exit code {process.returncode}") from None
    if not authorization and not (certificate and key):
        raise _failed(kubeconfig, context, f"it gave no credentials: {words}" if words else "it gave no credentials")
    return authorization, certificate, key


def _end(process: subprocess.Popen[bytes]) -> None:
    """The plugin and whatever it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()


def _failed(kubeconfig: Path, context: str, why: str) -> ClusterError:
    plain = "".join(letter if letter.isprintable() else " " for letter in why)
    return ClusterError(
        f"cannot get credentials for context {context!r}: {plain[-_WORDS:]}",
        remedy=f"log in, and see what it says: kubectl --kubeconfig {kubeconfig} --context {context} auth whoami",
        code="credentials",
    )


def private_folder() -> Path:
    """A folder that only we can enter, for what OpenSSL or the official client must have as a file."""
    folder = state_dir() / "tls"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    return folder


def main(kubeconfig: str, context: str) -> int:
    """In the process of its own: print what the loader finds, as one JSON object."""
    from kubernetes.client.configuration import Configuration
    from kubernetes.config.config_exception import ConfigException
    from kubernetes.config.kube_config import load_kube_config

    # What a plugin prints must not be taken for our answer.
    answer = os.dup(1)
    os.dup2(2, 1)
    settings = Configuration()
    try:
        load_kube_config(
            kubeconfig,
            context=context,
            client_configuration=settings,
            persist_config=False,
            temp_file_path=str(private_folder()),
        )
        certificate = Path(settings.cert_file).read_bytes() if settings.cert_file else b""
        key = Path(settings.key_file).read_bytes() if settings.key_file else b""
    except (ConfigException, OSError, ValueError, TypeError, KeyError) as error:
        print(error, file=sys.stderr)
        return 1
    told = {
        "authorization": str(settings.api_key.get("BearerToken") or ""),
        "certificate": base64.b64encode(certificate).decode(),
        "key": base64.b64encode(key).decode(),
    }
    with os.fdopen(answer, "w") as stream:
        json.dump(told, stream)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
