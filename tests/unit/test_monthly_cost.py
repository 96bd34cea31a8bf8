"""Monthly cost of each resource; an unknown price is shown as unknown."""

import pytest

from notebake.aws.model import Resource
from notebake.costs.estimate import HOURS_PER_MONTH, format_monthly, format_sum
from notebake.resources.kinds import monthly_cost


def resource(kind: str, **more: object) -> Resource:
    return Resource(kind=kind, id="x", region="us-west-2", **more)


MACHINE = resource("instance", state="running", instance_type="m5.large")


def test_a_running_machine_costs_its_hours_and_its_public_address() -> None:
    with_address = MACHINE.model_copy(update={"has_public_address": True})

    assert monthly_cost(MACHINE) == pytest.approx(0.096 * HOURS_PER_MONTH)
    assert monthly_cost(with_address) == pytest.approx((0.096 + 0.005) * HOURS_PER_MONTH)


def test_a_stopped_machine_costs_its_disks_only() -> None:
    assert monthly_cost(MACHINE.model_copy(update={"state": "stopped"})) == 0


def test_disks_and_snapshots_cost_their_size() -> None:
    fast = {"volume_type": "gp3", "iops": 4000, "throughput_mib_per_second": 225}

    assert monthly_cost(resource("volume", size_gib=100, volume_type="gp3")) == pytest.approx(8)
    assert monthly_cost(resource("volume", size_gib=100, **fast)) == pytest.approx(8 + 5 + 4)
    assert monthly_cost(resource("snapshot", size_gib=100)) == pytest.approx(5)


def test_a_missing_price_is_unknown_and_never_zero() -> None:
    elsewhere = {"region": "eu-north-1"}

    assert monthly_cost(MACHINE.model_copy(update={"instance_type": "zz9.large"})) is None
    assert monthly_cost(MACHINE.model_copy(update=elsewhere)) is None
    assert monthly_cost(resource("snapshot", size_gib=1).model_copy(update=elsewhere)) is None
    assert monthly_cost(resource("volume", size_gib=1, volume_type="io2")) is None


@pytest.mark.parametrize("kind", ["image", "key pair", "security group", "schedule", "parameter"])
def test_some_things_cost_nothing_of_their_own(kind: str) -> None:
    assert monthly_cost(resource(kind)) == 0


def test_formatted_sums_mention_unknown_prices() -> None:
    assert [format_monthly(cost) for cost in (70.078, 0.0, None)] == ["$70.08", "-", "no price"]
    assert format_sum([1.0, 2.0]) == "about $3.00"
    assert format_sum([1.0, None]) == "at least $1.00"
    assert format_sum([None, 0.0]) == "no price known"
    assert format_sum([]) == "about $0.00"
