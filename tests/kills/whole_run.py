"""A whole run as the flow itself carries it out, but one step after the other, without Prefect."""

import logging
from concurrent.futures import Future
from contextlib import nullcontext
from inspect import unwrap
from typing import Any

from flows import build_image, sweep, tear_down
from flows.approval import ApprovalWantedError
from flows.head_start import head_start
from flows.recorded_step import RETRIES, RETRY_SECONDS
from flows.step_task import as_task, as_undo_task
from notebake import clock
from notebake.aws.launch_permissions import shared_with
from notebake.errors import is_retryable
from notebake.recipe import (
    Dataset,
    Network,
    Notebook,
    Recipe,
    Repository,
    Software,
    Volume,
)
from notebake.runs.approvals.approval_log import ApprovalLog
from notebake.runs.approvals.question import Question
from notebake.runs.open_store import open_store
from notebake.runs.registry import load_run, new_run
from notebake.runs.run import Run
from tests.replacement import replace

log = logging.getLogger(__name__)
SHARED_WITH = "210987654321"
MOST_QUESTIONS = 5
"""More than a run asks, also one that asks anew."""
USERS_VOLUME = "vol-00000000000000001"


def make_recipe() -> Recipe:
    """Return a recipe that uses every kind of call."""
    return Recipe(
        name="ocean",
        region="us-west-2",
        instance_types=("m5.large",),
        network=Network(ssh_from=("198.51.100.7/32",)),
        share_with=(SHARED_WITH,),
        volumes=(
            Volume(name="data", mount_point="/data", size_gib=1),
            Volume(name="mine", mount_point="/mine", volume_id=USERS_VOLUME),
        ),
        software=Software(packages=("numpy",)),
        datasets=(Dataset(name="sst", source="s3://others/sst.nc", path="/data/sst.nc"),),
        repository=Repository(url="https://example.org/ocean"),
        notebook=Notebook(path="chlorophyll.ipynb", minimum_cells=3),
        lease_hours=6,
        scheduler_role="arn:aws:iam::123456789012:role/notebake-scheduler",
    )


def begin(recipe: Recipe, location: str) -> Run:
    """Begin a run."""
    return new_run(recipe, "ocean.yaml", open_store(location), run_id="ocean-1")


def take_up(run_id: str, location: str) -> str:
    """Carry a run out as `notebake resume` does, knowing no more of it than its id and its store.

    Its first steps are carried out before the flow, as `notebake build` does it, too.
    """
    run = load_run(run_id, open_store(location))
    with head_start(run, "notebake resume", is_watched=False):
        state = unwrap(build_image.build_image.fn)(run_id=run_id, store=location)
    return str(state.data)


def take_up_approving(run_id: str, location: str) -> str:
    """Carry a run out as `take_up` does, and approve whatever it asks; check that it is shared."""
    for _ in range(MOST_QUESTIONS):
        try:
            image_id = take_up(run_id, location)
        except ApprovalWantedError as wanted:
            approve(wanted.question, location)
            continue
        shared = shared_with(image_id, "us-west-2")
        assert shared == {SHARED_WITH}, f"{image_id} is shared with {shared}"
        return image_id
    raise AssertionError("it asks again and again")


def approve(question: Question, location: str) -> None:
    """Answer as a person does, who types it again if the answer was lost on its way."""
    ApprovalLog(location).answer(
        question.number,
        digest=question.digest,
        decision="approve",
        name="Ada",
        reason="a test",
        channel="a test",
    )


def remove_left_overs(region: str, location: str) -> None:
    """Sweep the account as the scheduled flow does."""
    unwrap(sweep.sweep.fn)(regions=[region], apply=True, store=location)


class Direct:
    """A task without Prefect: done where it is called, again under the rule of its retries."""

    def __init__(self, task: Any) -> None:
        self.task = task

    def __call__(self, run: Run) -> Any:
        for tried in range(RETRIES + 1):
            try:
                return self.task.fn(run)
            except Exception as error:
                if tried == RETRIES or not is_retryable(error):
                    raise
                log.info("Trying again: %s", error)
                clock.pause(RETRY_SECONDS[tried])
        raise AssertionError

    def submit(self, run: Run) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(self(run))
        except Exception as error:  # noqa: BLE001 - the future hands it on
            done.set_exception(error)
        return done


def leave_prefect_out() -> None:
    """Let the flows do their tasks in this thread, tell no server, and keep no log elsewhere."""
    replace(
        sweep,
        create_markdown_artifact=lambda *_, **__: None,
        announce=lambda *_, **__: None,
    )
    replace(
        build_image,
        as_task=lambda step: Direct(as_task(step)),
        keeping_log=lambda _run: nullcontext(),
        show_outcome=lambda _run, image, _gone_on: image.id,
    )
    replace(
        tear_down,
        wait=lambda _futures: None,
        as_undo_task=lambda step: Direct(as_undo_task(step)),
    )
