"""The end of one stage of one image, so that a kill at any point leaves what a next prune settles.

1. The log says what is about to happen; then the marks in the run store say it, too.
2. The pointer is read once more: who moves it meanwhile has seen the mark.
3. EC2 deprecates, disables or removes the image; the marks and the log say how that ended.
"""

import logging
from collections.abc import Callable, Sequence
from functools import partial

from notebake import clock
from notebake.aws.retirement import (
    deprecate_image,
    disable_image,
    remove_left_snapshots,
    remove_with_snapshots,
)
from notebake.errors import CloudError, WaitTimeoutError, WrongAccountError
from notebake.images.pointer_record import StoredPointer
from notebake.images.prune.decision import Decision
from notebake.images.prune.marks import Mark, StoredMarks
from notebake.images.prune.plan import DONE
from notebake.ledger.chain import Chain
from notebake.ledger.kinds import PRUNED, PRUNING
from notebake.store.interface import RunStore
from notebake.timestamps import utc_from_seconds

log = logging.getLogger(__name__)
MARKED = frozenset(("disable", "remove"))
"""The stages after which an image cannot be current."""


class Retirer:
    """Carries out stages in a region; the calls of AWS are for the caller to record."""

    def __init__(self, region: str, store: RunStore, marks: StoredMarks, chain: Chain) -> None:
        self._region, self._store, self._marks, self._chain = region, store, marks, chain
        self.done: list[Decision] = []
        self.spared: list[Decision] = []
        self.failures: list[str] = []

    def retire(self, decision: Decision, plan: str) -> None:
        """Do what is due with an image; a refusal of EC2 is a failure of this image alone.

        Raises:
            MarksChangedError, RunStoreError, WrongAccountError: nothing more should be tried.
        """
        self._note(PRUNING, decision, reason=decision.reason, plan=plan)
        if decision.action in MARKED:
            self._mark(decision)
            if self._is_pointed_at(decision):
                self._withdraw(decision, "became current meanwhile")
                return
        self._try(decision, partial(self._act, decision))

    def finish(self, image_id: str, mark: Mark) -> None:
        """Delete what a killed prune has left of the snapshots of an image that is gone."""
        decision = Decision(
            image_id=image_id,
            recipe=mark.recipe,
            run_id="",
            state="deregistered",
            action="remove",
            reason="a prune was killed that removed it",
            snapshot_ids=mark.snapshot_ids,
        )
        self._try(decision, partial(remove_left_snapshots, mark.snapshot_ids, self._region))

    def _try(self, decision: Decision, act: Callable[[], Sequence[str]]) -> None:
        """Do it, and record how it ended."""
        try:
            kept = act()
        except WrongAccountError:
            raise
        except (CloudError, WaitTimeoutError) as error:
            self._fail(decision, error)
            return
        self._end(decision, kept)

    def _mark(self, decision: Decision) -> None:
        before = self._marks.images.get(decision.image_id)
        mark = Mark(
            recipe=decision.recipe,
            doing="disable" if decision.action == "disable" else "remove",
            since=utc_from_seconds(clock.now()),
            disabled_at=before.disabled_at if before else None,
            snapshot_ids=decision.snapshot_ids,
        )
        self._marks.set(decision.image_id, mark)

    def _is_pointed_at(self, decision: Decision) -> bool:
        """Return whether somebody has moved the pointer to it, or is about to."""
        pointer = StoredPointer(decision.recipe, self._region, self._store).pointer
        moving = pointer.moving.to.image_id if pointer.moving else ""
        return decision.image_id in (pointer.image_id, moving)

    def _act(self, decision: Decision) -> Sequence[str]:
        """Do it in EC2; return the snapshots that stay as another image uses them."""
        image_id, region = decision.image_id, self._region
        if decision.action == "deprecate":
            deprecate_image(image_id, region, utc_from_seconds(clock.now()))
        elif decision.action == "disable":
            disable_image(image_id, region)
        else:
            return remove_with_snapshots(image_id, decision.snapshot_ids, region)
        return ()

    def _end(self, decision: Decision, kept: Sequence[str]) -> None:
        mark = self._marks.images.get(decision.image_id)
        if decision.action == "disable" and mark:
            mark = mark.model_copy(update={"doing": "", "disabled_at": mark.since})
        self._marks.set(decision.image_id, None if decision.action == "remove" else mark)
        self._note(PRUNED, decision, outcome="done", kept_snapshots=list(kept))
        log.info("%s is %s", decision.image_id, DONE[decision.action])
        self.done.append(decision)

    def _fail(self, decision: Decision, error: CloudError | WaitTimeoutError) -> None:
        is_open = not isinstance(error, CloudError) or error.is_outcome_unknown
        if decision.action == "disable" and not is_open:
            self._marks.set(decision.image_id, None)
        log.warning("%s", error.message)
        self.failures.append(error.message)
        self._note(PRUNED, decision, outcome="failed", reason=error.message)

    def _withdraw(self, decision: Decision, reason: str) -> None:
        mark = self._marks.images[decision.image_id]
        earlier = mark.model_copy(update={"doing": ""}) if mark.disabled_at else None
        self._marks.set(decision.image_id, earlier)
        self._note(PRUNED, decision, outcome="withdrawn", reason=reason)
        self.spared.append(decision.model_copy(update={"action": "stay", "reason": reason}))

    def _note(self, kind: str, decision: Decision, **more: object) -> None:
        body = {
            "image": decision.image_id,
            "image_run": decision.run_id,
            "recipe": decision.recipe,
            "region": self._region,
            "stage": decision.action,
            "snapshots": list(decision.snapshot_ids),
        }
        self._chain.append(kind, body | more)
