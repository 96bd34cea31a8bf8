"""An argument parser that has help with sections, and answers mistakes in whole sentences."""

import argparse
import sys
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

from flows.cli.exit_codes import MISTYPED

Section = tuple[str, Iterable[tuple[str, str | None]]]
"""A heading of the help, and under it terms with what they mean."""


class Parser(argparse.ArgumentParser):
    """Has help with sections of its own, and answers mistakes in whole sentences."""

    def __init__(self, *, sections: Sequence[Section] = (), **options: Any) -> None:
        super().__init__(**options, formatter_class=HelpFormatter)
        self.sections = [*sections]

    def format_help(self) -> str:
        """Return the usual help, and the sections below it."""
        formatter = HelpFormatter(self.prog)
        for heading, entries in self.sections:
            formatter.start_section(heading)
            formatter.add_arguments(
                argparse.Action([], "", metavar=term, help=meaning) for term, meaning in entries
            )
            formatter.end_section()
        return "\n".join(filter(None, (super().format_help(), formatter.format_help())))

    def error(self, message: str) -> NoReturn:
        """Say what was mistyped and how it is typed, and end this process."""
        sys.stderr.write(f"{self.prog}: {message}\n{self.format_usage()}")
        self.exit(MISTYPED, f"Type: {self.prog} --help\n")

    def refuse(self, unknown: str, options_before: Iterable[str]) -> NoReturn:
        """Say of a word that it means nothing here, and end this process."""
        option = unknown.partition("=")[0]
        if not unknown.startswith("-"):
            self.error(f"Unexpected argument: {unknown}")
        if option in options_before:
            self.error(f"{option} goes before the command.")
        self.error(f"There is no option {option}.{guess(option, self._option_string_actions)}")

    def _check_value(self, action: argparse.Action, value: str) -> None:
        # Python words this without a guess before 3.14, and lists all choices in every version.
        if action.choices is not None and value not in action.choices:
            what = str(action.metavar or action.dest).lower()
            message = f"There is no {what} {value}.{guess(value, action.choices)}"
            raise argparse.ArgumentError(None, message)


class HelpFormatter(argparse.HelpFormatter):
    """Wraps to the width of the terminal, with room for the names of JSON fields."""

    def __init__(self, prog: str, **options: Any) -> None:
        super().__init__(prog, **{"max_help_position": 36, **options})


class ShowVersion(argparse.Action):
    """Prints the version; looking it up takes longer than the rest of the parser."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        """Print it, and end this process."""
        from notebake import installed_version

        sys.stdout.write(f"notebake {installed_version()}\n")
        parser.exit()


def guess(word: str, known: Iterable[str]) -> str:
    """Return a question about the known word that is most like a mistyped word, if any is."""
    from difflib import get_close_matches

    near = get_close_matches(word, [*known], n=1)
    return f" Did you mean {near[0]}?" if near else ""
