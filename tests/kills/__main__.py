"""Kill a run at every point of it, and show what came of that: `python -m tests.kills`.

One trial with its whole log: `python -m tests.kills --point 57 --case after`.
"""

import argparse
import gc
import json
import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from notebake.runs.run import Run
from tests.kills import sabotage, stand_in_jupyter, table, whole_run
from tests.kills.choice import Choice
from tests.kills.explorer import KillExplorer, Remembering
from tests.kills.points import Case
from tests.kills.record_check import watch_appends
from tests.kills.trials import Trial
from tests.kills.world import World, make_directory, put_in_place, remove_directory

LOCATION = "s3://runs/bakes"
shown: list[Trial] = []


@contextmanager
def world_opened(approvals: tuple[str, ...] = ()) -> Iterator[World]:
    """Give a world in which a whole run has been rehearsed: nothing is read anew any more."""
    directory = make_directory()
    try:
        with stand_in_jupyter.serving() as port:
            recipe = whole_run.make_recipe().model_copy(update={"approve": approvals})
            world = World(recipe, directory)
            world.jupyter_port = port
            put_in_place(world)
            run = furnish(world)
            whole_run.leave_prefect_out()
            taking_up(world)(run.id, LOCATION)
            yield world
    finally:
        remove_directory(directory)


def taking_up(world: World) -> Callable[[str, str], str]:
    """Return how the run of a world is taken up: with its questions answered, if it asks any."""
    return whole_run.take_up_approving if world.recipe.approve else whole_run.take_up


def furnish(world: World) -> Run:
    """Give the account what it has before a run, and begin one."""
    world.empty()
    world.new_process()
    world.give_users_volume(whole_run.USERS_VOLUME)
    world.make_buckets()
    world.passed = world.version = 0
    return whole_run.begin(world.recipe, LOCATION)


def show(trial: Trial) -> None:
    """Say at once what went wrong, and now and then how far it is."""
    shown.append(trial)
    if len(shown) % 50 == 0:
        seconds = sum(trial.verdict.seconds for trial in shown if trial.verdict)
        say(f"{len(shown)} trials, {seconds:.0f} s of the processor; now at {trial.point.label}")
    if trial.verdict and not trial.verdict.is_good:
        say(table.paragraph(trial))


def explore(world: World, choice: Choice, at_once: int, late_seconds: float = 0) -> KillExplorer:
    """Carry a run through its world with a child at each of its points."""
    watch_appends()
    run = furnish(world)
    if late_seconds:
        world.be_late(late_seconds)
    # Children copy each page that they touch, and a collection touches all.
    gc.collect()
    gc.freeze()
    gc.disable()
    take_up = taking_up(world)
    explorer = KillExplorer(world, run.id, LOCATION, choice, at_once, show, take_up)
    world.interceptor = explorer
    error: BaseException | None = None
    try:
        take_up(run.id, LOCATION)
    except BaseException as caught:  # noqa: BLE001 - reported by whoever it belongs to
        error = caught
    explorer.finish(error)
    explorer.error = "" if error is None else f"The run itself failed: {error}"
    return explorer


def main() -> int:
    """Kill at each point, print the table, and fail if anything went wrong."""
    chosen = parse()
    logging.getLogger().handlers[:] = [Remembering()]
    logging.getLogger().setLevel(logging.INFO)
    if chosen.point:
        logging.getLogger().addHandler(logging.StreamHandler(sys.stdout))
    cases = frozenset(Case[name.upper()] for name in chosen.case) or frozenset(Case)
    choice = Choice(
        cases, chosen.point, chosen.step, chosen.share, chosen.every, bool(chosen.point), chosen.ec2
    )
    with world_opened(("bake", "share") if chosen.approve else ()) as world:
        if chosen.sabotage:
            sabotage.sabotage()
        if chosen.sabotage_record:
            sabotage.sabotage_record()
        began = time.monotonic()
        explorer = explore(world, choice, chosen.at_once, chosen.late)
        left = world.history.left()
        failed = [
            failure for failure in (explorer.error, *table.failures(explorer.trials)) if failure
        ]
    lines = table.lines(explorer.cases)
    for line in table.resumed(explorer.trials):
        say(line)
    say(table.as_text(lines))
    seconds = sum(trial.verdict.seconds for trial in explorer.trials if trial.verdict)
    say(
        f"{len(failed)} of {len(explorer.trials)} trials went wrong;"
        f" {time.monotonic() - began:.0f} s, {seconds:.0f} s of the processor;"
        f" left by the run itself: {left}"
    )
    if chosen.report:
        content = {"lines": [asdict(line) for line in lines], "failed": failed, "left": left}
        content["text"] = table.as_text(lines)
        content["trials"] = [table.described(trial) for trial in explorer.trials]
        chosen.report.write_text(json.dumps(content))
    return 1 if failed or left else 0


def parse() -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(prog="python -m tests.kills", description=__doc__)
    names = [case.name.lower() for case in Case]
    parser.add_argument("--point", type=int, default=0, help="one point, with its whole log")
    parser.add_argument("--case", action="append", default=[], choices=names)
    parser.add_argument("--step", default="", help="only the points of one step; -: of none")
    parser.add_argument("--approve", action="store_true", help="a person is asked, and approves")
    parser.add_argument("--sabotage", action="store_true", help="with faults that must be found")
    parser.add_argument("--sabotage-record", action="store_true", help="with faults of the record")
    parser.add_argument(
        "--late", type=float, default=0, help="EC2 shows what it has made after so many seconds"
    )
    parser.add_argument("--share", action="store_true", help="only what is drawn for the day")
    parser.add_argument("--ec2", action="store_true", help="only at what changes something in EC2")
    parser.add_argument("--every", type=int, default=1, help="only each n-th trial")
    parser.add_argument("--at-once", type=int, default=2, help="how many children live at a time")
    parser.add_argument("--report", type=Path, help="where the outcome is written as JSON")
    return parser.parse_args()


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
