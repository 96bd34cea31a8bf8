"""A run belongs to the account in which it was begun: another one is refused, and changes nothing.

The stories are in `accounts.py`; `python -m tests.stories accounts` shows what each tells.
"""

import pytest

from tests.faults.forks import Outcome

HOME, OTHER = "123456789012", "210987654321"
WAYS = ("survey", "tear-down", "resume")


def check_refused(outcome: Outcome, *words: str) -> None:
    """Every way is refused with these words and how to switch; nothing was made, kept or lost."""
    for way in WAYS:
        message = outcome[way]["message"]
        assert outcome[way]["kind"] == "WrongAccountError", outcome[way]
        assert all(word in message for word in words), message
        assert "AWS_PROFILE" in outcome[way]["hint"]
        assert "aws sts get-caller-identity" in outcome[way]["hint"]
    assert all(word in outcome["aftermath"] for word in (*words, "AWS_PROFILE"))
    assert "Nothing is left" not in outcome["aftermath"]
    assert outcome["made here"] == []
    assert outcome["states"] == ["made"], "what is not shown here has not been removed"
    assert outcome["keys"] == ["builder", "builder-host", "builder-host.pub", "builder.pub"]


@pytest.mark.parametrize("story", ["another_account", "another_account_much_later"])
def test_another_account_is_refused_with_both_ids(outcomes: Outcome, story: str) -> None:
    check_refused(outcomes[story], HOME, OTHER)
    assert outcomes[story]["account"] == HOME


def test_an_account_without_a_recent_machine_is_refused(outcomes: Outcome) -> None:
    check_refused(outcomes["nothing_is_shown"], HOME, "i-", "shows nothing of the run")
    assert "AWS_ENDPOINT_URL" in outcomes["nothing_is_shown"]["resume"]["hint"]


def test_an_account_without_its_resources_does_not_adopt_an_old_run(
    outcomes: Outcome,
) -> None:
    story = outcomes["an_old_run_elsewhere"]

    check_refused(story, OTHER, "cannot be determined", "i-")
    assert story["account"] == "None"
    assert f"--account {OTHER}" in story["tear-down"]["hint"]


def test_a_person_may_name_the_account_of_an_old_run_only_if_the_credentials_match(
    outcomes: Outcome,
) -> None:
    story = outcomes["an_old_run_claimed"]

    assert story["wrong claim"]["kind"] == "WrongAccountError"
    assert story["kept of it"] == "None"
    assert story["tear-down"]["kind"] == "ended well"
    assert story["account"] == OTHER


def test_an_old_run_is_adopted_by_the_account_with_its_resources(outcomes: Outcome) -> None:
    story = outcomes["an_old_run_at_home"]

    assert (story["resume"]["kind"], story["left"]) == ("ended well", [])
    assert story["account"] == HOME


def test_the_account_is_recorded_before_anything_is_made(outcomes: Outcome) -> None:
    story = outcomes["at_home"]

    assert story["first"]
    assert story["account"] == HOME
    assert (story["resume"]["kind"], story["left"]) == ("ended well", [])


def test_the_same_account_id_in_another_partition_is_another_account(outcomes: Outcome) -> None:
    message = outcomes["another_partition"]["resume"]

    assert message["kind"] == "WrongAccountError"
    assert f"{HOME} (aws-cn)" in message["message"]


def test_credentials_switched_to_another_account_are_detected_at_once(
    outcomes: Outcome,
) -> None:
    story = outcomes["credentials_switched"]

    assert story["fired"]
    assert story["build"]["kind"] == "WrongAccountError"
    assert story["made there"] == []
    assert story["states"] == ["made"]
    assert (story["resume"]["kind"], story["left"]) == ("ended well", [])


def test_a_tear_down_in_another_account_removes_nothing_and_fails(
    outcomes: Outcome,
) -> None:
    story = outcomes["switched_in_a_tear_down"]

    assert story["said"]["kind"] == "TearDownError"
    assert OTHER in story["said"]["message"]
    assert story["states"] == ["made"]
    assert (story["again"]["kind"], story["left"]) == ("ended well", [])


def test_renewed_credentials_are_checked_once_and_used(outcomes: Outcome) -> None:
    story = outcomes["credentials_renewed"]

    assert story["fired"]
    assert story["build"]["kind"] == "ended well"
    assert story["asked since"] == 1
