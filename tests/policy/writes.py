"""What stands beside a tour: it writes the calls down, and lets copies go on otherwise."""

import contextvars
import json
import logging
import os
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict

from notebake.runbook.step import current_step
from sandbox.api.application import Reply
from sandbox.messages.call import Call
from tests.kills.points import PassThrough, Point
from tests.kills.world import World
from tests.policy.iam_requests import iam_requests_of
from tests.policy.judge import IamRequest


class Writes:
    """Writes down what IAM is asked for each call."""

    def __init__(self, world: World, tour: str, caller: str, file: int) -> None:
        self.world, self.tour, self.caller, self.file = world, tour, caller, file
        self.what = "build"
        self._lock = threading.Lock()

    def before(self, call: Call) -> None:
        """Write, and let the call through."""
        parameters = {
            "tour": self.tour,
            "what": self.what,
            "step": current_step.get(),
            "call": call.operation,
            "is_dry": call.parameters.get("DryRun") == "true",
            "asked": [asdict(question) for question in self._asked(call)],
        }
        with self._lock:
            # Copies of the process write to the same file, at its end.
            os.write(self.file, (json.dumps(parameters) + "\n").encode())

    def _asked(self, call: Call) -> list[IamRequest]:
        return iam_requests_of(call, self.world.cloud, self.caller)

    def after(self, _: Call, reply: Reply) -> Reply:
        return reply


class Forks(PassThrough):
    """Lets a copy of the process go on otherwise, after the first call of each name."""

    def __init__(self, then: dict[str, list[Callable[[], None]]]) -> None:
        self.then = then

    def after(self, point: Point, *, changed: bool) -> bool:
        """Fork, and wait for the copy: there is one world at a time."""
        for work in self.then.pop(point.name.removeprefix("ec2."), []) if changed else []:
            sys.stdout.flush()
            if child := os.fork():
                _, status = os.waitpid(child, 0)
                if status:
                    os._exit(1)
                continue
            end_with(work)
        return False


def end_with(work: Callable[[], None]) -> None:
    """Do the work in a copy of the process, and never return to what the copy was doing."""
    try:
        contextvars.Context().run(work)
    except BaseException:
        logging.exception("A copy of the process failed")
        os._exit(1)
    os._exit(0)
