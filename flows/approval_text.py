"""What a question shows, as lines of text: in a terminal, and shortened in a form."""

from collections.abc import Iterator, Sequence

from flows.terminal.cause_lines import shorten
from notebake.errors import NextCommand
from notebake.humanize import clean_text, pluralize
from notebake.runs.approvals.question import Question
from notebake.runs.approvals.subject import Paragraph, Subject
from notebake.runs.people import name_of, read_people
from notebake.runs.run_record import record_place

MOST_LINES = 40


def shortened(
    evidence: Sequence[Paragraph], most: int
) -> Iterator[tuple[str, list[str], tuple[str, ...]]]:
    """Yield titles with their lines, of many the first, and the line that stands for the others."""
    whole = [list(map(clean_text, paragraph.lines)) for paragraph in evidence]
    shown = shorten(whole, most, lambda count: f"and {pluralize(count, 'more line')}")
    for paragraph, lines in zip(evidence, shown, strict=True):
        is_short = len(lines) < len(paragraph.lines)
        yield paragraph.title, lines[:-1] if is_short else lines, tuple(lines[-1:] * is_short)


def count_lines(shown: Subject) -> int:
    """Return how many lines the evidence has."""
    return sum(len(paragraph.lines) for paragraph in shown.evidence)


def lines_of(question: Question, shown: Subject, *, shows_all: bool = False) -> Iterator[str]:
    """Yield what a question shows, as plain text."""
    yield f"Question {question.number}: may we {shown.title}?"
    yield ""
    width = max((len(fact.name) for fact in shown.facts), default=0)
    for fact in shown.facts:
        yield f"  {fact.name:<{width}}  {fact.value}"
    is_short = False
    for title, lines, more in shortened(
        shown.evidence, count_lines(shown) if shows_all else MOST_LINES
    ):
        is_short |= bool(more)
        yield from ("", title, *(f"  {line}" for line in (*lines, *more)))
    if is_short:
        yield f"All of it: {command(question, '--all').command_line()}"
    yield ""
    yield f"The price: {shown.price}."
    yield f"If nobody answers: {shown.if_unanswered} It ends {question.ends:%Y-%m-%d %H:%M} UTC."
    yield f"Digest of all this: {question.digest}"


def command(
    question: Question, *options: str, purpose: str = "To see and answer it"
) -> NextCommand:
    """Return the command that is about a question."""
    return NextCommand(("approve", str(question.number), *options), purpose)


def describe_answer(question: Question, location: str) -> str:
    """Return who has answered what, and why: `Ada refused to … on …: too expensive`."""
    answer = question.answer
    if answer is None:
        return f"nobody has answered question {question.number}"
    who = name_of(answer.by, read_people(record_place(location)))
    word = "approved" if answer.decision == "approve" else "refused"
    return f"{who} has {word} on {answer.at[:10]} to {question.title}: {answer.reason}"
