"""Makes the summary of a run of its entries, one after the other."""

import logging
from collections.abc import Iterable
from typing import Any

from notebake.ledger import kinds
from notebake.ledger.call_summary import CallSummary
from notebake.ledger.entry import Entry
from notebake.ledger.money_summary import with_estimate, with_metered
from notebake.ledger.summary import (
    Execution,
    ImageSummary,
    MoneySummary,
    Result,
    StepSummary,
    StoredFile,
    Summary,
)

log = logging.getLogger(__name__)
INTERRUPTIONS = frozenset(("KeyboardInterrupt", "InterruptedError", "Pause", "TerminationSignal"))
"""Errors by which a person ended an execution: the build did not fail."""


def summarize(run: str, entries: Iterable[Entry]) -> Summary:
    """Return the summary of a run."""
    fold = _Fold(run)
    for entry in entries:
        fold.add(entry)
    return fold.summary()


def keeps_outcome(entry: Entry) -> bool:
    """Return whether nothing temporary is left after an entry if nothing was left before it."""
    return entry.kind not in {kinds.EXECUTING, kinds.REOPENED} and "attempt" not in entry.body


class _Fold:
    """What the entries so far show."""

    def __init__(self, run: str) -> None:
        self._known: dict[str, Any] = {"run": run}
        self._executions: dict[str, Execution] = {}
        self._steps: dict[str, StepSummary] = {}
        self._calls = CallSummary()
        self._files: dict[str, StoredFile] = {}
        self._money = MoneySummary()
        self._has_outcome = False
        self._add_by_kind = {
            kinds.BEGAN: self._add_recipe,
            kinds.RECIPE: self._add_recipe,
            kinds.EXECUTING: self._add_execution,
            kinds.ENDED: self._add_end,
            kinds.STEP: self._add_step,
            kinds.SENT: self._calls.add_sent,
            kinds.ANSWERED: self._calls.add_answered,
            kinds.SETTLED: self._calls.add_settled,
            kinds.REMOVED: self._calls.add_removed,
            kinds.FILE: self._add_file,
            kinds.ESTIMATED: self._add_estimate,
            kinds.METERED: self._add_metered,
            kinds.OUTCOME: self._add_outcome,
        }

    def add(self, entry: Entry) -> None:
        self._known.setdefault("began", entry.time)
        self._has_outcome = entry.kind == kinds.OUTCOME or (
            self._has_outcome and keeps_outcome(entry)
        )
        if add := self._add_by_kind.get(entry.kind):
            try:
                add(entry)
            except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError):
                log.warning("Entry %s of run %s has an odd body", entry.sequence, entry.run)

    def summary(self) -> Summary:
        return Summary(
            **self._known,
            executions=tuple(self._executions.values()),
            steps=tuple(self._steps.values()),
            calls=len(self._calls.sent),
            failed_calls=self._calls.failed,
            unanswered_calls=len(self._calls.unanswered),
            created=tuple(self._calls.created.values()),
            base_image=self._calls.base_image,
            files=tuple(self._files[name] for name in sorted(self._files)),
            money=self._money,
            result=self._result(),
        )

    def _result(self) -> Result:
        if not self._has_outcome:
            return Result.OPEN
        image = self._known.get("image")
        if image and image.accepted:
            return Result.ACCEPTED
        builds = [each for each in self._executions.values() if each.did_build]
        if builds and builds[-1].error and builds[-1].error not in INTERRUPTIONS:
            return Result.FAILED
        return Result.TORN_DOWN

    def _add_recipe(self, entry: Entry) -> None:
        recipe = entry.body["recipe"]
        self._known |= {
            "recipe": recipe,
            "recipe_name": str(recipe.get("name", "")),
            "recipe_digest": str(entry.body["digest"]),
        }
        if entry.body.get("is_continued"):
            self._known["is_continued"] = True

    def _add_execution(self, entry: Entry) -> None:
        body, before = entry.body, self._executions.get(entry.execution)
        self._known["account"] = str(body.get("account") or self._known.get("account", ""))
        self._executions[entry.execution] = Execution(
            id=entry.execution,
            who=entry.who,
            identity=body.get("identity", ""),
            started_by=body.get("started_by", ""),
            claims=body.get("claims") or {},
            code=body.get("code"),
            began=before.began if before else entry.time,
        )

    def _add_end(self, entry: Entry) -> None:
        self._known["ended"] = entry.time
        self._update_execution(
            entry,
            ended=entry.time,
            error=entry.body.get("error", ""),
            message=entry.body.get("message", ""),
        )

    def _update_execution(self, entry: Entry, **changes: Any) -> None:
        if execution := self._executions.get(entry.execution):
            self._executions[entry.execution] = execution.model_copy(update=changes)

    def _add_step(self, entry: Entry) -> None:
        body, step = entry.body, str(entry.body.get("step", ""))
        before, detail = self._steps.get(step), entry.body.get("detail") or {}
        outcome = str(body.get("happening", ""))
        is_done = outcome == "done"
        result = detail.get("result") or detail.get("message") or ""
        if outcome == "undone":
            result = before.result if before else ""
        else:
            self._update_execution(entry, did_build=True)
        self._steps[step] = StepSummary(
            step=step,
            tries=(before.tries if before else 0) + (outcome in {"done", "failed"}),
            outcome=outcome,
            at=entry.time,
            seconds=body.get("seconds") if is_done else before.seconds if before else None,
            result=str(result),
        )
        if step == "clone_repository" and outcome in {"done", "found"}:
            self._known["commit"] = "" if " " in str(result) else str(result)

    def _add_file(self, entry: Entry) -> None:
        file = StoredFile(at=entry.time, **entry.body)
        self._files[file.name] = file

    def _add_estimate(self, entry: Entry) -> None:
        self._money = with_estimate(self._money, entry)

    def _add_metered(self, entry: Entry) -> None:
        self._money = with_metered(self._money, entry)

    def _add_outcome(self, entry: Entry) -> None:
        image = entry.body.get("image")
        self._known["image"] = ImageSummary(**image) if image else None
        step = self._steps.get("request_image")
        if image and step and step.outcome == "undone":
            # A tear-down undoes every step, and lets an accepted image stay.
            self._steps[step.step] = step.model_copy(update={"outcome": "done"})
