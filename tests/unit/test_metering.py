"""Metered hours and costs, from the entries of runs that never were."""

from decimal import Decimal

import pytest

from notebake.aws.tags import EXPIRES
from notebake.costs.machine_history import MachineHistory
from notebake.costs.metering import Metered, meter
from notebake.costs.money import sum_known
from notebake.costs.prices import table_price as price_of_type
from notebake.ledger.kinds import REMOVED, SETTLED
from notebake.reports.grant.items import find_items
from notebake.runs.money_record import read_metered, to_body
from tests.recorded_run import NOON, RecordedRun, time_at


def metered(run: RecordedRun, hours: float) -> Metered:
    return meter(run.entries, price_of_type, now=run.now(hours))


def hours_of(found: Metered, what: str) -> float:
    return float(
        round(sum((line.hours for line in found.lines if what in line.what), Decimal()), 3)
    )


def usd_of(found: Metered, what: str) -> Decimal | None:
    return sum_known([line.usd for line in found.lines if line.what == what])


def whole_run(**more: bool | float) -> RecordedRun:
    """A machine that is up for 2 hours, stopped for 3, and up for one more."""
    run = RecordedRun(**more)  # type: ignore[arg-type]
    run.begin(0)
    run.launch(0)
    run.state(0.1, "running", launched=0)
    run.step(2, took=2)
    run.call(2, "StopInstances", InstanceIds=["i-1"])
    run.state(2.1, "stopped", launched=0, changed=2)
    run.end(2.1)
    run.begin(5, "e-2")
    run.call(5, "StartInstances", InstanceIds=["i-1"])
    run.state(5.1, "running", launched=5)
    run.step(5.5, took=0.5)
    run.call(6, "TerminateInstances", InstanceIds=["i-1"])
    run.state(6.1, "terminated", launched=5, changed=6)
    run.end(6.1)
    return run


def test_a_stopped_machine_costs_no_hours_and_its_disk_does() -> None:
    found = metered(whole_run(), 9)

    assert hours_of(found, "machine") == 3
    assert hours_of(found, "idle machine") == 0.5
    assert hours_of(found, "public address") == 3
    assert hours_of(found, "disks") == 6
    assert usd_of(found, "machine") == Decimal("0.096") * Decimal("2.5")
    assert usd_of(found, "idle machine") == Decimal("0.048")
    assert usd_of(found, "public address") == Decimal("0.015")
    assert usd_of(found, "disks") == Decimal("0.008") * 6
    assert found.usd == sum_known([line.usd for line in found.lines])
    assert all(line.is_over for line in found.lines)


@pytest.mark.parametrize("has_dates", [True, False])
def test_our_clock_does_not_count_where_ec2_gives_the_times(has_dates: bool) -> None:
    ahead = whole_run(ahead_hours=24, has_dates=has_dates)

    found = metered(ahead, 9)

    assert hours_of(found, "machine") == 3
    assert hours_of(found, "disks") == 6
    assert found.lines[0].start == f"{time_at(0)[:19]}.000000Z"


def test_a_clock_that_is_a_day_off_is_corrected_by_the_dates_of_answers() -> None:
    run = RecordedRun(ahead_hours=-24)
    run.begin(0)
    run.launch(0)
    run.step(1, took=1)
    run.call(2, "StopInstances", InstanceIds=["i-1"])
    run.end(2)

    found = metered(run, 3)

    assert (hours_of(found, "machine"), hours_of(found, "idle machine")) == (2, 1)
    assert hours_of(found, "disks") == 3, "it is there now, by AWS's clock"


def test_what_is_up_is_metered_until_now_and_is_not_over() -> None:
    run = RecordedRun()
    run.begin(0)
    run.launch(0)
    run.state(0.1, "running", launched=0)

    found = metered(run, 4)

    assert hours_of(found, "machine") == 4
    assert {line.is_over for line in found.lines} == {False}
    assert found.until == f"{time_at(4)[:19]}.000000Z"


