"""Stores with sealed runs whose files and ledgers agree, and what may be read of them."""

from collections.abc import Iterable
from random import Random

import pytest

from notebake.aws.model import Account
from notebake.ledger import kinds
from notebake.ledger.chain import Chain, Writer
from notebake.ledger.closing import close_if_finished
from notebake.ledger.summarize import summarize
from notebake.recipe import Recipe
from notebake.runs import seal_index
from notebake.runs.account import record_account
from notebake.runs.open_store import open_store
from notebake.runs.registry import new_run
from notebake.runs.run import Run
from notebake.runs.run_record import record_place
from notebake.runs.summaries import RunClaims
from notebake.store.directory import DirectoryStore
from tests.recorded_runs import Happened, began, call, ended, executing, outcome, write

HERE = Account(id="123456789012", partition="aws")


def as_remote(monkeypatch: pytest.MonkeyPatch, *, singly: int = 1) -> None:
    """Let directories be used as S3 is, and more than so many seals not be read one by one."""
    monkeypatch.setattr(DirectoryStore, "local_path", lambda _store, _key: None)
    monkeypatch.setattr(seal_index, "SINGLY", singly)


def begin(location: str, run_id: str, account: Account | None = HERE) -> Run:
    """Begin a run with all that its folder has."""
    run = new_run(Recipe(name="ocean"), "ocean.yaml", open_store(location), run_id=run_id)
    if account:
        record_account(run, account)
    return run


def happened(random: Random, number: int) -> list[Happened]:
    """Return what an execution does that makes some things and removes some of them."""
    machine, image = f"i-{random.getrandbits(68):017x}", f"ami-{random.getrandbits(68):017x}"
    lost = {"key": f"builder-{number}/x", "name": f"builder-{number}", "marks": {}}
    told = {"service": "ec2", "operation": "RunInstances", "region": "us-west-2", "parameters": {}}
    launch = told | {"call": f"lost-{number}", "attempt": lost | {"detail": {"token": machine}}}
    return [
        executing(),
        *call("RunInstances", machine, name=f"builder-{number}"),
        *([(kinds.SENT, launch)] if random.random() < 0.3 else []),
        *(call("CreateImage", image, name="image") if random.random() < 0.5 else []),
        *([(kinds.REMOVED, {"name": f"builder-{number}"})] if random.random() < 0.6 else []),
    ]


def execute(location: str, run_id: str, what: Iterable[Happened], *, execution: str) -> Chain:
    """Add to the ledger of a run; nothing is sealed."""
    chain = Chain(record_place(location), run_id, Writer(execution=execution))
    first = [] if chain.entries() else [began()]
    return write(record_place(location), [*first, *what], run_id, execution=execution)


def finish(location: str, run_id: str, random: Random, *, execution: str) -> None:
    """Let an execution of a run end with nothing left, and seal the run."""
    what = [*happened(random, random.randrange(100)), outcome(), ended()]
    assert close_if_finished(execute(location, run_id, what, execution=execution))


def finish_as_before(location: str, run_id: str, random: Random, *, execution: str) -> None:
    """Seal a run as a version did whose seals do not say what a survey needs."""
    what = [*happened(random, random.randrange(100)), outcome(), ended()]
    chain = execute(location, run_id, what, execution=execution)
    told = summarize(run_id, chain.entries()).model_dump(mode="json")
    assert chain.close(lambda _entries: told | {"format": 2, "attempts": None})


def claims_in(summaries: dict[str, RunClaims]) -> dict[str, dict[str, object]]:
    """Return what summaries say that runs have created, without all else."""
    return {
        run_id: {name: getattr(summary, name) for name in RunClaims.model_fields}
        for run_id, summary in summaries.items()
    }


def seeded_finish(location: str, run_id: str) -> None:
    """Let a run end and be sealed, always in the same way."""
    finish(location, run_id, Random(run_id), execution="e-1")  # noqa: S311 - not a secret
