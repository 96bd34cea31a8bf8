"""The region that commands mean on this computer, and what names another one."""

import os


def usual_region() -> str:
    """Return the region of the environment, or Oregon."""
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-west-2"


def region_words(region: str) -> tuple[str, ...]:
    """Return what a command needs for a region that is not the usual one here."""
    return () if region in ("", usual_region()) else ("--region", region)
