"""Arguments and options that several commands share, and what is derived from them."""

import argparse
import datetime
import os
from collections.abc import Callable, Mapping
from typing import Any

from flows.cli.completers import find_recipes, find_run_ids
from notebake.local.usual_region import usual_region

Completer = Callable[..., Mapping[str, str]]
"""Returns the completions of a word, each with a description; see flows/cli/completers.py."""


def complete_with(completer: Completer, action: argparse.Action) -> None:
    """Set the completions of an argument."""
    action.completer = completer  # type: ignore[attr-defined]  # this is argcomplete's protocol


def add_recipe(parser: argparse.ArgumentParser) -> None:
    """Add the path of a recipe."""
    action = parser.add_argument("recipe", help="recipe, such as deployments/ocean.yaml")
    complete_with(find_recipes, action)


def add_run(parser: argparse.ArgumentParser, *, name: str = "run", **options: Any) -> None:
    """Add the id of a run."""
    help_text = "run id, as `notebake history list` shows it"
    action = parser.add_argument(name, **{"help": help_text, **options})
    complete_with(find_run_ids, action)


def add_account(parser: argparse.ArgumentParser) -> None:
    """Add the account of a run that has not recorded it."""
    parser.add_argument(
        "--account",
        default="",
        metavar="ID",
        help="AWS account of a run that has not recorded it",
    )


def add_awards(parser: argparse.ArgumentParser) -> None:
    """Add the file of awards; it takes the place of the environment's, for this process."""

    class NameFile(argparse.Action):
        def __call__(self, _: object, given: argparse.Namespace, path: Any, *__: object) -> None:
            os.environ["NOTEBAKE_AWARDS"] = path
            setattr(given, self.dest, path)

    parser.add_argument(
        "--awards",
        action=NameFile,
        metavar="FILE",
        help="awards that pay; default: $NOTEBAKE_AWARDS, or deployments/awards.yaml if it exists",
    )


def add_region(parser: argparse.ArgumentParser) -> None:
    """Add one region; without it, `usual_region` says which."""
    parser.add_argument(
        "--region", default="", help="AWS region; default: $AWS_REGION or us-west-2"
    )


def check_days(given: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """Refuse a last day that comes before the first one."""
    if given.since and given.until and given.until < given.since:
        first, last = (f"{each:%Y-%m-%d}" for each in (given.since, given.until))
        parser.error(f"The last day, --until {last}, comes before --since, {first}.")


def add_regions(parser: argparse.ArgumentParser) -> None:
    """Add the regions to search."""
    parser.add_argument(
        "--region",
        action="append",
        help="AWS region, may be repeated; default: $AWS_REGION or us-west-2",
    )
    parser.add_argument("--all-regions", action="store_true", help="all regions of the account")


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add the option for JSON output."""
    parser.add_argument(
        "--json", action="store_true", help="print one JSON document, with the fields below"
    )


def location_of(given: argparse.Namespace) -> str:
    """Return the location of the run store.

    Raises:
        HomeError: it is in notebake's home, which cannot be determined.
    """
    from notebake.runs.open_store import default_location

    return str(given.store or default_location())


def regions_of(given: argparse.Namespace) -> tuple[str, ...]:
    """Return the regions to search: those given, all of the account, or the usual region."""
    if given.all_regions:
        from notebake.aws.inventory import enabled_regions

        return enabled_regions(usual_region())
    return tuple(dict.fromkeys(given.region or ())) or (usual_region(),)


def read_day(text: str) -> datetime.date:
    """Return the day in an option."""
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is no day, such as 2026-11-23") from None
