"""What a test of the suite has: an EC2 client that is watched, and names of its own."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import pytest

from tests.conformance.account import MACHINE, Account
from tests.conformance.guard import RUN_TAG, TEST_TAG, Watched
from tests.ec2_actions import Ec2Actions

OTHER_MACHINE = "t3.micro"


@dataclass(kw_only=True)
class World(Ec2Actions):
    """One test's part of an account: it looks for what it has made itself, and nothing else.

    Written against EC2's API only, so that the same test runs on the sandbox and on AWS.
    """

    account: Account
    test: str

    @property
    def other_zone(self) -> str:
        return self.account.zones[1]

    @property
    def mine(self) -> list[dict[str, Any]]:
        """Return the filter for what this test has made."""
        return [{"Name": f"tag:{TEST_TAG}", "Values": [self.test]}]

    def needs(self, present: object, reason: str) -> None:
        """Skip the test with its reason where something is not there."""
        if not present:
            pytest.skip(reason)

    def name(self, word: str) -> str:
        """Return a name that nobody else has: also good for a token."""
        return f"{self.test}-{word}"

    def during_transition(self) -> AbstractContextManager[None]:
        """Let what has been begun not end while the block runs, where that needs help."""
        return self.account.held()

    def client(self, service: str, region: str = "") -> Any:
        """Return a client of another service, for questions only."""
        return self.account.client(service, region)

    def expects_refusals_of(self, *resource_ids: str) -> None:
        """Let calls name what is another account's: EC2 is to refuse them."""
        self.account.guard.foreign |= set(resource_ids)

    def bake(self, instance_id: str, name: str = "baked", **more: Any) -> str:
        return super().bake(instance_id, self.name(name), **more)

    def instances(self) -> list[dict[str, Any]]:
        found = self.ec2.describe_instances(Filters=self.mine)["Reservations"]
        return [instance for each in found for instance in each["Instances"]]

    def volumes(self) -> list[dict[str, Any]]:
        shown: list[dict[str, Any]] = self.ec2.describe_volumes(Filters=self.mine)["Volumes"]
        return shown

    def own_tags(self, resource_id: str) -> dict[str, str]:
        """Return the tags that the test itself has put on something."""
        filters = [{"Name": "resource-id", "Values": [resource_id]}]
        found = self.ec2.describe_tags(Filters=filters)["Tags"]
        return {tag["Key"]: tag["Value"] for tag in found if tag["Key"] not in (RUN_TAG, TEST_TAG)}


def open_world(account: Account, test: str) -> World:
    """Return a test's part of the account."""
    return World(
        ec2=Watched(account.ec2, account.guard, test),
        image_id=account.image_id,
        zone=account.zones[0],
        usual={"InstanceType": MACHINE},
        wait_settings=account.wait_settings,
        account=account,
        test=test,
    )
