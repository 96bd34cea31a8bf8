"""Starts a notebook server as a flow: the one that there is, or a new one from an image."""

import logging
from typing import Any

from prefect import flow
from prefect.states import Completed

from flows.next_steps import is_read_in_ui
from flows.prefect_ui.form import (
    DailyEnd,
    IdleTime,
    ImageOfServer,
    NewServerName,
    OneRegion,
    Owner,
    ProfileName,
    PublicKey,
    SchedulerRole,
    ServerDisks,
    ServerType,
    ServerVolumes,
)
from flows.prefect_ui.plain_ending import ending_plainly
from flows.server_acts import name_by_server, owner_or_worker, showing_servers
from flows.terminal.server_power import describe_plan, describe_running
from notebake.errors import NotebakeError
from notebake.servers.ends import Wishes, read_daily_end, read_minutes
from notebake.servers.image_choice import ChosenImage, choose_image
from notebake.servers.keys import KEY_FILES, read_public_key
from notebake.servers.launch_plan import LaunchPlan, plan_launch
from notebake.servers.names import check_name, default_name
from notebake.servers.next_command import command_on
from notebake.servers.outside_ends import read_role
from notebake.servers.own_disks import price_of, price_of_plan
from notebake.servers.server import Server
from notebake.servers.start import find_existing, start, subnets_to_try
from notebake.servers.volume_choice import choose_volumes
from notebake.servers.wanted_volume import check_names, read_volume

log = logging.getLogger(__name__)


@flow(name="Start a server")
@ending_plainly
def start_server(
    image: ImageOfServer,
    region: OneRegion,
    public_key: PublicKey = "",
    name: NewServerName = "",
    owner: Owner = "",
    instance_type: ServerType = "",
    idle: IdleTime = "",
    until: DailyEnd = "",
    scheduler_role: SchedulerRole = "",
    profile: ProfileName = "",
    disks: ServerDisks = [],  # noqa: B006 - Prefect shows the default in the form
    volumes: ServerVolumes = [],  # noqa: B006
    elastic_address: bool = False,
) -> Any:
    """Start a notebook server for a person, or go on with the one of this name. Nobody is asked.

    It costs money from now on. The result says how much an hour, where it runs, and when it stops
    by itself; `stop` and `terminate` end it at once. Started twice, or pressed Retry, it stays one.

    Args:
        image: A recipe's name for its current image, an id such as ami-0123456789abcdef0, or a
            name with `*`. Nobody is asked before it costs money: the result says how much an hour,
            and when the server stops by itself.
        region: The region in which it runs, such as us-west-2.
        public_key: For a new server: one line, of the file `~/.ssh/id_ed25519.pub` on the computer
            from which it will be opened. The private key stays there; the worker has none. To make
            both, type there: ssh-keygen -t ed25519
        name: Name of the server, a-z, 0-9 and hyphens, at most 32; empty: the recipe's name.
        owner: Whose server it is: a user's name, or that of an AWS single sign-on session. Empty:
            the person of the worker's credentials, who may be the same for all who use it.
        instance_type: Such as m5.xlarge; empty: t3.large or t4g.large, by the image.
        idle: Stop after so long without use, such as 60m or 3h; 0m: never. Empty: 60m, or what the
            server that is there has.
        until: Stop each day at a local time with its zone, such as 19:00 America/Los_Angeles;
            none: no more. Empty: a day after each start, or what the server that is there has.
        scheduler_role: ARN of the role by which EventBridge stops it from outside, too; none: no
            more. Empty: by itself alone, or as the server that is there has it.
        profile: Name of the instance profile whose role a new server has; empty: none.
        disks: Further disks of a new server, which end with it: NAME:GIB or NAME:GIB:MOUNT, such
            as work:200. They are mounted when it is opened.
        volumes: Volumes that outlive servers, made if they are not there: NAME:GIB or
            NAME:GIB:MOUNT; NAME alone for one that is there. They are mounted when the server is
            opened.
        elastic_address: The same public address at each start; it costs while the server is
            stopped, too.

    Raises:
        NotebakeError: a value is wrong, there is no such image, or AWS refused.
    """
    with showing_servers(region):
        wishes = Wishes(
            idle_minutes=read_minutes(idle) if idle else None,
            daily_end=read_daily_end(until, "UTC") if until else None,
            scheduler_role=read_role(scheduler_role) if scheduler_role else None,
        )
        key = read_public_key(public_key) if public_key else ""
        further, lasting = ([read_volume(text) for text in each] for each in (disks, volumes))
        check_names([*lasting, *further])
        whose = owner_or_worker(owner, region)
        chosen = choose_image(image, region)
        vpc_id, subnets = subnets_to_try(region)
        plan = plan_launch(
            chosen,
            name=check_name(name or default_name(chosen.recipe or image)),
            owner=whose,
            region=region,
            subnets=subnets,
            public_key=key,
            wishes=wishes,
            instance_type=instance_type,
            profile=profile,
            disks=further,
            volumes=lasting,
            has_elastic_address=elastic_address,
        )
        name_by_server("start", plan.name, plan.owner)
        show_plan(plan, chosen, instance_type)
        server = start_or_advise(plan, vpc_id)
        message = f"{describe_running(server, price_of(server))}; {opening(server, key)}"
    return Completed(message=message, data=server.id)


def show_plan(plan: LaunchPlan, image: ChosenImage, wanted_type: str) -> None:
    """Log what is going to be started and what it costs.

    Raises:
        NotebakeError: it would be a new server that nobody could open.
    """
    existing = find_existing(plan)
    if existing is None and not plan.public_key:
        raise NotebakeError(
            f"There is no server {plan.name} of {plan.owner} in {plan.region}, and a new one needs"
            " a public key: without one nobody could open it.",
            "Fill in the field `public_key`; the private key stays on your computer.",
        )
    chosen = choose_volumes(plan, existing)
    offer = price_of_plan(plan, existing)
    for line in describe_plan(plan, image, existing, chosen, offer, wanted_type):
        log.info("%s", line)


def start_or_advise(plan: LaunchPlan, vpc_id: str) -> Server:
    """Start the server; an error says in the UI that Retry goes on with the same one."""
    try:
        return start(plan, vpc_id, mounts=False)
    except NotebakeError as error:
        if is_read_in_ui():
            again = "To go on, with the same machine if there is one already: press Retry."
            error.hint = "\n".join(filter(None, (error.hint, again)))
        raise


def opening(server: Server, public_key: str) -> str:
    """Return what the person types on their own computer."""
    command = command_on(server, "open").command_line()
    kind = public_key.partition(" ")[0]
    key = f" --key ~/.ssh/{KEY_FILES[kind]}" if kind in KEY_FILES else ""
    return f"on your computer type: {command}{key}"
