"""The command `history`: what is recorded of runs. Its subcommands have a file each."""

import argparse

from flows.cli.commands import Command, load_command
from flows.cli.help_parser import Parser
from flows.cli.parser import complete_parser

EXAMPLE = """\
notebake history list --since 2026-11-01
notebake history list --open
notebake history show ocean-20261123-120000-1a2b
notebake history diff ocean-20261123-120000-1a2b ocean-20261130-120000-3c4d
notebake history seal
notebake history verify
notebake history export --csv
notebake history people"""
SUBCOMMANDS = (
    Command("list", "", "flows.cli.history_list", "list runs: who, when, and what became of them"),
    Command("show", "", "flows.cli.history_show", "show all that is recorded of a run"),
    Command("diff", "", "flows.cli.history_diff", "show what differs between two runs"),
    Command("verify", "", "flows.cli.history_verify", "check that the record was not changed"),
    Command("seal", "", "flows.cli.history_seal", "sign a checkpoint over all runs"),
    Command(
        "export",
        "",
        "flows.cli.history_export",
        "print runs as CSV, JSON or HTML; or write a crate",
    ),
    Command("people", "", "flows.cli.history_people", "list who the pseudonyms are; erase people"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommands, each with its own arguments and options."""
    adding: argparse._SubParsersAction[Parser] = parser.add_subparsers(
        dest="subcommand",
        required=True,
        metavar="WHAT",
        prog="notebake history",
        parser_class=Parser,
        title="what",
    )
    for command in SUBCOMMANDS:
        description = f"{command.summary[0].upper()}{command.summary[1:]}."
        subparser = adding.add_parser(command.name, help=command.summary, description=description)
        complete_parser(subparser, command)
        subparser.set_defaults(refusing=subparser)


def run(given: argparse.Namespace) -> int:
    """Carry out the subcommand."""
    (command,) = (each for each in SUBCOMMANDS if each.name == given.subcommand)
    return load_command(command).run(given)
