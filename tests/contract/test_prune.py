"""A prune over a region: exactly the expected images go, by stages, with few calls."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from notebake.aws import tags
from notebake.aws.clients import connect
from notebake.aws.image_parameter import parameter_of
from notebake.errors import NotebakeError
from notebake.images.prune.marks import StoredMarks
from notebake.images.prune.plan import PrunePlan, make_plan
from notebake.images.prune.pruner import Pruned, PruneInProgressError, pruning
from notebake.images.revoke import revoke
from notebake.ledger import kinds
from notebake.ledger.chain import Chain, Writer
from notebake.ledger.verify import verify_run
from notebake.recipe import BaseImage, Recipe
from notebake.runs.reserved_ids import PRUNE_LOG
from notebake.runs.run_record import record_place
from tests.cloud_world import REGION, RefusedCall
from tests.prune_world import OCEAN, POLICY, LeavesSnapshots, PruneWorld, prune_world

STRANGER = "210987654321"
RIVERS = Recipe(name="rivers", region=REGION)
TIDES = Recipe(name="tides", region=REGION, prune=POLICY)


@pytest.fixture(params=["directory", "s3"])
def everywhere(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PruneWorld]:
    with prune_world(tmp_path, is_remote=request.param == "s3") as opened:
        yield opened


@pytest.fixture
def here(tmp_path: Path) -> Iterator[PruneWorld]:
    with prune_world(tmp_path) as opened:
        yield opened


def prune(world: PruneWorld, *recipes: Recipe) -> Pruned:
    with pruning(REGION, world.store) as pruner:
        return pruner.carry_out(pruner.make_plan(recipes or (OCEAN,)))


def plan(world: PruneWorld, *recipes: Recipe) -> PrunePlan:
    return make_plan(recipes or (OCEAN,), REGION, world.store)


def fates(pruned: Pruned | PrunePlan) -> dict[str, str]:
    """Return what was done, or is to be, with each image that goes."""
    found = pruned.going if isinstance(pruned, PrunePlan) else pruned.done
    return {each.image_id: each.action for each in found}


def reason(world: PruneWorld, image_id: str) -> str:
    (found,) = [each.reason for each in plan(world).decisions if each.image_id == image_id]
    return found


def log_of(world: PruneWorld) -> list[tuple[str, dict[str, Any]]]:
    place = record_place(world.location)
    assert verify_run(place, PRUNE_LOG).findings == ()
    entries = Chain(place, PRUNE_LOG, Writer()).entries()
    return [(entry.kind, entry.body) for entry in entries]


def make_newest(world: PruneWorld, recipe: str = "ocean") -> list[str]:
    """Make those that the policy keeps for being the newest."""
    return [world.image(days, recipe=recipe) for days in (3, 2)]


def test_an_image_goes_by_stages_each_after_its_own_days(everywhere: PruneWorld) -> None:
    world = everywhere
    kept = make_newest(world)
    old = world.image()
    snapshots = world.snapshots_of(old)

    assert fates(prune(world)) == {old: "deprecate"}
    assert world.region.images[old].deprecation_time
    assert reason(world, old).startswith("deprecated from ")
    assert fates(prune(world)) == {}
    world.advance(19)
    assert fates(prune(world)) == {}
    world.advance(2)
    assert fates(prune(world)) == {old: "disable"}
    assert world.region.images[old].state == "disabled"
    assert fates(prune(world)) == {}
    world.advance(14)
    assert fates(prune(world)) == {}
    world.advance(2)
    assert fates(prune(world)) == {old: "remove"}

    assert set(world.region.images) & {old, *kept} == set(kept)
    assert not set(snapshots) & set(world.region.snapshots)
    assert StoredMarks(REGION, world.store).images == {}
    assert fates(prune(world)) == {}
    kinds_of_log = [kind for kind, _ in log_of(world) if kind in (kinds.PRUNING, kinds.PRUNED)]
    assert kinds_of_log == [kinds.PRUNING, kinds.PRUNED] * 3


def test_each_action_is_an_entry_with_its_intent_first(here: PruneWorld) -> None:
    make_newest(here)
    old = here.image()

    prune(here)

    (begun, sent, answered, ended) = log_of(here)
    assert [begun[0], sent[0], answered[0], ended[0]] == [
        *(kinds.PRUNING, kinds.SENT, kinds.ANSWERED, kinds.PRUNED)
    ]
    assert begun[1]["image"] == ended[1]["image"] == old
    assert (begun[1]["stage"], ended[1]["outcome"]) == ("deprecate", "done")
    assert begun[1]["reason"] == "30 days old or older, and not the 2 accepted last"
    assert begun[1]["snapshots"] == here.snapshots_of(old)
    assert sent[1]["operation"] == "EnableImageDeprecation"
    assert sent[1]["parameters"]["ImageId"] == old


def test_a_plan_changes_nothing(everywhere: PruneWorld) -> None:
    make_newest(everywhere)
    old = everywhere.image()
    before, counted = everywhere.store.list(""), Counter(everywhere.counted())

    found = plan(everywhere)

    asked = Counter(everywhere.counted()) - counted
    assert {name for name in asked if not name.startswith(("Describe", "Get", "GET "))} == set()
    assert fates(found) == {old: "deprecate"}
    assert everywhere.store.list("") == before
    assert PrunePlan.model_validate_json(found.model_dump_json()) == found


def test_a_plan_has_a_digest_of_what_it_would_do_and_of_nothing_else(here: PruneWorld) -> None:
    make_newest(here)
    old = here.image()
    first = plan(here)
    here.advance(1)
    later = plan(here)
    here.image(90)
    more = plan(here)

    assert first.digest == later.digest
    assert (first.at, first.digest) != (later.at, more.digest)
    assert more.digest != first.digest
    assert fates(more.restricted_to(first)) == {old: "deprecate"}
    assert more.restricted_to(first).digest == first.digest


def exceptions(world: PruneWorld) -> dict[str, str]:
    """Make each kind of image that a prune has to judge; return what is to become of each."""
    stays: list[str] = [*make_newest(world), *make_newest(world, "rivers")]
    ids: dict[str, str] = {}
    world.point(stays[1], previous := world.image(60))
    stays.append(previous)
    for changes in (
        {"marks": {tags.BUILDER: "i-0fedcba9876543210"}},
        {"marks": {tags.BUILDER: ""}},
        {"name": "another name"},
        {"marks": {tags.KEEP: "for ada"}},
        {"deregistration_protection": "enabled"},
        {"marks": {tags.ACCEPTED: ""}},
        {"state": "failed"},
        {"state": "pending"},
        {"state": "disabled"},
        {"recipe": "rivers"},
        {"recipe": "lakes"},
        {"marks": {tags.RECIPE: ""}},
        {"days": 29},
        {"launch_times": [world.region.now() - timedelta(days=9)]},
        {"launch_permissions": [{"UserId": STRANGER}]},
        {"launch_permissions": [{"Group": "all"}]},
        {"launch_permissions": [{"OrganizationArn": "arn:aws:organizations::1:organization/o-1"}]},
        {"deprecation_time": world.region.now() - timedelta(days=19)},
        {"deprecation_time": world.region.now() + timedelta(days=19)},
    ):
        stays.append(world.image(**{"days": 100, **changes}))  # type: ignore[arg-type]
    kept = world.image()
    world.region.tag(world.snapshots_of(kept)[0], {tags.KEEP: "yes"})
    base, named = world.image(), world.image()
    world.image(10, recipe="rivers", marks={tags.BASE_IMAGE: base})
    put(world, "somebody", named)
    used = [world.image() for _ in range(4)]
    world.instance(used[0])
    world.instance(used[1], "stopped")
    template(world, used[2], versions=1)
    template(world, used[3], versions=30)
    stays += [kept, base, named, *used]
    ids |= dict.fromkeys(stays, "stay")
    gone = world.image()
    world.instance(gone, "terminated")
    ids |= {gone: "deprecate"}
    ids |= {
        world.image(deprecation_time=world.region.now() - timedelta(days=days)): "disable"
        for days in (21, 300)
    }
    for days in (1, 50):
        bad = world.image(days)
        revoke(bad, REGION, world.store, reason="a key was in it")
        ids[bad] = "disable"
    return ids


def put(world: PruneWorld, recipe: str, image_id: str) -> None:
    """Let a parameter name an image."""
    connect("ssm", REGION).put_parameter(
        Name=parameter_of(recipe), Value=image_id, Type="String", DataType="aws:ec2:image"
    )
    world.world.sandbox.advance(60)


def template(world: PruneWorld, image_id: str, *, versions: int) -> None:
    """Let the first version of a launch template name an image."""
    made = world.ec2.create_launch_template(
        LaunchTemplateName=f"for-{image_id}", LaunchTemplateData={"ImageId": image_id}
    )["LaunchTemplate"]["LaunchTemplateId"]
    for _ in range(versions - 1):
        world.ec2.create_launch_template_version(
            LaunchTemplateId=made, LaunchTemplateData={"InstanceType": "m5.large"}
        )


def test_of_200_images_exactly_the_expected_ones_go_within_the_budget(
    here: PruneWorld, record_property: Any
) -> None:
    expected = exceptions(here)
    expected |= {here.image(40 + number): "deprecate" for number in range(199 - len(expected))}
    moment = here.image(150, deprecation_time=here.region.now() - timedelta(days=25))
    expected[moment] = "disable"
    images = {id for id, each in here.region.images.items() if each.owner_id.startswith("1234")}
    extra = len(images - set(expected))
    assert len(expected) == 200
    before = Counter(here.counted())

    done = prune(here, OCEAN, RIVERS)

    going = {image_id: action for image_id, action in expected.items() if action != "stay"}
    assert fates(done) == going
    assert (done.failures, done.spared) == ((), ())
    counted = Counter(here.counted()) - before
    due = len(going) + 8
    listing = counted["DescribeImages"] + counted["DescribeSnapshots"] + counted["GetParameters"]
    references = counted["DescribeImageReferences"]
    sharing = counted["DescribeImageAttribute"]
    acts = counted["EnableImageDeprecation"] + counted["DisableImage"]
    others = sum(counted.values()) - listing - references - sharing - acts
    record_property("calls", dict(counted))
    assert (extra, others) == (1, 0)
    assert listing <= 12
    assert references <= -(-due // 10)
    # Those that are shared are asked for, too: only so it shows.
    assert len(going) <= sharing <= len(going) + 3
    assert acts == len(going)
    assert fates(prune(here, OCEAN, RIVERS)) == {}


def test_each_removal_takes_at_most_two_calls(here: PruneWorld) -> None:
    make_newest(here)
    gone = [here.image(snapshots=4) for _ in range(11)]
    prune(here)
    here.advance(21)
    prune(here)
    here.advance(16)
    before = Counter(here.counted())

    assert fates(prune(here)) == dict.fromkeys(gone, "remove")

    counted = Counter(here.counted()) - before
    assert counted["DescribeImageReferences"] == 2
    assert counted["DescribeImageAttribute"] == 11
    assert counted["DeregisterImage"] + counted["DeleteSnapshot"] <= 22
    listing = counted["DescribeImages"] + counted["DescribeSnapshots"] + counted["GetParameters"]
    assert listing <= 12
    assert (
        len(here.region.snapshots)
        == len([each for each in here.region.snapshots.values() if each.owner_id != "123456789012"])
        + 4
    )


def in_stage(world: PruneWorld, stage: str) -> str:
    """Make an image that is due for a stage; return its id."""
    if stage == "deprecate":
        return world.image()
    image_id = world.image(deprecation_time=world.region.now() - timedelta(days=40))
    if stage == "remove":
        prune(world)
        world.advance(16)
    return image_id


def test_what_cannot_be_asked_is_in_use(here: PruneWorld) -> None:
    make_newest(here)
    old = here.image()
    for action, said in (
        ("DescribeImageReferences", "what refers to it is not known: "),
        ("DescribeImageAttribute", "with whom it is shared is not known: "),
        ("GetParameters", "which images are named by parameters could not be read: "),
    ):
        refused = RefusedCall(action, "UnauthorizedOperation", status=403)
        with here.world.intercepting(refused):
            found = plan(here)
            assert fates(prune(here)) == {}
        assert refused.fired == 2
        (decision,) = [each for each in found.decisions if each.image_id == old]
        assert decision.reason.startswith(said)
        assert len(found.unread) == 1
    assert fates(prune(here)) == {old: "deprecate"}


def test_a_pointer_that_cannot_be_read_keeps_the_images_of_its_recipe(here: PruneWorld) -> None:
    make_newest(here)
    make_newest(here, "tides")
    here.image()
    tide = here.image(recipe="tides")
    here.store.write(f"pointers/{REGION}/ocean.json", b"{")

    found = plan(here, OCEAN, TIDES)

    assert fates(found) == {tide: "deprecate"}
    assert "which image is current could not be read" in " ".join(
        each.reason for each in found.decisions
    )
    assert len(found.unread) == 1


def test_a_refused_image_is_a_failure_of_its_own(here: PruneWorld) -> None:
    make_newest(here)
    first = here.image(120, deprecation_time=here.region.now() - timedelta(days=40))
    second = here.image(110, deprecation_time=here.region.now() - timedelta(days=40))
    refused = RefusedCall(
        *("DisableImage", "UnauthorizedOperation"),
        when=lambda call: call.parameters["ImageId"] == first,
        status=403,
    )
    with here.world.intercepting(refused):
        done = prune(here)

    assert refused.fired == 1
    assert fates(done) == {second: "disable"}
    assert len(done.failures) == 1
    assert "disable" in done.failures[0]
    assert first in done.failures[0]
    assert first not in StoredMarks(REGION, here.store).images
    outcomes = [body["outcome"] for kind, body in log_of(here) if kind == kinds.PRUNED]
    assert sorted(outcomes) == ["done", "failed"]
    assert fates(prune(here)) == {first: "disable"}


def test_a_snapshot_that_another_image_uses_stays(here: PruneWorld) -> None:
    make_newest(here)
    gone = in_stage(here, "remove")
    shared, own = here.snapshots_of(gone)
    other = here.image(5)
    here.region.images[other].mapping.append(here.region.images[gone].mapping[0])

    assert fates(prune(here)) == {gone: "remove"}

    assert shared in here.region.snapshots
    assert own not in here.region.snapshots
    (ended,) = [body for kind, body in log_of(here) if kind == kinds.PRUNED][-1:]
    assert ended["kept_snapshots"] == [shared]


def test_snapshots_that_ec2_left_are_deleted_one_by_one(here: PruneWorld) -> None:
    make_newest(here)
    gone = in_stage(here, "remove")
    ids = here.snapshots_of(gone)
    lost = LeavesSnapshots(here, gone)
    with here.world.intercepting(lost):
        assert fates(prune(here)) == {gone: "remove"}

    assert lost.fired == 1
    assert here.counted()["DeleteSnapshot"] == len(ids)
    assert not set(ids) & set(here.region.snapshots)


def test_who_enables_an_image_again_keeps_it(here: PruneWorld) -> None:
    make_newest(here)
    image_id = in_stage(here, "disable")
    prune(here)
    here.ec2.enable_image(ImageId=image_id)

    assert fates(prune(here)) == {}
    here.advance(100)
    assert fates(prune(here)) == {}
    assert reason(here, image_id).startswith("enabled again after a prune had disabled it on ")


def test_a_disabled_image_is_still_asked_for(here: PruneWorld) -> None:
    make_newest(here)
    image_id = in_stage(here, "remove")
    instance_id = here.instance(image_id)

    assert fates(prune(here)) == {}
    assert reason(here, image_id) == f"in use: instance/{instance_id}"


def test_the_base_image_that_a_recipe_names_stays(here: PruneWorld) -> None:
    make_newest(here)
    base = here.image()
    made_of_it = RIVERS.model_copy(update={"base_image": BaseImage(image_id=base)})

    assert fates(plan(here, OCEAN)) == {base: "deprecate"}
    assert fates(plan(here, OCEAN, made_of_it)) == {}


def test_only_the_recipes_that_are_given_count_today(here: PruneWorld) -> None:
    make_newest(here)
    old = here.image()

    assert fates(plan(here, RIVERS)) == {}
    assert fates(plan(here, OCEAN.model_copy(update={"prune": None}))) == {}
    elsewhere = OCEAN.model_copy(update={"region": "eu-west-1"})
    assert fates(plan(here, elsewhere)) == {}
    assert fates(plan(here, OCEAN, OCEAN)) == {old: "deprecate"}
    other = OCEAN.model_copy(update={"prune": POLICY.model_copy(update={"keep": 9})})
    with pytest.raises(NotebakeError, match="Two recipes of us-west-2 have the name ocean"):
        plan(here, OCEAN, other)


def test_of_two_prunes_one_is_refused(here: PruneWorld) -> None:
    with (
        pruning(REGION, here.store),
        pytest.raises(PruneInProgressError, match="in progress"),
        pruning(REGION, here.store),
    ):
        pass
