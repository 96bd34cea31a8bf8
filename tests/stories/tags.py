"""Runs whose things lose their tags, by somebody's hand or by a rule of the account."""

from notebake import clock
from notebake.aws import tags
from notebake.ledger.chain import Chain, Writer
from notebake.ledger.entry import hash_of
from notebake.ledger.entry_anchor import parse_entry_anchor
from notebake.resources.survey import Scope, survey
from notebake.resources.sweep import remove
from notebake.runs.attempt_store import list_attempts
from notebake.runs.registry import update_recipe
from notebake.runs.run import Run
from notebake.runs.run_record import record_place
from notebake.timestamps import utc_from_seconds
from notebake.waiting import allow_waits
from sandbox.api.application import Reply
from sandbox.messages.call import Call
from tests.cloud_world import refusal_of
from tests.faults.faulty_world import LOCATION, FaultyWorld, furnish
from tests.stories.outcomes import (
    Outcome,
    Steps,
    Story,
    die_at,
    left,
    load_stored,
    logged,
    resumed,
    torn_down,
)

HOUR = 3600
ONE_BY_ONE = {
    "mount_volumes": tags.RUN,
    "install_packages": tags.ROLE,
    "install_software": tags.TOKEN,
    "install_papermill": tags.LAUNCH,
    "fetch_datasets": tags.NUMBER,
    "clone_repository": tags.EXPIRES,
    "start_jupyter": tags.RECIPE,
}
"""Which tag of the builder somebody takes as which step begins."""


def take(world: FaultyWorld, prefixes: tuple[str, ...], *keys: str) -> None:
    """Take tags, or all of them, from everything whose id begins so, as somebody else would."""
    region = world.history.region
    for thing_id in [
        resource_id for resource_id in region.network.tags if resource_id.startswith(prefixes)
    ]:
        for key in keys or list(region.tags_of(thing_id)):
            region.untag(thing_id, key)


def log_of(world: FaultyWorld, prefix: str) -> list[dict[str, str]]:
    """Return our tags of everything whose id begins so."""
    region = world.history.region
    found = [
        region.tags_of(resource_id)
        for resource_id in sorted(region.network.tags)
        if resource_id.startswith(prefix)
    ]
    return [
        {key: resource_tags[key] for key in resource_tags if key.startswith(tags.PREFIX)}
        for resource_tags in found
    ]


def machines(run: Run) -> list[str]:
    """Return which machines the run has asked for, in order."""
    names = [attempt.name for attempt in list_attempts(load_stored(run))]
    return [name for name in names if name.startswith(("builder-", "acceptance-"))]


def all_at_once(world: FaultyWorld) -> Outcome:
    """The builder, its disks and its interface lose everything while software is installed."""
    run = furnish(world)
    kinds = ("i-", "vol-", "eni-")
    before: dict[str, list[dict[str, str]]] = {}

    def lose() -> None:
        before.update({kind: log_of(world, kind) for kind in kinds})
        take(world, kinds)

    after: dict[str, list[dict[str, str]]] = {}
    road = world.interceptor = Steps(
        {
            "install_software": lose,
            "install_papermill": lambda: after.update(
                {kind: log_of(world, kind) for kind in kinds}
            ),
        }
    )
    build = resumed(run)
    return {
        "build": build,
        "happened": road.happened,
        "before": before,
        "after": after,
        "said": logged(world),
        "machines": machines(run),
        "left": left(world),
    }


def each_tag_lost(world: FaultyWorld) -> Outcome:
    run = furnish(world)
    road = world.interceptor = Steps(
        {
            step: lambda key=key: take(world, ("i-",), key)  # type: ignore[misc]
            for step, key in ONE_BY_ONE.items()
        }
    )
    return {
        "build": resumed(run),
        "happened": road.happened,
        "said": logged(world),
        "machines": machines(run),
        "left": left(world),
    }


def of_what_is_named(world: FaultyWorld) -> Outcome:
    """Key pairs, the group, the image, its snapshots and the machines from it lose their tags."""
    run = furnish(world)
    road = world.interceptor = Steps(
        {
            "wait_for_host": lambda: take(world, ("key-", "sg-")),
            "restart_host": lambda: take(world, ("ami-", "snap-")),
            "prove_image": lambda: take(world, ("i-", "key-", "ami-")),
        }
    )
    return {
        "build": resumed(run),
        "happened": road.happened,
        "machines": machines(run),
        "left": left(world),
        "accepted": len(world.history.accepted()),
        "image": log_of(world, "ami-"),
        "snapshot": log_of(world, "snap-"),
    }


