"""The summary of a run, made of its entries."""

from pathlib import Path

import pytest

from notebake.ledger import kinds
from notebake.ledger.chain import Chain, RecordPlace, Writer
from notebake.ledger.summarize import summarize
from notebake.ledger.summary import Result, Summary
from notebake.recipe import Recipe
from notebake.record import digest_of
from notebake.store.directory import DirectoryStore
from tests import recorded_runs as runs
from tests.recorded_runs import RUN, bake, write


@pytest.fixture
def place(tmp_path: Path) -> RecordPlace:
    return RecordPlace(DirectoryStore(tmp_path), "record/")


def summary(place: RecordPlace) -> Summary:
    return summarize(RUN, Chain(place, RUN, Writer()).entries())


def test_a_bake_shows_who_what_where_and_by_which_code(place: RecordPlace) -> None:
    write(place, bake())

    found = summary(place)
    assert (found.recipe_name, found.recipe_digest) == ("ocean", digest_of(runs.RECIPE))
    assert found.recipe["region"] == "us-west-2"
    assert (found.who, found.people, found.account) == ("p-ada", ("p-ada",), "123456789012")
    assert found.code == runs.CODE
    (execution,) = found.executions
    assert (execution.identity, execution.error) == ("p-role", "")
    assert execution.claims == {"flow_run_name": "brave-otter"}
    assert found.began <= execution.began <= execution.ended == found.ended
    assert (found.commit, found.base_image) == (runs.COMMIT, runs.BASE_IMAGE)
    assert found.locks == {"locks/requirements.txt": "numpy".ljust(64, "0")}
    assert found.image
    assert (found.image.id, found.result) == (runs.IMAGE, Result.ACCEPTED)


def test_steps_show_how_often_they_were_tried_and_their_last_outcome(place: RecordPlace) -> None:
    write(place, bake())

    steps = {each.step: each for each in summary(place).steps}
    software, launch = steps["install_software"], steps["launch_instance"]
    assert (software.tries, software.outcome, software.result) == (2, "done", "7 Python packages")
    assert (launch.outcome, launch.seconds, launch.result) == ("undone", 12.25, runs.BUILDER)


def test_calls_are_counted_and_what_they_created_is_found_removed(place: RecordPlace) -> None:
    write(place, bake())

    found = summary(place)
    assert (found.calls, found.failed_calls, found.unanswered_calls) == (5, 1, 0)
    by_id = {each.id: each for each in found.created}
    assert by_id[runs.BUILDER].name == "builder-1"
    assert by_id[runs.BUILDER].removed, "by the call that removed it"
    assert by_id["key-0123456789abcdef0"].removed, "by the entry that says so"
    assert not by_id[runs.IMAGE].removed


def test_a_call_without_a_response_is_counted(place: RecordPlace) -> None:
    write(place, [runs.began(), runs.call("RunInstances", "i-1", name="builder-1")[0]])

    assert summary(place).unanswered_calls == 1
    assert summary(place).created == ()


def test_the_latest_recipe_and_the_latest_file_count(place: RecordPlace) -> None:
    changed = Recipe(name="ocean", lease_hours=2)
    again = (kinds.RECIPE, runs.began(changed)[1])
    write(place, [runs.began(), again, runs.stored("log", "a"), runs.stored("log", "bb")])

    found = summary(place)
    assert found.recipe["lease_hours"] == 2
    assert [(file.name, file.size) for file in found.files] == [("log", 2)]


@pytest.mark.parametrize(
    ("happened", "result"),
    [
        ([], Result.OPEN),
        ([runs.step("a"), runs.ended()], Result.OPEN),
        ([runs.step("a"), runs.outcome(), runs.ended()], Result.ACCEPTED),
        ([runs.step("a"), runs.outcome(accepted=""), runs.ended()], Result.TORN_DOWN),
        ([runs.step("a"), runs.outcome(""), runs.ended("NotebookError")], Result.FAILED),
        ([runs.step("a"), runs.outcome(""), runs.ended("KeyboardInterrupt")], Result.TORN_DOWN),
        ([runs.step("a", "undone"), runs.outcome(""), runs.ended("CloudError")], Result.TORN_DOWN),
        ([runs.outcome(), runs.ended(), runs.executing()], Result.OPEN),
        ([runs.outcome(), *runs.call("RunInstances", "i-1", name="x")], Result.OPEN),
        ([runs.outcome(), *runs.call("CreateTags", Resources=["ami-1"])], Result.ACCEPTED),
    ],
    ids=str,
)
def test_the_result_of_a_run(
    place: RecordPlace, happened: list[runs.Happened], result: Result
) -> None:
    write(place, [runs.began(), runs.executing(), *happened])

    assert summary(place).result == result


def test_a_failed_build_that_was_torn_down_later_has_failed(place: RecordPlace) -> None:
    write(place, [runs.began(), runs.executing(), runs.step("a"), runs.ended("NotebookError")])
    down = [runs.executing("Prefect flow Tear down"), runs.outcome(""), runs.ended()]
    write(place, down, who="p-bo", execution="e-2")

    found = summary(place)
    assert (found.result, found.people) == (Result.FAILED, ("p-ada", "p-bo"))


def test_a_summary_of_a_later_version_can_be_read(place: RecordPlace) -> None:
    write(place, bake())
    later = summary(place).model_dump(mode="json") | {"unheard_of": 1}

    assert Summary.model_validate(later) == summary(place)


def test_the_awards_of_a_recipe_are_found() -> None:
    recipe = {"award": [{"number": "OCE-1"}, {"number": "OCE-2"}]}

    assert Summary(run=RUN, recipe=recipe).awards == ("OCE-1", "OCE-2")
    assert Summary(run=RUN).awards == ()


@pytest.mark.parametrize("kind", [kinds.BEGAN, kinds.SENT, kinds.FILE, kinds.OUTCOME, kinds.STEP])
def test_an_odd_body_is_left_out_and_stops_nothing(place: RecordPlace, kind: str) -> None:
    write(place, [*bake()[:-2], (kind, {"recipe": 1, "image": 2, "detail": 3, "attempt": 4})])

    assert summary(place).recipe_name == "ocean"


def metered(usd: str | None, *, is_over: bool = True) -> runs.Happened:
    lines = [
        {"what": what, "hours": hours, "is_over": is_over}
        for what, hours in (("machine", "1.5"), ("idle machine", "0.25"), ("disks", "9"))
    ]
    return kinds.METERED, {
        "usd": usd,
        "is_complete": usd is not None,
        "until": "2026-11-29T12:00:00+00:00",
        "lines": lines,
        "monthly_usd": "3.65",
    }


def test_money_is_the_latest_estimate_and_what_was_metered_last(place: RecordPlace) -> None:
    build = [{"what": "builder", "usd": "0.10"}, {"what": "disks", "usd": None}]
    happened = [(kinds.ESTIMATED, {"build": build, "monthly": []})]
    write(place, [runs.began(), *happened, metered("0.05", is_over=False)])
    assert not summary(place).money.is_over

    write(place, [metered("0.123456")])

    money = summary(place).money
    assert (money.estimated_usd, money.is_estimate_complete) == ("0.10", False)
    assert (money.metered_usd, money.is_metered_complete, money.is_over) == ("0.123456", True, True)
    assert (money.machine_hours, money.idle_hours, money.monthly_usd) == ("1.75", "0.25", "3.65")


def test_without_entries_about_money_nothing_is_known_of_it(place: RecordPlace) -> None:
    write(place, bake())

    assert (summary(place).money.estimated_usd, summary(place).money.metered_usd) == (None, None)
