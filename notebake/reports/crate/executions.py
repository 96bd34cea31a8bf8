"""The executions of a run as actions: each by its own person and its own code."""

import urllib.parse
from collections.abc import Iterator

from notebake.ledger.summarize import INTERRUPTIONS
from notebake.ledger.summary import Execution
from notebake.reports.crate.entities import (
    ACTIVE,
    COMPLETED,
    FAILED,
    RUN,
    Entity,
    entity,
    person_id,
    refer,
    time_of,
)
from notebake.reports.crate.material import Material


def execution_actions(material: Material) -> Iterator[Entity]:
    """Yield the executions in which a step was carried out, each by its own code and person."""
    for execution in material.summary.executions:
        controls = [
            each.control_id
            for each in material.attempts
            if each.execution == execution.id and not each.is_undoing
        ]
        if not controls:
            continue
        was_interrupted = execution.error in INTERRUPTIONS
        yield entity(
            f"#execution-{execution.id}",
            "OrganizeAction",
            name=f"Execution by {execution.started_by or 'notebake'}",
            description="It was interrupted." if was_interrupted else "",
            instrument=refer(engine_id(execution)),
            agent=refer(person_id(execution.who)),
            startTime=time_of(execution.began),
            endTime=time_of(execution.ended),
            actionStatus=status_of(material, execution),
            error=why_ended(material, execution),
            object=refer(*controls),
            result=refer(RUN),
        )


def status_of(material: Material, execution: Execution) -> str:
    """Return how an execution ended."""
    if _may_go_on(material, execution):
        return ACTIVE
    return FAILED if why_ended(material, execution) else COMPLETED


def why_ended(material: Material, execution: Execution) -> str:
    """Return the error with which an execution ended; "" for none."""
    if execution.ended or _may_go_on(material, execution):
        return describe_error(execution)
    return "Its end is not recorded: the process was killed."


def _may_go_on(material: Material, execution: Execution) -> bool:
    """Return whether an execution may be going on: nothing was recorded after it."""
    is_last = execution == material.summary.executions[-1]
    return is_last and not execution.ended and not material.run.is_sealed


def engines(material: Material) -> Iterator[Entity]:
    """Yield the code of each execution."""
    known = {}
    for execution in material.summary.executions:
        code = execution.code or {}
        is_modified = code.get("is_modified")
        changes = "modified" if is_modified else "unknown" if is_modified is None else "unmodified"
        commit = code.get("commit") or ""
        known[engine_id(execution)] = entity(
            engine_id(execution),
            "SoftwareApplication",
            name=f"notebake {code.get('version', '')}".strip(),
            softwareVersion=code.get("version"),
            identifier=commit,
            description=f"Commit {commit or 'unknown'}; its files, as it could tell: {changes}.",
        )
    yield from known.values()


def engine_id(execution: Execution) -> str:
    """Return the id of the code of an execution."""
    code = execution.code or {}
    parts = (code.get("version"), code.get("commit"), code.get("is_modified") and "modified")
    known = "-".join(["notebake", *(str(part) for part in parts if part)])
    return f"#{urllib.parse.quote(known, safe='')}"


def describe_error(execution: Execution) -> str:
    """Return the error with which an execution ended; "" for none."""
    return f"{execution.error}: {execution.message}".removesuffix(": ")
