"""Refuses regions that AWS does not have.

Their endpoints have no address there. As all regions have one here, such a name is refused in the
words of AWS's services for a signature that names another region than theirs:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
"""

from functools import cache

import botocore.session

from sandbox.messages.call import Call
from sandbox.messages.error_reply import write_error
from sandbox.messages.reply import Reply

ANYWHERE = ("s3", "unsigned")
"""S3 takes the region of the bucket."""
CODES = {
    "ec2": "AuthFailure",
    **dict.fromkeys(("pricing", "scheduler", "servicequotas", "ssm"), "InvalidSignatureException"),
}


def find_region_error(call: Call) -> Reply | None:
    """Return the refusal of a call to a region that AWS does not have; None if it has it."""
    if call.service in ANYWHERE or call.region in _regions():
        return None
    code = CODES.get(call.service, "SignatureDoesNotMatch")
    message = f"Credential should be scoped to a valid region, not '{call.region}'."
    return write_error(call.service, 403, code, message)


@cache
def _regions() -> frozenset[str]:
    """Return the regions of all partitions."""
    known = botocore.session.get_session()
    partitions = known.get_available_partitions()
    return frozenset(
        region for each in partitions for region in known.get_available_regions("ec2", each)
    )
