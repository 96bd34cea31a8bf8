"""One run as a page: its sections, for the terminal and for HTML."""

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from flows.terminal.console import open_console
from notebake import clock
from notebake.costs.metering import AT_MOST
from notebake.humanize import clean_text, format_dollars, format_seconds, format_span, pluralize
from notebake.ledger import kinds
from notebake.ledger.entry import Entry
from notebake.ledger.summary import MoneySummary, Result, Summary
from notebake.local.code_version import describe_code
from notebake.runs.approvals.question import Question
from notebake.runs.money_record import find_unseen
from notebake.runs.people import Person, name_of
from notebake.runs.recorded_run import RecordedRun

SECONDS_PER_HOUR = 3600
People = Mapping[str, Person]
Row = tuple[str, ...]


@dataclass(frozen=True)
class Section:
    """Rows below a heading; the last column may be long."""

    heading: str
    rows: tuple[Row, ...]
    is_copied: bool = False
    """Whether its rows are text to copy, and not wrapped."""


def print_run(
    recorded: RecordedRun,
    people: People,
    questions: Sequence[Question] = (),
    console: Console | None = None,
) -> None:
    """Print the page of a run; `questions` are what it has asked people to approve."""
    console = console or open_console()
    for section in sections_of(recorded, people, questions):
        console.print(Text(section.heading, "bold"), soft_wrap=True)
        if section.is_copied:
            for row in section.rows:
                console.print(Text(clean_text("  " + "  ".join(row))), soft_wrap=True)
        else:
            console.print(Padding(_table(section), (0, 0, 0, 2), expand=False))
        console.print()


def _table(section: Section) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    columns = len(section.rows[0])
    for column in range(columns):
        is_last = column == columns - 1
        table.add_column(no_wrap=not is_last, overflow="fold")
    for row in section.rows:
        table.add_row(*(Text(clean_text(cell)) for cell in row))
    return table


def sections_of(
    recorded: RecordedRun, people: People, questions: Sequence[Question] = ()
) -> list[Section]:
    """Return all sections that have rows."""
    summary = recorded.summary
    sections = (
        Section(f"Run {summary.run}: {outcome_of(recorded)}", tuple(_facts(recorded, people))),
        Section("Executions", tuple(_executions(summary, people))),
        Section("Approvals", tuple(_approvals(questions, people))),
        Section("Steps", tuple(_steps(summary))),
        Section("Money", tuple(_money(summary.money, recorded.entries))),
        Section("Calls that changed something", tuple(_calls(recorded.entries))),
        Section("Created", tuple(_created(summary))),
        Section(
            "Files, as they were last stored (SHA-256)",
            tuple((file.sha256, file.name) for file in summary.files),
            is_copied=True,
        ),
        Section("Not known", tuple((sentence,) for sentence in _unknown(recorded, people))),
    )
    return [section for section in sections if section.rows]


def outcome_of(recorded: RecordedRun) -> str:
    """Return the outcome of a run in words."""
    if not recorded.is_recorded:
        return "not recorded"
    return str(recorded.summary.result)


def _facts(recorded: RecordedRun, people: People) -> Iterator[Row]:
    summary, code = recorded.summary, recorded.summary.code
    image = summary.image
    yield "recipe", f"{summary.recipe_name or 'unknown'}, digest {summary.recipe_digest or '-'}"
    yield "who", ", ".join(name_of(each, people) for each in summary.people) or "unknown"
    yield "when", f"{local(summary.began)} to {local(summary.ended)}"
    region = summary.recipe.get("region", "unknown")
    yield "where", f"AWS account {summary.account or 'unknown'}, {region}"
    yield "code", describe_code(code)
    if summary.base_image:
        yield "base image", summary.base_image
    if summary.commit:
        yield "repository", f"commit {summary.commit}"
    if image and summary.result != Result.OPEN:
        accepted = f"accepted {local(image.accepted)}" if image.accepted else "not accepted"
        yield "image", f"{image.id}, {accepted}; {', '.join(image.snapshots) or 'no snapshots'}"
    for award in summary.awards:
        yield "award", award
    if recorded.is_recorded:
        state = "sealed" if recorded.is_sealed else "not sealed"
        yield (
            "record",
            f"{pluralize_entries(len(recorded.entries))}, {state}; last hash {recorded.head}",
        )


def pluralize_entries(count: int) -> str:
    """Return a number of entries."""
    return "1 entry" if count == 1 else f"{count} entries"


