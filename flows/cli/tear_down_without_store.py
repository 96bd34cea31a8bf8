"""The tear-down of a run that the run store does not have; it needs only AWS credentials."""

import argparse

from flows.cli.arguments import location_of, regions_of
from flows.cli.exit_codes import DONE
from flows.cli.removal import command_again, remove_findings
from flows.terminal.console import open_console
from flows.terminal.findings_table import print_costs, print_findings
from notebake.aws.identity import current_account
from notebake.aws.model import Account
from notebake.errors import NextCommand, RunStoreError
from notebake.resources.survey import Scope, check_all_regions_answered, survey
from notebake.runs import registry
from notebake.runs.account import check_same_account, read_account
from notebake.runs.open_store import open_store
from notebake.store.interface import KEY


def tear_down_without_store(given: argparse.Namespace) -> int:
    """Remove the resources that are proven to belong to a run that the run store does not have.

    Raises:
        RunStoreError: the user has not confirmed it by `--without-store`; nothing was searched.
        SweepError: a resource still exists.
    """
    check_confirmed(given)
    account = check_account(given)
    scope = Scope(regions=regions_of(given), run_id=given.run, before=None)
    found = survey(scope)
    console = open_console()
    print_findings(console, found.findings, going="Removed now: proven to be of this run")
    if found.findings:
        print_costs(console, found.findings)
    if found.going:
        remove_findings(found.going, scope, command_again(given))
    elif not found.unanswered:
        where = ", ".join(scope.regions)
        console.print(
            f"The AWS account {account} has nothing to remove of run {given.run} in {where}."
            " To see whose credentials these are: aws sts get-caller-identity",
            soft_wrap=True,
        )
    check_all_regions_answered(found)
    return DONE


def check_confirmed(given: argparse.Namespace) -> None:
    """Raise RunStoreError unless the user confirms that nobody is executing the unknown run."""
    if given.without_store:
        return
    try:
        registry.load_run(given.run, open_store(location_of(given)))
    except RunStoreError as error:
        raise RunStoreError(
            f"{error.message} So whether it is being executed right now is unknown.",
            error.hint,
        ).with_next(
            NextCommand(("survey", given.run), "To list its resources"),
            command_again(given)._replace(purpose="If nobody is executing it"),
        ) from error


def check_account(given: argparse.Namespace) -> Account:
    """Return the account of the credentials.

    Raises:
        WrongAccountError: the run store has recorded another account for the run.
    """
    current = current_account(regions_of(given)[0])
    if KEY.fullmatch(given.run):
        recorded = read_account(given.run, open_store(location_of(given)))
        check_same_account(given.run, recorded or current, current)
    return current
