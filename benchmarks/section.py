"""What one part of the benchmarks found, as plain text or as Markdown."""

from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import fill

WIDTH = 96


@dataclass(frozen=True)
class Table:
    """Rows of text; the first column is words, the others are figures."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    heading: str = ""


@dataclass(frozen=True)
class Section:
    """One part: its tables, what was wanted and whether it came, and what must be known."""

    title: str
    tables: tuple[Table, ...]
    goals: tuple[str, ...] = ()
    """A sentence each, from `at_most`."""
    notes: tuple[str, ...] = ()


def at_most(what: str, measured: float, limit: float, unit: str = "") -> str:
    """Return the sentence that says whether a goal was met."""
    verdict = "met" if measured <= limit else "MISSED"
    space = " " if unit else ""
    return f"{verdict}: {what}: {measured:.2f}{space}{unit}, wanted at most {limit:g}{space}{unit}"


def as_text(section: Section) -> str:
    """Return a section for a terminal."""
    lines = [section.title, "=" * len(section.title)]
    for table in section.tables:
        lines += ["", *_heading(table, ""), *_aligned(table)]
    for heading, sentences in _sentences(section):
        lines += ["", heading]
        lines += [_hung(sentence, "  - ") for sentence in sentences]
    return "\n".join((*lines, ""))


def as_markdown(section: Section) -> str:
    """Return a section for a document."""
    lines = [f"### {section.title}"]
    for table in section.tables:
        rule = ("---", *("---:" for _ in table.columns[1:]))
        rows = (table.columns, rule, *table.rows)
        lines += ["", *_heading(table, "**")]
        lines += [
            f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows
        ]
    for heading, sentences in _sentences(section):
        lines += ["", f"{heading}", ""]
        lines += [_hung(sentence, "- ") for sentence in sentences]
    return "\n".join((*lines, ""))


def _heading(table: Table, mark: str) -> list[str]:
    return [f"{mark}{table.heading}{mark}", ""] if table.heading else []


def _sentences(section: Section) -> Iterator[tuple[str, tuple[str, ...]]]:
    if section.goals:
        yield "Goals", section.goals
    if section.notes:
        yield "Notes", section.notes


def _aligned(table: Table) -> Iterator[str]:
    """Give the lines of a table: words to the left, figures to the right."""
    rows = (table.columns, *table.rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for number, row in enumerate(rows):
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        yield f"  {'  '.join(cells)}".rstrip()
        if number == 0:
            yield f"  {'  '.join('-' * width for width in widths)}"


def _hung(sentence: str, mark: str) -> str:
    return fill(sentence, WIDTH, initial_indent=mark, subsequent_indent=" " * len(mark))
