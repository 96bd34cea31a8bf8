"""The record at the end of a trial, held against the cloud's own log of its calls."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from notebake.aws.call_recorder import RECORDED_SERVICES
from notebake.ledger.chain import Chain, RecordPlace
from notebake.ledger.chain_report import Gap
from notebake.ledger.entry import KEY, Entry, hash_of
from notebake.ledger.kinds import ANSWERED, SENT
from notebake.ledger.verify import verify_run
from notebake.runs.open_store import open_store
from notebake.runs.recorded_run import read_recorded_run
from notebake.runs.reserved_ids import LOGS
from notebake.runs.run_record import record_place
from sandbox.messages.call import CallRecord, rest_operation
from tests.kills.points import is_reading
from tests.kills.scripted_work import LOCKS, PAPERMILL_LOCK
from tests.replacement import replace

Summarizing = Callable[[Sequence[Entry]], dict[str, Any] | None]
Deciding = Callable[[Sequence[Entry]], tuple[str, dict[str, Any]] | None]
acknowledged: list[Entry] = []
"""Every entry of which this process, or one that it was forked from, knew that it was stored."""


def watch_appends() -> None:
    """Remember from now on which entries were acknowledged."""
    to_store, to_store_if, to_close = Chain.append, Chain.append_if, Chain.close

    def append(chain: Chain, kind: str, body: dict[str, Any]) -> Entry:
        entry = to_store(chain, kind, body)
        acknowledged.append(entry)
        return entry

    def append_if(chain: Chain, decide: Deciding) -> Entry | None:
        entry = to_store_if(chain, decide)
        acknowledged.extend([entry] if entry else [])
        return entry

    def close(chain: Chain, summarize: Summarizing) -> Entry | None:
        seal = to_close(chain, summarize)
        acknowledged.extend([seal] if seal else [])
        return seal

    acknowledged.clear()
    replace(Chain, append=append, append_if=append_if, close=close)


def record_faults(
    location: str, calls: list[CallRecord], *, must_be_sealed: bool = False
) -> list[str]:
    """Return what is wrong in the record of a store, or missing in it."""
    place = record_place(location)
    entries = {(entry.run, entry.sequence): entry for entry in read_entries(place)}
    faults = [fault for run in runs_of(place) for fault in chain_faults(place, run, must_be_sealed)]
    faults += [
        f"entry {entry.sequence} of {entry.run} was acknowledged and is lost"
        for entry in acknowledged
        if entries.get((entry.run, entry.sequence)) != entry
    ]
    sent = {entry.body["call"]: entry for entry in entries.values() if entry.kind == SENT}
    answered = [entry for entry in entries.values() if entry.kind == ANSWERED]
    requests = {(call.invocation, call.request) for call in calls}
    faults += [
        f"{call.service} {call.action} was sent without an entry"
        for call in calls
        if changes_something(call) and call.invocation not in sent
    ]
    faults += [
        f"entry {entry.sequence} of {entry.run} has an answer that the cloud has not given"
        for entry in answered
        if (entry.body["call"], entry.body["request"]) not in requests
        or entry.body["call"] not in sent
        or not entry.body["request"]
    ]
    return faults


def lock_faults(location: str, run_id: str) -> list[str]:
    """Return which lock files the run store lacks, or the record of the run."""
    store, recorded = open_store(location), read_recorded_run(run_id, location).summary.locks
    faults = []
    for name, content in (LOCKS | PAPERMILL_LOCK).items():
        stored = store.read(f"{run_id}/locks/{name}")
        if stored is None or stored.content != content:
            faults.append(f"{name} is not in the run store")
        elif recorded.get(f"locks/{name}") != hash_of(content):
            faults.append(f"{name} is not in the record")
    return faults


def chain_faults(place: RecordPlace, run: str, must_be_sealed: bool) -> Iterator[str]:
    """Give what is wrong in the chain of a run and in the copies of its seals."""
    report = verify_run(place, run)
    yield from map(str, report.findings)
    if must_be_sealed and run not in LOGS:
        if not report.is_sealed:
            yield f"run {run} is not sealed"
        yield from (str(gap) for gap in report.gaps if gap.fault == Gap.NO_COPY)


def changes_something(call: CallRecord) -> bool:
    """Return whether a client called what may change something, not only to try a permission."""
    operation = rest_operation(call.service, call.action) or call.action
    is_ours = bool(call.invocation) and call.service in RECORDED_SERVICES
    return is_ours and not is_reading(operation) and not call.is_dry_run


def runs_of(place: RecordPlace) -> list[str]:
    """Return the runs that have entries."""
    keys = [key.removeprefix(place.prefix) for key in place.store.list(place.prefix)]
    return sorted({found["run"] for key in keys if (found := KEY.fullmatch(key))})


def read_entries(place: RecordPlace) -> Iterator[Entry]:
    """Read all entries again, by what is stored."""
    for key in place.store.list(place.prefix):
        if KEY.fullmatch(key.removeprefix(place.prefix)) and (stored := place.store.read(key)):
            entry = Entry.model_validate_json(stored.content)
            assert hash_of(entry.content) == hash_of(stored.content)
            yield entry
