"""Stands between a test and the account: tags, ends, charges, and refuses what is not allowed.

botocore asks it before each call and tells it after each. So a test speaks to EC2 as it likes,
and still cannot make what is not tagged, not paid for or without an end, nor touch what is not
the suite's own.
"""

import re
from dataclasses import dataclass, field
from typing import Any

import pytest

from notebake.commands.lease_timer import TIMER
from notebake.commands.user_data import user_data
from tests.conformance import calls
from tests.conformance.costs import cost_of
from tests.conformance.ledger import SWITCH_HOURS, Charge, Ledger

RUN_TAG = "conformance:run"
TEST_TAG = "conformance:test"
OWN_END = user_data(lease_hours=SWITCH_HOURS)
ID = re.compile(r"(?:i|vol|snap|ami|sg|key|eipalloc)-(?:[0-9a-f]{17}|[0-9a-f]{8})")
NOBODYS = "0123456789abcdef0"
"""How ids end that name nothing, in tests of what is not there."""


class NotAllowedError(Exception):
    """A test wanted to do what the suite does to no account."""


@dataclass
class Guard:
    """Watches the clients of one run of the suite."""

    run: str
    ledger: Ledger
    foreign: frozenset[str] = frozenset()
    """What is somebody else's and named by calls that EC2 is to refuse."""
    account_is_ours: bool = False
    friends: frozenset[str] = frozenset()
    """The accounts that something may be shared with."""
    made: list[str] = field(default_factory=list)
    test: str = ""
    """Whose calls come now: see `Watched`."""

    @property
    def tags(self) -> list[dict[str, str]]:
        return [{"Key": RUN_TAG, "Value": self.run}, {"Key": TEST_TAG, "Value": self.test}]

    def watch(self, client: Any) -> Any:
        """Return the client, watched from now on, as no test's yet."""
        events = client.meta.events
        events.register("provide-client-params", lambda **reported: self.before(client, **reported))
        events.register("after-call", self.after)
        return client

    def before(
        self, client: Any, params: dict[str, Any], model: Any, context: dict[str, Any], **_: Any
    ) -> dict[str, Any] | None:
        """Return the parameters as they are sent. Raises NotAllowedError; skips at the cap."""
        name = model.name
        if name.startswith(calls.READING) or (self.account_is_ours and name in calls.ACCOUNT_WIDE):
            return None
        if name not in calls.TAGGED and name not in calls.CHANGING:
            raise NotAllowedError(f"The suite does not know what {name} costs or changes")
        if name in calls.CHANGING:
            self.check_is_ours(client, params)
            self.check_keeps_its_end(params)
            self.check_is_for_friends(params)
        params = self.prepare(name, params)
        charge = Charge(f"{name} of {self.test}", cost_of(name, params, client, self.ledger))
        if not self.ledger.enter(charge):
            pytest.skip(
                f"the cap: {name} may cost {charge.usd:.4f} USD, of {self.ledger.cap_usd:.2f} "
                f"{self.ledger.usd:.4f} are charged already"
            )
        context["conformance"] = charge
        return params

    def after(
        self, http_response: Any, parsed: Any, model: Any, context: dict[str, Any], **_: Any
    ) -> None:
        """Note what was made, or take the charge of a refused call back.

        A call without an answer, or with an error of EC2's own, may have had its effect.
        """
        charge = context.get("conformance")
        if charge and 400 <= http_response.status_code < 500:
            self.ledger.take_back(charge)
        elif model.name in calls.TAGGED:
            self.made.extend(
                resource_id
                for resource_id in calls.ids_made(parsed)
                if resource_id not in self.made
            )

    def prepare(self, name: str, params: dict[str, Any]) -> dict[str, Any]:
        """Return the parameters with tags and, for a machine, with its own end."""
        if name not in calls.TAGGED:
            return params
        specifications = calls.with_tags(
            params.get("TagSpecifications", []), calls.TAGGED[name], self.tags
        )
        if name != "RunInstances":
            return {**params, "TagSpecifications": specifications}
        given = {"UserData": OWN_END, **params}
        if TIMER not in given["UserData"]:
            raise NotAllowedError("A machine of the suite needs the switch that ends it")
        # Without "standard" a busy t3 would buy credits that no ledger knows.
        ends = {
            "InstanceInitiatedShutdownBehavior": "terminate",
            "CreditSpecification": {"CpuCredits": "standard"},
        }
        return {**given, **ends, "TagSpecifications": specifications}

    def check_is_ours(self, client: Any, params: dict[str, Any]) -> None:
        """Raise NotAllowedError where a call that changes something names what is not ours."""
        for text in calls.texts_in(params):
            is_id = ID.fullmatch(text) and not text.endswith(NOBODYS)
            if not is_id or text in self.foreign or text in self.made:
                continue
            by_id = {"Name": "resource-id", "Values": [text]}
            by_run = {"Name": f"tag:{RUN_TAG}", "Values": [self.run]}
            if not client.describe_tags(Filters=[by_id, by_run])["Tags"]:
                raise NotAllowedError(f"{text} was not made by this run of the suite")
        if not str(params.get("KeyName", self.run)).startswith(self.run):
            raise NotAllowedError(f"The key pair {params['KeyName']} is not of this run")

    def check_keeps_its_end(self, params: dict[str, Any]) -> None:
        """Raise NotAllowedError where a machine would lose what ends it."""
        behavior = params.get("InstanceInitiatedShutdownBehavior", {}).get("Value", "terminate")
        if behavior != "terminate" or params.get("UserData"):
            raise NotAllowedError("A machine of the suite needs what ends it")

    def check_is_for_friends(self, params: dict[str, Any]) -> None:
        """Raise NotAllowedError where something would be shared with a stranger."""
        fields = ("LaunchPermission", "CreateVolumePermission")
        added = [
            permission for field in fields for permission in params.get(field, {}).get("Add", [])
        ]
        added += [{"UserId": user_id} for user_id in params.get("UserIds", [])]
        strangers = [
            permission for permission in added if permission.get("UserId") not in self.friends
        ]
        if strangers and not self.account_is_ours:
            raise NotAllowedError(f"Nobody said that {strangers} may have something of the suite")


class Watched:
    """One test's hold of a watched client. Making a client of its own would take it longer."""

    def __init__(self, client: Any, guard: Guard, test: str) -> None:
        self._client, self._guard, self._test = client, guard, test

    def __getattr__(self, name: str) -> Any:
        self._guard.test = self._test
        return getattr(self._client, name)
