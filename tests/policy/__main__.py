"""Carry whole runs out and write down what IAM is asked meanwhile.

python -m tests.policy --report calls.json

Each tour is a build with its tear-down, taken up by copies of the process that find it killed, and
left alone by another one in which a sweep removes what remains.
"""

import argparse
import json
import logging
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from inspect import unwrap
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO
from unittest import mock

from moto.iam.models import iam_backends

from flows import tear_down
from notebake.aws import networks, removal, tags
from notebake.aws.inventory import enabled_regions
from notebake.aws.launch_permissions import EVERYBODY
from notebake.aws.model import Resource
from notebake.aws.names import name_of_image
from notebake.aws.ssh_rules import list_ssh_rules, take_out
from notebake.errors import NotebakeError
from notebake.images.copying.carry_out import carry_out as carry_copy_out
from notebake.images.copying.plan import plan_copy
from notebake.images.pointer import move_pointer
from notebake.images.prune.pruner import prune_region
from notebake.images.revoke import revoke
from notebake.images.run_image import find_image
from notebake.images.sharing.carry_out import carry_out
from notebake.images.sharing.plan import plan_share, plan_unshare
from notebake.images.updates.base_image import check_base_image
from notebake.images.updates.current import find_current, find_state
from notebake.images.updates.source_state import ask_source
from notebake.images.updates.update_check import UpdateCheck, keep_check
from notebake.machines import ssh_access
from notebake.recipe import Prune, Recipe
from notebake.resources.survey import Scope, survey
from notebake.runs.checkpoints import make_checkpoint
from notebake.runs.keys import generate_keys
from notebake.runs.open_store import open_store
from notebake.runs.record_key import VARIABLE, change_key
from notebake.runs.run import Run
from notebake.runs.version_check import check_versions
from notebake.servers.admission import admit
from notebake.servers.image_choice import choose_image
from notebake.servers.keep import keep_server
from notebake.servers.kept_volume import list_kept
from notebake.servers.keys import ensure_key
from notebake.servers.launch_plan import LaunchPlan
from notebake.servers.listed_server import list_all
from notebake.servers.losses import losses_of
from notebake.servers.power import stop_server
from notebake.servers.start import start, subnets_to_try
from notebake.servers.termination import terminate_server
from notebake.servers.volumes import remove_volume
from notebake.servers.wanted_volume import WantedVolume
from notebake.store.interface import is_remote
from tests.kills import stand_in_jupyter, whole_run
from tests.kills.explorer import LEASE_SECONDS
from tests.kills.points import PassThrough
from tests.kills.world import World, make_directory, put_in_place, remove_directory
from tests.policy.iam import Iam, allow_all
from tests.policy.tours import OTHER, SERVERS, TOURS, Tour
from tests.policy.writes import Forks, Writes
from tests.server_world import server_named

ABANDONED_AFTER = "CreateImage"
ELSEWHERE = "eu-central-1"
STOP_ROLE = "arn:aws:iam::123456789012:role/notebake-scheduler-servers"
INTERFACE = "eni-00000000000000001"
A_FIFTH = 0.2


def go(name: str, tour: Tour, world: World, written: IO[str]) -> None:
    """Carry one tour out, and write a line of JSON for each call."""
    world.empty()
    world.new_process()
    recipe = world.recipe = tour.recipe(world)
    location = tour.location
    run = whole_run.begin(recipe, location)
    writes = Writes(world, name, tour.caller, written.fileno())
    world.application.interceptors += [
        writes,
        Iam(world.cloud, allow_all, tour.caller, "/research/"),
    ]

    def take_up() -> None:
        resume_elsewhere(world, writes, run, copied(world, location))

    def leave() -> None:
        leave_alone(world, writes, run, copied(world, location))

    then: dict[str, list[Callable[[], None]]] = {action: [take_up] for action in tour.resumed_after}
    if then:
        then.setdefault(ABANDONED_AFTER, []).append(leave)
    world.interceptor = Forks(then)
    whole_run.take_up(run.id, location)
    writes.what = "tear-down again"
    unwrap(tear_down.tear_down.fn)(run_id=run.id, store=location)
    writes.what = "history verify"
    check_versions(location)
    writes.what = "check"
    ask_for_updates(recipe, location)
    if "policy-copying" in tour.policies:
        writes.what = "share and copy"
        share_and_copy(run)
    if tour.of_user:
        writes.what = SERVERS
        use_servers(run, world)
    if "policy-pointer" in tour.policies:
        writes.what = "promote"
        promote(run)
    if "policy-prune" in tour.policies:
        writes.what = "prune"
        prune(run, world)
    if tour.is_remote:
        writes.what = "history seal"
        seal_by_a_shared_key(location, run.recipe.region)


