"""Holds a server open without AWS: `python -m tests.servers.opened FOLDER PORT [SECONDS]`.

FOLDER/reached.json says where the server is now; SECONDS shortens the times of a silent line. Each
event is a line of JSON on standard output.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from notebake.servers.folders import Reached
from notebake.servers.idle_state import IdleState
from notebake.servers.line_events import Event, Timing
from notebake.servers.locate import Question
from notebake.servers.opening import Opening
from notebake.servers.opening_view import Opened
from notebake.servers.silence import Silence, describe_silence
from notebake.ssh.line import Keepalive
from tests.limits import HANG_SECONDS
from tests.servers.world import JUPYTER_PORT, Machine

PROJECT = Path(__file__).parents[2]


class Printed:
    """A view that prints each event."""

    def progress(self, text: str) -> None:
        self._print("progress", text)

    def line(self, event: Event) -> None:
        self._print(type(event).__name__, str(getattr(event, "error", "")))

    def opened(self, opened: Opened) -> None:
        self._print("opened", opened.url)

    def back(self, silence: Silence) -> None:
        self._print("back", " ".join(describe_silence(silence)))

    def idle(self, state: IdleState) -> None:
        self._print("idle", state.model_dump_json())

    def _print(self, kind: str, text: str) -> None:
        sys.stdout.write(json.dumps([time.time(), kind, text]) + "\n")
        sys.stdout.flush()


def read_place(folder: Path) -> Reached:
    return Reached.model_validate_json((folder / "reached.json").read_bytes())


def write_place(machine: Machine, folder: Path, name: str = "ocean") -> Reached:
    """Say where the server is now."""
    reached = Reached(
        name=name,
        owner="ada",
        region="us-west-2",
        host=machine.host,
        jupyter_port=JUPYTER_PORT,
    )
    new = folder / "reached.new"
    new.write_text(reached.model_dump_json())
    new.replace(folder / "reached.json")
    return reached


async def hold(folder: Path, port: int, seconds: float) -> None:
    timing = Timing(keepalive=Keepalive(seconds, 2), find_seconds=1)
    found = read_place(folder)
    question = Question(name=found.name, owner=found.owner, region=found.region)
    opening = Opening(
        question,
        found,
        Printed(),
        port=port,
        is_fresh=True,
        timing=timing,
        find=lambda _question, _report: read_place(folder),
    )
    await opening.run()


class OpenedServer:
    """A process that holds a server open, and what it has said."""

    def __init__(self, folder: Path, port: int, seconds: float) -> None:
        self.folder, self.port, self._seconds = folder, port, seconds
        self.events: list[tuple[float, str, str]] = []
        self.start()

    def start(self) -> None:
        words = [sys.executable, "-m", "tests.servers.opened", str(self.folder), str(self.port)]
        self.process = subprocess.Popen(
            [*words, str(self._seconds)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=PROJECT,
            env={**os.environ, "NOTEBAKE_HOME": str(self.folder / "notebake")},
        )
        self._reader = threading.Thread(target=self._read, args=(self.process,))
        self._reader.start()

    def _read(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout
        with process.stdout:
            for line in process.stdout:
                at, kind, text = json.loads(line)
                self.events.append((at, kind, text))

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self._reader.join()

    def count(self, kind: str) -> int:
        return sum(event[1] == kind for event in self.events)

    def wait_for(self, kind: str, times: int = 1) -> tuple[float, str, str]:
        """Return the event that comes for that many times."""
        deadline = time.monotonic() + HANG_SECONDS
        while self.count(kind) < times:
            assert time.monotonic() < deadline, f"waited for {kind}: {self.events}"
            assert self.process.poll() is None, f"ended: {self.events}"
            time.sleep(0.02)
        return [event for event in self.events if event[1] == kind][times - 1]


@dataclass
class OpenHolder:
    """A process of ours that holds a tunnel to a machine, as the breaks see it."""

    machine: Machine
    server: OpenedServer

    def send_signal(self, number: int) -> None:
        if number == signal.SIGKILL:
            self.server.kill()
        else:
            self.server.process.send_signal(number)

    def restart(self) -> None:
        self.server.start()

    def learn_address(self) -> None:
        write_place(self.machine, self.server.folder)


@contextmanager
def server_opened(
    machine: Machine, folder: Path, port: int, seconds: float = 4
) -> Iterator[OpenedServer]:
    """Hold the server open while the block runs."""
    folder.mkdir(parents=True, exist_ok=True)
    write_place(machine, folder)
    opened = OpenedServer(folder, port, seconds)
    try:
        opened.wait_for("opened")
        yield opened
    finally:
        opened.kill()


def main(words: list[str]) -> Any:
    folder, port, *more = words
    asyncio.run(hold(Path(folder), int(port), float(more[0]) if more else 4))


if __name__ == "__main__":
    main(sys.argv[1:])
