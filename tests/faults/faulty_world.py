"""The world of one process, with the sandbox's own faults in it, and a journal of what happened."""

import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import botocore.endpoint
import fabric
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError
from botocore.retries.standard import ExponentialBackoff

from notebake.aws.clients import connect
from notebake.recipe import Recipe
from notebake.runs.run import Run
from sandbox.ec2.state.core import ACCOUNT_ID
from sandbox.faults.fault import read_fault
from sandbox.messages.call import rest_operation
from sandbox.messages.reply import ConnectionLostError
from tests.faults.faulty_machines import FaultyConnection, FaultyMachines
from tests.kills import stand_in_jupyter, whole_run, world
from tests.kills.scripted_work import CONTENT
from tests.kills.virtual_clock import VirtualClock
from tests.replacement import replace

LOCATION = "s3://runs/bakes"
BACKOFF_SHARE = 0.5
"""Botocore pauses for a random share of the most that it may: here always for so much of it."""


class StretchingClock(VirtualClock):
    """Lets who waits for ever look less often, so that hours of waiting take few looks."""

    stretch = 1.0

    def pause(self, seconds: float, stop: threading.Event | None) -> bool:
        return super().pause(seconds * self.stretch if stop is not None else seconds, stop)


class FaultyWorld(world.World):
    """A world in which things go wrong as they were told to."""

    clock_class = StretchingClock
    machines_class = FaultyMachines
    clock: StretchingClock
    machines: FaultyMachines
    backoff_share = BACKOFF_SHARE

    def empty(self, account_id: str = ACCOUNT_ID) -> None:
        super().empty(account_id)
        self.journal: list[str] = []
        """What was logged, and each call with the code of its answer, in order."""
        self.first_fired_at: float | None = None

    def send(self, request: Any, event_name: str, **more: object) -> AWSResponse:
        try:
            return super().send(request, event_name, **more)
        except ConnectionLostError as lost:
            raise ConnectionClosedError(endpoint_url=request.url) from lost
        finally:
            self._note_call()

    def _note_call(self) -> None:
        called = self.application.calls.records()[-1]
        operation = rest_operation(called.service, called.action) or called.action
        self.journal.append(f"{called.service}.{operation}: {called.code}")
        self.note_fired()

    def note_fired(self) -> None:
        """Remember when the first fault fired."""
        if self.first_fired_at is None and any(self.fired().values()):
            self.first_fired_at = self.clock.seconds

    def move_home(self) -> None:
        """Go on in a copy of the home: whoever was forked has no other's files under his feet."""
        old = Path(os.environ["HOME"])
        home = Path(tempfile.mkdtemp(dir=self.directory, prefix="home-"))
        shutil.copytree(old, home, dirs_exist_ok=True, symlinks=True)
        os.environ |= {"HOME": str(home), "NOTEBAKE_RUNS": str(home / "runs")}

    def put(self, *described: dict[str, Any]) -> None:
        """Let things go wrong from now on."""
        self.application.injector.add(*(read_fault(description) for description in described))

    def fired(self) -> dict[str, int]:
        """Return how often each fault has fired."""
        return {fault["name"]: fault["fired"] for fault in self.cloud.faults.describe()}

    def lift(self) -> None:
        """Let nothing go wrong any more; what was late is there, and who was silent speaks."""
        self.cloud.faults.remove()
        for region in self.cloud.regions():
            region.visibility._hidden.clear()
        for machine_id in set(self.machines.silent):
            self.machines.thaw_ssh(machine_id)


@contextmanager
def opened(recipe: Recipe) -> Iterator[FaultyWorld]:
    """Give a world in which a whole run has been rehearsed: nothing is read anew any more.

    It belongs to the whole process, which can have no other one.
    """
    directory = world.make_directory()
    real_delay = ExponentialBackoff.delay_amount
    try:
        with stand_in_jupyter.serving() as port:
            ours = FaultyWorld(recipe, directory)
            ours.jupyter_port = port
            world.put_in_place(ours)
            let_time_pass_in_retries(ours, real_delay)
            FaultyConnection.world = ours
            replace(fabric, Connection=FaultyConnection)
            run = furnish(ours)
            whole_run.leave_prefect_out()
            whole_run.take_up(run.id, LOCATION)
            yield ours
    finally:
        world.remove_directory(directory)


def let_time_pass_in_retries(ours: FaultyWorld, real_delay: Any) -> None:
    """Let botocore's pauses between its own tries be as long as they are, in virtual time."""

    def delay(backoff: Any, context: Any) -> float:
        backoff._random = lambda: ours.backoff_share
        return float(real_delay(backoff, context))

    ExponentialBackoff.delay_amount = delay
    botocore.endpoint.time = SimpleNamespace(sleep=ours.clock.advance)


def furnish(ours: FaultyWorld) -> Run:
    """Give the account what it has before a run, and begin one."""
    ours.empty()
    ours.new_process()
    if any(volume.volume_id for volume in ours.recipe.volumes):
        ours.give_users_volume(whole_run.USERS_VOLUME)
    s3 = connect("s3", "us-east-1")
    for bucket in ("runs", "others"):
        s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket="others", Key="sst.nc", Body=CONTENT)
    return whole_run.begin(ours.recipe, LOCATION)
