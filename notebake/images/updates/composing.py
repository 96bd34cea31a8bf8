"""How findings are put together, whatever was asked."""

from collections.abc import Iterable, Sequence

from notebake.images.updates.finding import Cause, CauseFinding, Change, State


def finding_of(
    cause: Cause, changes: Iterable[Change], faults: Sequence[str], how: str = ""
) -> CauseFinding:
    """Return a finding: changed, or else not checked if a part was not asked."""
    found = tuple(changes)
    state: State = "changed" if found else "not checked" if faults else "unchanged"
    reason = " ".join(dict.fromkeys(faults))
    return CauseFinding(cause=cause, state=state, how=how, reason=reason, changes=found)


def sentence(text: object) -> str:
    """Return a text as a sentence; an address that it begins with stays what it is."""
    words = str(text)
    begin = words[:1] if ":" in words.partition(" ")[0] else words[:1].upper()
    return f"{begin}{words[1:]}".rstrip(".") + "."
