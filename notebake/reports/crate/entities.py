"""The entities of a crate as JSON-LD, before a library writes them.

The profiles are 0.5 of https://www.researchobject.org/workflow-run-crate/profiles/ on RO-Crate 1.1.
"""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

Entity = dict[str, Any]
RUN = "#run"
ROOT = "./"
COMPLETED = "http://schema.org/CompletedActionStatus"
FAILED = "http://schema.org/FailedActionStatus"
ACTIVE = "http://schema.org/ActiveActionStatus"
RO_CRATE = "https://w3id.org/ro/crate/1.1"
WORKFLOW_RO_CRATE = "https://w3id.org/workflowhub/workflow-ro-crate/1.0"
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
    "https://w3id.org/ro/wfrun/provenance/0.5": "Provenance Run Crate",
    WORKFLOW_RO_CRATE: "Workflow RO-Crate",
}
TERMS = {"sha256": "https://w3id.org/ro/terms/workflow-run#sha256"}
"""Terms that the context of RO-Crate 1.1 does not have, as the profiles define them."""
EMPTY: tuple[object, ...] = (None, "", [], ())


def entity(identifier: str, kind: str | list[str], /, **properties: Any) -> Entity:
    """Return an entity without the properties that have no value."""
    known = {name: value for name, value in properties.items() if value not in EMPTY}
    return {"@id": identifier, "@type": kind, **known}


def refer(*identifiers: str) -> Any:
    """Return what names entities: one alone, as RO-Crate wants it, or a list; None for none."""
    named = [{"@id": each} for each in dict.fromkeys(identifiers) if each]
    return named[0] if len(named) == 1 else named or None


def person_id(pseudonym: str) -> str:
    """Return the id of a person; "" for an unknown one."""
    return f"#{pseudonym}" if pseudonym else ""


def time_of(text: str) -> str:
    """Return a time of the ledger as the profiles want it, to the millisecond; "" for none."""
    if not text:
        return ""
    return datetime.datetime.fromisoformat(text).isoformat(timespec="milliseconds")


def ids_of(entities: Iterable[Entity]) -> list[str]:
    """Return the ids of entities."""
    return [each["@id"] for each in entities]


def profiles() -> list[Entity]:
    """Return the profiles to which the crate conforms."""
    return [
        entity(each, "CreativeWork", name=name, version=each.rpartition("/")[2])
        for each, name in PROFILES.items()
    ]


@dataclass(frozen=True)
class Payload:
    """A file of the crate, with its entity; its id is its path."""

    entity: Entity
    content: bytes = field(repr=False)

    @property
    def path(self) -> str:
        return str(self.entity["@id"])
