"""Real processes, really killed: `python -m tests.kills.true_kills`.

For each call that changes something in EC2: a process carries out the steps of the cloud against a
server, and gets SIGKILL when the call has taken effect and before it is answered; another one takes
the run up. What the second process changes is what a forked child of the kill test changes at that
point.
"""

import json
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from notebake import clock
from notebake.aws.clients import connect
from sandbox.api.application import Application, Reply
from sandbox.api.server import serving
from sandbox.ec2.state.cloud import Cloud
from sandbox.messages.call import Call, CallLog
from tests.cloud_world import REGION
from tests.kills import cloud_only
from tests.kills.history import History
from tests.quick_clock import QuickClock
from tests.sandbox.fake_machines import FakeMachines
from tests.strict_cloud import QUICK


@dataclass
class Outcome:
    """What came of one kill."""

    killed_after: str = ""
    signal: int = 0
    resumed: bool = False
    changes: list[str] = field(default_factory=list)
    """What the second process changed."""
    doubled: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


@dataclass
class Kills:
    """Kills a process when its so-manieth change has taken effect, and notes what follows."""

    victim: int
    number: int
    counted: int = 0
    outcome: Outcome = field(default_factory=Outcome)
    history: History | None = None

    def before(self, call: Call) -> Reply | None:
        del call
        return None

    def after(self, call: Call, reply: Reply) -> Reply:
        if self.history:
            self.history.look()
        if not cloud_only.is_counted(call.service, call.action):
            return reply
        self.counted += 1
        if self.counted == self.number:
            self.outcome.killed_after = call.action
            with suppress(ProcessLookupError):
                os.kill(self.victim, signal.SIGKILL)
        elif self.counted > self.number:
            self.outcome.changes.append(call.action)
        return reply


def kill_after(number: int, location: str, port: int) -> Outcome:
    """Kill a run after its so-manieth change; return what the world looks like at the end."""
    cloud_only.begin(location)
    first, go = child_waiting(lambda: cloud_only.take_up(cloud_only.RUN_ID, location))
    with server_for(first, number, port) as ask_outcome:
        go()
        _, status = os.waitpid(first, 0)
        second, go_on = child_waiting(
            lambda: cloud_only.take_up_and_remove(cloud_only.RUN_ID, location)
        )
        go_on()
        resumed = os.waitpid(second, 0)[1] == 0
        outcome = ask_outcome()
    outcome.signal, outcome.resumed = os.WTERMSIG(status), resumed
    return outcome


def child_waiting(work: Callable[[], object]) -> tuple[int, Callable[[], None]]:
    """Return a process that begins its work when it is told to."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.read(reading, 1)
        end_with(work)
    os.close(reading)

    def go() -> None:
        os.write(writing, b"!")
        os.close(writing)

    return pid, go


def end_with(work: Callable[[], object]) -> None:
    """Do a child's work and end it: with 1 where that failed."""
    try:
        with clock.replaced(QuickClock(20)):
            work()
    except BaseException as error:  # noqa: BLE001 - nothing above belongs to this process
        os.write(2, f"{type(error).__name__}: {error}\n".encode())
        os._exit(1)
    os._exit(0)


@contextmanager
def server_for(victim: int, number: int, port: int) -> Iterator[Callable[[], Outcome]]:
    """Run a cloud in a process of its own; give what asks it for the outcome."""
    answer_read, answer_write = os.pipe()
    request_read, request_write = os.pipe()
    pid = os.fork()
    if pid == 0:
        end_with(lambda: serve(Kills(victim, number), port, answer_write, request_read))
    os.close(answer_write)
    assert os.read(answer_read, 1) == b"!", "the cloud did not begin"

    def ask_outcome() -> Outcome:
        os.write(request_write, b"?")
        with os.fdopen(answer_read, closefd=False) as answer:
            return Outcome(**json.load(answer))

    try:
        yield ask_outcome
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        for descriptor in (answer_read, request_read, request_write):
            os.close(descriptor)


def serve(kills: Kills, port: int, answer_write: int, request_read: int) -> None:
    """Serve a cloud until somebody asks for the outcome."""
    application = Application(Cloud(FakeMachines(), QUICK), CallLog())  # type: ignore[arg-type]
    kills.history = history = History(application.cloud, REGION)
    application.interceptors.append(kills)
    with serving(application, "127.0.0.1", port):
        os.write(answer_write, b"!")
        os.read(request_read, 1)
        history.look()
        kills.outcome.doubled, kills.outcome.left = history.doubled(), history.left()
        os.write(answer_write, json.dumps(asdict(kills.outcome)).encode())
        os.close(answer_write)
        time.sleep(60)


def kill_everywhere() -> list[Outcome]:
    """Kill a run after each of its changes."""
    found: list[Outcome] = []
    port = free_port()
    os.environ["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{port}"
    # Read AWS's descriptions once, and not in each process.
    connect("ec2", REGION)
    connect("ec2", REGION, tries=1)
    while True:
        with tempfile.TemporaryDirectory(prefix="notebake-kills-") as directory:
            outcome = kill_after(len(found) + 1, str(Path(directory) / "runs"), port)
        if outcome.signal != signal.SIGKILL:
            return found
        found.append(outcome)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> int:
    """Kill everywhere, and print what came of it as JSON."""
    os.environ |= {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    sys.stdout.write(
        json.dumps([asdict(outcome) for outcome in kill_everywhere()], indent=1) + "\n"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
