"""What AWS's error codes mean: one that passes by itself, one of this place only, one of now.

What botocore knows is taken from botocore. The others stand in EC2's list of errors:
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
"""

import re

from botocore.retries.standard import (
    ThrottledRetryableChecker,
    ThrottlingStatusCodeChecker,
    TransientRetryableChecker,
)

BOTOCORES_CODES = frozenset(
    (
        *TransientRetryableChecker._TRANSIENT_ERROR_CODES,
        *ThrottledRetryableChecker._THROTTLED_ERROR_CODES,
    )
)
PASSING_STATUS = frozenset((408, *ThrottlingStatusCodeChecker._THROTTLING_STATUS_CODES))
PASSING = re.compile(
    r"(Server|KMS)?Internal\w*|(Service)?Unavailable(Exception)?"
    r"|(Concurrent|Pending)Snapshot\w*LimitExceeded|ConcurrentTagAccess"
    r"|\w*(Throttl|RateExceeded)\w*|TooManyRequests\w*"
)
"""What passes by its name, whatever the status: S3 also says so in an answer of status 200."""
PLACE = re.compile(
    r"Insufficient\w*Capacity\w*|InsufficientFreeAddressesInSubnet|ReservationCapacityExceeded"
    r"|UnfulfillableCapacity"
    r"|Unsupported|VolumeTypeNotAvailableIn\w+"
)
NOT_YET = frozenset(("IncorrectInstanceState", "InvalidAMIID.Unavailable", "InvalidSnapshot.InUse"))
"""The thing is still changing, or another one that stands on it is still going: such as a builder
whose image is pending, an image that is, a snapshot whose image was deregistered just now."""
ENDED = frozenset(
    (
        *("ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"),
        *("InvalidToken", "InvalidClientTokenId", "UnrecognizedClientException"),
        *("InvalidAccessKeyId", "AuthFailure"),
        *("SignatureDoesNotMatch", "InvalidSignatureException"),
    )
)
"""The credentials open nothing: they have ended, or been replaced; EC2, S3 and the services that
speak JSON each have words of their own."""


NO_PERMISSION = frozenset(("AccessDeniedException", "UnauthorizedOperation"))


def is_of_place(code: str) -> bool:
    """Tell whether one place has no room, or does not offer the type; another one may."""
    return PLACE.fullmatch(code) is not None


def is_passing(code: str, status: int = 0) -> bool:
    """Tell whether the same call may work in a while.

    Args:
        code: What AWS answered; a gateway's page has the status for a code, as "502".
        status: That of HTTP, where there was an answer.
    """
    if is_of_place(code):
        return False
    if code.isdigit():
        status = max(status, int(code))
    return (
        status >= 500
        or status in PASSING_STATUS
        or code in BOTOCORES_CODES
        or PASSING.fullmatch(code) is not None
    )


def is_late(code: str) -> bool:
    """Tell whether EC2 does not know yet what we know to be there.

    A rule that is "not found" is none: it is what was to be removed.
    """
    return code.endswith(".NotFound") and code != "InvalidPermission.NotFound"
