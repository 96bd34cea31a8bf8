"""A region that AWS does not have: its endpoints there have no address, so ours refuses its name.

AWS's services refuse a signature for another region than their own, with such words:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
"""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.ec2_actions import client
from tests.sandbox.api.conftest import World


@pytest.mark.parametrize(
    ("service", "action", "code"),
    [
        ("ec2", "describe_instances", "AuthFailure"),
        ("sts", "get_caller_identity", "SignatureDoesNotMatch"),
        ("ssm", "describe_parameters", "InvalidSignatureException"),
    ],
)
def test_a_region_that_does_not_exist_is_refused_by_name(
    world: World, service: str, action: str, code: str
) -> None:
    calling: Any = client(service, world.sandbox.endpoint_url, region="us-est-1")
    with pytest.raises(ClientError, match="valid region, not 'us-est-1'") as caught:
        getattr(calling, action)()
    assert caught.value.response["Error"]["Code"] == code
