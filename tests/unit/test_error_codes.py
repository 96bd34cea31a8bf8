"""The classification of AWS's errors, compared with botocore's and its models."""

import botocore.session
import pytest
from botocore.awsrequest import AWSResponse
from botocore.retries.standard import (
    RetryContext,
    ThrottledRetryableChecker,
    TransientRetryableChecker,
)

from notebake.aws.error_codes import (
    EXPIRED_CODES,
    STILL_CHANGING,
    is_not_found_yet,
    is_placement_error,
    is_transient_code,
)

SERVICES = ("ec2", "s3", "ssm", "sts", "iam", "kms", "scheduler", "pricing", "service-quotas")
BOTOCORES = sorted(
    {
        *TransientRetryableChecker._TRANSIENT_ERROR_CODES,
        *ThrottledRetryableChecker._THROTTLED_ERROR_CODES,
    }
)
EC2S = (
    *("ServerInternal", "InternalError", "InternalFailure", "Unavailable", "ServiceUnavailable"),
    *("EC2ThrottledException", "RequestThrottled", "RequestLimitExceeded"),
    *("SnapshotCreationPerVolumeRateExceeded", "ConcurrentSnapshotLimitExceeded"),
    *("PendingSnapshotLimitExceeded", "ConcurrentTagAccess", "VolumeModificationRateExceeded"),
)
PLACES = (
    *("InsufficientCapacity", "InsufficientInstanceCapacity", "InsufficientHostCapacity"),
    *("InsufficientVolumeCapacity", "InsufficientAddressCapacity", "InsufficientCapacityOnHost"),
    *("InsufficientReservedInstanceCapacity", "InsufficientFreeAddressesInSubnet"),
    *("Unsupported", "VolumeTypeNotAvailableInZone"),
)
REFUSALS = (
    *("UnauthorizedOperation", "InvalidParameterValue", "VcpuLimitExceeded", "DryRunOperation"),
    *("UnsupportedOperation", "InvalidAMIID.NotFound", "IdempotentParameterMismatch"),
    *("InternetGatewayLimitExceeded", "SnapshotLimitExceeded", "OptInRequired", "403", "404", ""),
    *(
        "PendingVerification",
        "TooManyUpdates",
        "ParameterAlreadyExists",
        *sorted(STILL_CHANGING),
        *sorted(EXPIRED_CODES),
    ),
)


@pytest.mark.parametrize("code", [*BOTOCORES, *EC2S])
def test_a_transient_code_is_recognised_by_its_name(code: str) -> None:
    assert is_transient_code(code)
    assert is_transient_code(code, 400)


@pytest.mark.parametrize("status", [*range(500, 600), 408, 429])
@pytest.mark.parametrize("code", ["", "Strange", "AccessDenied", "{status}"])
def test_every_5xx_status_is_transient(status: int, code: str) -> None:
    assert is_transient_code(code.format(status=status), status)
    assert is_transient_code(str(status)), "a gateway's page has no code but its status"


@pytest.mark.parametrize("code", PLACES)
def test_a_capacity_error_is_not_transient_in_its_zone(code: str) -> None:
    assert is_placement_error(code)
    assert not is_transient_code(code, 500)


@pytest.mark.parametrize("code", REFUSALS)
def test_a_permanent_refusal_is_not_transient(code: str) -> None:
    assert not is_transient_code(code, 400)
    assert not is_placement_error(code)


@pytest.mark.parametrize("status", [400, 403, 408, 429, 500, 502, 503, 504])
@pytest.mark.parametrize("code", [*BOTOCORES, *EC2S, *REFUSALS])
def test_codes_that_botocore_retries_are_transient(code: str, status: int) -> None:
    """botocore's own checkers are asked, as it asks them, with a whole answer."""
    response = AWSResponse("https://ec2.us-west-2.amazonaws.com/", status, {}, None)
    context = RetryContext(1, None, {"Error": {"Code": code}}, response)
    checkers = (TransientRetryableChecker(), ThrottledRetryableChecker())

    asks_again = any(checker.is_retryable(context) for checker in checkers)

    assert is_transient_code(code, status) or not asks_again


@pytest.mark.parametrize("service", SERVICES)
def test_codes_marked_retryable_in_the_models_are_transient(service: str) -> None:
    model = botocore.session.get_session().get_service_model(service)
    marked = [shape for shape in model.error_shapes if "retryable" in shape.metadata]

    wrong = [
        shape.name
        for shape in marked
        if not is_transient_code(
            shape.error_code, shape.metadata.get("error", {}).get("httpStatusCode", 400)
        )
    ]

    assert wrong == []


@pytest.mark.parametrize(
    ("code", "late"),
    [
        ("InvalidInstanceID.NotFound", True),
        ("InvalidAMIID.NotFound", True),
        ("InvalidPermission.NotFound", False),
        ("InvalidInstanceID.Malformed", False),
    ],
)
def test_not_found_codes_count_as_eventual_consistency(code: str, *, late: bool) -> None:
    assert is_not_found_yet(code) is late
