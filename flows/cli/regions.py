"""Which regions a command looks into."""

import argparse
import os


def usual_region() -> str:
    """Return the region that the environment names, or Oregon."""
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-west-2"


def regions_of(given: argparse.Namespace) -> tuple[str, ...]:
    """Return the regions that were typed: those named, all of the account, or the usual region."""
    from notebake.aws.inventory import enabled_regions

    if given.all_regions:
        return enabled_regions(usual_region())
    return tuple(dict.fromkeys(given.region or ())) or (usual_region(),)
