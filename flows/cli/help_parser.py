"""An argument parser with sections in its help, and whole sentences as error messages."""

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NoReturn

from flows.cli.exit_codes import MISTYPED

Section = tuple[str, Iterable[tuple[str, str | None]]]
"""A heading of the help, with terms and their meanings."""


class Parser(argparse.ArgumentParser):
    """Has additional sections in its help, and whole sentences as error messages."""

    def __init__(
        self,
        *,
        sections: Sequence[Section] = (),
        renamed: Mapping[str, str] = MappingProxyType({}),
        **options: Any,
    ) -> None:
        super().__init__(**options, formatter_class=HelpFormatter)
        self.sections = [*sections]
        self.renamed = renamed
        """What is typed instead of the commands of earlier versions."""

    def format_help(self) -> str:
        formatter = HelpFormatter(self.prog)
        for heading, entries in self.sections:
            formatter.start_section(heading)
            formatter.add_arguments(
                argparse.Action([], "", metavar=term, help=meaning) for term, meaning in entries
            )
            formatter.end_section()
        return "\n".join(filter(None, (super().format_help(), formatter.format_help())))

    def error(self, message: str) -> NoReturn:
        """Print the mistake and the usage, and end this process."""
        sys.stderr.write(f"{self.prog}: {message}\n{self.format_usage()}")
        self.exit(MISTYPED, f"Type: {self.prog} --help\n")

    def refuse(self, unknown: str, options_before: Iterable[str]) -> NoReturn:
        """Print that a word is unknown, and end this process."""
        option = unknown.partition("=")[0]
        if not unknown.startswith("-"):
            self.error(f"Unexpected argument: {unknown}")
        if option in options_before:
            self.error(f"{option} goes before the command.")
        self.error(f"There is no option {option}.{suggest(option, self._option_string_actions)}")

    def _check_value(self, action: argparse.Action, value: str) -> None:
        # Before 3.14 Python suggests no similar choice, and every version lists all choices.
        if action.choices is not None and value not in action.choices:
            what = str(action.metavar or action.dest).lower()
            new = self.renamed.get(value)
            hint = f" Type: {new}" if new else suggest(value, action.choices)
            message = f"There is no {what} {value}.{hint}"
            raise argparse.ArgumentError(None, message)


class HelpFormatter(argparse.HelpFormatter):
    """Wraps to the width of the terminal, with room for the names of JSON fields."""

    def __init__(self, prog: str, **options: Any) -> None:
        super().__init__(prog, **{"max_help_position": 36, **options})


class ShowVersion(argparse.Action):
    """Prints the version, which takes longer to find than the parser takes to build."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from notebake import installed_version

        sys.stdout.write(f"notebake {installed_version()}\n")
        parser.exit()


def suggest(word: str, known: Iterable[str]) -> str:
    """Return a question with the known word that is most similar to a mistyped word, if any."""
    from difflib import get_close_matches

    near = get_close_matches(word, [*known], n=1)
    return f" Did you mean {near[0]}?" if near else ""
