"""python -m tests.faults.lost_output --report FILE: whole scripted builds whose output is lost.

Each begins to lose its output after some characters, as where a reader leaves or a disk fills up.
"""

import argparse
import json
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console

from flows.build_plan import TEAR_DOWN, titles
from flows.terminal.live_view import show_progress
from notebake.runs.run import Run
from tests.draw import draw_single, has_everything
from tests.faults.faulty_world import LOCATION, FaultyWorld, furnish, opened
from tests.faults.recipes import RECIPES
from tests.kills import whole_run


def broken_pipe() -> int:
    ours, theirs = os.pipe()
    os.close(ours)
    return theirs


def full_disk() -> int:
    return os.open("/dev/full", os.O_WRONLY)


def closed_terminal() -> int:
    ours, theirs = os.openpty()
    os.close(ours)
    return theirs


class Later:
    """Takes some characters, and then hands what comes to a descriptor that fails.

    How many writes bring them depends on how busy the machine is: what waits is written at once.
    """

    encoding = "utf-8"

    def __init__(self, descriptor: int, characters: int, *, is_terminal: bool) -> None:
        self._descriptor, self.left, self._is_terminal = descriptor, characters, is_terminal
        self.failed = 0

    def write(self, text: str) -> int:
        self.left -= len(text)
        if self.left < 0:
            try:
                os.write(self._descriptor, text.encode())
            except OSError:
                self.failed += 1
                raise
        return len(text)

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return self._is_terminal


WAYS: dict[str, tuple[Callable[[], int], int, bool]] = {
    f"{lost.__name__} after {characters}, {'terminal' if is_terminal else 'pipe'}": (
        lost,
        characters,
        is_terminal,
    )
    for lost in (broken_pipe, full_disk, closed_terminal)
    for characters, is_terminal in ((0, False), (600, False), (0, True), (600, True))
}

EACH_KIND = (
    "broken_pipe after 600, pipe",
    "full_disk after 0, terminal",
    "closed_terminal after 600, terminal",
)
"""Each kind of loss, each moment and each view once: a day has one of them."""


def tried() -> list[str]:
    """Return the ways that are tried."""
    return list(WAYS) if has_everything() else draw_single("lost output", EACH_KIND)


def build(world: FaultyWorld, way: str, log_path: Path) -> dict[str, Any]:
    """Build while the output is lost in this way; return what came of it."""
    lost, characters, is_terminal = WAYS[way]
    run: Run = furnish(world)
    stream = Later(lost(), characters, is_terminal=is_terminal)
    console = Console(file=stream, force_terminal=is_terminal, width=80)  # type: ignore[arg-type]
    error = ""
    try:
        with show_progress("ocean", [*titles(), TEAR_DOWN], log_path, console=console):
            whole_run.take_up(run.id, LOCATION)
    except BaseException as failure:  # noqa: BLE001 - whatever it is, the build has not ended well
        error = repr(failure)
    world.history.look()
    return {
        "error": error,
        "lost": stream.failed,
        "accepted": len(world.history.accepted()),
        "left": world.history.left(),
        "log": log_path.read_text(),
    }


def main() -> None:
    """Build in each way, one after the other, and write down what came of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--report", type=Path, required=True)
    report: Path = parser.parse_args().report
    logging.getLogger("boto").setLevel(logging.CRITICAL)
    # Asked here: the world has an environment of its own.
    ways = tried()
    with opened(RECIPES["plain"]) as world:
        logging.disable(logging.NOTSET)
        description = {
            way: build(world, way, report.parent / f"{number}.txt")
            for number, way in enumerate(ways)
        }
        report.write_text(json.dumps(description))


if __name__ == "__main__":
    main()
