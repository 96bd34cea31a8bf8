"""What is exhaustive is tried in shares: which, a seed decides that is a new one each day.

`make test` tries the day's share, `make test-all` everything. The seed is printed at the end of a
test run; `NOTEBAKE_TEST_SEED=2026-11-28 make test` tries the share of that day again.
"""

import datetime
import hashlib
import os
from collections.abc import Sequence

SEED = "NOTEBAKE_TEST_SEED"
ALL = "NOTEBAKE_TEST_ALL"


def fix_seed() -> str:
    """Return the seed; this process and its children keep it, also when they run past midnight."""
    return os.environ.setdefault(SEED, f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}")


def has_everything() -> bool:
    """Tell whether all is tried, whatever the seed."""
    return bool(os.environ.get(ALL))


def is_drawn(name: str, share: float) -> bool:
    """Tell whether one of many is tried, of which a share is (0 to 1).

    That depends on the seed and its name alone: all processes of a test run agree.
    """
    if has_everything():
        return True
    digest = hashlib.sha256(f"{fix_seed()} {name}".encode()).digest()
    return int.from_bytes(digest[:8]) < share * 2**64


def draw_one(kind: str, names: Sequence[str]) -> list[str]:
    """Return the one of these names that is tried; all of them where all is tried."""
    if has_everything():
        return list(names)
    return [
        min(names, key=lambda name: hashlib.sha256(f"{fix_seed()} {kind} {name}".encode()).digest())
    ]


def describe_draw() -> str:
    """Return what was tried, and how to try the same again."""
    if has_everything():
        return "Everything was tried."
    return (
        f"Of what is exhaustive a share was tried, drawn by {SEED}={fix_seed()};"
        " `make test-all` tries everything."
    )
