"""The command `sweep`, and the tear-down that needs nothing but AWS credentials; no Prefect."""

import argparse
import datetime
import shlex

from rich.console import Console

from flows.cli.survey import regions_of
from flows.terminal.console import open_console
from flows.terminal.findings_table import print_costs, print_elsewhere, print_findings
from notebake import clock
from notebake.aws.identity import current_account
from notebake.aws.model import Account, Resource
from notebake.errors import NextCommand, RunStoreError
from notebake.resources.leftovers import describe_resource
from notebake.resources.retention import Assessment
from notebake.resources.survey import Scope, check_all_answered, survey
from notebake.resources.sweep import SweepError, Swept, remove
from notebake.runs import registry
from notebake.runs.account import check_same_account, read_account
from notebake.runs.open_store import default_location, open_store
from notebake.store.interface import KEY
from notebake.timestamps import utc_from_seconds


def run(given: argparse.Namespace) -> int:
    """Look for what has expired, in all regions asked for, and remove it where that is asked for.

    0 when all was looked at and nothing is left that should be gone.
    """
    grace = datetime.timedelta(hours=given.expired_since)
    scope = Scope(
        regions=regions_of(given),
        store=given.store or default_location(),
        before=utc_from_seconds(clock.now()) - grace,
    )
    found = survey(scope)
    console = open_console()
    heading = "Removed now: expired, and proven ours" if given.apply else "Expired, and proven ours"
    print_findings(console, found.findings, going=heading)
    if found.findings:
        print_costs(console, found.findings)
    elif not found.unanswered:
        console.print(f"Nothing of any run in {', '.join(scope.regions)}.", soft_wrap=True)
    print_elsewhere(console, found.elsewhere)
    again = command_of(given)
    if found.going and given.apply:
        settle(console, found.going, scope, again)
    elif found.going:
        count = len(found.going)
        things = "1 thing" if count == 1 else f"{count} things"
        console.print(f"\nNothing was removed. To remove {things}:\n  {again}", soft_wrap=True)
    elif found.findings:
        console.print("\nNothing has expired that is proven ours: there is nothing to remove.")
    check_all_answered(found)
    return 0


def tear_down_without_store(given: argparse.Namespace) -> int:
    """Remove what is proven to be of a run that the run store does not have.

    Raises:
        RunStoreError: that was not confirmed by `--without-store`; nothing was looked for.
        SweepError: something is still there.
    """
    check_confirmed(given)
    here = check_here(given)
    scope = Scope(regions=regions_of(given), run_id=given.run, before=None)
    found = survey(scope)
    console = open_console()
    print_findings(console, found.findings, going="Removed now: proven to be of this run")
    if found.findings:
        print_costs(console, found.findings)
    if found.going:
        settle(console, found.going, scope, command_of(given))
    elif not found.unanswered:
        where = ", ".join(scope.regions)
        console.print(
            f"Nothing of run {given.run} in {where} is to be removed, as the AWS account {here} has"
            " it. Whose credentials these are: aws sts get-caller-identity",
            soft_wrap=True,
        )
    check_all_answered(found)
    return 0


def check_confirmed(given: argparse.Namespace) -> None:
    """Raise RunStoreError unless a person says that nobody executes a run we do not know."""
    if given.without_store:
        return
    location = given.store or default_location()
    try:
        registry.load_run(given.run, open_store(location))
    except RunStoreError as error:
        raise RunStoreError(
            f"{error.message} So nobody can tell whether somebody is executing it right now.",
            f"{error.hint}\nIf nobody executes it: {command_of(given)}",
        ).with_next(NextCommand(("survey", given.run), "What it has in the account")) from error


def check_here(given: argparse.Namespace) -> Account:
    """Return the account that is looked into.

    Raises:
        WrongAccountError: the run store has kept that the run belongs to another one.
    """
    current = current_account(regions_of(given)[0])
    if KEY.fullmatch(given.run):
        kept = read_account(given.run, open_store(given.store or default_location()))
        check_same_account(given.run, kept or current, current)
    return current


def settle(console: Console, going: tuple[Assessment, ...], scope: Scope, again: str) -> None:
    """Remove, and say what became of each.

    Raises:
        SweepError: something is still there.
    """
    swept = remove(going, scope)
    console.print()
    for one in swept.removed:
        console.print(f"  removed {one.kind} {one.id}", soft_wrap=True, markup=False)
    for finding in swept.spared:
        line = f"  left {described(finding.resource)}: {finding.reason_to_stay}"
        console.print(line, soft_wrap=True, markup=False)
    check_all_gone(swept, again)
    console.print(f"{len(swept.removed)} removed; nothing is left that was to go.", soft_wrap=True)


def check_all_gone(swept: Swept, again: str) -> None:
    """Raise SweepError where something is still there."""
    if swept.remaining or swept.failures:
        left = ", ".join(described(one) for one in swept.remaining) or "nothing of what was found"
        why = " ".join(swept.failures)
        raise SweepError(f"The sweep left: {left}. {why}".strip(), f"Try again with: {again}")


def described(one: Resource) -> str:
    """Return a resource with its place."""
    return f"{describe_resource(one)} in {one.region}"


def command_of(given: argparse.Namespace) -> str:
    """Return the command that does what was asked for, to be typed."""
    words = ["notebake", *(["--store", given.store] if given.store else []), given.command]
    if given.command == "tear-down":
        words += [given.run, "--without-store"]
    for region in given.region or []:
        words += ["--region", region]
    words += ["--all-regions"] if given.all_regions else []
    if given.command == "sweep":
        words += ["--expired-since", f"{given.expired_since:g}"] if given.expired_since else []
        words.append("--apply")
    return shlex.join(words)