def test_the_answer_to_our_call_counts_where_ec2_gave_no_time() -> None:
    run = RecordedRun()
    run.launch(0)
    run.call(1, "StopInstances", InstanceIds=["i-1"])
    run.state(1.5, "stopped", launched=0)
    run.call(2, "TerminateInstances", InstanceIds=["i-1"])
    run.state(2.5, "terminated", launched=0)

    found = metered(run, 9)

    assert (hours_of(found, "machine"), hours_of(found, "disks")) == (1, 2)


def test_a_refused_call_stops_nothing_and_a_repeated_one_changes_nothing() -> None:
    run = RecordedRun()
    run.launch(0)
    run.call(1, "StopInstances", error="UnauthorizedOperation", InstanceIds=["i-1"])
    run.call(2, "StopInstances", InstanceIds=["i-1"])
    run.call(3, "StopInstances", InstanceIds=["i-1"])
    run.launch(3.5)

    assert hours_of(metered(run, 9), "machine") == 2


def test_a_machine_that_ended_by_itself_is_metered_until_ec2_says() -> None:
    run = RecordedRun()
    run.launch(0)
    run.state(0.1, "running", launched=0)
    run.begin(9, "e-2")
    run.state(9, "terminated", launched=0, changed=6)

    assert hours_of(metered(run, 9), "machine") == 6


def test_a_stopped_machine_that_is_terminated_was_up_until_the_stop() -> None:
    run = RecordedRun()
    run.launch(0)
    run.call(1, "StopInstances", InstanceIds=["i-1"])
    run.state(3, "terminated", launched=0, changed=3)

    assert (hours_of(metered(run, 9), "machine"), hours_of(metered(run, 9), "disks")) == (1, 3)


def test_a_machine_that_is_gone_without_a_word_is_metered_until_that_was_seen() -> None:
    run = RecordedRun()
    run.launch(0)
    run.add(4, REMOVED, name="builder-1")

    found = metered(run, 9)

    assert hours_of(found, "machine") == 4
    assert {line.is_at_most for line in found.lines} == {True}


@pytest.mark.parametrize("ahead_hours", [0, 24, -24])
@pytest.mark.parametrize("is_removed", [True, False])
def test_a_machine_that_nobody_saw_end_is_metered_until_its_lease_at_most(
    *, ahead_hours: float, is_removed: bool
) -> None:
    run = RecordedRun(ahead_hours=ahead_hours)
    run.begin(0)
    run.launch(0, kind="g4dn.xlarge", lease=6)
    run.state(0.1, "running", launched=0)
    run.step(1, took=1)
    run.end(1)
    run.begin(66, "e-2")
    # A later execution tags its own machines, and hears AWS's time.
    run.renew(66, 6, "i-2")
    if is_removed:
        run.add(66.1, REMOVED, name="builder-1")

    found = metered(run, 67)

    assert hours_of(found, "machine") == 6.25
    assert hours_of(found, "idle machine") == 5.25
    assert hours_of(found, "disks") == 6.25
    assert {(line.is_over, line.is_at_most) for line in found.lines} == {(True, True)}


def test_a_renewed_lease_counts_even_if_its_tag_was_refused() -> None:
    run = RecordedRun()
    run.launch(0, lease=2)
    run.renew(1, 2, "i-1", error="RequestLimitExceeded")

    assert hours_of(metered(run, 2.9), "machine") == 2.9
    assert not any(line.is_over for line in metered(run, 2.9).lines)
    assert hours_of(metered(run, 9), "machine") == 3.25


def test_a_tag_that_is_removed_is_no_lease() -> None:
    run = RecordedRun()
    run.launch(0, lease=2)
    run.call(1, "DeleteTags", Resources=["i-1", "ami-1"], Tags=[{"Key": EXPIRES}])

    assert hours_of(metered(run, 9), "machine") == 2.25


def test_a_start_arms_the_lease_anew_and_a_stopped_machine_has_none() -> None:
    run = RecordedRun()
    run.launch(0, lease=2)
    run.state(0.1, "running", launched=0)
    run.call(1, "StopInstances", InstanceIds=["i-1"])
    assert hours_of(metered(run, 9), "machine") == 1
    assert hours_of(metered(run, 9), "disks") == 9
    assert not any(line.is_at_most for line in metered(run, 9).lines)
    run.call(10, "StartInstances", InstanceIds=["i-1"])

    assert hours_of(metered(run, 12), "machine") == 1 + 2
    assert hours_of(metered(run, 99), "machine") == 1 + 2.25


