"""The truth table: what should become of each case, by our rule, and by those of others."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from tests.idle.cases import CASES, Case
from tests.idle.peers import PEERS
from tests.idle.recording import Recording, kept_recording, stops

STALLED_SECONDS = 3.0
"""How long a busy kernel counts in the rows about 6 h."""
OURS = "notebake"
WORDS = {True: "stops", False: "runs on"}


@dataclass(frozen=True)
class Row:
    """A case, and what becomes of the machine by each rule."""

    case: Case
    found: Mapping[str, bool]


def rules(stalled: bool) -> dict[str, Callable[[Recording], bool]]:
    """Return all rules; with a stall, some seconds count as six hours for ours."""
    limits = {"stalled_seconds": STALLED_SECONDS} if stalled else {}
    return {OURS: lambda recording: stops(recording, **limits), **PEERS}


def rows() -> Iterator[Row]:
    """Give all cases, and those that wait once more as they are after six hours."""
    for case in CASES:
        recording = kept_recording(case.name)
        yield Row(case, {name: rule(recording) for name, rule in rules(False).items()})
        if "not yet for 6 h" in case.text:
            text = case.text.replace("not yet for 6 h", "for more than 6 h")
            later = replace(case, name=f"{case.name}-stalled", text=text, stops=True)
            yield Row(later, {name: rule(recording) for name, rule in rules(True).items()})


def score(table: list[Row], name: str) -> tuple[int, int]:
    """Return how often a rule stops what is used, and how often it keeps what nobody uses."""
    wrong = [row for row in table if row.found[name] is not row.case.stops]
    false_stops = sum(row.found[name] for row in wrong)
    return false_stops, len(wrong) - false_stops


def as_markdown() -> str:
    """Return the table; what is wrong is bold."""
    table, names = list(rows()), [OURS, *PEERS]
    lines = [
        f"| what somebody does | should | {' | '.join(names)} |",
        f"| --- | --- |{' --- |' * len(names)}",
    ]
    for row in table:
        words = [
            WORDS[row.found[name]]
            if row.found[name] is row.case.stops
            else f"**{WORDS[row.found[name]]}**"
            for name in names
        ]
        lines.append(f"| {row.case.text} | {WORDS[row.case.stops]} | {' | '.join(words)} |")
    scores = [score(table, name) for name in names]
    for kind, number in (("stopped while used", 0), ("kept while unused", 1)):
        lines.append(
            f"| {kind}, of {len(table)} | | {' | '.join(str(s[number]) for s in scores)} |"
        )
    return "\n".join(lines) + "\n"
