"""Asks and answers in the log of approvals, a chain of the record of its own.

approvals/<digest>.json        what is shown, under its digest
record/approval-log/…          who was asked for what, until when, and what was answered

Each entry is added only if it still fits what others have written meanwhile: of two answers at
once one counts, and of a recipe in a region at most one question is open.
"""

from collections.abc import Sequence
from typing import Any

from notebake.errors import NextCommand, NotebakeError, RunStoreError
from notebake.humanize import clean_text
from notebake.ledger import kinds
from notebake.ledger.chain import Chain, Writer
from notebake.ledger.entry import Entry
from notebake.runs.approvals.question import Decision, Question, fold, newest
from notebake.runs.approvals.subject import Subject
from notebake.runs.execution_record import new_writer
from notebake.runs.open_store import open_store
from notebake.runs.people import Person, pseudonym_of
from notebake.runs.reserved_ids import APPROVAL_LOG, APPROVALS
from notebake.runs.run_record import record_place

SECONDS_PER_DAY = 86400
LONGEST_NAME = 100
LONGEST_REASON = 1000


class ApprovalOpenError(NotebakeError):
    """Another question of the recipe is open. Nothing was asked, and nothing was begun."""

    def __init__(self, question: Question) -> None:
        Exception.__init__(self, question)
        self.question = question
        of = f" of run {question.run_id}" if question.run_id else ""
        self.message = (
            f"Question {question.number}{of} is open: to {question.title}. Of {question.recipe} in"
            f" {question.region} one question is asked at a time; this one ends"
            f" {question.ends:%Y-%m-%d %H:%M} UTC."
        )
        self.hint = "Answer it first, by Resume in Prefect's UI or in a terminal."
        shown = NextCommand(("approve", str(question.number)), "To see and answer it")
        self.next_commands = (shown,)


class AnswerRefusedError(NotebakeError):
    """An answer does not count. It is in the log, and changed nothing."""


class ApprovalLog:
    """The questions of a run store, for one user of it."""

    def __init__(self, location: str) -> None:
        self._store = open_store(location)
        self._place = record_place(location)
        self._chain = Chain(self._place, APPROVAL_LOG, new_writer(location))

    def now(self) -> float:
        """Return the time by the clock that all users of the run store share."""
        return self._store.clock()

    def questions(self) -> dict[int, Question]:
        """Return all questions by number, oldest first, as they were read or written last.

        Raises:
            RunStoreError: the store failed.
        """
        return _folded(self._chain)

    def find(self, subject: Subject) -> Question | None:
        """Return the last question about such a subject."""
        return newest(
            self.questions(), subject.kind, subject.recipe, subject.region, subject.run_id
        )

    def shown(self, question: Question) -> Subject | None:
        """Return what a question shows; None if that is gone, or is not what was shown."""
        stored = self._store.read(key_of(question.digest))
        try:
            found = Subject.model_validate_json(stored.content) if stored else None
        except ValueError:
            return None
        return found if found and found.digest == question.digest else None

    def read_shown(self, question: Question) -> Subject:
        """Return what a question shows.

        Raises:
            RunStoreError: it is not there any more, was changed, or the store failed.
        """
        found = self.shown(question)
        if found is None:
            raise RunStoreError(
                f"What question {question.number} shows is not in"
                f" {self._store.where(key_of(question.digest))}, or was changed there.",
                "Whoever goes on with the run asks anew.",
            )
        return found

    def ask(self, subject: Subject, *, days: float, flow_run_id: str = "") -> Question:
        """Ask a question; return it, or the same one if that is open.

        Raises:
            ApprovalOpenError: another question of the recipe in this region is open.
            RunStoreError: the store failed.
        """
        self._store.create(key_of(subject.digest), subject.content)

        def asking(entries: Sequence[Entry]) -> tuple[str, dict[str, Any]] | None:
            now = self.now()
            for other in fold(entries).values():
                if (other.recipe, other.region) != (subject.recipe, subject.region):
                    continue
                if other.status(now) == "open":
                    if is_about(other, subject):
                        return None
                    raise ApprovalOpenError(other)
            return kinds.ASKED, _body_of(subject, now + days * SECONDS_PER_DAY, flow_run_id)

        self._chain.append_if(asking)
        question = self.find(subject)
        if question is None:
            raise RunStoreError(f"The question to {subject.title} was asked and has disappeared.")
        return question

    def answer(
        self,
        number: int,
        *,
        digest: str,
        decision: Decision,
        name: str,
        reason: str,
        channel: str,
        given_at: float | None = None,
    ) -> Question:
        """Answer a question, and return it; an answer that does not count is recorded, too.

        `given_at` is when it was given, if that was before now.

        Raises:
            NotebakeError: there is no such question, or name or reason is missing or too long.
            AnswerRefusedError: it has another digest, came too late, or is not the first.
        """
        if number not in self.questions():
            raise NotebakeError(f"There is no question {number}.").with_next(
                NextCommand(("approve",), "To list the open ones")
            )
        name = _checked("name", name, LONGEST_NAME)
        reason = _checked("reason", reason, LONGEST_REASON)
        said = {
            "approval": number,
            "digest": digest,
            "decision": decision,
            "by": pseudonym_of(Person(name=name), self._place),
            "reason": reason,
            "channel": channel,
        }
        refusal = ""

        def answering(entries: Sequence[Entry]) -> tuple[str, dict[str, Any]]:
            nonlocal refusal
            at = self.now() if given_at is None else given_at
            refusal = why_not(fold(entries)[number], digest, at)
            return (kinds.REJECTED, said | {"why": refusal}) if refusal else (kinds.GIVEN, said)

        self._chain.append_if(answering)
        if refusal:
            raise AnswerRefusedError(
                f"This answer to question {number} does not count: {refusal}."
            ).with_next(NextCommand(("approve", str(number)), "To see how it stands"))
        return self.questions()[number]

    def void(self, question: Question, reason: str) -> None:
        """Record that a question and its answer count no more. May be repeated."""

        def voiding(entries: Sequence[Entry]) -> tuple[str, dict[str, Any]] | None:
            if fold(entries)[question.number].voided:
                return None
            return kinds.VOIDED, {"approval": question.number, "reason": reason}

        self._chain.append_if(voiding)


