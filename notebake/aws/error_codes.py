"""The meaning of AWS's error codes: transient, limited to one zone, or not yet visible.

The codes that botocore retries are taken from botocore, the others from EC2's list of errors:
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
"""

import re

from botocore.retries.standard import (
    ThrottledRetryableChecker,
    ThrottlingStatusCodeChecker,
    TransientRetryableChecker,
)

BOTOCORE_CODES = frozenset(
    (
        *TransientRetryableChecker._TRANSIENT_ERROR_CODES,
        *ThrottledRetryableChecker._THROTTLED_ERROR_CODES,
    )
)
TRANSIENT_STATUS = frozenset((408, *ThrottlingStatusCodeChecker._THROTTLING_STATUS_CODES))
TRANSIENT = re.compile(
    r"(Server|KMS)?Internal\w*|(Service)?Unavailable(Exception)?"
    r"|(Concurrent|Pending)Snapshot\w*LimitExceeded|ConcurrentTagAccess"
    r"|\w*(Throttl|RateExceeded)\w*|TooManyRequests\w*"
)
"""Codes that are transient with any HTTP status: S3 also sends them with status 200."""
PLACEMENT = re.compile(
    r"Insufficient\w*Capacity\w*|InsufficientFreeAddressesInSubnet|ReservationCapacityExceeded"
    r"|UnfulfillableCapacity"
    r"|Unsupported|VolumeTypeNotAvailableIn\w+"
)
STILL_CHANGING = frozenset(
    ("IncorrectInstanceState", "InvalidAMIID.Unavailable", "InvalidSnapshot.InUse")
)
"""The resource, or one that depends on it, is still changing: a builder whose image is pending, a
pending image, a snapshot whose image was just deregistered."""
EXPIRED_CODES = frozenset(
    (
        *("ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"),
        *("InvalidToken", "InvalidClientTokenId", "UnrecognizedClientException"),
        *("InvalidAccessKeyId", "AuthFailure"),
        *("SignatureDoesNotMatch", "InvalidSignatureException"),
    )
)
"""The credentials have expired or were replaced; EC2, S3 and JSON services use different codes."""
NO_PERMISSION = frozenset(("AccessDeniedException", "UnauthorizedOperation"))


def is_placement_error(code: str) -> bool:
    """Return whether this zone lacks capacity or does not offer the type; another zone may."""
    return PLACEMENT.fullmatch(code) is not None


def is_transient_code(code: str, status: int = 0) -> bool:
    """Return whether the same call may succeed later, by error code and HTTP status.

    For the page of a gateway, the code is its status, such as "502".
    """
    if is_placement_error(code):
        return False
    if code.isdigit():
        status = max(status, int(code))
    return (
        status >= 500
        or status in TRANSIENT_STATUS
        or code in BOTOCORE_CODES
        or TRANSIENT.fullmatch(code) is not None
    )


def may_have_taken_effect(code: str, status: int = 0, *, was_open: bool = False) -> bool:
    """Return whether a refused call, or an earlier try of it, may have taken effect.

    `was_open` says that an earlier try had no answer, or one that left it open. A lack of capacity
    leaves nothing open: EC2 recognises a repeated launch by its token.
    """
    return not is_placement_error(code) and (was_open or is_transient_code(code, status))


def is_not_found_yet(code: str) -> bool:
    """Return whether the code means that a resource is not visible yet.

    The "not found" of a security group rule is excluded: it refers to a rule to be removed.
    """
    return code.endswith(".NotFound") and code != "InvalidPermission.NotFound"
