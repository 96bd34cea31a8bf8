"""An explanation as data: sections of steps, and in each step what is clicked and typed."""

from collections.abc import Sequence
from enum import StrEnum

from notebake.errors import NextCommand
from notebake.record import Record


class Where(StrEnum):
    """Where an action is done."""

    CONSOLE = "console"
    """In the AWS console, the website; the text is the way through its menus."""
    COMPUTER = "computer"
    """Typed in a shell of one's own computer."""
    MACHINE = "machine"
    """Typed on the machine in the cloud, logged in by ssh."""
    BROWSER = "browser"
    """Typed into the address bar of a browser."""


class Action(Record):
    """One thing to do by hand."""

    where: Where
    text: str
    note: str = ""
    """What has to be known before."""
    afterwards: str = ""
    """What is chosen in the console then, or what it gave."""


class ExplainedStep(Record):
    """A step, what it is for, and how it is done by hand."""

    number: str
    """As 3 or 3.2."""
    name: str
    title: str
    purpose: str
    """One sentence for people who have never seen AWS."""
    costs: str = ""
    """What goes on costing from then on; "" for nothing."""
    outcome: str = ""
    """What it gave in this run; "" where nothing was carried out."""
    actions: tuple[Action, ...] = ()
    remarks: tuple[str, ...] = ()


class Section(Record):
    """Steps that the tutorial has under one heading."""

    number: int
    title: str
    steps: tuple[ExplainedStep, ...]


class Explanation(Record):
    """What is done by hand, from the beginning to where it ended."""

    kind: str
    """`run` or `server`."""
    subject: str
    region: str
    title: str
    lines: tuple[str, ...]
    """Paragraphs that come first."""
    sections: tuple[Section, ...]
    endings: tuple[str, ...] = ()
    """Paragraphs that come last: what is left, what was not reached."""
    next_commands: tuple[NextCommand, ...] = ()
    """Commands of notebake that do what is described here."""


def on_console(place: str, choices: str = "") -> Action:
    """Return an action in the AWS console, with what is chosen there."""
    return Action(where=Where.CONSOLE, text=place, afterwards=choices)


def on_computer(text: str, note: str = "", afterwards: str = "") -> Action:
    """Return what is typed on one's own computer."""
    return Action(where=Where.COMPUTER, text=text, note=note, afterwards=afterwards)


def on_machine(*lines: str, note: str = "") -> Action:
    """Return what is typed on the machine."""
    return Action(where=Where.MACHINE, text="\n".join(lines), note=note)


def in_browser(address: str, note: str = "") -> Action:
    """Return what is typed into a browser."""
    return Action(where=Where.BROWSER, text=address, note=note)


def unnumbered_step(
    name: str, title: str, purpose: str, actions: Sequence[Action], costs: str = ""
) -> ExplainedStep:
    """Return a step that gets its number where it is put together with others."""
    return ExplainedStep(
        number="", name=name, title=title, purpose=purpose, costs=costs, actions=tuple(actions)
    )
