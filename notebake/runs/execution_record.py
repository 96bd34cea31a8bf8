"""What the ledger has of an execution: who, where, by which code and identity, and how it ended."""

import logging
import platform
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from pydantic import Field

from notebake.aws.call_parameters import digest_of_value
from notebake.aws.execution import leave_execution
from notebake.aws.identity import current_caller
from notebake.errors import RunStoreError
from notebake.ledger.chain import Chain, Writer
from notebake.ledger.closing import close_if_finished
from notebake.ledger.entry import latest
from notebake.ledger.kinds import BEGAN, ENDED, EXECUTING, RECIPE
from notebake.ledger.recording import current_chain, record, recording
from notebake.local.code_version import CodeVersion, code_version
from notebake.record import Record, digest_of
from notebake.runs.attempt_store import read_earlier
from notebake.runs.award_record import record_awards
from notebake.runs.money_record import record_estimate, record_metered
from notebake.runs.people import Person, pseudonym_of, this_person
from notebake.runs.run import Run
from notebake.runs.run_record import record_place, run_record

log = logging.getLogger(__name__)


class StartedBy(Record):
    """What started an execution."""

    what: str = ""
    """A command such as `build`, or a flow."""
    code: CodeVersion | None = None
    claims: dict[str, Any] = Field(default_factory=dict)
    """What Prefect says of its flow run. Nobody has checked it: Prefect does not know its users."""

    @property
    def flow_run(self) -> str:
        """The flow run, if it is one of a deployment, which several processes may execute."""
        return f"flow-run-{self.claims['flow_run_id']}" if self.claims.get("deployment") else ""


def new_writer(store: str) -> Writer:
    """Return the writer of a new execution by this user."""
    who = pseudonym_of(this_person(), record_place(store))
    return Writer(who=who, execution=str(uuid.uuid4()))


@contextmanager
def recording_execution(run: Run, started_by: StartedBy) -> Iterator[None]:
    """Record that the block executes the run, and how it ends, whatever ends it."""
    _record_recipe(run)
    with _recording_block(run.id, run.region, run.store, started_by):
        record_awards(run)
        record_estimate(run)
        yield


@contextmanager
def recording_removal(run_id: str, region: str, store: str) -> Iterator[None]:
    """Record that the block removes resources of a run, which the run store may not have."""
    chain = Chain(record_place(store), run_id, new_writer(store))
    with (
        recording(chain),
        _recording_block(run_id, region, store, StartedBy(what="sweep", code=code_version())),
    ):
        yield


def _record_recipe(run: Run) -> None:
    """Record the recipe of a new run, or the one that has changed since."""
    recorded = latest(run_record(run).chain.entries(), BEGAN, RECIPE)
    digest = digest_of(run.recipe)
    recipe = {"digest": digest, "recipe": _without_people(run.recipe.model_dump(mode="json"))}
    if recorded is None:
        # A run of an earlier version has a past that is in no ledger.
        record(BEGAN, recipe | {"is_continued": bool(read_earlier(run))})
    elif recorded.body["digest"] != digest:
        record(RECIPE, recipe)


def _without_people(recipe: dict[str, Any]) -> dict[str, Any]:
    """Return a recipe with digests for the values of the user's own tags: they may name people."""
    tags = {key: digest_of_value(value) for key, value in recipe["tags"].items()}
    return recipe | {"tags": tags}


def record_execution(region: str, store: str, started_by: StartedBy) -> None:
    """Record what executes the run from now on: a flow, after the command that began without it."""
    caller = current_caller(region)
    record(
        EXECUTING,
        {
            "started_by": started_by.what,
            "claims": started_by.claims,
            "code": started_by.code.model_dump() if started_by.code else None,
            "python": platform.python_version(),
            "system": f"{platform.system()} {platform.release()} {platform.machine()}",
            "account": caller.account,
            "partition": caller.partition,
            "identity": pseudonym_of(Person(arn=caller.arn), record_place(store)),
        },
    )


@contextmanager
def _recording_block(run_id: str, region: str, store: str, started_by: StartedBy) -> Iterator[None]:
    record_execution(region, store, started_by)
    try:
        yield
    except BaseException as error:
        message = getattr(error, "message", "") or str(error)
        # A store that failed has been waited for: nobody waits for it again to hear of that.
        with leave_execution() if isinstance(error, RunStoreError) else nullcontext():
            _record_end(run_id, {"error": type(error).__name__, "message": message})
        raise
    _record_end(run_id, {"error": "", "message": ""})


def _record_end(run_id: str, body: dict[str, Any]) -> None:
    """Record an end; without the store the end stands, and the next execution is recorded."""
    try:
        # The end is the last entry before the seal, which is the last of all.
        if chain := current_chain():
            record_metered(chain)
        record(ENDED, body)
        if chain:
            close_if_finished(chain)
    except RunStoreError as error:
        log.warning("The end of this execution of %s is not recorded: %s", run_id, error.message)
