"""The command `approve`: list what waits for a person, show it, approve or refuse it."""

import argparse
import sys
from typing import TYPE_CHECKING

from flows.cli.arguments import add_json, location_of
from flows.cli.exit_codes import AWAITING, DONE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from notebake.runs.approvals.approval_log import ApprovalLog
    from notebake.runs.approvals.question import Question

EXAMPLE = """\
notebake approve
notebake approve 12
notebake approve 12 --decision approve --name Ada --reason 'for May'
notebake approve 12 --decision refuse --name Ada --reason 'too dear'"""
FIELDS = {
    "questions[].number": "by which it is answered",
    "questions[].kind": "bake, share or delete",
    "questions[].title": "what would be done",
    "questions[].recipe": "name of the recipe",
    "questions[].region": "AWS region",
    "questions[].run_id": "run that asks; null: none does",
    "questions[].image_ids": "images that it is about",
    "questions[].digest": "of exactly what is shown; the answer holds for it alone",
    "questions[].asked": "time, ISO 8601 in UTC",
    "questions[].until": "time, ISO 8601 in UTC; then nobody can answer any more",
    "questions[].status": "open, approved, refused, expired or void",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments and options of the command."""
    parser.add_argument(
        "question",
        nargs="?",
        default="",
        help="number of a question, or the run that asks; default: list the open ones",
    )
    parser.add_argument("--decision", choices=("approve", "refuse"), help="what is decided")
    parser.add_argument("--name", default="", help="who decides; nobody checks it")
    parser.add_argument(
        "--reason",
        default="",
        metavar="TEXT",
        help="why; the record keeps it for good, so name no other people",
    )
    parser.add_argument("--digest", default="", help="digest that was shown, to be compared")
    parser.add_argument("--all", action="store_true", help="all that is shown, however long")
    add_json(parser)
    parser.set_defaults(refusing=parser)


def run(given: argparse.Namespace) -> int:
    """List the open questions, show a question, or answer it."""
    from flows.terminal.approval_prompt import ask_in_terminal, show_question
    from notebake.runs.approvals.approval_log import ApprovalLog

    location = location_of(given)
    if not given.question:
        if given.decision or given.name or given.reason or given.digest:
            given.refusing.error("An answer is to a question: notebake approve NUMBER …")
        return list_open(location, is_json=given.json)
    approvals = ApprovalLog(location)
    question = find_question(approvals, given.question)
    if given.decision:
        if not given.name or not given.reason:
            given.refusing.error("An answer has a name and a reason: add --name and --reason.")
        given.does_work = True
        return give_answer(approvals, question, given)
    if given.json:
        return print_json([question], approvals.now())
    if question.status(approvals.now()) == "open" and sys.stdin.isatty():
        given.does_work = True
        return DONE if ask_in_terminal(question, location) else AWAITING
    show_question(approvals, question, shows_all=given.all)
    print_lines([describe_status(question, location, given.store)])
    return DONE


def list_open(location: str, *, is_json: bool) -> int:
    """Print the open questions, each with what is typed to see it."""
    from notebake.humanize import pluralize
    from notebake.runs.approvals.approval_log import open_questions
    from notebake.runs.open_store import open_store

    found = open_questions(location)
    if is_json:
        return print_json(found, open_store(location).clock())
    if not found:
        print_lines([f"Nothing in {location} waits for an approval."])
        return DONE
    print_lines([f"{pluralize(len(found), 'question')} open; notebake approve NUMBER shows each:"])
    print_lines(
        f"  {each.number:>3}  until {each.ends:%Y-%m-%d %H:%M} UTC  {each.title}"
        f"{f', for run {each.run_id}' if each.run_id else ''}"
        for each in found
    )
    return DONE


def find_question(approvals: "ApprovalLog", name: str) -> "Question":
    """Return the question with this number, or the newest one that a run has asked."""
    from notebake.errors import NextCommand, NotebakeError

    for number, question in reversed(approvals.questions().items()):
        if name in (str(number), question.run_id):
            return question
    raise NotebakeError(
        f"There is no question {name}, and no run of this id has asked one."
    ).with_next(NextCommand(("approve",), "To list the open ones"))


def give_answer(approvals: "ApprovalLog", question: "Question", given: argparse.Namespace) -> int:
    """Answer a question, and let the run that waits in Prefect go on if its server is reached."""
    if given.question == question.run_id and not given.digest:
        given.refusing.error(
            f"Name the question by its number, {question.number}, or add --digest: a run may have"
            " asked anew since it was shown to you."
        )
    answered = approvals.answer(
        question.number,
        digest=given.digest or question.digest,
        decision=given.decision,
        name=given.name,
        reason=given.reason,
        channel="the command line",
    )
    lines = [describe_status(answered, location_of(given)), resume_flow_run(answered, given)]
    print_lines(lines, is_beside=given.json)
    return print_json([answered], approvals.now()) if given.json else DONE


def resume_flow_run(question: "Question", given: argparse.Namespace) -> str:
    """Resume the flow run that waits for the answer; return what is still to be done."""
    from flows.local_prefect.configured_server import find_configured_server
    from notebake.errors import describe_next, resume

    reason = "no server of Prefect is configured here"
    if question.flow_run_id and find_configured_server():
        import httpx
        from prefect.exceptions import PrefectException

        from flows.prefect_ui.approval_form import resume as resume_in_prefect

        try:
            if resume_in_prefect(question, given.decision, given.name, given.reason):
                return "The run goes on in Prefect."
            reason = "Prefect says that its flow run does not wait"
        except (PrefectException, httpx.HTTPError) as error:
            reason = f"Prefect's server answers {error}"
    if not question.run_id:
        return "Whoever has asked goes on with what was asked; the answer is in the record."
    (line,) = describe_next((resume(question.run_id),), given.store or "")
    if not question.flow_run_id:
        return line
    return f"Press Resume in Prefect's UI, as {reason}; what is typed there changes nothing. {line}"


def describe_status(question: "Question", location: str, store: str = "") -> str:
    """Return how a question stands, in a sentence."""
    from flows.approval_text import command, describe_answer
    from notebake.runs.open_store import open_store

    status = question.status(open_store(location).clock())
    if status == "void":
        return f"It counts no more: {question.voided}."
    if status == "expired":
        return f"It ended {question.ends:%Y-%m-%d %H:%M} UTC, and nobody had answered."
    if status == "open":
        words = ("--decision", "approve", "--name", "NAME", "--reason", "TEXT")
        return f"To answer, or to refuse: {command(question, *words).command_line(store)}"
    return f"{describe_answer(question, location)}."


def print_json(questions: "list[Question]", now: float) -> int:
    """Print questions as a JSON document."""
    from flows.cli.json_output import iso_time, print_document

    print_document(
        {
            "questions": [
                {
                    **each.model_dump(
                        mode="json",
                        include={
                            "number",
                            "kind",
                            "title",
                            "recipe",
                            "region",
                            "image_ids",
                            "digest",
                        },
                    ),
                    "run_id": each.run_id or None,
                    "asked": each.asked,
                    "until": iso_time(each.ends),
                    "status": each.status(now),
                }
                for each in questions
            ]
        }
    )
    return DONE


def print_lines(lines: "Iterable[str]", *, is_beside: bool = False) -> None:
    """Print lines that are not wrapped, as text to copy is in them; or beside the output."""
    from flows.terminal.console import open_console
    from notebake.humanize import clean_text

    for line in lines:
        open_console(stderr=is_beside).print(clean_text(line), markup=False, soft_wrap=True)