def test_what_ec2_says_later_counts_more_than_the_lease() -> None:
    run = RecordedRun()
    run.launch(0, lease=2)
    run.state(5, "running", launched=0)
    assert hours_of(metered(run, 9), "machine") == 5.25
    run.state(8, "terminated", launched=0, changed=7)

    found = metered(run, 9)

    assert hours_of(found, "machine") == 7
    assert not any(line.is_at_most for line in found.lines)


def test_an_item_of_a_report_says_that_it_is_at_most() -> None:
    run = RecordedRun()
    run.launch(0, lease=2)
    run.add(4, REMOVED, name="builder-1")

    details = {item.what: item.detail for item in find_items("ocean", run.entries, "", "9")}

    assert details["idle machine"] == "m5.large; at most: EC2 no longer said when it ended"
    assert details["public address"] == "at most: EC2 no longer said when it ended"


def test_an_entry_of_before_is_read_as_exact() -> None:
    run = whole_run()
    body = to_body(metered(run, 9))
    for line in body["lines"]:
        del line["is_at_most"]
    run.add(9, "metered", **body)

    found = read_metered(run.entries)

    assert found
    assert not any(line.is_at_most for line in found.lines)


def test_a_launch_whose_answer_was_lost_is_metered_by_what_ec2_says() -> None:
    run = RecordedRun()
    run.launch(0)
    lost = run.entries.pop()
    run.add(1, SETTLED, key="k-i-1", state="made", made=["i-1"])
    run.state(1, "running", launched=0)

    assert lost.body["created"] == ["i-1"]
    assert hours_of(metered(run, 2), "machine") == 2
    assert hours_of(metered(run, 2), "disks") == 2


def test_two_machines_at_once_are_two_machines() -> None:
    run = RecordedRun()
    run.launch(0, "i-1")
    run.launch(0, "i-2")
    run.call(1, "TerminateInstances", InstanceIds=["i-1", "i-2"])

    assert hours_of(metered(run, 9), "machine") == 2


def test_a_killed_step_is_no_idle_time_up_to_the_last_entry() -> None:
    run = RecordedRun()
    run.begin(0)
    run.launch(0)
    run.step(1, took=1)
    run.call(2, "CreateTags")
    run.begin(5, "e-2")

    found = metered(run, 5)

    assert (hours_of(found, "machine"), hours_of(found, "idle machine")) == (5, 3)


def test_an_unknown_price_is_unknown_and_never_zero() -> None:
    run = RecordedRun()
    run.launch(0, kind="zz9.large")
    run.call(1, "TerminateInstances", InstanceIds=["i-1"])

    found = metered(run, 9)

    assert usd_of(found, "idle machine") is None
    assert usd_of(found, "disks") == Decimal("0.008")
    assert not found.is_complete
    assert found.usd == Decimal("0.013")


def test_an_image_is_a_monthly_sum_until_it_is_deregistered() -> None:
    run = RecordedRun()
    run.launch(0, gib=100)
    run.call(1, "CreateImage", "ami-1", InstanceId="i-1")
    assert metered(run, 2).monthly_usd == Decimal("5.00")
    run.launch(2, "i-2")
    run.call(2, "RunInstances", "i-3", InstanceType="m5.large", ImageId="ami-1")
    assert MachineHistory(run.entries).machines["i-3"].disks, "it has what is in the image"

    run.call(3, "DeregisterImage", ImageId="ami-1")
    assert metered(run, 4).monthly_usd == 0


def test_the_sources_and_days_of_prices_stand_in_the_lines() -> None:
    found = metered(whole_run(), 9)

    assert {(line.price_source, line.price_date) for line in found.lines} == {
        ("notebake's table", "2026-11-23")
    }


def test_an_entry_of_it_is_read_as_it_was_written() -> None:
    run = whole_run()
    found = metered(run, 9)
    run.add(9, "metered", **to_body(found))

    assert read_metered(run.entries) == found
    assert run.entries[-1].body["usd"] == f"{found.usd:f}"
    assert run.entries[-1].at == NOON + 9 * 3600
