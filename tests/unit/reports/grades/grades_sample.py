"""A class for the tests of the formats: a pass, a fail, a broken one, refused files, nasty texts, one unfinished."""

from __future__ import annotations

from dataclasses import replace

from k8s_tutor.checks.outcome import Cause, Finding, Outcome, Seen, Status, failed, passed, skipped, unobserved, waiting
from k8s_tutor.reports.grades.report import Alike, ClassReport, Deed, Graded, Notice
from k8s_tutor.reports.report import Report, Row

AT = 1_795_480_000.5
SECRET = "hiddenfinding"
LATER = "laterfinding"
LONG = "x" * 10_000
NASTY = (
    "<script>alert(1)</script> [x](http://e.x) | **b** `c` & ]]> \x1b[31m\u202e\ud800 😀 # \" ' {{}} \r\n"
    "::error::boo\n# head <!-- --> https://evil.example/a @everyone ![i](//e.x) </style></summary> %0A ,"
)

FINDING = Finding(
    "Every ready pod answers through nginx-service.",
    "10 pods answer on 10.79.164.141:80",
    "0 of 10; every connection was refused",
    "kubectl get endpointslices -l kubernetes.io/service-name=nginx-service -o yaml",
    (
        Seen("nginx-service.yaml", "spec.ports[0].targetPort", "8080", 9),
        Seen("Service/nginx-service", "spec.ports[0].targetPort", "8080"),
    ),
    Cause(
        "wrong-target-port",
        "the Service sends to port 8080, the pods listen on 80",
        "line 9 of nginx-service.yaml",
    ),
)
PLACE = {"file": "labs/lab2/lab.yaml", "line": 41}


def secret(text: str) -> Finding:
    return Finding(text, text, text, text, (Seen(f"{text}.yaml", text, text, 3),), Cause("not-applied", text, text))


def rows(
    ready: Outcome,
    service: Outcome,
    hidden: Outcome | None = None,
    late: Outcome | None = None,
    extra: Outcome | None = None,
) -> tuple[Row, ...]:
    """Five checks in three steps: 1 + 2 + 4 + 8 points are required, one is optional."""
    hidden = hidden or passed("it holds")
    late = late or passed("it holds")
    return (
        Row("apply", "Apply it", "lab2-ready", "three pods are ready", ready, 1, 0.01, **PLACE),
        Row("expose", "Expose it", "lab2-service", "the Service answers", service, 2, 0.5),
        Row("expose", "Expose it", "lab2-hidden", "labels are right", hidden, 4, visibility="hidden"),
        Row("expose", "Expose it", "lab2-late", "nothing is lost", late, 8, visibility="after_due"),
        Row("outside", "Outside", "lab2-lb", "an address outside", extra or failed("none", FINDING), 32, optional=True),
    )


def one(student: str, *of: Row, trouble: str = "", **more: object) -> Graded:
    report = Report("lab2", "A Deployment", "sha256:ab", "native", "grade-1", AT, 4.21, of, "0.1.0", trouble)
    given = {"digest": "a" * 64, "seed": "", "roster": {"id": f"id-{student}"[:20], "group": "A"}, **more}
    return Graded(student, report, **given)  # type: ignore[arg-type]


GOOD = one(
    "ada",
    *rows(passed("3 of 3", "made by kubectl apply"), passed("all answer")),
    seed="7f3a",
    deeds=(Deed("apply", "apply -f nginx.yaml", 0, "deployment.apps/nginx created", 0.4),),
)
BAD = one(
    "bob",
    *rows(
        failed("2 of 3 pods ready", FINDING),
        skipped("skipped", "needs lab2-ready"),
        failed(SECRET, secret(SECRET)),
        failed(LATER, secret(LATER)),
    ),
)
WAITING = one("cleo", *rows(passed("3 of 3"), waiting("1 of 3", FINDING)))
UNSEEN = unobserved("the API server did not answer", FINDING)
BROKEN = one("dan", *rows(UNSEEN, UNSEEN, UNSEEN, UNSEEN), trouble="the cluster cannot be reached", attempts=2)
PARTLY = one("eve", *rows(passed("3 of 3"), UNSEEN))
REFUSED = one(
    "fay",
    *rows(passed("3 of 3"), failed("nothing answers", FINDING)),
    notices=(
        Notice("pod.yaml", 12, "hostPath is not allowed", "take an emptyDir", refused=True),
        Notice("notes.yaml", 0, "it is missing"),
    ),
    deeds=(Deed("apply", "apply -f pod.yaml", 1, "error: refused", 0.1),),
)
WICKED = one(
    NASTY,
    *(
        replace(row, title=NASTY, step_title=NASTY)
        for row in rows(
            failed(NASTY, Finding(NASTY, NASTY, LONG, NASTY, (Seen(NASTY, NASTY, NASTY, 1),), None)),
            Outcome(Status.ERROR, NASTY, Finding(NASTY, NASTY, NASTY, cause=Cause("odd", NASTY, NASTY))),
        )
    ),
    notices=(Notice(NASTY, 3, NASTY, NASTY, refused=True),),
    deeds=(Deed(NASTY, NASTY, 3, NASTY), Deed("apply", LONG, 0, LONG)),
    roster={"=cmd()": "@SUM(1)", "name": NASTY, "group": "+1"},
    seed=NASTY,
)
NOTHING = one("gil", digest="", roster={})

CLASS = ClassReport(
    lab="lab2",
    title="A Deployment and its Service",
    hash="sha256:ab",
    version="0.1.0",
    cluster="native",
    cluster_uid="6f1c0ad2-0000-4000-8000-000000000000",
    kubernetes="v1.36.1",
    started=AT,
    seconds=93.0,
    students=(GOOD, BAD, WAITING, BROKEN, PARTLY, REFUSED, WICKED, NOTHING),
    unfinished=("hal", NASTY),
    alike=(Alike("ada", "bob", 0.97), Alike("cleo", NASTY, 1.0)),
    notes=("two namespaces of a dead run were deleted", NASTY),
)
EMPTY = replace(CLASS, students=(), unfinished=(), alike=(), notes=())
CUT = replace(EMPTY, trouble="the cluster cannot be reached " + NASTY, unfinished=("ada",))
ALONE = replace(CLASS, students=(BAD,), unfinished=(), alike=(), notes=())
TWINS = replace(CLASS, students=(BAD, BAD, replace(BAD, student="b\u200bob"), replace(BAD, student="")))
REPORTS = (CLASS, EMPTY, CUT, ALONE, TWINS)


def big(students: int = 200, checks: int = 12, *, text: str = "") -> ClassReport:
    """A large class in which everybody fails everything, with long findings."""
    told = text or "spec.template.spec.containers[0].ports[0].containerPort is 8080 where 80 is asked for; " * 2
    finding = Finding(told, told, told, told, (Seen("nginx.yaml", told, told, 9),) * 3, Cause("wrong-port", told, told))
    of = tuple(
        Row(f"step{n // 3}", f"Step {n // 3}", f"lab2-check-{n}", f"claim {n}", failed(told, finding), 2, **PLACE)
        for n in range(checks)
    )
    deeds = tuple(Deed("step0", f"apply -f file{n}.yaml", 0, told) for n in range(12))
    return replace(
        CLASS,
        students=tuple(one(f"student-{n:03}", *of, deeds=deeds) for n in range(students)),
        unfinished=(),
        alike=(),
    )
