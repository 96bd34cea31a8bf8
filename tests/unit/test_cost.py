import pytest

from notebake.costs.estimate import HOURS_PER_MONTH, estimate, format_estimate, hourly_cost
from notebake.costs.prices import find_instance_type, read_prices
from notebake.recipe import Acceptance, Network, Recipe, RootVolume, Volume

SMALL = Recipe(
    name="x",
    instance_types=("m5.large", "m6i.large"),
    root_volume=RootVolume(size_gib=100),
    volumes=(
        Volume(name="copied", mount_point="/copied", size_gib=50),
        Volume(name="kept", mount_point="/kept", size_gib=20, in_image=False),
        Volume(name="old", mount_point="/old", volume_id="vol-01234567"),
    ),
)


def test_every_price_is_positive_and_dated() -> None:
    prices = read_prices()
    assert prices.written.year >= 2026
    assert len(prices.instance_types) >= 20
    for each in prices.instance_types.values():
        assert min(each.usd_per_hour, each.vcpus, each.memory_gib) > 0
    assert min(prices.storage.model_dump().values()) > 0
    assert prices.address.public_ipv4_usd_per_hour > 0


def test_an_unknown_type_or_region_has_an_unknown_price_and_not_zero() -> None:
    assert find_instance_type("zz9.large", "us-west-2") is None
    assert find_instance_type("m5.large", "eu-north-1") is None
    assert hourly_cost("zz9.large", "us-west-2") is None


def test_the_estimate_counts_what_the_build_makes() -> None:
    builder, acceptance, disks, copies, addresses, early = estimate(SMALL, build_hours=2).build
    assert builder.usd == pytest.approx(2 * 0.096)
    assert acceptance.usd == pytest.approx(2 * 0.5 * 0.096)
    assert disks.usd == pytest.approx((100 + 50 + 20) * 0.08 * 2 / HOURS_PER_MONTH)
    assert copies.usd == pytest.approx((100 + 50) * 0.08 * 1 / HOURS_PER_MONTH)
    assert addresses.usd == pytest.approx((2 + 1) * 0.005)
    assert early.usd == pytest.approx((100 + 50) * 0.05 / HOURS_PER_MONTH)


def test_the_image_costs_at_most_its_full_disks_each_month() -> None:
    (snapshots,) = estimate(SMALL).monthly
    assert (snapshots.quantity, snapshots.unit) == (150, "GiB")
    assert snapshots.usd == pytest.approx(150 * 0.05)


def test_each_estimated_duration_is_shown_in_its_line() -> None:
    builder, acceptance, *_ = estimate(SMALL, build_hours=1.5).build
    assert builder.what == "builder: m5.large, assumed 1.5 h"
    assert acceptance.what == "acceptance: m5.large, 2 machines, assumed 0.5 h each"


def test_acceptance_machines_are_priced_by_their_own_instance_type() -> None:
    recipe = SMALL.model_copy(update={"acceptance": Acceptance(instance_types=("c5.large",))})
    assert estimate(recipe).build[1].unit_price_usd == 0.085


def test_gp3_performance_above_the_baseline_is_charged() -> None:
    fast = RootVolume(size_gib=10, iops=5000, throughput_mib_per_second=225)
    disks = estimate(Recipe(name="x", root_volume=fast)).build[2]
    assert disks.unit_price_usd == pytest.approx(
        (10 * 0.08 + 2000 * 0.005 + 100 * 0.04) / HOURS_PER_MONTH
    )


def test_machines_without_public_addresses_pay_for_no_address() -> None:
    private = SMALL.model_copy(update={"network": Network(address="private")})
    assert [line.what for line in estimate(private).build if "address" in line.what] == []


def test_a_sum_says_which_prices_are_unknown() -> None:
    unknown_type = SMALL.model_copy(update={"instance_types": ("zz9.large",)})
    unknown_region = SMALL.model_copy(update={"region": "eu-north-1"})
    assert format_estimate(estimate(SMALL).build) == "about $0.25"
    assert format_estimate(estimate(unknown_type).build) == "at least $0.06"
    assert format_estimate(estimate(unknown_region).build) == "no price known"
    assert format_estimate(estimate(unknown_region).monthly) == "no price known"


def test_a_small_sum_is_never_shown_as_zero() -> None:
    tiny = estimate(Recipe(name="x", root_volume=RootVolume(size_gib=4))).build[2:3]
    assert format_estimate(tiny) == "less than $0.01"
