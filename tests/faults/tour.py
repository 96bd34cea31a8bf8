"""A tour: one run through its steps, left at each of them by copies in which something fails."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from notebake.runs.run import Run
from tests.faults.case import Case, ForEver, Once, named, trial_name
from tests.faults.faulty_world import LOCATION, FaultyWorld
from tests.faults.forks import Forks, Outcome, SendOutcome
from tests.faults.verdict import Trial
from tests.kills.points import PassThrough, Point
from tests.kills.whole_run import take_up

Part = tuple[Case, Once | ForEver]


class Journal(logging.Handler):
    """Writes what is logged into the world's journal."""

    def __init__(self, world: FaultyWorld) -> None:
        super().__init__(logging.INFO)
        self.world = world

    def emit(self, record: logging.LogRecord) -> None:
        self.world.journal.append(f"{record.levelname} {record.getMessage()}")


@dataclass
class Tour(PassThrough):
    """Stands between the run and its world, and forks where a step begins."""

    world: FaultyWorld
    run: Run
    parts: Sequence[Part]
    at_once: int
    on_outcome: Callable[[str, Outcome], None]
    is_quick: bool = False
    seen: set[str] = field(default_factory=set)
    trial: Trial | None = None
    send_outcome: SendOutcome | None = None

    def __post_init__(self) -> None:
        self.forks = Forks(self.at_once, self.on_outcome)

    def before(self, point: Point) -> None:
        """Let the cases of a step begin with it."""
        if self.trial or point.step in self.seen:
            return
        self.seen.add(point.step)
        for case, part in self.parts:
            if case.step == point.step and self._fork(case, part):
                return

    def _fork(self, case: Case, part: Once | ForEver) -> bool:
        """Tell whether this is the child now: then things go wrong from here on."""
        send_outcome = self.forks.fork(trial_name(case, part))
        if send_outcome is None:
            return False
        self.send_outcome = send_outcome
        self.world.move_home()
        self.trial = Trial(self.world, self.run.id, case, part, is_quick=self.is_quick)
        self.world.journal.clear()
        self.world.clock.stretch = part.stretch
        if isinstance(part, ForEver):
            self.world.backoff_share = 1.0
        self.world.put(*named(part.faults))
        return True

    def go(self) -> None:
        """Make the tour; a child tells of its trial and never returns."""
        self.world.interceptor = self
        error: BaseException | None = None
        try:
            take_up(self.run.id, LOCATION)
        except BaseException as caught:  # noqa: BLE001 - judged, or raised again
            error = caught
        if self.trial and self.send_outcome:
            self.send_outcome(self.trial.judge(error))
        elif error:
            raise error
        else:
            self.forks.wait()
