"""A cluster of somebody else's, seen through a plain kubeconfig with no more rights than `cluster rbac` prints."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from native_helpers import Kubectl, until

from k8s_tutor.checks.outcome import Status
from k8s_tutor.cli.main import main
from k8s_tutor.clusters.context import ContextProvider
from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.errors import EnvironmentFault
from k8s_tutor.labs.loader import load
from k8s_tutor.labs.model import Mode
from k8s_tutor.phases import silent
from k8s_tutor.session.rights import LEAST, NAME, Rule, manifest
from k8s_tutor.session.session import Session
from k8s_tutor.session.state import LabState

CONTEXT, NAMESPACE, HOME = "company", "few-rights", "few-rights-accounts"
SUBJECT = {"kind": "ServiceAccount", "name": "anna", "namespace": HOME}


@pytest.fixture(scope="module")
def owner(cluster: Cluster) -> Iterator[Kubectl]:
    """Who owns the cluster; has made an account for the learner, and applied what the tutor printed for it."""
    kubectl = Kubectl(cluster, NAMESPACE)
    kubectl("create", "namespace", HOME)
    kubectl("create", "serviceaccount", "anna", "-n", HOME)
    for each in manifest(NAMESPACE, SUBJECT):
        granted = each.whole()
        Kubectl(cluster, granted["metadata"].get("namespace", "default")).apply(yaml.safe_dump(granted))
    yield kubectl
    kubectl.run("delete", "namespace", HOME, NAMESPACE, "k8s-tutor-probe", "--timeout=100s", check=False)
    kubectl.run("delete", "clusterrole,clusterrolebinding", f"{NAME}-{NAMESPACE}", check=False)


@pytest.fixture
def theirs(cluster: Cluster, owner: Kubectl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """What the learner has: a kubeconfig with a token, consented to."""
    entry = yaml.safe_load(cluster.kubeconfig.read_text())["clusters"][0]["cluster"]
    document = {
        "contexts": [{"name": CONTEXT, "context": {"cluster": "c", "user": "anna"}}],
        "clusters": [{"name": "c", "cluster": entry}],
        "users": [{"name": "anna", "user": {"token": owner("create", "token", "anna", "-n", HOME).strip()}}],
        "current-context": CONTEXT,
    }
    (tmp_path / "config").write_text(yaml.safe_dump(document))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("K8S_TUTOR_HOME", str(tmp_path / "home"))
    with pytest.raises(EnvironmentFault, match="refused"):
        ContextProvider().up(CONTEXT, report=silent)
    assert main(["cluster", "consent", CONTEXT, "--typed", CONTEXT]) == 0
    found = ContextProvider().up(CONTEXT, report=silent)
    assert not found.owned and found.netns is None
    return replace(found, bin_dir=cluster.bin_dir)  # kubectl


def opened(cluster: Cluster, lab: str, folder: Path) -> Session:
    return Session(load(lab), cluster, namespace=NAMESPACE, folder=folder, keep=False)


@pytest.mark.parametrize("lab", ["lab1", "lab2"])
def test_a_whole_lab_can_be_done(theirs: Cluster, owner: Kubectl, tmp_path: Path, lab: str) -> None:
    owner("delete", "deployment,service,pod", "--all", "--now")
    with opened(theirs, lab, tmp_path / "work") as session:
        for step in session.lab.steps:
            session.solve(step.id)
            if all(check.optional for check in step.checks):
                session.mark_read(step.id)
            state = session.wait_step(step.id, 90)
            assert state.done, (step.id, [check.outcome for check in state.checks])
        assert session.state().done
        assert session.connection.may_empty and not session.connection.may_reset


def levels(state: LabState) -> dict[str, tuple[Status, str]]:
    """What holds as long as it is so: id -> status and summary. What must be seen to happen has not happened here."""
    return {
        check.spec.id: (check.outcome.status, f"{check.outcome.summary} {check.outcome.finding}")
        for check in state.checks
        if check.spec.mode is Mode.LEVEL and not check.spec.optional
    }


def told_unseen(state: LabState) -> bool:
    """Whether some claim says that it could not be observed."""
    return any(status is Status.ERROR for status, _ in levels(state).values())


WATCHED = [rule for rule in LEAST if "watch" in rule.verbs and rule.resources[0] not in ("events", "resourcequotas")]


def test_a_right_that_is_missing_is_named_and_nobodys_mistake(theirs: Cluster, owner: Kubectl, tmp_path: Path) -> None:
    """Each right that is watched with, left out in turn; given back while the tutor runs."""
    owner("delete", "deployment,service,pod", "--all", "--now")
    role = {key: value for key, value in owner.get("role", NAME).items() if key != "metadata"}
    role["metadata"] = {"name": NAME, "namespace": NAMESPACE}
    lab, folder = load("lab2"), tmp_path / "work"

    def granted(rules: Iterable[Rule]) -> None:
        owner.apply(yaml.safe_dump({**role, "rules": [rule.plain() for rule in rules]}))

    def allowed(rule: Rule) -> bool:
        resource = rule.resources[0] + (f".{rule.group}" if rule.group else "")
        who = f"--as=system:serviceaccount:{HOME}:anna"
        return owner.run("auth", "can-i", "watch", resource, who, check=False).stdout.strip() == "yes"

    with Session(lab, theirs, namespace=NAMESPACE, folder=folder) as session:
        for name in ("write", "apply", "scale", "expose"):
            session.solve(name)
        whole = levels(session.settle(90))
    assert sum(status is Status.PASS for status, _ in whole.values()) >= 4, whole
    for rule in WATCHED:
        granted(each for each in LEAST if each is not rule)
        # Who decides hears of it a moment later, and a watch that stands is not decided on again.
        until(lambda rule=rule: not allowed(rule), within=30, what=f"{rule.resources} to be refused")  # type: ignore[misc]
        with Session(lab, theirs, namespace=NAMESPACE, folder=folder) as session:
            # What cannot be seen never settles: once it is told, a moment is enough for the rest.
            session.wait_for(told_unseen, 20)
            found = levels(session.settle(5))
            new = {name: told for name, told in found.items() if told[0] is not whole[name][0]}
            assert not [name for name, (status, _) in new.items() if status is Status.FAIL], new
            unseen = {name: told for name, (status, told) in new.items() if status is Status.ERROR}
            assert unseen, f"something cannot be seen without {rule.resources}: {found}"
            for told in unseen.values():
                assert rule.resources[0] in told and NAMESPACE in told, (rule, told)
            assert "pass" in {status.value for status, _ in found.values()}, "the rest goes on"
            granted(LEAST)
            again = session.wait_for(
                lambda state, unseen=unseen: all(levels(state)[name][0] is whole[name][0] for name in unseen),  # type: ignore[misc]
                60,
            )
            assert again, (rule, levels(session.state()))
