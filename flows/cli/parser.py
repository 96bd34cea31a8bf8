"""The parser of the command line; it imports only the file of the typed command."""

import argparse
from collections.abc import Sequence
from itertools import groupby

from flows.cli import commands
from flows.cli.arguments import complete_with
from flows.cli.commands import Command, load_command
from flows.cli.completers import find_directories
from flows.cli.exit_codes import MEANINGS
from flows.cli.help_parser import Parser, ShowVersion

DESCRIPTION = (
    "A runbook that runs: from a blank cloud machine to a tested Jupyter image."
    " An example of each command: notebake COMMAND --help"
)
JSON_HEADING = "fields of --json (null: not known)"


def parse(words: Sequence[str]) -> argparse.Namespace:
    """Return the parsed command line; a mistake, help and the version end this process."""
    top, parsers = make_parser(words)
    given, unknown = top.parse_known_args(words)
    if unknown:
        parser = getattr(given, "refusing", parsers[given.command])
        parser.refuse(unknown[0], top._option_string_actions)
    return given


def make_parser(words: Sequence[str]) -> tuple[Parser, dict[str, Parser]]:
    """Return the parser and those of the commands; complete only for commands among the words."""
    top = Parser(
        prog="notebake",
        usage="notebake [--store PLACE] [--debug] COMMAND …",
        description=DESCRIPTION,
        renamed=commands.RENAMED,
        sections=[
            *(
                (group, [(command.name, command.summary) for command in members])
                for group, members in groupby(commands.COMMANDS, lambda command: command.group)
            ),
            ("exit codes", [(str(code), meaning) for code, meaning in MEANINGS.items()]),
        ],
    )
    add_global_options(top)
    adding = top.add_subparsers(
        dest="command", required=True, metavar="COMMAND", prog="notebake", help=argparse.SUPPRESS
    )
    parsers = {}
    for command in commands.COMMANDS:
        summary = command.summary
        description = f"{summary[0].upper()}{summary[1:]}."
        parser = adding.add_parser(command.name, help=summary, description=description)
        parsers[command.name] = parser
        if command.name in words:
            complete_parser(parser, command)
    return top, parsers


def add_global_options(top: Parser) -> None:
    """Declare the options of all commands, which precede the command."""
    complete_with(
        find_directories,
        top.add_argument(
            "--store",
            default="",
            metavar="PLACE",
            help="run store: a directory or s3://BUCKET/PREFIX; default: $NOTEBAKE_RUNS, or runs"
            " in $NOTEBAKE_HOME or ~/.notebake",
        ),
    )
    top.add_argument("--debug", action="store_true", help="show tracebacks")
    top.add_argument("--version", action=ShowVersion, nargs=0, help="show the version and exit")


def complete_parser(parser: Parser, command: Command) -> None:
    """Add the arguments, the examples and the JSON fields that the file of a command defines."""
    file = load_command(command)
    file.add_arguments(parser)
    examples = file.EXAMPLE.splitlines()
    heading = "example" if len(examples) == 1 else "examples"
    parser.sections.append((heading, [(example, None) for example in examples]))
    if fields := getattr(file, "FIELDS", None):
        parser.sections.append((JSON_HEADING, fields.items()))
