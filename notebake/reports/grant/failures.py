"""What went wrong in a run, and what was done about it."""

from collections.abc import Iterator, Sequence

from notebake.humanize import clean_text
from notebake.ledger.entry import Entry
from notebake.ledger.kinds import ENDED, EXECUTING, OUTCOME, STEP
from notebake.ledger.summarize import INTERRUPTIONS
from notebake.reports.grant.document import Failure

MESSAGE_LENGTH = 300
OPEN = "not resolved yet: something temporary may be left"


def find_failures(entries: Sequence[Entry]) -> Iterator[Failure]:
    """Yield the steps that failed, and the executions that were killed or failed besides."""
    ended = {entry.execution for entry in entries if entry.kind == ENDED}
    explained: set[str] = set()
    for position, entry in enumerate(entries):
        later = entries[position + 1 :]
        if entry.kind == STEP and entry.body.get("happening") == "failed":
            explained.add(entry.execution)
            yield _failed_step(entry, later)
        elif entry.kind == ENDED and entry.body.get("error"):
            if entry.execution not in explained:
                yield _failed_execution(entry, later)
        elif entry.kind == EXECUTING and entry.execution not in ended:
            ended.add(entry.execution)
            message = "its end is not recorded: it was killed, or is going on"
            yield Failure(at=entry.time, what="execution", message=message, remedy=_end(later))


def _failed_step(entry: Entry, later: Sequence[Entry]) -> Failure:
    step = str(entry.body.get("step"))
    message = _shorten((entry.body.get("detail") or {}).get("message", ""))
    again = [each for each in later if each.kind == STEP and each.body.get("step") == step]
    done = next((each for each in again if each.body.get("happening") in {"done", "found"}), None)
    if done is None:
        return Failure(at=entry.time, what=step, message=message, remedy=_end(later))
    by = "the next try" if done.execution == entry.execution else "a later execution"
    return Failure(
        at=entry.time, what=step, message=message, remedy=f"done by {by}, {_minute(done)}"
    )


def _failed_execution(entry: Entry, later: Sequence[Entry]) -> Failure:
    error = str(entry.body["error"])
    message = f"{error}: {_shorten(entry.body.get('message', ''))}".rstrip(": ")
    if error in INTERRUPTIONS:
        message = f"interrupted by a person ({error})"
    return Failure(at=entry.time, what="execution", message=message, remedy=_end(later))


def _end(later: Sequence[Entry]) -> str:
    """Return what came of a run after a failure."""
    outcome = next((each for each in reversed(later) if each.kind == OUTCOME), None)
    resumed = next((each for each in later if each.kind == EXECUTING), None)
    if outcome and (image := outcome.body.get("image")):
        return f"gone on, and image {image['id']} was left, {_minute(outcome)}"
    if outcome:
        return f"all temporary was removed, as AWS has shown, {_minute(outcome)}"
    return f"gone on {_minute(resumed)}, not ended yet" if resumed else OPEN


def _shorten(message: object) -> str:
    """Return the beginning of a message as one line."""
    line = " ".join(clean_text(str(message)).split())
    return line if len(line) <= MESSAGE_LENGTH else f"{line[:MESSAGE_LENGTH]} …"


def _minute(entry: Entry) -> str:
    """Return the time of an entry to the minute, in UTC."""
    return entry.time[:16].replace("T", " ")
