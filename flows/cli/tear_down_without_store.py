"""The tear-down of a run that the run store does not have: it needs nothing but AWS credentials."""

import argparse

from flows.cli.arguments import location_of
from flows.cli.exit_codes import DONE
from flows.cli.regions import regions_of
from flows.cli.removal import command_again, settle
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
    """Remove what is proven to be of a run that the run store does not have.

    Raises:
        RunStoreError: that was not confirmed by `--without-store`; nothing was looked for.
        SweepError: something is still there.
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
        settle(found.going, scope, command_again(given))
    elif not found.unanswered:
        where = ", ".join(scope.regions)
        console.print(
            f"Nothing of run {given.run} in {where} is to be removed, as the AWS account {account}"
            " has it. Whose credentials these are: aws sts get-caller-identity",
            soft_wrap=True,
        )
    check_all_regions_answered(found)
    return DONE


def check_confirmed(given: argparse.Namespace) -> None:
    """Raise RunStoreError unless a person says that nobody executes a run we do not know."""
    if given.without_store:
        return
    try:
        registry.load_run(given.run, open_store(location_of(given)))
    except RunStoreError as error:
        raise RunStoreError(
            f"{error.message} So nobody can tell whether somebody is executing it right now.",
            error.hint,
        ).with_next(
            NextCommand(("survey", given.run), "What it has in the account"),
            command_again(given)._replace(purpose="If nobody executes it"),
        ) from error


def check_account(given: argparse.Namespace) -> Account:
    """Return the account that is looked into.

    Raises:
        WrongAccountError: the run store has kept that the run belongs to another account.
    """
    current = current_account(regions_of(given)[0])
    if KEY.fullmatch(given.run):
        kept = read_account(given.run, open_store(location_of(given)))
        check_same_account(given.run, kept or current, current)
    return current
