"""A strict cloud with a run in it, and what may go wrong on the way to it."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from notebake.aws.clients import connect
from notebake.recipe import Network, Recipe, Volume
from notebake.record import Record
from notebake.runs import registry
from notebake.runs.open_store import open_store
from notebake.runs.run import Run
from sandbox.api.application import Reply
from sandbox.messages.call import Call
from sandbox.messages.error_reply import write_error
from tests.sandbox.fake_machines import FakeMachines
from tests.strict_cloud import StrictCloud, strict_cloud_opened

REGION = "us-west-2"
RECIPE = Recipe(
    name="ocean",
    region=REGION,
    instance_types=("m5.large", "t3.large"),
    network=Network(ssh_from=("198.51.100.7/32",)),
    volumes=(Volume(name="data", mount_point="/data", size_gib=1),),
)


def refusal_of(code: str, status: int = 500) -> Reply:
    """Return the answer with which EC2 refuses a call."""
    return write_error("ec2", status, code, "as asked")


@dataclass
class LostAnswer:
    """Lets a call take effect and answers InternalError, so many times.

    `opened.fail("lose_after", ...)` closes the connection instead.
    """

    action: str
    times: int
    fired: int = 0

    def before(self, call: Call) -> Reply | None:
        del call
        return None

    def after(self, call: Call, reply: Reply) -> Reply:
        if call.action != self.action or self.fired == self.times:
            return reply
        self.fired += 1
        return refusal_of("InternalError")


@dataclass
class RefusedCall:
    """Answers a call instead of the cloud, wherever `when` says so."""

    action: str
    code: str
    when: Callable[[Call], bool] = lambda _call: True
    status: int = 500
    fired: int = 0

    def before(self, call: Call) -> Reply | None:
        if call.action != self.action or not self.when(call):
            return None
        self.fired += 1
        return refusal_of(self.code, self.status)

    def after(self, call: Call, reply: Reply) -> Reply:
        del call
        return reply


@dataclass
class CallRecorder:
    """Remembers what was asked of one action."""

    action: str
    recorded: list[dict[str, str]] = field(default_factory=list)

    def before(self, call: Call) -> Reply | None:
        if call.action == self.action:
            self.recorded.append(call.parameters)
        return None

    def after(self, call: Call, reply: Reply) -> Reply:
        del call
        return reply


@dataclass
class CloudWorld:
    """The cloud, our client of it, and a directory for run stores."""

    sandbox: StrictCloud
    ec2: Any
    directory: Path

    def new_run(self, recipe: Recipe = RECIPE) -> Run:
        """Begin a run."""
        return registry.new_run(recipe, "ocean.yaml", open_store(str(self.directory / "runs")))

    @contextmanager
    def intercepting(self, interceptor: Any) -> Iterator[Any]:
        """Let an interceptor stand between us and the cloud while the block runs."""
        self.sandbox.application.interceptors.append(interceptor)
        try:
            yield interceptor
        finally:
            self.sandbox.application.interceptors.remove(interceptor)

    def actions(self) -> list[str]:
        """Return the names of all calls so far."""
        return [call.action for call in self.sandbox.calls()]


@contextmanager
def cloud_world(directory: Path, machines: FakeMachines | None = None) -> Iterator[CloudWorld]:
    """Run an empty cloud that AWS_ENDPOINT_URL leads to, with no pause between our retries."""
    backoff = "botocore.retries.standard.ExponentialBackoff.delay_amount"
    with (
        strict_cloud_opened(machines=machines) as opened,
        mock.patch.dict(os.environ, {"AWS_ENDPOINT_URL": opened.endpoint_url}),
        mock.patch(backoff, return_value=0.0),
    ):
        connect.cache_clear()
        try:
            yield CloudWorld(opened, connect("ec2", REGION), directory)
        finally:
            connect.cache_clear()


def result_ids(record: Record | None) -> list[str]:
    """Return by what a step's result is known."""
    if record is None:
        return []
    several = getattr(record, "instances", None)
    return (
        sorted(resource.id for resource in several) if several else [str(getattr(record, "id", ""))]
    )
