"""A check for updates resolves the base image anew."""

from collections.abc import Callable
from typing import Any

import pytest
from moto.ssm.models import ssm_backends

from notebake.aws.clients import connect
from notebake.errors import CloudError, PreflightError
from notebake.images.updates.base_image import check_base_image
from notebake.recipe import BaseImage, Recipe
from sandbox.ec2.state.base_images import RELEASES, image_id, ssm_parameters
from tests.cloud_world import RECIPE, REGION, CloudWorld, RefusedCall
from tests.preflight_world import RewrittenAnswer
from tests.update_images import current_image

ACCOUNT = "123456789012"
NOBLE, JAMMY = RELEASES
TODAY = image_id(NOBLE, REGION)
TWISTS = {
    name.rpartition("/")[2]: value
    for name, value in ssm_parameters(REGION).items()
    if "canonical" not in name
}


def with_base(**base: Any) -> Recipe:
    return RECIPE.model_copy(update={"base_image": BaseImage(**base)})


def publish(name: str, value: str) -> None:
    """Let a public parameter hold another image, as Canonical does every few days."""
    connect("ssm", REGION).get_parameter(Name=name)
    ssm_backends[ACCOUNT][REGION]._parameters[name][-1].value = value


def own_parameter(value: str) -> Recipe:
    connect("ssm", REGION).put_parameter(Name="/ocean/base", Value=value, Type="String")
    return with_base(ssm_parameter="/ocean/base")


CHANGED: dict[str, tuple[str, Callable[[], Recipe], str]] = {
    "a newer image": ("ami-0fedcba9876543210", lambda: RECIPE, TODAY),
    "an image with a short id": ("ami-0fedcba9", lambda: RECIPE, TODAY),
    "an older release in the recipe": (
        TODAY,
        lambda: with_base(ssm_parameter=JAMMY.parameter),
        image_id(JAMMY, REGION),
    ),
    "a newer release in the recipe": (
        image_id(JAMMY, REGION),
        lambda: with_base(ssm_parameter=NOBLE.parameter),
        TODAY,
    ),
    "an id in the recipe": (
        TODAY,
        lambda: with_base(image_id=image_id(JAMMY, REGION)),
        image_id(JAMMY, REGION),
    ),
    "a parameter of one's own": (
        TODAY,
        lambda: own_parameter(image_id(JAMMY, REGION)),
        image_id(JAMMY, REGION),
    ),
} | {
    f"the twist {name}": (TODAY, lambda value=value: with_base(image_id=value), value)
    for name, value in list(TWISTS.items())[:14]
}


@pytest.mark.parametrize("name", CHANGED)
def test_another_base_image_is_named(name: str, world: CloudWorld) -> None:
    before, recipe, after = CHANGED[name]

    found = check_base_image(current_image(RECIPE, base=before), recipe())

    assert found.state == "changed"
    (change,) = found.changes
    assert (change.name, change.old, change.new) == ("AMI", before, after)
    assert change.detail, "the name of the new image, which has its date"
    assert world.actions().count("DescribeImages") == 1


def test_there_are_twenty_variants() -> None:
    assert len(CHANGED) == 20


@pytest.mark.usefixtures("world")
def test_a_parameter_that_points_elsewhere_is_noticed() -> None:
    publish(NOBLE.parameter, image_id(JAMMY, REGION))

    (change,) = check_base_image(current_image(RECIPE, base=TODAY), RECIPE).changes

    assert change.new == image_id(JAMMY, REGION)
    assert "jammy" in change.detail


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize(
    "recipe",
    [RECIPE, with_base(ssm_parameter=NOBLE.parameter), with_base(image_id=TODAY)],
    ids=["by default", "by parameter", "by id"],
)
def test_the_same_base_image_is_unchanged(recipe: Recipe) -> None:
    found = check_base_image(current_image(RECIPE, base=TODAY), recipe)

    assert (found.state, found.changes) == ("unchanged", ())
    assert REGION in found.how


def test_a_run_without_a_launch_is_not_checked() -> None:
    found = check_base_image(current_image(RECIPE, base=""), RECIPE)

    assert found.state == "not checked"
    assert "does not say from which image" in found.reason


def test_a_refusal_is_no_answer(world: CloudWorld) -> None:
    refused = RefusedCall("DescribeImages", "UnauthorizedOperation", status=403)
    with world.intercepting(refused), pytest.raises(CloudError, match="UnauthorizedOperation"):
        check_base_image(current_image(RECIPE), RECIPE)

    assert refused.fired


def test_a_withdrawn_base_image_is_no_answer(world: CloudWorld) -> None:
    disabled = RewrittenAnswer("DescribeImages", ">available<", ">disabled<")
    with world.intercepting(disabled), pytest.raises(PreflightError, match="is disabled"):
        check_base_image(current_image(RECIPE), RECIPE)
