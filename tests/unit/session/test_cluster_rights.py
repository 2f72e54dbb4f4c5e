"""The manifest that the owner of a cluster applies for a learner."""

from __future__ import annotations

import pytest
import yaml

from k8s_tutor.cli.main import main
from k8s_tutor.session.rights import LEAST, PROBING, manifest, text

USER = {"kind": "User", "name": "anna: #1", "apiGroup": "rbac.authorization.k8s.io"}


def test_what_is_printed_is_what_is_meant_and_each_rule_has_its_reason() -> None:
    printed = text("learner", USER)
    meant = [each.whole() for each in manifest("learner", USER)]
    assert list(yaml.safe_load_all(printed)) == meant
    for rule in (*LEAST, *PROBING):
        assert f"  # {rule.why}\n" in printed


def test_nothing_reaches_beyond_the_two_namespaces_but_to_look() -> None:
    for each in manifest("learner", USER):
        if each.object["kind"] == "ClusterRole":
            assert {verb for rule in each.rules for verb in rule.verbs} == {"get", "list", "watch"}
            names = [rule.names for rule in each.rules if rule.resources == ("namespaces",)]
            assert names == [("kube-system", "learner", "k8s-tutor-probe")]
        elif each.object["kind"] == "Role":
            assert each.object["metadata"]["namespace"] in ("learner", "k8s-tutor-probe")
    resources = {resource for rule in (*LEAST, *PROBING) for resource in rule.resources}
    assert not resources & {"secrets", "nodes", "nodes/proxy", "roles", "rolebindings", "serviceaccounts/token"}
    assert all("*" not in (*rule.verbs, *rule.resources) for rule in (*LEAST, *PROBING))


@pytest.mark.parametrize(
    ("argument", "subject"),
    [
        (["--user", "anna"], {"kind": "User", "name": "anna", "apiGroup": "rbac.authorization.k8s.io"}),
        (["--group", "class"], {"kind": "Group", "name": "class", "apiGroup": "rbac.authorization.k8s.io"}),
        (["--serviceaccount", "class:anna"], {"kind": "ServiceAccount", "name": "anna", "namespace": "class"}),
    ],
)
def test_the_command(argument: list[str], subject: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cluster", "rbac", "--namespace", "anna", *argument]) == 0
    made = list(yaml.safe_load_all(capsys.readouterr().out))
    assert [each["subjects"] for each in made if each["kind"].endswith("Binding")] == [[subject]] * 3
    assert made[0]["metadata"]["name"] == "anna"


def test_what_is_no_service_account_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cluster", "rbac", "--serviceaccount", "anna"]) == 2
    assert "NAMESPACE:NAME" in capsys.readouterr().err