def ask_for_updates(recipe: Recipe, location: str) -> None:
    """Ask AWS what a check for updates asks, one after the other, and keep the result."""
    current = find_current(recipe.name, recipe.region, location)
    assert current, "the tour ended with an accepted image"
    state = find_state(current.image_id, recipe.region)
    findings = (check_base_image(current, recipe),)
    for dataset in recipe.datasets:
        ask_source(dataset, recipe.region)
    checked = UpdateCheck(
        recipe=recipe.name,
        region=recipe.region,
        checked=current.accepted,
        image_state=state,
        findings=findings,
    )
    keep_check(checked, location)


def share_and_copy(run: Run) -> None:
    """Share the image, take that back, and copy it: with the key, if it has one."""
    image, store = find_image(run), open_store(run.store)
    assert image, "the tour ended with an accepted image"
    key = run.recipe.encryption.kms_key_id or ""
    whom = (OTHER,) if key else (OTHER, EVERYBODY)
    carry_out(plan_share(image.id, run.region, whom, store, may_copy=True), store)
    carry_out(plan_unshare(image.id, run.region, whom, store), store)
    to_region = run.region if key else ELSEWHERE
    carry_copy_out(plan_copy(image.id, run.region, to_region, store, key=key), store)


def promote(run: Run) -> None:
    """Make the image current, as a deployment that is the promoter, then revoke it."""
    image = find_image(run)
    assert image, "the tour ended with an accepted image"
    move_pointer(run, image)
    revoke(image.id, run.region, open_store(run.store), reason="the end of the tour")


def use_servers(run: Run, world: World) -> None:
    """Start a server from the image twice, keep, stop, start and terminate it; move its volume."""
    image = find_image(run)
    assert image, "the tour ended with an accepted image"
    for wanted in (image.id, run.recipe_name):
        assert choose_image(wanted, run.region).id == image.id
    vpc_id, subnets = subnets_to_try(run.region)
    assert run.region in enabled_regions(run.region)
    plan = LaunchPlan(
        name="ocean",
        owner="ada",
        region=run.region,
        image_id=image.id,
        instance_type="t3.large",
        subnets=subnets,
        public_key=generate_keys().public,
        volumes=(WantedVolume(name="data", size_gib=5),),
        has_elastic_address=True,
        profile=give_profile(world),
        tags={tags.IDLE: "60", tags.DAILY_END: "19:00 Asia/Tokyo", tags.SCHEDULER_ROLE: STOP_ROLE},
    )
    ensure_key(server_named(plan.owner, plan.name))
    # The hosts of this world have no ssh; what is typed on them asks AWS for nothing.
    with mock.patch("notebake.servers.mounting.run_on", return_value="mounted"):
        start_and_end(plan, vpc_id)


def start_and_end(plan: LaunchPlan, vpc_id: str) -> None:
    """Go through all that is done to a server and to its volume."""
    for _ in range(2):
        server = start(plan, vpc_id)
        for computer in ("laptop", "desk"):
            admit(server, plan.owner, computer)
        for group in list_ssh_rules(list(server.group_ids), plan.region):
            for rule in group.rules:
                take_out(group.group_id, rule, plan.region)
        keep_server(server, 60)
        (listed,) = list_all([plan.region]).servers
        assert (listed.server.id, listed.ends_outside) == (server.id, True)
        stop_server(server)
    losses_of(server, plan.owner)
    terminate_server(server)
    next_one = start(plan.model_copy(update={"has_elastic_address": False}), vpc_id)
    stop_server(next_one)
    remove_volume(list_kept(plan.region)[0])
    terminate_server(next_one)


def give_profile(world: World) -> str:
    """Make an instance profile with a role whose name our policy hands over; return its name."""
    account = iam_backends[world.cloud.account_id]["aws"]
    role = account.create_role("notebake-server-reader", "{}", "/", None, "", [], "3600")
    profile = account.create_instance_profile("reader", "/", [])
    profile.roles.append(role)
    return str(profile.name)


