"""How a finding is put together of what two runs have kept."""

from collections.abc import Iterable, Sequence

from notebake.images.updates.finding import Cause, CauseFinding, Change, State


def kept_finding(cause: Cause, changes: Iterable[Change], faults: Sequence[str]) -> CauseFinding:
    """Return a finding: changed, or else not kept if a part could not be compared."""
    found = tuple(changes)
    state: State = "changed" if found else "not kept" if faults else "unchanged"
    return CauseFinding(
        cause=cause, state=state, reason=" ".join(dict.fromkeys(faults)), changes=found
    )
