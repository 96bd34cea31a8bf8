"""What a failure leaves: what is there, what it costs, when it ends by itself, what to type."""

import datetime

from notebake import clock
from notebake.aws import tags
from notebake.aws.model import Instance, Resource
from notebake.costs.estimate import HOURS_PER_MONTH
from notebake.costs.money import format_sum
from notebake.errors import Advice, NextCommand, NotebakeError, resume
from notebake.humanize import format_local, format_span
from notebake.machines.login_command import login_command
from notebake.names import ROLES
from notebake.resources import own_machines
from notebake.resources.kinds import monthly_cost
from notebake.resources.leftovers import left_over
from notebake.runs.account_check import check_account
from notebake.runs.attempt_store import list_attempts
from notebake.runs.run import Run
from notebake.timestamps import parse_timestamp, utc_from_seconds

FREE = frozenset(("key pair", "security group", "parameter"))
NOTHING = "Nothing is left of the run."


def failure_report(run: Run) -> Advice:
    """Return a paragraph for a person: what is left, and in any case what to type."""
    try:
        if not list_attempts(run):
            return Advice(NOTHING, what_to_type(run)[:1])
        check_account(run)
        machines = [one for role in ROLES for one in own_machines.find_instances(run, role)]
        left = left_over(run)
    except NotebakeError as error:
        unknown = f"What is left of the run could not be asked: {error.message}"
        text = "\n".join(filter(None, (unknown, error.hint)))
        return Advice(text, (*error.next_commands, *what_to_type(run)))
    if not machines and not left:
        return Advice(NOTHING, what_to_type(run)[:1])
    lines = [line for one in machines for line in about_machine(run, one, left)]
    lines += about_the_rest(machines, left)
    return Advice("\n".join(lines), what_to_type(run))


def what_to_type(run: Run) -> tuple[NextCommand, ...]:
    """Return the commands with which a person goes on, looks, or gives the run up."""
    return (
        resume(run.id),
        NextCommand(("survey", run.id), "To look"),
        NextCommand(("tear-down", run.id), "To remove"),
    )


def about_machine(run: Run, machine: Instance, left: list[Resource]) -> list[str]:
    """Return what a machine is, what it costs, when it ends, and how to log in to it."""
    role = machine.tags.get(tags.ROLE, "")
    lines = [
        f"{machine.id} ({role}, {machine.instance_type}) is {machine.state},"
        f" {hourly_price(machine.id, left)}; {format_end(run, machine)}."
    ]
    public = run.recipe.network.address == "public"
    address = machine.public_address if public else machine.private_address
    if machine.state == "running" and address:
        command = login_command(run, machine, role=role, address=address)
        lines.append(f"To log in:  {command}")
    return lines


def hourly_price(machine_id: str, left: list[Resource]) -> str:
    """Return what a machine costs as it is, with its disks and its address."""
    parts = [one for one in left if machine_id in (one.id, *one.owners)]
    costs = [monthly_cost(one) for one in parts]
    known = sum(one for one in costs if one is not None) / HOURS_PER_MONTH
    if not parts or (None in costs and not known):
        return "at a price not known here"
    return f"{'at least' if None in costs else 'about'} ${known:.3f} an hour"


def format_end(run: Run, machine: Instance) -> str:
    """Return when a machine ends by itself, and by what; or that it does not."""
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
    """Return a moment in local time, and in how long that is."""
    seconds = ends.timestamp() - clock.now()
    how_long = f"in {format_span(seconds)}" if seconds > 0 else f"{format_span(-seconds)} ago"
    return f"at {format_local(utc_from_seconds(ends.timestamp()))}, {how_long}"


def about_the_rest(machines: list[Instance], left: list[Resource]) -> list[str]:
    """Return what is left beside the machines and what goes with them."""
    ids = {one.id for one in machines}
    images = [one.id for one in left if one.kind == "image"]
    snapshots = [one for one in left if one.kind == "snapshot"]
    lines = []
    if images or snapshots:
        cost = format_sum([monthly_cost(one) for one in snapshots])
        count = "1 snapshot" if len(snapshots) == 1 else f"{len(snapshots)} snapshots"
        lines.append(
            f"{', '.join(images) or 'Of an image'} ({count}) is left, not accepted: {cost} a month"
            " at most; it does not end by itself."
        )
    for one in left:
        if one.kind == "volume" and not ids & {*one.owners}:
            cost = format_sum([monthly_cost(one)])
            lines.append(f"{one.id} has no machine: {cost} a month; it does not end by itself.")
    if any(one.kind in FREE for one in left):
        lines.append(
            "Its key pairs and security group cost nothing; they do not end by themselves."
        )
    return lines
