"""Which Python packages a bake of today would install otherwise, asked of the package index."""

from collections.abc import Mapping
from datetime import datetime

from notebake.images.updates.finding import CauseFinding
from notebake.recipe import Software


def check_python_packages(
    software: Software, locks: Mapping[str, bytes], *, exclude_newer: datetime | None = None
) -> tuple[CauseFinding, CauseFinding]:
    """Return the findings for `direct` and `transitive`.

    `locks` are the lock files of the run by name, as in the run store (`locks/requirements.txt`).
    Files that were uploaded after `exclude_newer` are as good as not there.
    """
    kept = "" if locks else "The run kept no list of its Python packages."
    newer = f" up to {exclude_newer:%Y-%m-%d}" if exclude_newer else ""
    reason = kept or f"The index was not asked for the packages of {software.manager}{newer}."
    return (
        CauseFinding(cause="direct", state="not checked", reason=reason),
        CauseFinding(cause="transitive", state="not checked", reason=reason),
    )
