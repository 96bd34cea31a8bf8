"""What the ledger has of awards and money, of runs in the strict cloud."""

import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from flows.cli.main import main
from notebake import clock
from notebake.aws import instances
from notebake.costs.awards import VARIABLE
from notebake.costs.list_prices import SOURCE, price_of_type, read_list_prices
from notebake.ledger.entry import Entry
from notebake.ledger.kinds import AWARD, ESTIMATED, METERED, STATE
from notebake.recipe import Award, Recipe
from notebake.resources import stack_instances
from notebake.runs import registry
from notebake.runs.executing import executing
from notebake.runs.people import read_people
from notebake.runs.run import Run
from notebake.runs.run_record import record_place, run_record
from notebake.timestamps import utc_from_seconds
from tests.cloud_steps import carry_out_to
from tests.cloud_world import RECIPE, REGION, CloudWorld, RefusedCall
from tests.json_documents import document
from tests.recorded_run import At

KNOWN = """\
awards:
  - {number: OCE-1, title: a bay, pi: Ada Example, start: 2026-01-01, end: 2026-12-31}
"""


def with_award(*awards: Award) -> Recipe:
    return RECIPE.model_copy(update={"award": awards})


def entries(run: Run, kind: str) -> list[Entry]:
    return [entry for entry in run_record(run).chain.entries() if entry.kind == kind]


def execute(run: Run) -> None:
    with executing(run):
        pass


