"""The columns of a check for updates: what each line begins with, and how it is broken."""

import textwrap

from rich.text import Text

CAUSE, STATE = 12, 13
"""Widths of the first columns."""
INDENT = " " * 4
NARROWEST = 20
NOT_ALL = "not all of it: "


def heading(name: Text, state: Text, how: str | None, reason: str, width: int) -> list[Text]:
    """Return what is said of a cause: how it was asked, and why it or a part of it was not.

    `how` is None where nobody was asked; a width of 0 breaks no line.
    """
    left = width - CAUSE - STATE
    for column, size in ((name, CAUSE), (state, STATE)):
        column.pad_right(size - len(column))
    head = Text.assemble(name, state)
    lines: list[Text] = []
    if how is not None:
        lines.append(head + Text(cut(how, left) if width else how, "dim"))
    if reason:
        text = f"{NOT_ALL if lines else ''}{reason}"
        first, *rest = wrap(text, max(left, NARROWEST) if width else 0)
        blank = Text(" " * (CAUSE + STATE))
        lines.append((blank.copy() if lines else head) + Text(first))
        lines += [blank + Text(line) for line in rest]
    return lines or [head]


def below(text: str, width: int, style: str = "") -> list[Text]:
    """Return lines below a heading; what does not fit is indented further."""
    if not width or len(INDENT + text) <= width:
        return [Text(f"{INDENT}{text}", style)]
    lines = wrap(text, max(width - 2 * len(INDENT), NARROWEST))
    return [
        Text(f"{INDENT if number == 0 else 2 * INDENT}{line}", style)
        for number, line in enumerate(lines)
    ]


def wrap(text: str, width: int) -> list[str]:
    """Return the text in lines of a terminal's width, or in one line where there is none."""
    return textwrap.wrap(text, width) or [""] if width else [text]


def cut(text: str, width: int) -> str:
    """Return the text, or as much of it as fits."""
    return text if len(text) <= width else f"{text[: max(width - 1, 0)]}…"
