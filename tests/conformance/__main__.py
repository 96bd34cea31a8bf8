"""Removes what a run of the suite has left on AWS because it was killed.

python -m tests.conformance RUN --region us-west-2     # RUN is the tag that it told at its start
"""

import argparse
import sys
from collections.abc import Sequence

import boto3

from tests.conformance.account import AWS_WAITS
from tests.conformance.remains import Remains


def main(arguments: Sequence[str] | None = None) -> int:
    """Remove all that carries a run's tag; tell what EC2 does not let go."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument("run", help="what the run's resources are tagged, as conformance-1a2b3c4d")
    parser.add_argument("--region", required=True)
    chosen = parser.parse_args(arguments)
    ec2 = boto3.Session().client("ec2", region_name=chosen.region)
    remains = Remains(ec2, chosen.region, chosen.run, [], AWS_WAITS)
    found = remains.find()
    for kind, resource_id in found:
        print(f"{resource_id}: {kind.noun}")  # noqa: T201
    remains.remove()
    left = remains.look()
    print("\n".join(left) if left else f"Nothing is left of {chosen.run}.")  # noqa: T201
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
