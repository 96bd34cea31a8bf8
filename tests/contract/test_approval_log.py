"""Questions and answers in the log of approvals, in a directory and on S3, also at once."""

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from flows.cli.main import main
from notebake.errors import NotebakeError
from notebake.ledger import kinds
from notebake.ledger.chain import Chain, Writer
from notebake.ledger.entry import Entry
from notebake.ledger.verify import verify_run
from notebake.runs.approvals.approval_log import (
    AnswerRefusedError,
    ApprovalLog,
    ApprovalOpenError,
    awaiting_images,
    is_unapproved,
    key_of,
    open_questions,
    questions_of,
    read_questions,
)
from notebake.runs.approvals.question import Decision, Question
from notebake.runs.approvals.subject import Fact, Subject
from notebake.runs.checkpoints import make_checkpoint
from notebake.runs.erasure import erase, find_people
from notebake.runs.known_people import list_people
from notebake.runs.open_store import open_store
from notebake.runs.people import name_of, read_people
from notebake.runs.record_check import RecordState, check_logs
from notebake.runs.reserved_ids import APPROVAL_LOG, APPROVALS
from notebake.runs.run_record import record_place, recorded_runs
from notebake.store.directory import DirectoryStore
from tests.store_world import LOCATION, world_with_bucket

SUBJECT = Subject(
    kind="share",
    recipe="ocean",
    region="us-west-2",
    run_id="ocean-1",
    title="share ami-1 with 210987654321",
    facts=(Fact(name="image", value="ami-1"),),
    price="nothing",
    if_unanswered="It is not shared.",
    image_ids=("ami-1",),
)
CHANGED = SUBJECT.model_copy(update={"facts": (Fact(name="image", value="ami-2"),)})


