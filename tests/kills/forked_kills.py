"""The forks of the kill test on the steps of `true_kills`: `python -m tests.kills.forked_kills`."""

import contextvars
import json
import sys

from tests.cloud_world import RECIPE
from tests.kills import cloud_only
from tests.kills.explorer import LEASE_SECONDS
from tests.kills.points import Case, PassThrough, Point
from tests.kills.trials import Children, Trial, Verdict
from tests.kills.world import World, make_directory, put_in_place, remove_directory

LOCATION = "s3://runs/bakes"


class AfterEachChange(PassThrough):
    """Lets a child be the world when a change of EC2 has taken effect."""

    def __init__(self, world: World) -> None:
        self.world, self.trials = world, list[Trial]()
        self.children = Children(2, lambda _: None)

    def after(self, point: Point, *, changed: bool) -> bool:
        if changed and cloud_only.is_counted(*point.name.split(".")):
            self.trials.append(Trial(point, Case.AFTER))
            if report := self.children.fork(self.trials[-1]):
                report(contextvars.Context().run(self._resume))
        return False

    def _resume(self) -> Verdict:
        world, records = self.world, self.world.application.calls.records
        before = len(records())
        world.new_process()
        world.interceptor = PassThrough()
        world.clock.advance(LEASE_SECONDS)
        cloud_only.take_up_and_remove(cloud_only.RUN_ID, LOCATION)
        after = [
            call for call in records()[before:] if cloud_only.is_counted(call.service, call.action)
        ]
        world.history.look()
        return Verdict(
            completed=True,
            doubled=world.history.doubled(),
            left=world.history.left(),
            changes=[call.action for call in after],
        )


def main() -> int:
    """Fork everywhere, and print what came of it as JSON."""
    directory = make_directory()
    try:
        world = World(RECIPE, directory)
        put_in_place(world)
        world.make_buckets()
        cloud_only.begin(LOCATION)
        world.interceptor = road = AfterEachChange(world)
        cloud_only.take_up(cloud_only.RUN_ID, LOCATION)
        road.children.wait()
    finally:
        remove_directory(directory)
    outcomes = [
        {
            "killed_after": trial.point.name.partition(".")[2],
            "resumed": trial.verdict.completed,
            "changes": trial.verdict.changes,
            "doubled": trial.verdict.doubled,
            "left": trial.verdict.left,
            "error": trial.verdict.error,
        }
        for trial in road.trials
        if trial.verdict
    ]
    sys.stdout.write(json.dumps(outcomes, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
