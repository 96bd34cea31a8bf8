"""The conformance suite in its AWS mode, which cannot tell a strict cloud from AWS."""

import re
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sandbox.ec2.state.latency import Latency
from tests.conformance import settings
from tests.conformance.account import FRIEND
from tests.conformance.conftest import pytest_configure
from tests.conformance.guard import OWN_END, RUN_TAG
from tests.conformance.last_run import RECORD
from tests.ec2_actions import client
from tests.sandbox.api.conformance_run import ON_AWS, run_suite
from tests.strict_cloud import StrictCloud, strict_cloud_opened

A_FEW = (
    "test_launches.py::test_the_same_token_for_something_else_is_refused",
    "test_instances.py::test_protection_against_termination_holds",
    "test_images.py::test_an_image_has_the_root_and_all_volumes",
    "test_image_state.py::test_block_public_access_keeps_images_from_everybody",
    "test_groups_and_tags.py::test_duplicates_are_refused_and_change_nothing",
)
SHARED = (
    "test_shared_images.py::test_a_shared_image_is_changed_by_its_owner_alone",
    "test_shared_images.py::test_a_shared_image_is_launched_with_all_its_disks_and_its_snapshots"
    "_are_not_shown",
)
HOME = "123456789012"
A_VOLUME = "test_volumes.py::test_a_volume_is_creating_before_it_is_available"


@pytest.fixture
def cloud() -> Iterator[StrictCloud]:
    """A cloud that, like AWS, is not held by tests: states last by themselves."""
    with strict_cloud_opened(latency=Latency()) as opened:
        yield opened


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({settings.REGION: ""}, f"needs {settings.REGION}"),
        ({settings.CAP: ""}, f"needs {settings.REGION} and {settings.CAP}"),
        ({settings.WHERE: ""}, f"nothing without {settings.WHERE}=aws"),
        ({settings.WHERE: "azure"}, "must be aws or sandbox"),
        ({settings.REGION: "mars-north-1"}, "prices for us-west-2"),
        ({settings.CAP: "-1"}, "must be above 0"),
        ({settings.CAP: "much"}, "must be dollars"),
    ],
)
def test_half_of_what_aws_needs_is_refused(change: dict[str, str], says: str) -> None:
    with pytest.raises(pytest.UsageError, match=re.escape(says)):
        settings.read_settings(ON_AWS | change)


def test_a_profile_of_another_account_shows_what_is_shared_and_leaves_nothing(
    cloud: StrictCloud, tmp_path: Path
) -> None:
    keys = f"aws_access_key_id = {FRIEND}\naws_secret_access_key = testing\n"
    (tmp_path / "credentials").write_text(f"[friend]\n{keys}")
    profile = {
        settings.FRIEND_PROFILE: "friend",
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
    }
    code, output = run_suite(cloud.endpoint_url, *SHARED, **ON_AWS, **profile)
    assert code == 0, output
    assert f"with the credentials of {FRIEND}: python -m tests.conformance" in output
    assert "2 passed" in output
    for account_id in (HOME, FRIEND):
        check_that_every_machine_ends_itself(cloud, account_id, least=1)
    assert (cloud.machines.running(), cloud.machines.volumes) == ([], {})
    wrong = {settings.SHARE_WITH: "999999999999"}
    code, output = run_suite(cloud.endpoint_url, *SHARED, **ON_AWS, **profile, **wrong)
    assert code != 0
    assert f"The friend's profile is of {FRIEND}, and not of 999999999999" in output


def test_without_its_variables_together_nothing_is_even_asked(cloud: StrictCloud) -> None:
    code, output = run_suite(cloud.endpoint_url, A_VOLUME, **ON_AWS | {settings.CAP: ""})
    assert code == pytest.ExitCode.USAGE_ERROR, output
    assert settings.USAGE in output
    assert cloud.calls() == []


def test_on_aws_one_process_keeps_one_ledger(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ON_AWS.items():
        monkeypatch.setenv(name, value)
    parallel: Any = SimpleNamespace(option=SimpleNamespace(numprocesses=2))
    with pytest.raises(pytest.UsageError, match="one ledger"):
        pytest_configure(parallel)


def test_the_suite_runs_as_on_aws_and_leaves_nothing(cloud: StrictCloud) -> None:
    recorded = RECORD.read_text()
    code, output = run_suite(cloud.endpoint_url, *A_FEW, **ON_AWS)
    assert code == 0, output
    assert "account 123456789012, region us-west-2" in output
    assert "at most 1.00 USD" in output
    assert re.search(r"4 passed|\[1\] .*it would open or close what others have", output)
    assert float(re.findall(r"in advance: ([\d.]+) of 1.00 USD", output)[0]) > 0
    assert "Not recorded: this was not AWS" in output
    assert RECORD.read_text() == recorded
    check_that_every_machine_ends_itself(cloud)
    assert cloud.machines.running() == []
    assert (cloud.machines.volumes, cloud.machines.snapshots) == ({}, {})
    ec2 = client("ec2", cloud.endpoint_url)
    assert ec2.describe_images(Owners=["self"])["Images"] == []
    assert len(ec2.describe_security_groups()["SecurityGroups"]) == 1, "the default one"


def check_that_every_machine_ends_itself(
    cloud: StrictCloud, account_id: str = "", *, least: int = 3
) -> None:
    ec2 = client("ec2", cloud.endpoint_url, account_id=account_id)
    found = ec2.describe_instances()["Reservations"]
    machines = [instance for reservation in found for instance in reservation["Instances"]]
    assert len(machines) >= least
    for instance in machines:
        parameters = {"InstanceId": instance["InstanceId"]}
        behavior = "instanceInitiatedShutdownBehavior"
        shown = ec2.describe_instance_attribute(**parameters, Attribute=behavior)
        assert shown["InstanceInitiatedShutdownBehavior"]["Value"] == "terminate"
        shown = ec2.describe_instance_attribute(**parameters, Attribute="userData")
        assert b64decode(shown["UserData"]["Value"]).decode() == OWN_END
        assert RUN_TAG in [tag["Key"] for tag in instance["Tags"]]


def test_at_the_cap_tests_are_skipped_and_nothing_is_made(cloud: StrictCloud) -> None:
    code, output = run_suite(
        cloud.endpoint_url, A_FEW[0], A_FEW[2], **ON_AWS | {settings.CAP: "0.001"}
    )
    assert code == 0, output
    assert output.count("the cap: RunInstances may cost") == 2
    assert "passed" not in output
    assert cloud.calls("RunInstances") == []


def test_what_cannot_be_removed_is_found_and_named_with_the_command(cloud: StrictCloud) -> None:
    name = cloud.fail("refuse", code="UnauthorizedOperation", action="DeleteVolume")
    code, output = run_suite(cloud.endpoint_url, A_VOLUME, **ON_AWS)
    assert (code, cloud.fired(name)) == (1, 1), output
    (left,) = cloud.machines.volumes
    assert "The suite has left behind" in output
    command = f"aws ec2 delete-volume --region us-west-2 --volume-id {left}"
    assert f"{left} (UnauthorizedOperation): {command}" in output