@pytest.fixture(params=["directory", "S3"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with ExitStack() as stack:
        if request.param == "S3":
            stack.enter_context(world_with_bucket(tmp_path))
        yield LOCATION if request.param == "S3" else str(tmp_path / "runs")


@pytest.fixture
def here(tmp_path: Path) -> str:
    return str(tmp_path / "runs")


def ask(location: str, subject: Subject = SUBJECT, days: int = 7) -> Question:
    return ApprovalLog(location).ask(subject, days=days)


def test_an_answer_is_printed_as_json_if_that_is_asked_for(
    here: str, capsys: pytest.CaptureFixture[str]
) -> None:
    number = str(ask(here).number)
    words = ("--decision", "approve", "--name", "Ada", "--reason", "for May")

    assert main(["--store", here, "approve", number, *words, "--json"]) == 0

    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert [each["status"] for each in found["questions"]] == ["approved"]
    assert "Ada has approved on " in printed.err


def answer(
    location: str,
    question: Question,
    decision: Decision = "approve",
    *,
    digest: str | None = None,
    name: str = "Ada Lovelace",
    reason: str = "the course begins",
    given_at: float | None = None,
) -> Question:
    return ApprovalLog(location).answer(
        question.number,
        digest=question.digest if digest is None else digest,
        decision=decision,
        name=name,
        reason=reason,
        channel="a terminal",
        given_at=given_at,
    )


def entries(location: str) -> list[Entry]:
    return Chain(record_place(location), APPROVAL_LOG, Writer()).entries()


def test_a_question_is_asked_once_and_shows_what_it_is_about(location: str) -> None:
    first, again = ask(location), ask(location)

    assert first == again
    assert [entry.kind for entry in entries(location)] == [kinds.ASKED]
    assert ApprovalLog(location).shown(first) == SUBJECT
    assert open_questions(location) == [first]
    assert awaiting_images(location) == {"ami-1"}
    assert questions_of("ocean-1", location) == [first]
    assert questions_of("ocean-2", location) == []


def test_an_answer_is_an_entry_with_a_pseudonym(location: str) -> None:
    question = ask(location)

    answered = answer(location, question)

    assert answered.is_approved
    assert answered.answer
    place = record_place(location)
    assert name_of(answered.answer.by, read_people(place)) == "Ada Lovelace"
    assert not any("Lovelace" in str(entry.body) for entry in entries(location))
    assert answered.answer.reason == "the course begins"
    assert open_questions(location) == []
    assert awaiting_images(location) == frozenset()
    assert ApprovalLog(location).questions()[question.number] == answered


def test_only_the_first_answer_counts_and_the_other_is_recorded(location: str) -> None:
    question = ask(location)
    answer(location, question, "refuse")

    with pytest.raises(AnswerRefusedError, match="somebody has refused it already"):
        answer(location, question, "approve", name="Eve")

    kept = read_questions(location)[question.number]
    assert kept.answer
    assert kept.answer.decision == "refuse"
    last = entries(location)[-1]
    assert (last.kind, last.body["decision"]) == (kinds.REJECTED, "approve")
    assert last.body["why"] == "somebody has refused it already"


def test_an_answer_with_another_digest_does_not_count(location: str) -> None:
    question = ask(location)

    for digest in (CHANGED.digest, ""):
        with pytest.raises(AnswerRefusedError, match=f"the question about {question.digest}"):
            answer(location, question, digest=digest)

    assert open_questions(location) == [question]
    assert answer(location, question).is_approved


def test_an_answer_that_comes_too_late_does_not_count(location: str) -> None:
    question = ask(location)

    with pytest.raises(AnswerRefusedError, match="when the question had ended"):
        answer(location, question, given_at=question.until)

    # It was given in time, and is read later: a worker was down.
    assert answer(location, question, given_at=question.until - 1).is_approved


def test_what_counts_no_more_cannot_be_answered(location: str) -> None:
    question = ask(location)
    log = ApprovalLog(location)
    log.void(question, "the plan has changed")
    log.void(question, "another reason")

    with pytest.raises(AnswerRefusedError, match="the plan has changed"):
        answer(location, question)

    assert [entry.kind for entry in entries(location)].count(kinds.VOIDED) == 1
    second = ask(location)
    assert second.number != question.number


def test_of_a_recipe_in_a_region_one_question_is_open(location: str) -> None:
    first = ask(location)

    for changes in ({"run_id": "ocean-2"}, {"kind": "delete", "run_id": ""}):
        with pytest.raises(ApprovalOpenError, match=f"Question {first.number} of run ocean-1"):
            ask(location, SUBJECT.model_copy(update=changes))
    with pytest.raises(ApprovalOpenError):
        ask(location, CHANGED)
    ask(location, SUBJECT.model_copy(update={"recipe": "lake"}))
    ask(location, SUBJECT.model_copy(update={"region": "eu-west-1"}))
    answer(location, first)
    ask(location, SUBJECT.model_copy(update={"run_id": "ocean-2"}))
    assert len(open_questions(location)) == 3


def test_a_question_that_has_ended_makes_way(location: str) -> None:
    ask(location, days=-1)

    assert open_questions(location) == []
    assert ask(location, SUBJECT.model_copy(update={"run_id": "ocean-2"})).number == 2


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ({"name": " "}, "The name of the answer is missing"),
        ({"reason": "\n"}, "The reason of the answer is missing"),
        ({"name": "a" * 101}, "longer than 100"),
        ({"reason": "a" * 1001}, "longer than 1000"),
    ],
)
def test_an_answer_has_a_name_and_a_reason(here: str, said: dict[str, str], fault: str) -> None:
    question = ask(here)

    with pytest.raises(NotebakeError, match=fault):
        answer(here, question, **said)  # type: ignore[arg-type]

    assert len(entries(here)) == 1


def test_there_must_be_a_question(here: str) -> None:
    with pytest.raises(NotebakeError, match="There is no question 9"):
        ApprovalLog(here).answer(
            9, digest="", decision="approve", name="Ada", reason="so", channel=""
        )


def test_what_was_shown_and_was_changed_since_is_no_evidence(here: str) -> None:
    question = ask(here)
    forged = SUBJECT.model_copy(update={"price": "a million"})

    open_store(here).write(key_of(question.digest), forged.content)

    assert ApprovalLog(here).shown(question) is None
    with pytest.raises(NotebakeError, match="or was changed there"):
        ApprovalLog(here).read_shown(question)
    open_store(here).write(key_of(question.digest), b"nonsense")
    assert ApprovalLog(here).shown(question) is None