def anchored(world: FaultyWorld) -> Outcome:
    """An accepted image carries an anchor of its run's record, for its recipients as well."""
    run = furnish(world)
    run = update_recipe(run, run.recipe.model_copy(update={"share_with": ("210987654321",)}))
    build = resumed(run)
    region = world.history.region
    (image,) = [region.tags_of(each) for each in region.network.tags if each.startswith("ami-")]
    anchor = parse_entry_anchor(image.get(tags.RECORD, ""))
    place = record_place(run.store)
    stored = place.store.read(place.key(run.id, anchor.sequence)) if anchor else None
    entries = Chain(place, run.id, Writer()).entries()
    return {
        "build": build,
        "image": image,
        "hash": hash_of(stored.content) if stored else None,
        "later": [each.kind for each in entries if anchor and each.sequence > anchor.sequence],
        "left": left(world),
        "machines": machines(run),
    }


def torn_down_without_tags(world: FaultyWorld) -> Outcome:
    """A killed run loses every tag there is, and is then torn down."""
    run = furnish(world)
    die_at(world, run, "install_software")
    take(world, ("i-", "vol-", "eni-", "key-", "sg-"))
    world.new_process(same_machine=True)
    there = left(world)
    return {"there": there, "tear-down": torn_down(run), "left": left(world)}


def accepted_and_torn_down(world: FaultyWorld) -> Outcome:
    """An accepted image loses its tags: it is no image that was not accepted."""
    run = furnish(world)
    build = resumed(run)
    take(world, ("ami-", "snap-"))
    world.new_process(same_machine=True)
    tear_down = torn_down(run)
    world.history.look()
    return {
        "build": build,
        "tear-down": tear_down,
        "image": log_of(world, "ami-"),
        "snapshot": log_of(world, "snap-"),
        "left": left(world),
        "again": resumed(run),
        "machines": machines(run),
    }


def surveyed_and_swept(world: FaultyWorld) -> Outcome:
    """By the run store a look knows what has no tag, and a sweep removes it once it has expired."""
    run = furnish(world)
    die_at(world, run, "install_software")
    take(world, ("i-", "vol-", "eni-", "key-", "sg-"))
    world.new_process(same_machine=True)
    scope = Scope(regions=(run.recipe.region,), run_id=run.id, store=LOCATION, before=None)
    found = {finding.resource.kind: finding.verdict.reason for finding in survey(scope).findings}
    world.clock.seconds += 30 * HOUR
    allow_waits()
    scope = scope.model_copy(update={"before": utc_from_seconds(clock.now())})
    swept = remove(survey(scope).findings, scope)
    return {"found": found, "failures": swept.failures, "left": left(world)}


class MayNotTag:
    """Lets nobody tag what does not carry the run's tag, as our policy does."""

    fired = 0

    def before(self, call: Call) -> Reply | None:
        if call.action != "CreateTags" or not any(
            key.endswith(".Key") and value == tags.RUN for key, value in call.parameters.items()
        ):
            return None
        self.fired += 1
        return refusal_of("UnauthorizedOperation", 403)

    def after(self, call: Call, reply: Reply) -> Reply:
        del call
        return reply


def may_not_be_put_back(world: FaultyWorld) -> Outcome:
    run = furnish(world)
    refuses = MayNotTag()
    world.application.interceptors.append(refuses)
    road = world.interceptor = Steps({"install_software": lambda: take(world, ("i-",))})
    return {
        "build": resumed(run),
        "happened": road.happened,
        "fired": refuses.fired,
        "machines": machines(run),
        "said": logged(world),
        "left": left(world),
    }


STORIES: dict[str, Story] = {
    story.__name__: story
    for story in (
        all_at_once,
        each_tag_lost,
        of_what_is_named,
        anchored,
        torn_down_without_tags,
        accepted_and_torn_down,
        surveyed_and_swept,
        may_not_be_put_back,
    )
}