def why_not(question: Question, digest: str, at: float) -> str:
    """Return why an answer does not count; "" if it does."""
    status = question.status(at)
    if status == "void":
        return f"the question counts no more: {question.voided}"
    if status == "expired":
        return f"it came after {question.ends:%Y-%m-%d %H:%M} UTC, when the question had ended"
    if status != "open":
        return f"somebody has {status} it already"
    if digest != question.digest:
        return f"it is about {digest or 'nothing'}, and the question about {question.digest}"
    return ""


def is_about(question: Question, subject: Subject) -> bool:
    """Return whether a question asks for exactly this, on behalf of the same run."""
    asked = (question.kind, question.run_id, question.digest)
    return asked == (subject.kind, subject.run_id, subject.digest)


def read_questions(location: str) -> dict[int, Question]:
    """Return all questions of a run store by number, oldest first; nothing is written.

    Raises:
        RunStoreError: the store failed, or the log cannot be read.
    """
    return _folded(Chain(record_place(location), APPROVAL_LOG, Writer()))


def open_questions(location: str) -> list[Question]:
    """Return the questions that can be answered now, oldest first. Raises as `read_questions`."""
    now = open_store(location).clock()
    return [each for each in read_questions(location).values() if each.status(now) == "open"]


def awaiting_images(location: str) -> frozenset[str]:
    """Return the ids of the images that an open question is about: nobody removes them."""
    return frozenset(image for each in open_questions(location) for image in each.image_ids)


def questions_of(run_id: str, location: str) -> list[Question]:
    """Return all questions that a run has asked, oldest first. Raises as `read_questions`."""
    return [each for each in read_questions(location).values() if each.run_id == run_id]


def is_unapproved(run_id: str, location: str) -> bool:
    """Return whether a run has asked for its bake, and has no approval that counts."""
    asked = [each for each in questions_of(run_id, location) if each.kind == "bake"]
    return bool(asked) and not any(each.is_approved for each in asked)


def _folded(chain: Chain) -> dict[int, Question]:
    try:
        return fold(chain.entries())
    except (KeyError, TypeError, ValueError) as error:
        raise RunStoreError(
            f"An entry of {APPROVAL_LOG} in the record cannot be read: {error!r}"
        ).with_next(NextCommand(("history", "verify"), "To see whether it was changed")) from error


def key_of(digest: str) -> str:
    """Return the key of what is shown."""
    return f"{APPROVALS}/{digest}.json"


def _body_of(subject: Subject, until: float, flow_run_id: str) -> dict[str, Any]:
    return {
        "kind": subject.kind,
        "recipe": subject.recipe,
        "region": subject.region,
        "run_id": subject.run_id,
        "title": subject.title,
        "digest": subject.digest,
        "image_ids": list(subject.image_ids),
        "until": until,
        "flow_run_id": flow_run_id,
    }


def _checked(what: str, text: str, longest: int) -> str:
    """Return a text that a person typed, on one line."""
    text = " ".join(clean_text(text).split())
    if not text or len(text) > longest:
        fault = "is missing" if not text else f"is longer than {longest} characters"
        raise NotebakeError(f"The {what} of the answer {fault}.", "An answer has both.")
    return text
