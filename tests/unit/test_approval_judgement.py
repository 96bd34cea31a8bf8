"""What follows from a question and its answer, by what is known alone."""

import pytest

from notebake.ledger import kinds
from notebake.ledger.entry import Entry
from notebake.runs.approvals.judge import Move, judge
from notebake.runs.approvals.question import Answer, Decision, Question, Status, fold, newest
from notebake.runs.approvals.subject import Fact, Paragraph, Subject, differing_facts

NOON, DAY = 1_800_000_000.0, 86400.0
EVIDENCE = (Paragraph(title="What differs", lines=("xarray: 2026.9 → 2026.11",)),)
PLAN = Subject(
    kind="bake",
    recipe="ocean",
    region="us-west-2",
    run_id="ocean-1",
    title="bake an image of ocean",
    facts=(Fact(name="recipe", value="aaaa"), Fact(name="base image", value="ami-1")),
    price="about $0.62",
    if_unanswered="Nothing is baked.",
)
SHOWN = PLAN.model_copy(update={"evidence": EVIDENCE})
OTHER_BASE = (Fact(name="recipe", value="aaaa"), Fact(name="base image", value="ami-2"))


def question(decision: Decision | None = None, *, voided: str = "") -> Question:
    answer = decision and Answer(decision=decision, by="p-ada", reason="because", at="")
    return Question(
        number=1,
        kind="bake",
        recipe="ocean",
        region="us-west-2",
        run_id="ocean-1",
        title=SHOWN.title,
        digest=SHOWN.digest,
        image_ids=(),
        asked="",
        until=NOON + DAY,
        asked_by="p-1",
        answer=answer,
        voided=voided,
    )


@pytest.mark.parametrize(
    ("before", "at", "status", "move"),
    [
        (None, NOON, None, "ask"),
        (question(), NOON, "open", "wait"),
        (question(), NOON + DAY, "expired", "ask"),
        (question("approve"), NOON, "approved", "go on"),
        (question("approve"), NOON + 90 * DAY, "approved", "go on"),
        (question("refuse"), NOON, "refused", "refused"),
        (question("approve", voided="changed"), NOON, "void", "ask"),
        (question(voided="changed"), NOON, "void", "ask"),
    ],
)
def test_the_same_plan(
    before: Question | None, at: float, status: Status | None, move: Move
) -> None:
    found = judge(PLAN, before, SHOWN if before else None, at)

    assert found.move == move
    assert found.voids is None
    assert before is None or before.status(at) == status


@pytest.mark.parametrize("decision", ["approve", "refuse", None])
@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"facts": OTHER_BASE}, "base image ami-1 -> ami-2"),
        ({"facts": PLAN.facts[:1]}, "base image ami-1 -> none"),
        ({"image_ids": ("ami-9",)}, "what is shown"),
        ({"title": "bake another image"}, "what is shown"),
        ({"if_unanswered": "It is baked."}, "what is shown"),
    ],
)
def test_no_answer_holds_for_a_changed_plan(
    decision: Decision | None, changes: dict[str, object], why: str
) -> None:
    asked = question(decision)

    found = judge(PLAN.model_copy(update=changes), asked, SHOWN, NOON)

    assert (found.move, found.voids) == ("ask", asked)
    assert found.reason == f"something else would be done now: {why}"


@pytest.mark.parametrize(
    "shown",
    [
        None,
        PLAN,
        SHOWN.model_copy(update={"price": "about $0.01"}),
        SHOWN.model_copy(update={"evidence": ()}),
    ],
)
def test_no_answer_holds_for_what_was_not_shown_so(shown: Subject | None) -> None:
    found = judge(PLAN, question("approve"), shown, NOON)

    assert found.move == "ask"
    assert "was changed there" in found.reason


def test_what_is_known_of_a_plan_is_not_gathered_again() -> None:
    dearer = PLAN.model_copy(update={"price": "about $0.63"})

    assert judge(dearer, question("approve"), SHOWN, NOON).move == "go on"


@pytest.mark.parametrize("field", Subject.model_fields)
def test_the_digest_is_of_all_that_is_shown(field: str) -> None:
    changed = {
        "kind": "share",
        "facts": OTHER_BASE,
        "evidence": (),
        "image_ids": ("ami-9",),
    }.get(field, "another")

    assert SHOWN.model_copy(update={field: changed}).digest != SHOWN.digest


def test_the_stored_content_has_the_digest() -> None:
    again = Subject.model_validate_json(SHOWN.content)

    assert again == SHOWN
    assert again.digest == SHOWN.digest
    assert differing_facts(SHOWN, again) == ""


def entry(number: int, happened: str, **body: object) -> Entry:
    return Entry(
        run="approval-log",
        sequence=number,
        previous="",
        time=f"2026-11-30T12:00:0{number}Z",
        who="p-1",
        execution="",
        kind=happened,
        body=body,
    )


def asked(number: int, run_id: str = "ocean-1", digest: str = "d") -> Entry:
    return entry(
        number,
        kinds.ASKED,
        kind="bake",
        recipe="ocean",
        region="us-west-2",
        run_id=run_id,
        title="bake",
        digest=digest,
        image_ids=[],
        until=NOON,
        flow_run_id="",
        written_by_a_later_version=1,
    )


def test_a_log_is_folded_to_its_questions() -> None:
    said = {"decision": "approve", "by": "p-ada", "reason": "because", "channel": "Prefect"}
    log = [
        asked(1),
        entry(2, kinds.REJECTED, approval=1, **said | {"decision": "refuse"}),
        entry(3, kinds.GIVEN, approval=1, **said),
        entry(4, kinds.VOIDED, approval=1, reason="changed"),
        asked(5, digest="e"),
        asked(6, "ocean-2"),
        entry(7, kinds.GIVEN, approval=99, **said),
    ]

    found = fold(log)

    assert list(found) == [1, 5, 6]
    assert found[1].answer == Answer(**said, at="2026-11-30T12:00:03Z")
    assert found[1].voided == "changed"
    assert not found[1].is_approved
    last = newest(found, "bake", "ocean", "us-west-2", "ocean-1")
    assert last
    assert (last.number, last.asked_by, last.asked) == (5, "p-1", "2026-11-30T12:00:05Z")
    assert newest(found, "share", "ocean", "us-west-2", "ocean-1") is None
