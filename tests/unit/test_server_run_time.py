"""How long a server has run so far: exact where EC2 or its tag says so, otherwise within bounds."""

import datetime
from typing import Any

import pytest

from notebake.aws import tags
from notebake.costs.estimate import HOURS_PER_MONTH
from notebake.costs.prices import read_prices
from notebake.servers.run_time import run_time, tags_of_runs
from notebake.servers.server import Server
from notebake.servers.spending import spending

HOUR = 3600
BEGAN = datetime.datetime(2026, 11, 2, 9, tzinfo=datetime.UTC)


def after(hours: float) -> datetime.datetime:
    return BEGAN + datetime.timedelta(hours=hours)


def server(state: str = "running", **changes: Any) -> Server:
    plain = Server(
        id="i-1",
        name="ocean",
        owner="ada",
        region="us-west-2",
        state=state,
        instance_type="m5.large",
        zone="us-west-2a",
        image_id="ami-1",
        started_at=BEGAN,
        made_at=BEGAN,
    )
    return plain.model_copy(update=changes)


def bounds(found: Server, now: datetime.datetime) -> tuple[float, float]:
    ran = run_time(found, now)
    return ran.least / HOUR, ran.most / HOUR


def test_the_first_run_is_known() -> None:
    assert bounds(server(), after(5)) == (5, 5)
    assert bounds(server("stopped", stopped_at=after(3)), after(99)) == (3, 3)


def test_a_server_that_has_stopped_by_itself_ran_until_its_end_at_most() -> None:
    marks = {tags.RECIPE: "ocean", tags.HARD_END: tags.as_tag(after(24))}
    assert bounds(server("stopped", tags=marks), after(99)) == (0, 24)
    kept = marks | {tags.KEEP_UNTIL: tags.as_tag(after(30))}
    assert bounds(server("stopped", tags=kept), after(99)) == (0, 30)
    daily = {tags.RECIPE: "ocean", tags.DAILY_END: "19:00 Asia/Tokyo"}
    assert bounds(server("stopped", tags=daily), after(99)) == (0, 25)


def test_a_daily_end_that_was_changed_lets_a_run_last_longer() -> None:
    """Started at nine; with --until at eight the next morning, it ends at seven in the evening."""
    marks = {
        tags.RECIPE: "ocean",
        tags.DAILY_END: "19:00 UTC",
        tags.DAILY_END_SET: tags.as_tag(after(23)),
        tags.HARD_END: tags.as_tag(after(34)),
    }
    assert bounds(server("stopped", tags=marks), after(99)) == (0, 48)
    moved = marks | {tags.HARD_END: tags.as_tag(after(60))}
    assert bounds(server("stopped", tags=moved), after(99)) == (0, 60)
    earlier = marks | {tags.DAILY_END_SET: tags.as_tag(after(-5)), tags.HARD_END: ""}
    assert bounds(server("stopped", tags=earlier), after(99)) == (0, 25)


def test_a_hard_end_of_an_earlier_start_bounds_nothing() -> None:
    marks = {tags.RECIPE: "ocean", tags.HARD_END: tags.as_tag(after(-10))}
    assert bounds(server("stopped", tags=marks), after(99)) == (0, 25)


def test_an_image_of_unknown_make_may_have_no_end() -> None:
    marks = {tags.HARD_END: tags.as_tag(after(24))}
    assert bounds(server("stopped", tags=marks), after(99)) == (0, 99)


def test_what_nobody_counted_may_all_have_been_running() -> None:
    assert bounds(server(started_at=after(10)), after(12)) == (2, 12)


def test_each_start_counts_the_runs_before_it() -> None:
    stopped = server("stopped", stopped_at=after(3))
    marks = tags_of_runs(stopped, after(50))
    again = server(started_at=after(50), tags=marks)
    assert bounds(again, after(52)) == (5, 5)
    second = again.model_copy(update={"state": "stopped", "stopped_at": after(52)})
    third = server(started_at=after(80), tags=tags_of_runs(second, after(80)))
    assert bounds(third, after(81)) == (6, 6)


def test_a_start_that_is_tried_again_counts_once() -> None:
    stopped = server("stopped", stopped_at=after(3))
    killed = stopped.model_copy(update={"tags": tags_of_runs(stopped, after(50))})
    assert bounds(killed, after(60)) == (3, 3), "not started yet"
    marks = tags_of_runs(killed, after(60))
    assert bounds(server(started_at=after(60), tags=marks), after(61)) == (4, 4)


def test_a_start_by_somebody_else_widens_the_bounds() -> None:
    marks = tags_of_runs(server("stopped", stopped_at=after(3)), after(50))
    elsewhere = server(started_at=after(70), tags=marks)
    assert bounds(elsewhere, after(71)) == (4, 24)


@pytest.mark.parametrize("text", ["", "1 2", "1 2 x y", "a b c d", "-1 2 3 4"])
def test_a_changed_tag_counts_as_none(text: str) -> None:
    assert bounds(server(tags={tags.RUNS: text}), after(5)) == (5, 5)


DISK = {
    "VolumeId": "vol-1",
    "Size": 10,
    "State": "in-use",
    "VolumeType": "gp3",
    "Iops": 3000,
    "Throughput": 125,
    "CreateTime": BEGAN,
}


def test_machine_and_address_cost_while_it_runs_and_disks_all_the_time() -> None:
    prices = read_prices()
    stored = 10 * prices.storage.gp3_usd_per_gib_month * 99 / HOURS_PER_MONTH
    running = prices.instance_types["m5.large"].usd_per_hour
    running += prices.address.public_ipv4_usd_per_hour
    stopped = server("stopped", stopped_at=after(3))
    spent = spending(stopped, [DISK], after(99))
    assert spent.least_usd == spent.most_usd == pytest.approx(stored + 3 * running)

    elastic = stopped.model_copy(update={"tags": {tags.ELASTIC_ADDRESS: "eipalloc-1"}})
    more = spending(elastic, [DISK], after(99))
    assert more.least_usd == pytest.approx(stored + 3 * running)
    idle = 96 * prices.address.public_ipv4_usd_per_hour
    assert more.most_usd == pytest.approx(stored + 3 * running + idle)


def test_an_unknown_price_is_no_sum() -> None:
    for changes in ({"instance_type": "x9.none"}, {"region": "xx-none-1"}):
        assert spending(server(**changes), [DISK], after(1)).most_usd is None
    assert spending(server(), [DISK | {"VolumeType": "io2"}], after(1)).least_usd is None