def _executions(summary: Summary, people: People) -> Iterator[Row]:
    for each in summary.executions:
        error = f"{each.error}: {each.message.strip()}" if each.error else "without an error"
        ended = f"ended {local(each.ended)} {error}" if each.ended else "its end is not recorded"
        started = f", started by {each.started_by}" if each.started_by else ""
        name = each.claims.get("flow_run_name")
        flow_run = f" ({name}, as Prefect says)" if name else ""
        identity = f", as {name_of(each.identity, people)}" if each.identity else ""
        yield (
            local(each.began),
            f"{name_of(each.who, people)}{identity}{started}{flow_run}; {ended}",
        )


def _approvals(questions: Sequence[Question], people: People) -> Iterator[Row]:
    for each in questions:
        answer, status = each.answer, each.status(clock.now())
        said = ""
        if answer:
            word = "approved" if answer.decision == "approve" else "refused"
            said = f"{word} by {name_of(answer.by, people)}, as typed in {answer.channel}"
            said += f": {answer.reason}"
        voided = f"counts no more: {each.voided}" if each.voided else ""
        nobody = "" if said or voided else f"nobody has answered; {status}"
        yield (
            local(answer.at if answer else each.asked),
            each.title,
            "; ".join(filter(None, (said, voided, nobody))),
        )


def _steps(summary: Summary) -> Iterator[Row]:
    for step in summary.steps:
        seconds = "" if step.seconds is None else format_seconds(step.seconds)
        outcome = step.outcome if step.tries < 2 else f"{step.outcome}, try {step.tries}"
        yield step.step, outcome, seconds, " ".join(step.result.split())


def _money(money: MoneySummary, entries: Sequence[Entry]) -> Iterator[Row]:
    if money.estimated_usd is not None:
        text = format_dollars(money.estimated_usd, is_complete=money.is_estimate_complete)
        yield "estimated", text, "what the build should cost, by assumed hours"
    if money.metered_until:
        amount = format_dollars(money.metered_usd, is_complete=money.is_metered_complete)
        hours = format_span(float(money.machine_hours) * SECONDS_PER_HOUR)
        idle = format_span(float(money.idle_hours) * SECONDS_PER_HOUR)
        more = "" if money.is_over else "; something went on costing"
        until = local(money.metered_until)
        if unseen := find_unseen(entries):
            more += f"; of {', '.join(unseen)} {AT_MOST}"
        yield "metered", amount or "?", f"machines {hours}, of it idle {idle}; until {until}{more}"
    if monthly := format_dollars(money.monthly_usd):
        yield "each month", monthly, "at most, for the snapshots of the image while it exists"


def _calls(entries: tuple[Entry, ...]) -> Iterator[Row]:
    answers = {
        entry.body.get("call"): entry
        for entry in entries
        if entry.kind in {kinds.ANSWERED, kinds.UNANSWERED}
    }
    for entry in entries:
        if entry.kind == kinds.SENT:
            answer = answers.get(entry.body.get("call"))
            yield local(entry.time), str(entry.body.get("operation")), _describe_answer(answer)


def _describe_answer(answer: Entry | None) -> str:
    if answer is None:
        return "no response is recorded"
    if answer.kind == kinds.UNANSWERED:
        return f"no response: {answer.body.get('error')}"
    created = " ".join(answer.body.get("created", ()))
    refused = f"refused: {answer.body['error']}" if answer.body.get("error") else ""
    return ", ".join(filter(None, (refused or created, f"request {answer.body.get('request')}")))


def _created(summary: Summary) -> Iterator[Row]:
    for each in summary.created:
        if summary.image and each.id == summary.image.id:
            state = "stays, as the image"
        elif each.removed:
            state = f"removed {local(each.removed)}"
        else:
            state = "not recorded as removed"
        yield each.id, each.name, state


def _unknown(recorded: RecordedRun, people: People) -> Iterator[str]:
    """Yield sentences about what the record does not show."""
    summary = recorded.summary
    if not recorded.is_recorded:
        yield "Nothing of this run is in the ledger: this is what its files say, unprotected."
        return
    if summary.is_continued:
        yield "The run began before the ledger: what it did until then is not recorded."
    for each in summary.executions:
        if not each.ended:
            yield f"How the execution of {local(each.began)} ended; it may have been killed."
    if summary.unanswered_calls:
        count = pluralize(summary.unanswered_calls, "call")
        yield f"What AWS did on {count}: no response is recorded."
    if not recorded.is_sealed:
        yield "Whether anything temporary is left: no tear-down has shown that nothing is."
    erased = sorted({each for each in summary.people if each not in people})
    if erased:
        yield f"Who {', '.join(erased)} is: the record holds no name for it any more."


def local(time: str) -> str:
    """Return the time of an entry in local time; other text as it is."""
    if not time:
        return "an unknown time"
    try:
        return f"{datetime.datetime.fromisoformat(time).astimezone():%Y-%m-%d %H:%M:%S}"
    except ValueError:
        return time
