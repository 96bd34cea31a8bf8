"""Records what EC2 says of a run's instances: since when they run, and when they stopped or ended.

It is taken from the answers to the calls that are made anyway, and recorded when it has changed.
"""

import logging
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from notebake.aws import tags
from notebake.errors import RunStoreError
from notebake.ledger.chain import Chain
from notebake.ledger.entry import Entry
from notebake.ledger.kinds import ANSWERED, STATE
from notebake.ledger.recording import current_chain
from notebake.timestamps import parse_timestamp

log = logging.getLogger(__name__)
RECORDED_STATES = frozenset(("running", "stopped", "terminated"))
CHANGED = re.compile(r"\((\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) (?:GMT|UTC)\)")
"""The time in a StateTransitionReason: User initiated (2026-11-29 12:00:00 GMT). It is missing
after a stop from inside or by AWS: `User initiated` (cloud-custodian/cloud-custodian#6924)."""


def register(client: Any) -> None:
    """Record what a client of EC2 is told from now on."""
    client.meta.events.register_last("after-call.ec2.DescribeInstances", record_states)


def record_states(parsed: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    """Record the states of the run's instances, as far as they are new; never fail for it."""
    chain = current_chain()
    if chain is None:
        return
    instances = [
        instance
        for reservation in parsed.get("Reservations", [])
        for instance in reservation.get("Instances", [])
        if instance["State"]["Name"] in RECORDED_STATES
    ]
    try:
        _record_new(chain, instances, context["client_region"])
    except RunStoreError as error:
        log.warning("The states of instances are not recorded: %s", error.message)


def _record_new(chain: Chain, instances: list[dict[str, Any]], region: str) -> None:
    entries = chain.entries() if instances else []
    known = {entry.body["instance"]: entry.body for entry in entries if entry.kind == STATE}
    created = set(_created(entries))
    for instance in instances:
        is_ours = tags.as_dict(instance.get("Tags")).get(tags.RUN) == chain.run
        if is_ours or instance["InstanceId"] in created:
            before = known.get(instance["InstanceId"], {})
            body = {**state_of(instance, before), "region": region}
            if body != before:
                chain.append(STATE, body)


def state_of(instance: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """Return what is recorded of an instance; a stopped one has no address to be seen any more."""
    state = instance["State"]["Name"]
    changed = time_of_change(instance)
    has_address = bool(instance.get("PublicIpAddress"))
    return {
        "instance": instance["InstanceId"],
        "state": state,
        "type": instance["InstanceType"],
        "launched": _format(instance["LaunchTime"]),
        "changed": _format(changed) if changed and state != "running" else "",
        "has_public_address": has_address
        if state == "running"
        else before.get("has_public_address", False),
    }


def time_of_change(instance: dict[str, Any]) -> datetime | None:
    """Return when EC2 was asked for the last change of an instance's state, if it says so."""
    found = CHANGED.search(instance.get("StateTransitionReason", ""))
    return parse_timestamp(f"{found[1]}T{found[2]}") if found else None


def _created(entries: Iterable[Entry]) -> Iterable[str]:
    return (
        id for entry in entries if entry.kind == ANSWERED for id in entry.body.get("created", ())
    )


def _format(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%S}Z"
