"""The region that commands mean on this computer, and what names another one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_names_each: ContextVar[bool] = ContextVar("names_each", default=False)


def usual_region() -> str:
    """Return the region of the environment, or Oregon."""
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-west-2"


def region_words(region: str) -> tuple[str, ...]:
    """Return what a command needs for a region that is not the usual one where it is typed."""
    is_usual = region == usual_region() and not _names_each.get()
    return () if is_usual or not region else ("--region", region)


@contextmanager
def naming_each_region() -> Iterator[None]:
    """Name each region while the block runs: what is read there is typed on another computer."""
    token = _names_each.set(True)
    try:
        yield
    finally:
        _names_each.reset(token)
