"""What was handed in is done again in the lab's order: files as they were, commands in their steps' turns."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from k8s_tutor.grading.plan import Apply, Ask, Run, Turn, as_of, at_home, made_by, own_files, plan
from k8s_tutor.grading.submission import Submission, read
from k8s_tutor.labs.loader import load

LAB1, LAB2 = load("lab1"), load("lab2")
DEPLOY = next(each.text for each in LAB2.manifests if each.name == "nginx-deploy.yaml")
SERVICE = next(each.text for each in LAB2.manifests if each.name == "nginx-service.yaml")
POD = LAB1.manifests[0].text.replace("image: nginx", "image: nginx:1.20.1")
BARE = "kubectl run nginx-pod --image=nginx --labels=app=nginx\nkubectl delete pod nginx-pod\n"
SCALE = "kubectl scale deployment nginx-deployment --replicas=10\n"
EXPOSE = "kubectl expose deployment nginx-deployment --name=nginx-service\n"


def handed_in(folder: Path, lab: str, **files: str) -> Submission:
    place = folder / lab
    place.mkdir()
    for name, text in files.items():
        stem, _, suffix = name.rpartition("_")
        (place / f"{stem.replace('_', '-')}.{suffix}").write_text(text)
    return read(folder, load(lab), "ann")


def words(turns: tuple[Turn, ...]) -> dict[str, list[str]]:
    """Step -> what is done in its turn, in words."""
    found: dict[str, list[str]] = {}
    for turn in turns:
        for do in turn.deeds:
            match do:
                case Apply(name, _):
                    told = f"apply {name}"
                case Run(command, _):
                    told = " ".join(command.argv)
                case Ask(pod):
                    told = f"ask {pod}"
            found.setdefault(turn.step.id, []).append(told)
    return found


def text_at(turns: tuple[Turn, ...], step: str) -> str:
    return next(do.text for turn in turns if turn.step.id == step for do in turn.deeds if isinstance(do, Apply))


def test_the_edited_pod_is_applied_as_it_was_and_then_as_it_is(tmp_path: Path) -> None:
    turns = plan(LAB1, handed_in(tmp_path, "lab1", nginx_pod_yaml=POD))
    assert words(turns) == {
        "apply": ["apply nginx-pod.yaml"],
        "request": ["ask nginx-pod"],
        "image": ["apply nginx-pod.yaml"],
    }
    before, after = (yaml.safe_load(text_at(turns, step)) for step in ("apply", "image"))
    assert before["spec"]["containers"][0]["image"] == "nginx"
    assert after["spec"]["containers"][0].pop("image") == "nginx:1.20.1"
    before["spec"]["containers"][0].pop("image")
    assert before == after


def test_what_is_wrong_from_the_beginning_stays_wrong(tmp_path: Path) -> None:
    """Another image, one replica: nothing is put right for the student."""
    one = handed_in(tmp_path, "lab1", nginx_pod_yaml=POD.replace("nginx:1.20.1", "ngnix:1.20.1"))
    assert "ngnix:1.20.1" in text_at(plan(LAB1, one), "apply")
    two = handed_in(tmp_path, "lab2", nginx_deploy_yaml=DEPLOY.replace("replicas: 3", "replicas: 1"))
    assert yaml.safe_load(text_at(plan(LAB2, two), "apply"))["spec"]["replicas"] == 1


def test_a_file_that_was_never_changed_is_applied_once(tmp_path: Path) -> None:
    turns = plan(LAB1, handed_in(tmp_path, "lab1", nginx_pod_yaml=LAB1.manifests[0].text))
    assert words(turns) == {"apply": ["apply nginx-pod.yaml"], "request": ["ask nginx-pod"]}


def test_commands_go_to_the_steps_whose_work_they_do(tmp_path: Path) -> None:
    commands = (
        "kubectl get pods\nkubectl delete pod nginx-deployment-648fb66cc5-zppz4\n" + BARE + SCALE
        + "kubectl rollout status deployment/nginx-deployment\n" + EXPOSE + "kubectl get svc\n"
    )  # fmt: skip
    turns = words(plan(LAB2, handed_in(tmp_path, "lab2", nginx_deploy_yaml=DEPLOY, commands_txt=commands)))
    assert list(turns) == ["apply", "heal", "bare", "scale", "expose"]
    assert turns["apply"] == ["apply nginx-deploy.yaml"]
    assert turns["heal"] == ["get pods", "delete pod nginx-deployment-648fb66cc5-zppz4"]
    assert turns["scale"] == ["scale deployment nginx-deployment --replicas=10"]
    assert turns["expose"][0] == "rollout status deployment/nginx-deployment"
    assert turns["expose"][-1] == "get svc"


def test_no_command_is_run_before_one_that_stands_above_it(tmp_path: Path) -> None:
    """Exposed before scaled: both in the earlier step's turn, in the student's order."""
    given = handed_in(tmp_path, "lab2", nginx_deploy_yaml=DEPLOY, commands_txt=BARE + EXPOSE + SCALE)
    turns = plan(LAB2, given)
    assert [words(turns)["scale"][n].split()[0] for n in (0, 1)] == ["expose", "scale"]
    done = [do.command.line for turn in turns for do in turn.deeds if isinstance(do, Run)]
    assert done == sorted(done) == [1, 2, 3, 4]


def test_scaled_by_the_file_it_begins_with_three(tmp_path: Path) -> None:
    turns = plan(LAB2, handed_in(tmp_path, "lab2", nginx_deploy_yaml=DEPLOY.replace("replicas: 3", "replicas: 10")))
    assert yaml.safe_load(text_at(turns, "apply"))["spec"]["replicas"] == 3
    assert yaml.safe_load(text_at(turns, "scale"))["spec"]["replicas"] == 10


def test_a_file_that_a_command_applies_is_not_applied_for_the_student(tmp_path: Path) -> None:
    commands = "kubectl create -f nginx-deploy.yaml\n" + BARE + "kubectl delete deployment nginx-deployment\n" + (
        "kubectl apply -f nginx-deploy.yaml\n" + EXPOSE
    )  # fmt: skip
    given = handed_in(
        tmp_path, "lab2", nginx_deploy_yaml=DEPLOY.replace("replicas: 3", "replicas: 10"), commands_txt=commands
    )
    turns = plan(LAB2, given)
    assert words(turns)["apply"] == ["create -f=nginx-deploy.yaml"]
    assert words(turns)["scale"] == ["delete deployment nginx-deployment", "apply -f=nginx-deploy.yaml"]
    first, second = (
        next(iter(do.texts.values()))
        for turn in turns
        for do in turn.deeds
        if isinstance(do, Run) and do.command.argv[0] in ("create", "apply")
    )
    assert yaml.safe_load(first)["spec"]["replicas"] == 3
    assert yaml.safe_load(second)["spec"]["replicas"] == 10


def test_a_service_of_the_file_takes_the_place_of_expose(tmp_path: Path) -> None:
    given = handed_in(tmp_path, "lab2", nginx_deploy_yaml=DEPLOY, nginx_service_yaml=SERVICE, commands_txt=BARE + SCALE)
    assert words(plan(LAB2, given))["expose"] == ["apply nginx-service.yaml"]


def test_but_not_where_it_was_exposed(tmp_path: Path) -> None:
    given = handed_in(tmp_path, "lab2", nginx_deploy_yaml=DEPLOY, nginx_service_yaml=SERVICE, commands_txt=EXPOSE)
    assert [each.split()[0] for each in words(plan(LAB2, given))["expose"]] == ["expose"]


def test_files_go_by_the_labs_names_whatever_their_ending(tmp_path: Path) -> None:
    given = handed_in(tmp_path, "lab1", nginx_pod_json=json.dumps(yaml.safe_load(POD)))
    assert list(own_files(LAB1, given)) == ["nginx-pod.yaml"]
    assert words(plan(LAB1, given))["apply"] == ["apply nginx-pod.json"]


def test_what_only_the_students_cluster_could_say_is_left_out(tmp_path: Path) -> None:
    """The namespace, the UID, the address of a Service, the status; in a List too."""
    item = yaml.safe_load(SERVICE)
    item["metadata"] |= {"namespace": "learner", "uid": "u", "resourceVersion": "1", "creationTimestamp": "t"}
    item["spec"] |= {"clusterIP": "10.96.0.9", "clusterIPs": ["10.96.0.9"]}
    item["status"] = {"loadBalancer": {}}
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": [item]})
    given = handed_in(tmp_path, "lab2", nginx_deploy_yaml=DEPLOY, nginx_service_yaml=text)
    manifest = own_files(LAB2, given)["nginx-service.yaml"]
    (made,) = json.loads(as_of(LAB2, 6, "nginx-service.yaml", manifest))["items"]
    assert made == yaml.safe_load(SERVICE)


def test_a_files_own_namespace_becomes_the_students_and_no_line_moves(tmp_path: Path) -> None:
    text = POD.replace("metadata:", "metadata:\n  namespace: learner  # mine", 1)
    given = handed_in(tmp_path, "lab1", nginx_pod_yaml=text)
    made = at_home(own_files(LAB1, given)["nginx-pod.yaml"], "k8s-tutor-grade-1")
    assert yaml.safe_load(made)["metadata"]["namespace"] == "k8s-tutor-grade-1"
    assert made.count("\n") == text.count("\n") and "# mine" in made


def test_a_pods_name_tells_its_deployment() -> None:
    assert made_by("nginx-deployment-648fb66cc5-zppz4") == "nginx-deployment"
    assert made_by("nginx-pod") == made_by("web") == ""
