"""The command `start`: start a notebook server from an image, or the one that is stopped."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from flows.cli.arguments import add_region
from flows.cli.asking import add_yes, is_agreed
from flows.cli.exit_codes import DONE, FAILED
from flows.cli.interrupted_start import saying_what_may_run
from flows.cli.server_options import add_owner, owner_of
from notebake.local.usual_region import usual_region

if TYPE_CHECKING:
    from notebake.servers.image_choice import ChosenImage
    from notebake.servers.launch_plan import LaunchPlan
    from notebake.servers.server import Server
    from notebake.servers.volume_choice import VolumeChoice

EXAMPLE = """\
notebake start ocean
notebake start ami-0123456789abcdef0 --type m5.xlarge --until '19:00'
notebake start 'ocean*' --idle 3h --yes
notebake start ocean --volume data:100"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments and options of the command."""
    parser.add_argument(
        "image", help="a recipe's name for its current image, an AMI id, or a name with *"
    )
    parser.add_argument("--name", default="", help="name of the server; default: the recipe's name")
    parser.add_argument("--type", default="", help="instance type; default: t3.large or t4g.large")
    add_owner(parser)
    parser.add_argument(
        "--idle",
        default="",
        metavar="TIME",
        help="stop after so long without use; 0m: never; default: 60m",
    )
    parser.add_argument(
        "--until",
        default="",
        metavar="TIME",
        help="stop each day at this local time, as 19:00 or '19:00 Asia/Tokyo'; none: no more;"
        " default: a day"
        " after each start",
    )
    parser.add_argument(
        "--instance-profile", default="", metavar="NAME", help="instance profile whose role it has"
    )
    parser.add_argument(
        "--volume",
        action="append",
        default=[],
        metavar="NAME:GIB[:MOUNT]",
        help="volume that outlives the server and moves to the next; NAME alone if it is there",
    )
    parser.add_argument(
        "--disk",
        action="append",
        default=[],
        metavar="NAME:GIB[:MOUNT]",
        help="further disk, which ends with the server",
    )
    parser.add_argument(
        "--elastic-address",
        action="store_true",
        help="the same public address at each start; it costs while the server is stopped, too",
    )
    parser.add_argument(
        "--key", default="", metavar="FILE", help="your own private key; default: a new one"
    )
    parser.add_argument(
        "--scheduler-role",
        default="",
        metavar="ARN",
        help="role by which EventBridge stops it from outside, too; none: no more",
    )
    add_region(parser)
    add_yes(parser)
    parser.set_defaults(does_work=True)


def run(given: argparse.Namespace) -> int:
    """Show what is to be started, ask, and start it."""
    from flows.terminal.console import open_console
    from flows.terminal.plain_lines import print_whole_words, showing_waits
    from flows.terminal.server_power import describe_kept_key, describe_plan, describe_started
    from notebake.servers.image_choice import choose_image
    from notebake.servers.own_disks import price_of_plan
    from notebake.servers.start import find_existing, start, subnets_to_try
    from notebake.servers.volume_choice import choose_volumes

    region = given.region or usual_region()
    image = choose_image(given.image, region)
    vpc_id, subnets = subnets_to_try(region)
    plan = plan_of(given, image, region, subnets)
    console = open_console()
    existing = find_existing(plan)
    volumes = choose_volumes(plan, existing)
    offer = price_of_plan(plan, existing)
    print_whole_words(console, describe_plan(plan, image, existing, volumes, offer, given.type))
    if existing and given.key:
        print_whole_words(console, [describe_kept_key(existing)])
    costs_nothing_new = existing and existing.state == "running" and not is_more(plan, volumes)
    if not costs_nothing_new and not is_agreed(given, "Start it?"):
        console.print("Nothing was started.")
        return FAILED
    with showing_waits(open_console(stderr=True)), saying_what_may_run(plan):
        server = start(with_key(plan, given, existing), vpc_id)
    print_whole_words(console, describe_started(server))
    return DONE


def is_more(plan: "LaunchPlan", volumes: "Sequence[VolumeChoice]") -> bool:
    """Return whether a server that runs is about to get what costs more."""
    return plan.has_elastic_address or any(choice.found is None for choice in volumes)


def with_key(
    plan: "LaunchPlan", given: argparse.Namespace, existing: "Server | None"
) -> "LaunchPlan":
    """Return the plan with the public key of a server that is not there yet.

    A new key would not open one that is there, and another one takes the place of none that does.
    """
    from notebake.aws.identity import current_account
    from notebake.servers.folders import NewServer
    from notebake.servers.keys import ensure_key

    if existing:
        return plan
    account = current_account(plan.region).id
    server = NewServer(name=plan.name, owner=plan.owner, region=plan.region, account=account)
    public_key = ensure_key(server, given.key)
    return plan.model_copy(update={"public_key": public_key})


def plan_of(
    given: argparse.Namespace,
    image: "ChosenImage",
    region: str,
    subnets: "tuple[dict[str, str], ...]",
) -> "LaunchPlan":
    """Return the launch that was asked for, without a key yet.

    Raises:
        NotebakeError: a name, a time or a length of time is none.
    """
    from notebake.servers.ends import Wishes, read_daily_end, read_minutes
    from notebake.servers.launch_plan import plan_launch
    from notebake.servers.names import check_name, default_name
    from notebake.servers.outside_ends import read_role
    from notebake.servers.wanted_volume import check_names, read_volume

    owner = owner_of(given)
    volumes, wanted = ([read_volume(text) for text in each] for each in (given.volume, given.disk))
    check_names([*volumes, *wanted])
    name = check_name(given.name or default_name(image.recipe or given.image))
    wishes = Wishes(
        idle_minutes=read_minutes(given.idle) if given.idle else None,
        daily_end=read_daily_end(given.until) if given.until else None,
        scheduler_role=read_role(given.scheduler_role) if given.scheduler_role else None,
    )
    return plan_launch(
        image,
        name=name,
        owner=owner,
        region=region,
        instance_type=given.type,
        subnets=subnets,
        public_key="",
        profile=given.instance_profile,
        wishes=wishes,
        disks=wanted,
        volumes=volumes,
        has_elastic_address=given.elastic_address,
    )
