"""Arguments and options that several commands have in common."""

import argparse
from collections.abc import Callable, Mapping
from typing import Any

from flows.cli.completers import find_recipes, find_run_ids

Completer = Callable[..., Mapping[str, str]]
"""Gives what a word may be completed to, each with a description; see flows/cli/completers.py."""


def complete_with(completer: Completer, action: argparse.Action) -> None:
    """Have the Tab key offer something for an argument."""
    action.completer = completer  # type: ignore[attr-defined]  # this is argcomplete's protocol


def add_recipe(parser: argparse.ArgumentParser) -> None:
    """Let the command take the path of a recipe."""
    action = parser.add_argument("recipe", help="recipe, such as deployments/ocean.yaml")
    complete_with(find_recipes, action)


def add_run(parser: argparse.ArgumentParser, **options: Any) -> None:
    """Let the command take the id of a run."""
    action = parser.add_argument(
        "run", **{"help": "run id, as `notebake runs` lists it", **options}
    )
    complete_with(find_run_ids, action)


def add_account(parser: argparse.ArgumentParser) -> None:
    """Let a person say to which account a run belongs that has not recorded it."""
    parser.add_argument(
        "--account",
        default="",
        metavar="ID",
        help="AWS account of a run that has not recorded it",
    )


def add_regions(parser: argparse.ArgumentParser) -> None:
    """Let the command look into several regions."""
    parser.add_argument(
        "--region",
        action="append",
        help="AWS region, may be repeated; default: $AWS_REGION or us-west-2",
    )
    parser.add_argument("--all-regions", action="store_true", help="all regions of the account")


def add_json(parser: argparse.ArgumentParser) -> None:
    """Let the command print a JSON document instead of what people read."""
    parser.add_argument(
        "--json", action="store_true", help="print one JSON document, with the fields below"
    )


def location_of(given: argparse.Namespace) -> str:
    """Return where the run store lies.

    Raises:
        HomeError: it would lie in the home of notebake, and there is none.
    """
    from notebake.runs.open_store import default_location

    return str(given.store or default_location())