def test_a_run_without_an_approval_that_counts_is_unapproved(here: str) -> None:
    assert not is_unapproved("ocean-1", here), "nobody was asked"
    question = ask(here, SUBJECT.model_copy(update={"kind": "bake"}))
    assert is_unapproved("ocean-1", here)
    answer(here, question)
    assert not is_unapproved("ocean-1", here)
    ApprovalLog(here).void(question, "changed")
    assert is_unapproved("ocean-1", here)


def test_the_log_is_verified_and_is_no_run(location: str) -> None:
    answer(location, ask(location))

    place = record_place(location)
    assert verify_run(place, APPROVAL_LOG).findings == ()
    states = {each.run_id: each.state for each in check_logs(location)}
    assert states[APPROVAL_LOG] == RecordState.INTACT
    assert APPROVAL_LOG not in recorded_runs(place)


def test_who_has_approved_can_be_erased(here: str) -> None:
    answered = answer(here, ask(here))
    place = record_place(here)
    assert answered.answer

    known = {each.pseudonym: each for each in list_people(here)}
    assert answered.answer.by in known
    erase(find_people("Ada Lovelace", read_people(place)), place, "asked for it")

    assert name_of(answered.answer.by, read_people(place)) == answered.answer.by
    assert read_questions(here)[answered.number].is_approved


def test_of_many_answers_at_once_one_counts(location: str) -> None:
    question = ask(location)
    barrier = threading.Barrier(6)

    def race(number: int) -> str:
        barrier.wait()
        try:
            decision: Decision = "approve" if number % 2 else "refuse"
            answer(location, question, decision, name=f"person {number}")
        except AnswerRefusedError:
            return "refused"
        return decision

    with ThreadPoolExecutor(6) as pool:
        ended = list(pool.map(race, range(6)))

    (counts,) = [each for each in ended if each != "refused"]
    kept = read_questions(location)[question.number]
    assert kept.answer
    assert kept.answer.decision == counts
    found = [entry.kind for entry in entries(location)]
    assert (found.count(kinds.GIVEN), found.count(kinds.REJECTED)) == (1, 5)
    assert verify_run(record_place(location), APPROVAL_LOG).findings == ()


class Between:
    """Does something once, just before an entry is created: so that it comes too late."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
        self.fired = False
        create = DirectoryStore.create

        def create_late(store: DirectoryStore, key: str, content: bytes) -> bool:
            if f"/{APPROVAL_LOG}/" in key and not self.fired:
                self.fired = True
                act()
            return create(store, key, content)

        monkeypatch.setattr(DirectoryStore, "create", create_late)


def test_an_answer_while_the_question_is_taken_back_does_not_count(
    here: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = ask(here)
    log = ApprovalLog(here)
    between = Between(monkeypatch, partial(log.void, question, "the plan has changed"))

    with pytest.raises(AnswerRefusedError, match="the plan has changed"):
        answer(here, question)

    assert between.fired
    assert [entry.kind for entry in entries(here)] == [kinds.ASKED, kinds.VOIDED, kinds.REJECTED]


def test_a_question_is_taken_back_after_its_answer(
    here: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = ask(here)
    log = ApprovalLog(here)
    between = Between(monkeypatch, partial(answer, here, question))

    log.void(question, "the plan has changed")

    assert between.fired
    kept = read_questions(here)[question.number]
    assert kept.answer
    assert not kept.is_approved
    assert [entry.kind for entry in entries(here)] == [kinds.ASKED, kinds.GIVEN, kinds.VOIDED]


def test_of_two_runs_that_ask_at_once_one_is_asked(
    here: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    between = Between(monkeypatch, partial(ask, here, SUBJECT.model_copy(update={"run_id": "b"})))

    with pytest.raises(ApprovalOpenError, match="of run b is open"):
        ask(here)

    assert between.fired
    assert [each.run_id for each in open_questions(here)] == ["b"]


def test_checkpoints_cover_the_log(here: str) -> None:
    ask(here)

    leaves = {leaf.run for leaf in make_checkpoint(here).leaves}

    assert APPROVAL_LOG in leaves
    assert APPROVALS not in leaves
