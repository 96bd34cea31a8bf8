"""Kills explored: one run from its beginning to its end, disturbed at every point of it."""

import contextvars
import logging
import os
import random
import shutil
import tempfile
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.draw import fix_seed
from tests.kills.choice import COSTLY, Choice
from tests.kills.points import Case, PassThrough, Point
from tests.kills.record_check import lock_faults, record_faults
from tests.kills.trials import Children, Trial, Verdict
from tests.kills.whole_run import remove_left_overs, take_up
from tests.kills.world import World
from tests.replacement import replace

LEASE_SECONDS = 61
AFTER_LEASE_SECONDS = 900
"""So long after the lease of a run nothing of it runs any more, whoever is dead."""
STRETCHES = 120
BOTOCORE_TRIES = 5
TWICE_SHARE = 0.12
LATEST_SECOND_KILL = 250
log_lines: deque[str] = deque(maxlen=40)


class Remembering(logging.Handler):
    """Keeps the last lines, for what fails."""

    def emit(self, record: logging.LogRecord) -> None:
        log_lines.append(f"{record.levelname} {record.getMessage()}"[:400])


@dataclass
class KillExplorer:
    """Stands between the run and its world, and forks children that are disturbed there."""

    world: World
    run_id: str
    location: str
    choice: Choice = field(default_factory=Choice)
    at_once: int = 2
    on_verdict: Callable[[Trial], None] = lambda _: None
    take_up: Callable[[str, str], object] = take_up
    trials: list[Trial] = field(default_factory=list)
    cases: list[tuple[Point, Case, Trial]] = field(default_factory=list)
    """Every case with the trial that stands for it: another one, where the worlds are the same."""
    error: str = ""
    """Why the run that was swept failed itself; "" where it did not."""
    report: Callable[[Verdict], None] | None = None
    """In a child that goes on in the same code."""

    def __post_init__(self) -> None:
        self.children = Children(self.at_once, self.on_verdict)
        self.random = random.Random(fix_seed())  # noqa: S311
        self.same_worlds: dict[int, Trial] = {}
        self.reads: set[tuple[str, str]] = set()
        self.last: Point | None = None
        self.before_world = 0

    def before(self, point: Point) -> None:
        """The world as it is when a call is about to be made."""
        if self.last:
            self._kill(Case.ANSWERED, self.last)
            self._count(self.last, Case.ANSWERED)
        self.before_world = self.world.version
        self._kill(Case.BEFORE, point)

    def after(self, point: Point, *, changed: bool) -> bool:
        """The world when its effect is there and the answer on its way; True: it is lost."""
        read = (point.step, point.name)
        is_new = changed or read not in self.reads
        self.reads.add(read)
        self.last = point if is_new else None
        if not is_new:
            return False
        self._count(point, Case.BEFORE, self.before_world)
        self._kill(Case.AFTER, point)
        self._count(point, Case.AFTER)
        if changed:
            self.choice.note_change(point)
        if changed and (self.random.random() < TWICE_SHARE or point.name in COSTLY):
            self._kill_twice(point)
        if changed and point.is_aws and not point.name.startswith("s3."):
            self._abandon(point)
        return self._lose(point, Case.LOST, changed=changed) or (
            point.is_aws and self._lose(point, Case.SILENT, changed=changed)
        )

    def _count(self, point: Point, case: Case, version: int | None = None) -> None:
        """Count a case, if a child has been the world as it is then."""
        key = self.world.version if version is None else version
        if key in self.same_worlds:
            self.cases.append((point, case, self.same_worlds[key]))

    def _kill(self, case: Case, point: Point) -> None:
        """Let a child be the world at this moment, unless one has been it already."""
        key = self.world.version
        if key in self.same_worlds or not self.choice.has_kill(case, point, key):
            return
        at_once = bool(key % 2)
        detail = "(resumed at once)" if at_once else "(resumed elsewhere)"
        trial = self.same_worlds[key] = Trial(point, case, detail)
        self._fork(trial, lambda: self._resume(at_once=at_once))

    def _kill_twice(self, point: Point) -> None:
        at = self.random.randrange(1, LATEST_SECOND_KILL)
        if self.choice.has_more(Case.TWICE, point):
            trial = Trial(point, Case.TWICE, f"(again {at} points later)")
            self.cases.append((point, Case.TWICE, trial))
            self._fork(trial, lambda: self._resume(at_once=False, again_after=at))

    def _abandon(self, point: Point) -> None:
        if self.choice.has_more(Case.ABANDONED, point):
            trial = Trial(point, Case.ABANDONED)
            self.cases.append((point, Case.ABANDONED, trial))
            self._fork(trial, self._leave_alone)

    def _lose(self, point: Point, case: Case, *, changed: bool) -> bool:
        if not self.choice.has_loss(case, point, changed=changed):
            return False
        trial = Trial(point, case)
        self.cases.append((point, case, trial))
        self.trials.append(trial)
        self.report = print_verdict if self.choice.in_process else self.children.fork(trial)
        if self.report is None:
            return False
        leave_files()
        self.world.copy_home()
        times = BOTOCORE_TRIES - 1 if case is Case.SILENT else 0
        self.world.interceptor = Losing(point.name, times)
        return True

    def _fork(self, trial: Trial, what: Callable[[], Verdict]) -> None:
        """Let a child do something in a fresh context, and never return to what it was doing."""
        self.trials.append(trial)
        report = print_verdict if self.choice.in_process else self.children.fork(trial)
        if report is not None:
            self.report = report
            report(contextvars.Context().run(what))

    def _resume(self, *, at_once: bool, again_after: int = 0) -> Verdict:
        """Take the run up with nothing but its id, and look at the world when it has ended."""
        self.world.new_process(same_machine=at_once)
        if not at_once:
            self.world.clock.advance(LEASE_SECONDS)
        self.world.interceptor = PassThrough()
        if again_after:
            self.world.interceptor = KillsAgain(again_after, self._end_by_resuming)
        return self.look(lambda: self.take_up(self.run_id, self.location))

    def _end_by_resuming(self) -> None:
        """Resume once more, report what came of it, and never return to what was killed."""
        assert self.report
        self.report(contextvars.Context().run(lambda: self._resume(at_once=False)))

    def look(self, work: Callable[[], object], *, accepted: int = 1) -> Verdict:
        """Do the rest of a run and return what the world looks like then."""
        verdict = Verdict()
        try:
            work()
            verdict.completed = True
        except BaseException as error:  # noqa: BLE001 - reported, whatever it is
            verdict.error = f"{type(error).__name__}: {error}"[:1500]
        history = self.world.history
        history.look()
        verdict.doubled, verdict.left = history.doubled(), history.left()
        self.world.interceptor = PassThrough()
        verdict.record = record_faults(
            self.location,
            self.world.application.calls.records(),
            must_be_sealed=verdict.completed and bool(accepted),
        )
        if verdict.completed and accepted:
            verdict.record += lock_faults(self.location, self.run_id)
        verdict.passed = self.world.passed
        if verdict.completed and len(history.accepted()) < accepted:
            verdict.completed, verdict.error = False, "there is no accepted image"
        if not verdict.is_good:
            verdict.log = list(log_lines)
        return verdict

    def _leave_alone(self) -> Verdict:
        """Let the lease pass, and look what runs; nobody comes but the sweep, some hours later."""
        self.world.new_process()
        self.world.interceptor = PassThrough()
        clock, recipe, history = self.world.clock, self.world.recipe, self.world.history
        for _ in range(STRETCHES):
            clock.advance((recipe.lease_hours * 3600 + AFTER_LEASE_SECONDS) / STRETCHES)
        running = [
            line
            for line in history.left()
            if line.startswith("instance (") and not line.startswith("instance (shutting-down)")
        ]
        clock.advance(recipe.lease_hours * 720)
        verdict = self.look(lambda: remove_left_overs(recipe.region, self.location), accepted=0)
        verdict.completed = verdict.completed and not running
        verdict.error = verdict.error or ", ".join(running)
        return verdict

    def finish(self, error: BaseException | None) -> None:
        """End the run that was swept; a child that lost an answer reports what came of it."""
        if self.report is None:
            self.children.wait()
            return
        report = self.report
        if error is None:
            report(self.look(lambda: None))
        log_lines.append(f"The run failed: {error}")
        verdict = contextvars.Context().run(lambda: self._resume(at_once=True))
        verdict.by_itself = False
        verdict.error = (
            verdict.error or f"(before the resume) {type(error).__name__}: {error}"[:600]
        )
        report(verdict)


def leave_files() -> None:
    """Let this child, which goes on in the same code, remove no file of its parent's."""

    # By `with`, and by the last reference; not every tempfile asks shutil by its name.
    def keep(*_: object, **__: object) -> None:
        pass

    replace(tempfile.TemporaryDirectory, cleanup=keep, _rmtree=keep)
    replace(shutil, rmtree=keep)


class Losing(PassThrough):
    """Loses the answers to the next tries of a call, too."""

    def __init__(self, name: str, times: int) -> None:
        self.name, self.times = name, times

    def after(self, point: Point, *, changed: bool) -> bool:
        del changed
        self.times -= 1
        return self.times >= 0 and point.name == self.name


class KillsAgain(PassThrough):
    """Kills an execution after so many points."""

    def __init__(self, left: int, end: Callable[[], None]) -> None:
        self.left, self.end = left, end

    def after(self, point: Point, *, changed: bool) -> bool:
        del point, changed
        self.left -= 1
        if self.left == 0:
            self.end()
        return False


def print_verdict(verdict: Verdict) -> None:
    """Show a person how a trial ended."""
    lines = [*verdict.log, repr(verdict)]
    os.write(1, ("\n".join(lines) + "\n").encode())
    os._exit(0 if verdict.is_good else 1)
