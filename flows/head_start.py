"""The first steps of a build, carried out while Prefect's server starts and before its import.

Both take seconds of a processor. Until then everything is checked, and the builder is launched; it
boots while Prefect comes up (docs/decisions/0069-the-launch-has-a-head-start.md). The flow goes on
in the same execution: it finds what was made, like after a kill, and its tasks say when it was.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from flows.build_plan import load_step
from flows.recorded_step import carry_out_recorded
from flows.remove_all import TEAR_DOWN_WITHOUT_PREFECT, tear_down_after
from notebake.errors import NotebakeError, PreflightError, WrongAccountError
from notebake.humanize import format_seconds
from notebake.local.code_version import code_version
from notebake.runbook.step import Outcome, Step, describe
from notebake.runs.executing import executing
from notebake.runs.execution_record import StartedBy, record_execution
from notebake.runs.lock import RunLostError
from notebake.runs.run import Run

STEPS = ("preflight", "import_key_pair", "open_ssh", "launch_instance")


@dataclass
class Begun:
    """An execution that has begun without Prefect, until the flow takes it over."""

    run_id: str
    execution: ExitStack
    """Ends the execution."""
    outcomes: dict[str, tuple[Outcome, float]] = field(default_factory=dict)
    """What was done, by the names of the steps, and when, on the monotonic clock."""
    failed: dict[str, NotebakeError] = field(default_factory=dict)
    """What ended it, by the name of the step."""
    is_taken_over: bool = False
    """Whether the flow has it, or had it: whatever it does after that is another execution."""

    @property
    def is_new(self) -> bool:
        """Whether it has made anything, or failed to, so that nothing of value is older."""
        made = self.outcomes.get("launch_instance")
        return bool(self.failed) or made is None or not made[0].was_there

    @contextmanager
    def taken_over(self) -> Iterator[None]:
        """End the execution after the block, and forget what was done before it."""
        self.is_taken_over = True
        with self.execution.pop_all():
            yield
        self.outcomes.clear()
        self.failed.clear()


_begun: ContextVar[Begun | None] = ContextVar("head start", default=None)
"""The flow and its tasks find it here: Prefect hands nothing but parameters on."""


@contextmanager
def head_start(run: Run, command: str, *, is_watched: bool) -> Iterator[None]:
    """Carry out the first steps of a run; the flow that is run in the block goes on with it.

    A run whose bake has to be approved gets none. A step that fails counts as the first try of its
    task: the flow shows it, tries it again if that may help, and tears down if the recipe says so.
    What ends the block before the flow goes on, such as Ctrl-C, tears down here. If only Prefect
    does not come up, what earlier executions have made stays: a resume goes on with it.

    Args:
        run: The run.
        command: What was typed, for the record.
        is_watched: Whether Prefect's server is somebody's, who wants to see there what fails.

    Raises:
        PreflightError: something cannot work, nothing was made, and nobody watches.
        RunLockedError: another execution holds the run lock.
        WrongAccountError: the credentials belong to another account than the run.
    """
    if "bake" in run.recipe.approve:
        yield
        return
    with ExitStack() as execution:
        execution.enter_context(executing(run, StartedBy(what=command, code=code_version())))
        begun = Begun(run.id, execution)
        token = _begun.set(begun)
        may_tear_down = run.recipe.on_failure == "tear_down"
        try:
            carry_out_first(run, begun)
            for error in begun.failed.values():
                if isinstance(error, PreflightError) and not (is_watched or may_tear_down):
                    raise error
            yield
        except (RunLostError, WrongAccountError):
            raise
        except (Exception, KeyboardInterrupt) as error:
            is_interrupted = isinstance(error, KeyboardInterrupt)
            if may_tear_down and (is_interrupted or begun.is_new) and not begun.is_taken_over:
                tear_down_after(error, run, TEAR_DOWN_WITHOUT_PREFECT)
            raise
        finally:
            _begun.reset(token)


def carry_out_first(run: Run, begun: Begun) -> None:
    """Carry out the first steps, one after the other, until one fails."""
    for step in map(load_step, STEPS):
        try:
            begun.outcomes[step.name] = (carry_out_recorded(step, run), time.monotonic())
        except NotebakeError as error:
            begun.failed[step.name] = error
            return


@contextmanager
def going_on(run: Run, started_by: Callable[[], StartedBy]) -> Iterator[None]:
    """Execute a run in the block: go on with its head start if it had one, and record who does.

    Raises:
        RunLockedError: another execution holds the run lock.
        ExecutedElsewhereError: another process executes the run for the same flow run.
        WrongAccountError: the credentials belong to another account, or that cannot be ruled out.
    """
    begun = _begun.get()
    if begun is None or begun.run_id != run.id or begun.is_taken_over:
        with executing(run, started_by()):
            yield
        return
    record_execution(run.region, run.store, started_by())
    with begun.taken_over():
        yield


def find_early(step: Step, run: Run) -> str:
    """Return what the head start did of a step, and how long ago, if that is there; once.

    Raises:
        NotebakeError: the step failed there; the next time it is tried again.
    """
    begun = _begun.get()
    if begun is None or begun.run_id != run.id:
        return ""
    if failed := begun.failed.pop(step.name, None):
        raise failed
    if step.name not in begun.outcomes:
        return ""
    outcome, ended = begun.outcomes.pop(step.name)
    # Where a later step failed, its task says so first: whatever fails for it may fail here, too.
    is_looked_for = step.undo is not None and not begun.failed
    if is_looked_for and step.find(run) is None:
        return ""
    ago = format_seconds(time.monotonic() - ended)
    return f"{describe(outcome.result)}: done in {format_seconds(outcome.seconds)}, {ago} ago"
