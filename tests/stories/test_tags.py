"""What loses its tags is found by what the run has kept, tagged again, and removed like the rest.

The stories are in `tags.py`; `python -m tests.stories tags` shows what each tells.
"""

import pytest

from notebake.aws import tags
from tests.faults.forks import Outcome
from tests.stories.tags import ONE_BY_ONE

MACHINES = ["acceptance-1", "acceptance-2", "builder-1"]


def check_ended_well(story: Outcome) -> None:
    """The build made an image, each machine was asked for once, and nothing is left."""
    assert story["build"]["kind"] == "ended well", story["build"]
    assert sorted(story["machines"]) == MACHINES
    assert story["left"] == []


def test_a_builder_without_tags_is_found_and_tagged_again(outcomes: Outcome) -> None:
    story = outcomes["all_at_once"]

    assert story["happened"] == ["install_software", "install_papermill"]
    check_ended_well(story)
    (before,), (after,) = story["before"]["i-"], story["after"]["i-"]
    assert after.keys() == before.keys() > {tags.RUN, tags.TOKEN, tags.EXPIRES}
    assert all(after[key] == before[key] for key in before if key != tags.EXPIRES)
    for parts in ("vol-", "eni-"):
        assert all(
            resource_tags[tags.RUN] == before[tags.RUN] for resource_tags in story["after"][parts]
        )
        assert len(story["after"][parts]) == len(story["before"][parts])
    told_of = [line for line in story["said"] if "has lost the tags" in line]
    assert len(told_of) == 1
    assert all(key in told_of[0] for key in before)


def test_a_builder_is_recognised_without_any_one_tag(outcomes: Outcome) -> None:
    story = outcomes["each_tag_lost"]

    assert sorted(story["happened"]) == sorted(ONE_BY_ONE)
    check_ended_well(story)
    messages = [line for line in story["said"] if "has lost the tags" in line]
    assert [
        key for key in ONE_BY_ONE.values() if not any(f" {key}:" in line for line in messages)
    ] == []


def test_keys_groups_images_and_acceptance_machines_are_found_without_tags(
    outcomes: Outcome,
) -> None:
    story = outcomes["of_what_is_named"]

    assert story["happened"] == ["wait_for_host", "restart_host", "prove_image"]
    check_ended_well(story)
    assert story["accepted"] == 1
    for resource_tags in (*story["image"], *story["snapshot"]):
        assert resource_tags.keys() >= {tags.RUN, tags.ROLE, tags.BUILDER, tags.ACCEPTED}
        assert tags.EXPIRES not in resource_tags


def test_an_accepted_image_carries_an_anchor_of_its_record(outcomes: Outcome) -> None:
    story = outcomes["anchored"]

    check_ended_well(story)
    image, hash_at_anchor = story["image"], story["hash"]
    assert tags.ACCEPTED in image
    assert image[tags.RECORD] == image[tags.SHARED_RECORD]
    assert image[tags.RECORD].partition(":")[2] == hash_at_anchor
    assert "sealed" in story["later"], "what comes after the anchor is not under it"


def test_a_run_without_any_tag_is_torn_down(outcomes: Outcome) -> None:
    story = outcomes["torn_down_without_tags"]

    assert len(story["there"]) > 4
    assert story["tear-down"]["kind"] == "ended well", story["tear-down"]
    assert story["left"] == []


def test_an_accepted_image_without_tags_is_kept_and_tagged_again(outcomes: Outcome) -> None:
    story = outcomes["accepted_and_torn_down"]

    assert story["tear-down"]["kind"] == "ended well", story["tear-down"]
    for resource_tags in (*story["image"], *story["snapshot"]):
        assert resource_tags.keys() >= {tags.RUN, tags.ROLE, tags.BUILDER, tags.ACCEPTED}
        assert tags.EXPIRES not in resource_tags
    check_ended_well(story)
    assert story["again"]["kind"] == "ended well", "there is nothing left to be done"


def test_an_untagged_run_is_surveyed_by_its_store_and_swept(outcomes: Outcome) -> None:
    story = outcomes["surveyed_and_swept"]

    kinds = {"instance", "volume", "network interface", "key pair", "security group"}
    assert story["found"].keys() >= kinds
    assert "lost its tag notebake:run" in story["found"]["instance"]
    assert story["failures"] == []
    assert story["left"] == []


def test_without_tagging_permission_the_run_continues_and_names_the_command(
    outcomes: Outcome,
) -> None:
    story = outcomes["may_not_be_put_back"]

    assert story["fired"]
    check_ended_well(story)
    (messages,) = [
        line for line in story["said"] if "aws ec2 create-tags" in line and " i-" in line
    ]
    assert "Key=notebake:run,Value=" in messages


@pytest.mark.parametrize("story", ["all_at_once", "each_tag_lost", "may_not_be_put_back"])
def test_restored_tags_are_logged_once(outcomes: Outcome, story: str) -> None:
    messages = [line for line in outcomes[story]["said"] if "has lost the tags" in line]

    assert len(messages) == len(set(messages)) > 0
