"""What tells one machine from another: its machine-id and its ssh host key."""

import re
from collections.abc import Iterator, Sequence
from itertools import count

from notebake.errors import ImageNotAcceptedError
from notebake.machines.console_host_key import KEY
from notebake.runs import idempotency
from notebake.runs.run import Run

NAME = "builder-identity"
MACHINE_ID = re.compile(r"[0-9a-f]{32}")
"""machine-id(5). Before a first boot the file is empty, or says "uninitialized"."""


def keep_builder_id(run: Run, machine_id: str) -> None:
    """Keep a builder's machine-id, beside those of its predecessors, before it is cleaned away."""
    for place in _places():
        kept = idempotency.remember(run, place, {"machine_id": machine_id})
        if kept.get("machine_id") == machine_id:
            return


def read_builder_ids(run: Run) -> list[str]:
    """Return the machine-ids that the run's builders have had; none where none was kept."""
    found: list[str] = []
    for place in _places():
        kept = idempotency.recall(run, place)
        if kept is None:
            break
        if kept:
            found.append(str(kept.get("machine_id") or ""))
    return found
    return found


def as_machine_id(printed: str) -> str:
    """Return a machine-id, or "" for what is none: empty, "uninitialized", all zeros."""
    found = MACHINE_ID.fullmatch(printed.strip())
    return found[0] if found and found[0].strip("0") else ""


def as_host_key(text: str) -> str:
    """Return an ed25519 host key, without its comment, or "" for what is none."""
    found = KEY.search(text)
    return found[1] if found else ""


def check_all_differ(what: str, found: Sequence[str], places: Sequence[str]) -> None:
    """Raise unless each place shows one, and each another; `found` holds "" for none.

    Raises:
        ImageNotAcceptedError: the message says where, and never what.
    """
    seen: dict[str, str] = {}
    for one, place in zip(found, places, strict=True):
        if not one:
            raise ImageNotAcceptedError(f"The {what} of {place} could not be determined.")
        if one in seen:
            raise ImageNotAcceptedError(
                f"Two machines have the same {what}: {seen[one]} and {place}."
            )
        seen[one] = place


def _places() -> Iterator[str]:
    """Give the names under which builders are kept, for ever."""
    yield NAME
    for number in count(2):
        yield f"{NAME}-{number}"
