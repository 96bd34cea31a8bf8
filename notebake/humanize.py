"""Small pieces of the sentences that people read."""

LONGEST_LINE = 60


def counted(count: int, noun: str) -> str:
    """Return a count with its noun, in the plural where it must be."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def capitalised(sentence: str) -> str:
    """Return a sentence with a capital at its head."""
    return sentence[:1].upper() + sentence[1:]


def quoted(line: str) -> str:
    """Return a line of code as it stands behind what it belongs to, its end left out if long."""
    return f"(`{line[:LONGEST_LINE]}{'…' if len(line) > LONGEST_LINE else ''}`)"