def test_an_award_is_recorded_when_it_is_new_or_changed(
    world: CloudWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "awards.yaml"
    file.write_text(KNOWN, encoding="utf-8")
    monkeypatch.setenv(VARIABLE, str(file))
    run = world.new_run(with_award(Award(number="OCE-1", purpose="teaching")))
    execute(run)
    execute(run)
    file.write_text(KNOWN.replace("2026-12-31", "2027-12-31"), encoding="utf-8")
    execute(run)
    execute(registry.update_recipe(run, with_award(Award(number="EDU-2", purpose="a class"))))
    execute(registry.update_recipe(run, RECIPE))

    first, extended, other, none = (entry.body["awards"] for entry in entries(run, AWARD))
    (pseudonym,) = (
        who
        for who, person in read_people(record_place(run.store)).items()
        if person.name == "Ada Example"
    )
    assert first == [
        {
            "number": "OCE-1",
            "purpose": "teaching",
            "share": "100",
            "known": {
                "number": "OCE-1",
                "title": "a bay",
                "pi": pseudonym,
                "start": "2026-01-01",
                "end": "2026-12-31",
                "final_report": None,
            },
        }
    ]
    assert extended[0]["known"]["end"] == "2027-12-31"
    assert (other[0]["number"], other[0]["known"]) == ("EDU-2", None)
    assert none == []


def test_a_run_without_an_award_has_no_such_entry(world: CloudWorld) -> None:
    run = world.new_run()
    execute(run)

    assert entries(run, AWARD) == []


def test_what_a_build_should_cost_is_recorded_once_until_it_changes(world: CloudWorld) -> None:
    run = world.new_run()
    execute(run)
    execute(run)
    dearer = RECIPE.model_copy(update={"instance_types": ("m5.xlarge",)})
    execute(registry.update_recipe(run, dearer))

    first, second = (entry.body for entry in entries(run, ESTIMATED))
    assert first["build"][0] == {
        "what": "builder: m5.large, assumed 1 h",
        "quantity": "1.0",
        "unit": "h",
        "unit_price_usd": "0.096",
        "usd": "0.0960",
        "price_source": "AWS Price List",
        "price_date": today(),
    }
    assert second["build"][0]["usd"] == "0.1920"
    disks = first["build"][2]
    assert (disks["price_source"], disks["price_date"]) == ("notebake's table", "2026-11-23")
    assert entries(run, METERED) == [], "without a machine there is nothing to meter"


def test_a_price_that_only_the_list_has_is_read_once_in_30_days(world: CloudWorld) -> None:
    assert price_of_type("t3.small", REGION) is None
    read_list_prices(["t3.small", "zz9.large"], REGION)
    read_list_prices(["t3.small", "zz9.large"], REGION)

    found = price_of_type("t3.small", REGION)
    assert found
    assert (found.usd, found.source, found.date) == (Decimal("0.0208"), SOURCE, today())
    assert price_of_type("zz9.large", REGION) is None
    assert len(world.sandbox.calls("GetProducts")) == 2

    with clock.replaced(At(clock.now() + 31 * 24 * 3600)):
        assert price_of_type("t3.small", REGION) is None, "it is too old"
        read_list_prices(["t3.small"], REGION)
    assert len(world.sandbox.calls("GetProducts")) == 3


def test_whoever_may_not_read_the_list_gets_the_prices_of_the_table(world: CloudWorld) -> None:
    refused = RefusedCall("GetProducts", "AccessDeniedException", status=400)
    run = world.new_run()
    with world.intercepting(refused):
        execute(run)
        execute(run)

    (estimated,) = entries(run, ESTIMATED)
    assert {line["price_source"] for line in estimated.body["build"]} == {"notebake's table"}
    assert estimated.body["build"][0]["usd"] == "0.0960"
    assert refused.fired == 1, "it is not asked again on the same day"


def today() -> str:
    return utc_from_seconds(clock.now()).date().isoformat()


def test_metered_hours_are_those_of_the_clouds_own_clock(world: CloudWorld) -> None:
    run, sandbox = world.new_run(), world.sandbox
    times: dict[str, datetime.datetime] = {}

    def description(instance_id: str) -> Any:
        found = world.ec2.describe_instances(InstanceIds=[instance_id])
        return found["Reservations"][0]["Instances"][0]

    def transition(instance_id: str) -> datetime.datetime:
        text = description(instance_id)["StateTransitionReason"]
        return datetime.datetime.strptime(text, "User initiated (%Y-%m-%d %H:%M:%S GMT)")

    with clock.replaced(clock.RealClock()):
        with executing(run):
            carry_out_to(run, "launch_instance")
            builder = stack_instances.find_builder(run)
            assert builder
            instances.wait_for_state(builder.id, REGION, "running")
            times["launched"] = description(builder.id)["LaunchTime"].replace(tzinfo=None)
            sandbox.advance(2 * 3600)
            instances.stop_instance(builder.id, REGION)
            instances.wait_for_state(builder.id, REGION, "stopped")
            times["stopped"] = transition(builder.id)
        sandbox.advance(3 * 3600)
        with executing(run):
            instances.start_instance(builder.id, REGION)
            instances.wait_for_state(builder.id, REGION, "running")
            times["started"] = description(builder.id)["LaunchTime"].replace(tzinfo=None)
            sandbox.advance(3600)
            instances.terminate_instances([builder.id], REGION)
            times["ended"] = transition(builder.id)

    first, last = (entry.body for entry in entries(run, METERED))
    up = times["stopped"] - times["launched"] + (times["ended"] - times["started"])
    assert seconds_of(last, "machine") == pytest.approx(up.total_seconds(), abs=2)
    assert 3 * 3600 <= up.total_seconds() < 3.1 * 3600
    whole = times["ended"] - times["launched"]
    assert seconds_of(last, "disks") == pytest.approx(whole.total_seconds(), abs=2)
    assert 2 * 3600 <= seconds_of(first, "machine") < 2.1 * 3600
    assert {line["is_over"] for line in last["lines"]} == {True}
    assert [entry.body["state"] for entry in entries(run, STATE)] == [
        *("running", "stopped", "running", "terminated")
    ]


def seconds_of(metered: dict[str, Any], what: str) -> float:
    """Return the seconds of all lines whose kind ends so: idle machines are machines."""
    lines = [line for line in metered["lines"] if line["what"].endswith(what)]
    assert lines
    return float(sum(Decimal(line["hours"]) for line in lines) * 3600)


@pytest.mark.parametrize("by", ["run", "award"])
def test_what_stands_now_is_a_table_of_its_own(
    by: str, world: CloudWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    run = world.new_run(with_award(Award(number="OCE-1", purpose="teaching")))
    with executing(run):
        carry_out_to(run, "launch_instance")
    words = ["--store", run.store, "costs", "--by", by, "--standing", "--region", REGION]

    (stands,) = document(words, capsys)["standing"]
    assert stands["name"] == (run.id if by == "run" else "OCE-1")
    assert 70 < stands["cost_usd_per_month"] < 80
    assert main(words) == 0
    printed = capsys.readouterr().out
    assert "What exists now, a month" in printed
    assert f"Up when it was metered, and costs more by now: run {run.id}" in printed
