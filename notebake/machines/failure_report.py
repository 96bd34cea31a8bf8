"""The report after a failure: what is left, what it costs, when it expires, what to type next."""

import datetime

from notebake import clock
from notebake.aws import tags
from notebake.aws.model import Instance, Resource
from notebake.aws.names import ROLES
from notebake.costs.estimate import HOURS_PER_MONTH, format_sum
from notebake.errors import Advice, NextCommand, NotebakeError, resume
from notebake.humanize import format_local, format_span, pluralize
from notebake.images import early_snapshots
from notebake.machines.builder import ssh_address
from notebake.machines.login_command import login_command
from notebake.resources import stack_instances
from notebake.resources.kinds import monthly_cost
from notebake.resources.leftovers import find_leftovers
from notebake.runs.account_check import check_account
from notebake.runs.attempt_store import list_attempts
from notebake.runs.run import Run
from notebake.timestamps import parse_timestamp, utc_from_seconds

FREE = frozenset(("key pair", "security group", "parameter"))
NOTHING = "Nothing is left of the run."


def failure_report(run: Run) -> Advice:
    """Return what is left of the run, and in any case the commands to type next."""
    try:
        if not list_attempts(run):
            return Advice(NOTHING, commands_after_failure(run)[:1])
        check_account(run)
        machines = [each for role in ROLES for each in stack_instances.find_instances(run, role)]
        left = find_leftovers(run)
    except NotebakeError as error:
        unknown = f"What is left of the run could not be determined: {error.message}"
        text = "\n".join(filter(None, (unknown, error.hint)))
        return Advice(text, (*error.next_commands, *commands_after_failure(run)))
    if not machines and not left:
        return Advice(NOTHING, commands_after_failure(run)[:1])
    lines = [line for machine in machines for line in describe_machine(run, machine, left)]
    lines += describe_other_leftovers(machines, left)
    return Advice("\n".join(lines), commands_after_failure(run))


def commands_after_failure(run: Run) -> tuple[NextCommand, ...]:
    """Return the commands that continue, show or remove a run."""
    return (
        resume(run.id),
        NextCommand(("survey", run.id), "To look"),
        NextCommand(("tear-down", run.id), "To remove"),
    )


def describe_machine(run: Run, machine: Instance, left: list[Resource]) -> list[str]:
    """Return a machine's state, costs and expiry, and the command to log in to it."""
    role = machine.tags.get(tags.ROLE, "")
    lines = [
        f"{machine.id} ({role}, {machine.instance_type}) is {machine.state},"
        f" {hourly_price(machine.id, left)}; {format_end(run, machine)}."
    ]
    address = ssh_address(run, machine)
    if machine.state == "running" and address:
        command = login_command(run, machine, role=role, address=address)
        lines.append(f"To log in:  {command}")
    return lines


def hourly_price(machine_id: str, left: list[Resource]) -> str:
    """Return the hourly costs of a machine in its current state, with its disks and address."""
    parts = [resource for resource in left if machine_id in (resource.id, *resource.owners)]
    costs = [monthly_cost(resource) for resource in parts]
    known = sum(cost for cost in costs if cost is not None) / HOURS_PER_MONTH
    if not parts or (None in costs and not known):
        return "at a price not known here"
    return f"{'at least' if None in costs else 'about'} ${known:.3f} an hour"


def format_end(run: Run, machine: Instance) -> str:
    """Return when and how a machine ends by itself, or that it does not."""
    ends = parse_timestamp(machine.tags.get(tags.EXPIRES, ""))
    if ends is None:
        return "it does not end by itself"
    when = format_when(ends)
    if machine.state in {"pending", "running"}:
        is_over = ends.timestamp() <= clock.now()
        return f"it {'should have ended' if is_over else 'ends'} by itself {when}"
    if run.recipe.scheduler_role:
        return f"its schedule ends it some minutes after {when.removeprefix('at ')}"
    return "it does not end by itself, as it does not run"


def format_when(ends: datetime.datetime) -> str:
    """Return a timestamp in local time, and how far off it is."""
    seconds = ends.timestamp() - clock.now()
    how_long = f"in {format_span(seconds)}" if seconds > 0 else f"{format_span(-seconds)} ago"
    return f"at {format_local(utc_from_seconds(ends.timestamp()))}, {how_long}"


def describe_other_leftovers(machines: list[Instance], left: list[Resource]) -> list[str]:
    """Return lines about the resources that are not part of the machines."""
    ids = {machine.id for machine in machines}
    images = [resource.id for resource in left if resource.kind == "image"]
    all_snapshots = [resource for resource in left if resource.kind == "snapshot"]
    early = [each for each in all_snapshots if each.tags.get(tags.ROLE) == early_snapshots.ROLE]
    snapshots = [each for each in all_snapshots if each not in early]
    lines = []
    if images or snapshots:
        cost = format_sum([monthly_cost(snapshot) for snapshot in snapshots])
        count = pluralize(len(snapshots), "snapshot")
        lines.append(
            f"{', '.join(images) or 'Of an image'} ({count}) is left, not accepted: {cost} a month"
            " at most; it does not end by itself."
        )
    if early:
        lines.append(describe_early_snapshots(early))
    for resource in left:
        if resource.kind == "volume" and not ids & {*resource.owners}:
            cost = format_sum([monthly_cost(resource)])
            lines.append(
                f"{resource.id} is not attached: {cost} a month; it does not end by itself."
            )
    if any(resource.kind in FREE for resource in left):
        lines.append(
            "Its key pairs and security group cost nothing; they do not end by themselves."
        )
    return lines


def describe_early_snapshots(early: list[Resource]) -> str:
    """Return the line about snapshots that were made ahead of the image, and are none of it."""
    is_one = len(early) == 1
    what = "a copy of a disk" if is_one else "copies of disks"
    cost = format_sum([monthly_cost(snapshot) for snapshot in early])
    return (
        f"{pluralize(len(early), 'snapshot')}, {what} ahead of the image,"
        f" {'is' if is_one else 'are'} left: {cost} a month at most;"
        f" the tear-down removes {'it' if is_one else 'them'}."
    )
