"""Every failure says what is left and what that costs; of two failures the first is told first.

The stories are in `failures.py`; `python -m tests.stories failures` shows what each tells.
"""

import pytest

from tests.faults.forks import Outcome

TYPED = ("notebake resume ocean-1", "notebake survey ocean-1", "notebake tear-down ocean-1")


@pytest.mark.parametrize("story", ["the_machine_is_kept", "unforeseen", "interrupted"])
def test_every_failure_lists_what_runs_and_what_it_costs(outcomes: Outcome, story: str) -> None:
    build = outcomes[story]["build"]

    assert outcomes[story]["fired"]
    assert "(builder, m5.large)" in build["hint"]
    assert "an hour" in build["hint"]
    assert all(command in build["hint"] for command in TYPED)
    assert build["hint"].count("To remove:") == 1


@pytest.mark.parametrize("story", ["unforeseen", "interrupted"])
def test_leftovers_are_in_the_log_that_prefect_shows(outcomes: Outcome, story: str) -> None:
    assert "an hour" in outcomes[story]["log"]
    assert "notebake tear-down ocean-1" in outcomes[story]["log"]


def test_both_failures_are_reported_in_order(outcomes: Outcome) -> None:
    story = outcomes["both_fail"]
    message = story["build"]["message"]

    assert story["fired"] == {"first": 1, "second": 3}
    assert story["build"]["kind"] == "CloudError", "the first failure is what it was"
    assert -1 < message.index("THE FIRST FAILURE") < message.index("THE SECOND FAILURE")
    assert "security group sg-" in message
    assert "cost nothing" in story["build"]["hint"]
    assert "notebake tear-down ocean-1" in story["build"]["hint"]


def test_both_unforeseen_failures_are_reported(outcomes: Outcome) -> None:
    story = outcomes["both_unforeseen"]

    assert story["fired"]
    assert (story["build"]["kind"], story["build"]["message"]) == ("UnforeseenError", "the bug")
    assert "failed as well" in story["build"]["hint"]
    assert "the other bug" in story["build"]["hint"]


def test_a_failure_after_which_all_was_removed_says_so(outcomes: Outcome) -> None:
    story = outcomes["only_the_build_fails"]

    assert "THE FIRST FAILURE" in story["build"]["message"]
    assert "failed as well" not in story["build"]["message"]
    assert "Nothing is left of the run." in story["build"]["hint"]
    assert story["left"] == []


def test_an_interrupt_tears_down_if_the_recipe_wants_that(outcomes: Outcome) -> None:
    story = outcomes["interrupted_and_torn_down"]

    assert story["fired"]
    assert story["build"]["kind"] == "KeyboardInterrupt"
    assert "Nothing is left of the run." in story["build"]["hint"]


def test_an_interrupted_tear_down_reports_the_failure_that_caused_it(outcomes: Outcome) -> None:
    story = outcomes["interrupted_in_the_tear_down"]

    assert story["fired"]
    assert story["build"]["kind"] == "KeyboardInterrupt"
    message = story["build"]["hint"]
    assert -1 < message.index("THE FIRST FAILURE") < message.index("(builder, m5.large)")


def test_a_tear_down_that_fails_says_what_is_left(outcomes: Outcome) -> None:
    story = outcomes["tear_down_unforeseen"]

    assert story["fired"]
    assert "the bug" in story["tear-down"]["message"]
    assert "Nothing is left of the run." in story["tear-down"]["hint"]


@pytest.mark.parametrize("story", ["failure_report_breaks", "failure_report_is_interrupted"])
def test_a_failing_failure_report_does_not_hide_the_failure(outcomes: Outcome, story: str) -> None:
    build = outcomes[story]["build"]

    assert outcomes[story]["fired"]
    assert "THE FIRST FAILURE" in build["message"]
    assert "could not be determined" in build["hint"]
    assert all(command in build["hint"] for command in TYPED)


def test_a_failure_is_reported_once(outcomes: Outcome) -> None:
    story = outcomes["errors_printed_once"]

    assert story["fired"]
    assert story["build"]["hint"].count("(builder, m5.large)") == 1
    assert story["build"]["hint"].count("To remove:") == 1