def prune(run: Run, world: World) -> None:
    """Let the image go by all stages, after a newer one has taken its place."""
    image = find_image(run)
    assert image, "the tour ended with an accepted image"
    region, later = world.history.region, f"{run.id}-later"
    # What is shared stays.
    region.images[image.id].launch_permissions = []
    newer = replace(
        region.images[image.id],
        id="ami-0fedcba9876543210",
        name=name_of_image(later),
        mapping=[],
        creation_date=region.now() + timedelta(days=1),
    )
    region.images[newer.id] = newer
    region.tag(newer.id, image.tags | {tags.RUN: later})
    policy = Prune(
        keep=1,
        younger_than_days=0,
        launched_within_days=2,
        disable_after_days=1,
        remove_after_days=2,
    )
    recipe = run.recipe.model_copy(update={"prune": policy})
    for _ in range(3):
        world.clock.advance(3 * 86400)
        done = prune_region([recipe], run.region, open_store(run.store))
        assert len(done.done) == 1, done
    assert image.id not in region.images


def seal_by_a_shared_key(location: str, region: str) -> None:
    """Sign two checkpoints, with a change of keys between, as a machine that seals the record."""
    os.environ[VARIABLE] = f"ssm:{region}"
    try:
        make_checkpoint(location)
        change_key()
        make_checkpoint(location)
    finally:
        del os.environ[VARIABLE]


def copied(world: World, location: str) -> str:
    """Return where a copy of the process finds the run: on S3 in its own copy of the world."""
    world.copy_home()
    return location if is_remote(location) else os.environ["NOTEBAKE_RUNS"]


def resume_elsewhere(world: World, writes: Writes, run: Run, location: str) -> None:
    """Look first, then take the run up from another address: nobody has told the group yet."""
    writes.what = "resume"
    world.new_process()
    # So late that the leases of machines are renewed, and schedules moved.
    world.clock.advance(LEASE_SECONDS + A_FIFTH * run.recipe.lease_hours * 3600)
    world.interceptor = PassThrough()
    survey(Scope(regions=(run.recipe.region,), run_id=run.id, store=location, before=None))
    for machine in world.history.region.instances:
        # Somebody has tidied up.
        world.history.region.untag(machine, "Name")
    if group := ssh_access.find_security_group(run):
        networks.allow_ssh(group, ("203.0.113.9/32",), run.recipe.region)
    whole_run.take_up(run.id, location)


def leave_alone(world: World, writes: Writes, run: Run, location: str) -> None:
    """Let nobody come back but the sweep: the builder is stopped, and a disk of it outlives it."""
    writes.what = "sweep"
    world.new_process()
    world.interceptor = PassThrough()
    region = world.history.region
    for volume in region.volumes.values():
        # A schedule ends the machine before the sweep does, and a free disk is not certain ours.
        if volume.attachment and not volume.is_root and not run.recipe.scheduler_role:
            volume.attachment.delete_on_termination = False
    for _ in range(12):
        world.clock.advance(run.recipe.lease_hours * 360 + 60)
    whole_run.remove_left_overs(region.name, location)
    left = world.history.left()
    assert not left, left
    # The sandbox's interfaces always go with their machine: what a sweep does to a lone one.
    region.tag(INTERFACE, {tags.RUN: run.id})
    with suppress(NotebakeError):
        removal.remove_resource(
            Resource(kind="network interface", id=INTERFACE, name="", region=region.name)
        )


def main() -> int:
    """Carry all tours out."""
    parser = argparse.ArgumentParser(prog="python -m tests.policy", description=__doc__)
    parser.add_argument("--report", type=Path, required=True, help="where the calls are written")
    report: Path = parser.parse_args().report
    logging.getLogger().setLevel(logging.ERROR)
    directory = make_directory()
    try:
        with stand_in_jupyter.serving() as port:
            world = World(whole_run.make_recipe(), directory)
            world.jupyter_port = port
            put_in_place(world)
            whole_run.leave_prefect_out()
            with TemporaryFile("w+") as written:
                for name, tour in TOURS.items():
                    go(name, tour, world, written)
                written.seek(0)
                report.write_text(json.dumps({"calls": [json.loads(line) for line in written]}))
    finally:
        remove_directory(directory)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
