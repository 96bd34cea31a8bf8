"""What is said before and after a notebook server is started or stopped."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from flows.terminal.server_costs import describe_choice
from notebake import clock
from notebake.aws import tags
from notebake.costs.credits import describe_surplus
from notebake.costs.estimate import format_monthly
from notebake.errors import NextCommand
from notebake.humanize import format_utc
from notebake.local.usual_region import region_words
from notebake.servers.ends import describe_ends, last_end, tags_of_changes
from notebake.servers.next_command import command_on
from notebake.servers.offer import price_address
from notebake.timestamps import utc_from_seconds

if TYPE_CHECKING:
    from notebake.servers.image_choice import ChosenImage
    from notebake.servers.launch_plan import LaunchPlan
    from notebake.servers.offer import Offer
    from notebake.servers.server import Server
    from notebake.servers.volume_choice import VolumeChoice

UNKNOWN = "not known"
GIVEN_ONCE = "a role is given at the launch only"
BY_THE_LAUNCH = "both are chosen at the launch only"
OUTSIDE = {
    True: "EventBridge stops it then, too",
    False: "EventBridge does not stop it then: another start, also while it runs, mends that",
    None: "whether EventBridge stops it, too, is not known",
}


def describe_plan(
    plan: "LaunchPlan",
    image: "ChosenImage",
    existing: "Server | None",
    volumes: "Sequence[VolumeChoice]",
    offer: "Offer",
    wanted_type: str = "",
) -> Iterator[str]:
    """Give the lines that say what is about to be started, what it costs, and when it stops.

    `wanted_type` is the instance type that was named; "": none.
    """
    kind = existing.instance_type if existing else plan.instance_type
    if existing:
        yield f"{existing.name} is there already: {existing.id}, {kind}, {existing.state}."
        yield f"Running it costs {describe_hourly(offer, kind)}."
        if any(existing.tags.get(key, "") != value for key, value in plan.changes.items()):
            now = utc_from_seconds(clock.now())
            marks = existing.tags | tags_of_changes(plan.changes, now, existing.tags)
            since = existing.started_at if existing.is_billed_by_hour else now
            yield f"From now on it stops {describe_ends(marks, since)}{describe_condition(marks)}."
        if plan.changes.get(tags.SCHEDULER_ROLE):
            yield f"{OUTSIDE[True]}."
        yield from describe_kept_machine(image, existing, wanted_type)
        if plan.profile:
            yield f"Its role stays as it is, not that of {plan.profile}: {GIVEN_ONCE}."
    else:
        yield f"Server {plan.name} of {plan.owner}: {kind} in {plan.region}"
        yield f"Image    {image.id} {image.name}".rstrip() + f" ({image.why})"
        hourly = format_usd(offer.usd_per_hour)
        yield f"Costs    {hourly} an hour running, with disks and address"
        if more := describe_surplus(kind):
            yield f"         {more}"
        yield f"         {format_monthly(offer.usd_per_month_stopped)} a month stopped"
        yield f"         by notebake's prices of {offer.prices_written}"
        yield f"Stops    {describe_ends(plan.tags)}{describe_condition(plan.tags)}"
        if plan.tags.get(tags.SCHEDULER_ROLE):
            yield f"         {OUTSIDE[True]}"
        if image.efs:
            yield f"EFS      {describe_efs(image, plan)}"
    yield from (f"Volume   {describe_choice(choice, plan.region)}" for choice in volumes)
    if plan.has_elastic_address:
        month = price_address(plan.region)
        yield f"Address  elastic, the same at each start: {format_monthly(month)} a month"


def describe_kept_machine(
    image: "ChosenImage", existing: "Server", wanted_type: str
) -> Iterator[str]:
    """Say what of a server that is there stays, although another type or image was named."""
    if wanted_type not in ("", existing.instance_type):
        yield f"Its type stays {existing.instance_type}, not {wanted_type}: {BY_THE_LAUNCH}."
    if image.id != existing.image_id:
        yield f"Its image stays {existing.image_id}, not {image.id} ({image.why}): {BY_THE_LAUNCH}."
        yield "For that one, start another server beside it, with another --name."


def describe_kept_key(existing: "Server") -> str:
    """Return what becomes of a key that was named for a server that is there."""
    opening = command_on(existing, "open", "--key", "FILE").command_line()
    return (
        f"Its key stays as it is: a server is given one at its launch only. To open it with another"
        f" that it accepts: {opening}"
    )


def describe_efs(image: "ChosenImage", plan: "LaunchPlan") -> str:
    """Return what a new server has of the file systems on EFS that its image names."""
    points = ", ".join(image.efs)
    if plan.profile:
        return f"{points}: mounted when first opened, if the role of {plan.profile} may"
    whose = ("--name", plan.name, "--owner", plan.owner, *region_words(plan.region))
    words = ("start", image.recipe or image.id, *whose, "--instance-profile", "NAME")
    return f"not at {points} without a role: {NextCommand(words).command_line()}"


def describe_started(server: "Server") -> Iterator[str]:
    """Give the lines that say what runs now, and what to type next."""
    yield f"{server.name} runs: {server.id} at {server.address}."
    ends = describe_ends(server.tags, server.started_at)
    yield f"It stops {ends}{describe_hold(server)}{describe_condition(server.tags)}."
    yield f"To open it in the browser: {_opening(server)}"


def describe_running(server: "Server", offer: "Offer") -> str:
    """Return in one sentence where a server runs, what it costs, and when it stops by itself."""
    place = f"{server.name} of {server.owner} runs at {server.address}"
    ends = describe_ends(server.tags, server.started_at)
    end = f"stops by itself {ends}{describe_hold(server)}{describe_condition(server.tags)}"
    return f"{place}, {describe_hourly(offer, server.instance_type)}, {end}"


def describe_hourly(offer: "Offer", instance_type: str) -> str:
    """Return what an hour costs, and how much more it may be."""
    more = describe_surplus(instance_type)
    return f"{format_usd(offer.usd_per_hour)} an hour{f', and {more}' if more else ''}"


def describe_stopped(server: "Server") -> Iterator[str]:
    """Give the lines that say what a stopped server goes on to cost, and what to type next."""
    whose = f"{server.name} of {server.owner} ({server.id})"
    yield f"{whose} is stopped: {what_stays(server)} stay and cost a little."
    yield f"To go on:   {_opening(server)}"
    shown = NextCommand(("servers", *region_words(server.region)))
    yield f"How much:   {shown.command_line()}"


def what_stays(server: "Server") -> str:
    """Return what of a stopped server goes on to cost."""
    return "its disks and its elastic address" if server.has_elastic_address else "its disks"


def _opening(server: "Server") -> str:
    return command_on(server, "open").command_line()


def describe_hold(server: "Server") -> str:
    """Return until when a server is kept, to be said after its ends; "" if it is not."""
    until = server.keep_until
    if until is None or until.timestamp() <= clock.now():
        return ""
    last = last_end(server.tags, server.started_at)
    if last and last <= until:
        return "; kept until then"  # no hold goes beyond the hard end
    return f"; kept until {format_utc(until)}"


def describe_condition(marks: Mapping[str, str]) -> str:
    """Return what has to be so if the image is not known to be one of notebake's."""
    return "" if marks.get(tags.RECIPE) else ", if its image has notebake's idle stop"


def format_usd(usd: float | None) -> str:
    """Return the costs of an hour, to a tenth of a cent."""
    return UNKNOWN if usd is None else f"${usd:.3f}"
