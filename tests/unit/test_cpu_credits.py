"""Burstable types cost more than their price while they compute."""

import datetime

import pytest

from notebake.costs.credits import describe_surplus, surplus_usd_per_hour
from notebake.costs.estimate import estimate
from notebake.recipe import Recipe
from notebake.servers.server import Server
from notebake.servers.spending import spending

START = datetime.datetime(2026, 11, 30, 12, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("instance_type", "usd"),
    [
        ("t3.large", 0.07),
        ("t4g.large", 0.056),
        ("t3a.2xlarge", 0.24),
        ("t3.nano", 0.095),
        ("t2.large", 0),
        ("m5.large", 0),
    ],
)
def test_credits_cost_what_is_above_the_baseline(instance_type: str, usd: float) -> None:
    assert surplus_usd_per_hour(instance_type) == pytest.approx(usd)


def test_a_plan_says_so_of_the_types_that_have_credits() -> None:
    recipe = Recipe(name="ocean", region="us-west-2")
    types = {"instance_types": ("t3.large",)}
    burstable = estimate(recipe.model_copy(update=types)).build
    steady = estimate(recipe.model_copy(update={"instance_types": ("m5.large",)})).build

    assert sum(describe_surplus("t3.large") in line.what for line in burstable) == 2
    assert not any("credits" in line.what for line in steady)


def test_what_a_server_has_cost_at_most_has_its_credits() -> None:
    server = Server(
        id="i-1",
        name="ocean",
        owner="ada",
        region="us-west-2",
        zone="us-west-2a",
        state="running",
        instance_type="t3.large",
        image_id="ami-1",
        started_at=START,
        made_at=START,
        tags={},
    )

    spent = spending(server, [], START + datetime.timedelta(hours=3))

    assert spent.least_usd is not None
    assert spent.most_usd is not None
    assert spent.most_usd - spent.least_usd == pytest.approx(0.21)
