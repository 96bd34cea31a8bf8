"""An explanation as text: prose that is wrapped, and commands as they are, to be copied."""

from textwrap import wrap

from rich.console import Console
from rich.text import Text

from flows.terminal.console import open_console
from notebake.errors import describe_next
from notebake.explanation.document import Action, ExplainedStep, Explanation, Where
from notebake.humanize import clean_text

WIDEST = 96
"""Prose is not wider, whatever the terminal is: long lines are hard to read."""
HEADINGS = {
    Where.CONSOLE: "In the AWS console",
    Where.COMPUTER: "On your computer",
    Where.MACHINE: "On the machine",
    Where.BROWSER: "In your browser",
}


def print_explanation(
    explanation: Explanation, console: Console | None = None, *, store: str = ""
) -> None:
    """Print an explanation, calmly: sections, steps, and in each what is clicked and typed.

    `store` is the run store, if one was named.
    """
    page = _Page(console or open_console())
    page.line(explanation.title, "bold")
    for paragraph in explanation.lines:
        page.blank()
        page.prose(paragraph)
    for section in explanation.sections:
        page.blank()
        page.line(f"{section.number}. {section.title}", "bold")
        for step in section.steps:
            page.step(step)
    for paragraph in explanation.endings:
        page.blank()
        page.prose(paragraph)
    if explanation.next_commands:
        page.blank()
    for line in describe_next(explanation.next_commands, store):
        page.line(line)


class _Page:
    """What is printed, with indents."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._width = min(WIDEST, console.width)

    def blank(self) -> None:
        self._console.print()

    def line(self, text: str, style: str = "", indent: int = 0) -> None:
        """Print a line that is never wrapped."""
        shown = Text(" " * indent + clean_text(text), style)
        self._console.print(shown, soft_wrap=True)

    def prose(self, text: str, style: str = "", indent: int = 0) -> None:
        """Print a paragraph, wrapped at the width; no word of it is broken."""
        for line in wrap(
            clean_text(text),
            self._width - indent - 1,
            break_long_words=False,
            break_on_hyphens=False,
        ):
            self.line(line, style, indent)

    def step(self, step: ExplainedStep) -> None:
        """Print a step."""
        self.blank()
        self.line(f"{step.number}  {step.title}", "bold", 2)
        self.prose(step.purpose, indent=2)
        for more in (step.costs, step.outcome, *step.remarks):
            if more:
                self.prose(more, indent=2)
        before: Where | None = None
        for action in step.actions:
            self._action(action, before)
            before = action.where

    def _action(self, action: Action, before: Where | None) -> None:
        """Print where something is done, unless the action before was there too, and what."""
        if action.where != before:
            self.blank()
            self.line(HEADINGS[action.where], "italic", 4)
        elif action.where in (Where.COMPUTER, Where.MACHINE):
            self.blank()
        if action.note:
            self.prose(action.note, "dim", 6)
        if action.where is Where.CONSOLE:
            self.prose(action.text, "cyan", 6)
        else:
            for line in action.text.splitlines():
                self.line(line, "cyan", 6)
        if action.afterwards:
            self.prose(action.afterwards, "dim", 6)
