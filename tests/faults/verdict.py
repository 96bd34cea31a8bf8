"""What is asked of the world when a run has ended: was it survived, or was its end a good one."""

import contextvars
import re
import time
from dataclasses import asdict, dataclass, field
from inspect import unwrap
from typing import Any

from flows import tear_down
from notebake.aws import schedules, ssm
from notebake.aws.inventory import list_resources
from notebake.errors import NotebakeError
from notebake.machines.failure_report import failure_report
from notebake.runs.open_store import open_store
from notebake.runs.registry import load_run
from tests.faults.case import Case, ForEver, Once
from tests.faults.faulty_world import LOCATION, FaultyWorld
from tests.faults.forks import Outcome, run_in_child
from tests.kills import whole_run

KEPT_LINES = 60


@dataclass
class Verdict:
    """How a trial ended, and what was wrong with that."""

    case: str
    kind: str
    fired: int = 0
    seconds: float = 0
    """Virtual: from the first time that it fired to the end of the run, or to its error."""
    budget_seconds: float = 0
    error: str = ""
    hint: str = ""
    wrong: list[str] = field(default_factory=list)
    journal: list[str] = field(default_factory=list)
    cpu_seconds: float = 0

    def check(self, holds: object, what: str) -> None:
        """Remember what does not hold."""
        if not holds:
            self.wrong.append(what)


@dataclass
class Trial:
    """One case in its own copy of the world."""

    world: FaultyWorld
    run_id: str
    case: Case
    part: Once | ForEver
    is_quick: bool = False

    def judge(self, error: BaseException | None) -> Outcome:
        """Return the verdict about the run that has just ended."""
        world, part = self.world, self.part
        world.note_fired()
        world.history.look()
        kind = "once" if part is self.case.once else "for ever"
        verdict = Verdict(self.case.name, kind, fired=sum(world.fired().values()))
        verdict.seconds = world.clock.seconds - (world.first_fired_at or 0)
        verdict.error = f"{type(error).__name__}: {getattr(error, 'message', error)}"
        verdict.hint = str(getattr(error, "hint", ""))
        verdict.error = verdict.error if error else ""
        for fault in world.cloud.faults.describe():
            # A quota that is only read refuses nobody.
            is_read = fault["effect"] == "limit" and self.case.step == "preflight"
            verdict.check(fault["fired"] or is_read, f"{fault['name']} has not fired")
            is_spent = fault["times"] in (None, fault["fired"])
            verdict.check(is_spent, f"fired {fault['fired']} of {fault['times']}")
        if isinstance(part, Once):
            self._check_survived(verdict, part, error)
        else:
            verdict.budget_seconds = part.budget_seconds
            self._check_end(verdict, part, error)
        if verdict.wrong:
            verdict.journal = [line[:600] for line in world.journal[-KEPT_LINES:]]
        verdict.cpu_seconds = time.process_time()
        return asdict(verdict)

    def _check_survived(self, verdict: Verdict, part: Once, error: BaseException | None) -> None:
        history = self.world.history
        verdict.check(error is None, "the run failed")
        accepted = history.accepted()
        verdict.check(len(accepted) == 1, f"accepted images: {accepted}")
        doubled = [
            description
            for description in history.doubled()
            if description.split(" of ", 1)[1] not in part.replaced
        ]
        verdict.check(not doubled, f"doubled: {doubled}")
        verdict.check(not history.left(), f"left: {history.left()}")
        shown = re.search(part.shows, "\n".join(self.world.journal), re.DOTALL)
        verdict.check(shown, f"the journal does not show {part.shows}")

    def _check_end(self, verdict: Verdict, part: ForEver, error: BaseException | None) -> None:
        verdict.check(isinstance(error, NotebakeError), "it ended without an error of ours")
        verdict.check(part.kind in names_of_classes(error), f"the error is no {part.kind}")
        verdict.check(re.search(part.says, verdict.error, re.DOTALL), f"no {part.says!r} in it")
        verdict.check(
            verdict.seconds <= part.budget_seconds,
            f"it took {verdict.seconds:.0f} s of at most {part.budget_seconds:.0f} s",
        )
        self.world.clock.stretch = 1
        self.world.lift()
        if part.leaves_nothing:
            left = self.world.history.left()
            verdict.check(not left, f"made although it could be known: {left}")
            return
        self.world.clock.advance(part.passes_after_seconds)
        self.world.new_process(same_machine=True)
        advice = contextvars.Context().run(self._advice, verdict)
        verdict.check("notebake " in f"{verdict.hint}\n{advice}", "nothing to type")
        contextvars.Context().run(self._check_survey, verdict)
        verdict.wrong += run_in_child(lambda: contextvars.Context().run(self._remove))["wrong"]
        if part.is_resumed or not self.is_quick:
            verdict.wrong += contextvars.Context().run(self._resume)["wrong"]

    def _advice(self, verdict: Verdict) -> str:
        """Return what a person is told beside the error, by the command that was typed."""
        try:
            return str(failure_report(load_run(self.run_id, open_store(LOCATION))))
        except NotebakeError as error:
            verdict.wrong.append(f"no aftermath: {error}")
            return ""

    def _check_survey(self, verdict: Verdict) -> None:
        """Compare what the cloud has, by its own state, with what a look shows."""
        region = self.world.recipe.region
        shown = {resource.id for resource in list_resources(region, self.run_id)}
        shown |= {schedule.id for schedule in schedules.list_schedules(region, self.run_id)}
        shown |= {parameter.name for parameter in ssm.list_parameters(region, self.run_id)}
        unseen = [
            line for line in self.world.history.left() if line.rpartition(" ")[2] not in shown
        ]
        verdict.check(not unseen, f"survey does not show: {unseen}")

    def _remove(self) -> Outcome:
        """Tear the run down, and tell what is left; done in a copy of the world."""
        wrong = []
        try:
            unwrap(tear_down.tear_down.fn)(self.run_id, LOCATION)
        except NotebakeError as error:
            wrong.append(f"tear-down failed: {error.message}")
        left = self.world.history.left()
        kept = self.world.history.accepted()
        if left:
            wrong.append(f"tear-down left: {left} (accepted: {kept})")
        return {"wrong": wrong}

    def _resume(self) -> Outcome:
        """Go on with the run, and tell what it did not come to."""
        wrong: list[str] = []
        try:
            whole_run.take_up(self.run_id, LOCATION)
        except NotebakeError as error:
            wrong.append(f"resume failed: {type(error).__name__}: {error}")
        if len(self.world.history.accepted()) != 1:
            wrong.append("resume gave no image")
        if left := self.world.history.left():
            wrong.append(f"resume left: {left}")
        return {"wrong": wrong}


def names_of_classes(error: Any) -> list[str]:
    """Return what an error is an instance of."""
    return [cls.__name__ for cls in type(error).__mro__]
