"""One prune of a region: what a killed one has begun is settled, then a plan is made and done."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from notebake.aws.shown_images import show_images
from notebake.errors import NotebakeError
from notebake.images.prune.decision import Decision
from notebake.images.prune.marks import StoredMarks
from notebake.images.prune.plan import PrunePlan, plan_of
from notebake.images.prune.retire import Retirer
from notebake.images.prune.settle import left_over, settled
from notebake.ledger.chain import Chain
from notebake.ledger.recording import recording
from notebake.recipe import Recipe
from notebake.record import Record
from notebake.runs.execution_record import new_writer
from notebake.runs.held_lock import LockTakenError, describe_holder, hold
from notebake.runs.lock_record import LockPlace
from notebake.runs.reserved_ids import PRUNE_LOG, PRUNES
from notebake.runs.run_record import record_place
from notebake.store.interface import RunStore
from notebake.timeouts import RUN_LOCK_SECONDS


class PruneInProgressError(NotebakeError):
    """Another prune of the region is under way. Nothing was begun."""


class PruneError(NotebakeError):
    """Something that should have been done with an image was not."""


class Pruned(Record):
    """What a prune has done."""

    done: tuple[Decision, ...] = ()
    spared: tuple[Decision, ...] = ()
    """Images that turned out to stay when it was their turn; the reason is why."""
    failures: tuple[str, ...] = ()

    def __add__(self, other: "Pruned") -> "Pruned":
        return Pruned(
            done=self.done + other.done,
            spared=self.spared + other.spared,
            failures=self.failures + other.failures,
        )


class Pruner:
    """The right to prune a region, which nobody else has meanwhile."""

    def __init__(self, region: str, store: RunStore) -> None:
        self._region, self._store = region, store
        self._marks = StoredMarks(region, store)
        self._chain = Chain(record_place(store.location), PRUNE_LOG, new_writer(store.location))
        self._retirer = Retirer(region, store, self._marks, self._chain)

    def make_plan(
        self, recipes: Sequence[Recipe], awaiting_approval: frozenset[str] = frozenset()
    ) -> PrunePlan:
        """Finish what a killed prune has begun, and return what is to be done now.

        Raises:
            CloudError: EC2 does not list the images.
            RunStoreError: the store failed.
        """
        shown = show_images(self._region)
        left = left_over(self._marks.images, shown)
        with recording(self._chain):
            for image_id, mark in left.items():
                self._retirer.finish(image_id, mark)
        now = settled(self._marks.images, shown)
        for image_id in set(self._marks.images) - set(left):
            self._marks.set(image_id, now.get(image_id))
        return plan_of(shown, recipes, self._region, self._store, now, awaiting_approval)

    def carry_out(self, plan: PrunePlan) -> Pruned:
        """Do what a plan of just now says; after a refusal the other images are still tried.

        Raises:
            MarksChangedError, RunStoreError, WrongAccountError: nothing more is tried.
        """
        retirer = self._retirer
        with recording(self._chain):
            for decision in plan.going:
                retirer.retire(decision, plan.digest)
        return Pruned(
            done=tuple(retirer.done),
            spared=tuple(retirer.spared),
            failures=tuple(retirer.failures),
        )


@contextmanager
def pruning(region: str, store: RunStore, *, seconds: float = RUN_LOCK_SECONDS) -> Iterator[Pruner]:
    """Hold the right to prune a region while the block runs.

    Raises:
        PruneInProgressError: somebody else holds it and is not provably dead.
        RunStoreError: the store failed.
    """
    key, what = f"{PRUNES}/{region}/lock.json", f"the prune of {region}"
    with ExitStack() as stack:
        try:
            stack.enter_context(hold(LockPlace(key=key, store=store.location, what=what), seconds))
        except LockTakenError as error:
            raise PruneInProgressError(
                f"Another prune of {region} is in progress: {describe_holder(error.theirs)}."
            ) from None
        yield Pruner(region, store)


def prune_region(
    recipes: Sequence[Recipe],
    region: str,
    store: RunStore,
    *,
    awaiting_approval: frozenset[str] = frozenset(),
    agree: Callable[[PrunePlan], PrunePlan] = lambda plan: plan,
) -> Pruned:
    """Prune the images of a region; `agree` sees the plan first, and returns what is done of it.

    It may raise an error that ends the prune: nothing was changed then, and nobody is kept out.

    Raises:
        PruneInProgressError, CloudError, RunStoreError: as `pruning`, `make_plan` and `carry_out`.
    """
    with pruning(region, store) as pruner:
        return pruner.carry_out(agree(pruner.make_plan(recipes, awaiting_approval)))


def check_all_done(pruned: Pruned) -> None:
    """Raise PruneError if something failed."""
    if pruned.failures:
        raise PruneError(
            f"The prune left {len(pruned.failures)} undone. {' '.join(pruned.failures)}",
            "A next prune tries again what is still due then.",
        )
