"""The removal of findings, for the command `sweep` and a tear-down without the run store."""

import argparse

from flows.terminal.console import open_console
from notebake.errors import NextCommand
from notebake.resources.retention import Assessment
from notebake.resources.survey import Scope
from notebake.resources.sweep import check_all_gone, describe_place, remove


def remove_findings(going: tuple[Assessment, ...], scope: Scope, again: NextCommand) -> None:
    """Remove the resources, and print what was removed and what was left.

    Raises:
        SweepError: a resource still exists.
    """
    console = open_console()
    swept = remove(going, scope)
    console.print()
    for resource in swept.removed:
        console.print(f"  removed {resource.kind} {resource.id}", soft_wrap=True, markup=False)
    for finding in swept.spared:
        line = f"  left {describe_place(finding.resource)}: {finding.reason_to_stay}"
        console.print(line, soft_wrap=True, markup=False)
    check_all_gone(swept, again)
    console.print(f"{len(swept.removed)} removed; nothing else was to be removed.", soft_wrap=True)


def command_again(given: argparse.Namespace) -> NextCommand:
    """Return the command that repeats the removal."""
    words = [given.command]
    if given.command == "tear-down":
        words += [given.run, "--without-store"]
    for region in given.region or []:
        words += ["--region", region]
    words += ["--all-regions"] if given.all_regions else []
    if given.command == "sweep":
        words += ["--expired-since", f"{given.expired_since:g}"] if given.expired_since else []
        words.append("--apply")
    return NextCommand(tuple(words), "Try again with")
