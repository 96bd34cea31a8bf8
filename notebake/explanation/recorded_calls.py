"""The calls that a run has recorded, and to which step each of them belongs."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from notebake.ledger.call_summary import REMOVING
from notebake.ledger.entry import Entry
from notebake.ledger.kinds import ANSWERED, SENT, UNANSWERED
from notebake.record import Record

TEAR_DOWN = "tear_down"
BOOKKEEPING = "bookkeeping"
"""For calls by which notebake finds and ends its own things: tags, schedules, parameters."""
OTHER = "other"
BOOKKEEPING_CALLS = frozenset(("CreateTags", "DeleteTags"))
STEP_BY_ATTEMPT = {
    "key-pair-builder": "import_key_pair",
    "security-group": "open_ssh",
    "builder": "launch_instance",
    "image": "request_image",
    "key-pair-acceptance": "launch_acceptance",
    "acceptance": "launch_acceptance",
}
STEP_BY_OPERATION = {
    "AuthorizeSecurityGroupIngress": "open_ssh",
    "RevokeSecurityGroupIngress": "open_ssh",
    "AttachVolume": "mount_volumes",
    "CreateSnapshot": "snapshot_disks",
    "ModifyImageAttribute": "publish_image",
    "ModifySnapshotAttribute": "publish_image",
}


class RecordedCall(Record):
    """A call, and what came of it."""

    step: str
    service: str
    operation: str
    region: str
    parameters: dict[str, Any]
    created: tuple[str, ...] = ()
    error: str = ""
    """AWS's error code; "no answer" if none came."""

    @property
    def is_done(self) -> bool:
        return not self.error


def read_calls(entries: Iterable[Entry]) -> list[RecordedCall]:
    """Return the calls in their order; of those that were repeated the one that counts."""
    every = list(entries)
    answers = {e.body.get("call"): e for e in every if e.kind in {ANSWERED, UNANSWERED}}
    calls: list[RecordedCall] = []
    for entry in (entry for entry in every if entry.kind == SENT):
        body, answer = entry.body, answers.get(entry.body.get("call"))
        calls.append(
            RecordedCall(
                step=_step_of(body, calls),
                service=str(body.get("service") or "ec2"),
                operation=str(body["operation"]),
                region=str(body.get("region", "")),
                parameters=body.get("parameters") or {},
                created=tuple(answer.body.get("created") or ()) if answer else (),
                error=_error_of(answer),
            )
        )
    return _without_repetitions(calls)


def _error_of(answer: Entry | None) -> str:
    if answer is None or answer.kind == UNANSWERED:
        return "no answer"
    return str(answer.body.get("error") or "")


def _step_of(body: dict[str, Any], before: Sequence[RecordedCall]) -> str:
    operation = str(body["operation"])
    if operation in BOOKKEEPING_CALLS or body.get("service") not in (None, "ec2"):
        return BOOKKEEPING
    if operation.startswith(REMOVING):
        return TEAR_DOWN
    attempt = str((body.get("attempt") or {}).get("name", ""))
    role = attempt.rpartition("-")[0] if attempt[-1:].isdigit() else attempt
    if role in STEP_BY_ATTEMPT:
        return STEP_BY_ATTEMPT[role]
    if operation in ("StartInstances", "StopInstances"):
        return _step_of_power(operation, body.get("parameters") or {}, before)
    return STEP_BY_OPERATION.get(operation, OTHER)


def _step_of_power(
    operation: str, parameters: dict[str, Any], before: Sequence[RecordedCall]
) -> str:
    """Return for what a machine was started or stopped: before or after it became an image."""
    machines = parameters.get("InstanceIds") or []
    is_imaged = any(
        call.operation == "CreateImage" and call.parameters.get("InstanceId") in machines
        for call in before
    )
    if is_imaged:
        return "restart_host"
    return "stop_builder" if operation == "StopInstances" else "wait_for_host"


def _without_repetitions(calls: Sequence[RecordedCall]) -> list[RecordedCall]:
    """Return the calls, each once: it may have been sent again after a kill or an error."""
    kept: dict[str, RecordedCall] = {}
    for call in calls:
        key = f"{call.step} {call.operation} {json.dumps(call.parameters, sort_keys=True)}"
        known = kept.get(key)
        if known is None or (call.is_done and not known.is_done):
            kept[key] = call
    return list(kept.values())
