"""The account that the suite runs in, whatever stands behind it, and its two makers."""

import math
import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import boto3
import pytest

from tests.conformance.guard import Guard
from tests.conformance.ledger import Ledger
from tests.conformance.settings import Settings
from tests.ec2_actions import REGION, WaitSettings, client

UBUNTU = "/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id"
FRIEND = "210987654321"
"""The other account in the sandbox, where the access key of twelve digits is the account."""
NO_ACCOUNT = "123"
"""What cannot be the id of an account."""
NO_ORGANIZATIONS = (
    "o-1234567890",
    "arn:aws:organizations::123456789012:account/o-1234567890",
    "arn:aws:organizations::123456789012:ou/o-1234567890",
)
"""What cannot be the ARN of an organization, or of a unit of it."""
MACHINE = "t3.nano"
"""The cheapest type on which all facts of the suite hold."""
# EC2 takes minutes over what the sandbox does at once.
AWS_WAITS = WaitSettings(
    seconds=600, image_seconds=1800, first_pause_seconds=0.1, longest_pause_seconds=5
)

MakeClient = Callable[[str, str], Any]


@dataclass(frozen=True)
class Account:
    """Clients of one account in one region, and what the suite knows of it."""

    make_client: MakeClient
    region: str
    id: str
    image_id: str
    zones: tuple[str, ...]
    guard: Guard
    ec2: Any
    """The guarded client: use it through `Watched`, which says whose calls these are."""
    wait_settings: WaitSettings
    has_hosts: bool
    """Whether machines run what they are told in user data."""
    share_with: str = ""
    """Another account that images may be shared with, if there is one."""
    friend: "Account | None" = None
    """That other account itself, if there are credentials of it."""
    held: Callable[[], AbstractContextManager[None]] = nullcontext
    """Keeps what is on its way on its way. AWS is slow enough by itself."""

    @property
    def run(self) -> str:
        return self.guard.run

    @property
    def is_ours(self) -> bool:
        """Tell whether nobody else uses it, so that its settings may be changed."""
        return self.guard.account_is_ours

    def client(self, service: str, region: str = "") -> Any:
        """Return a client of another service, guarded as well."""
        return self.guard.watch(self.make_client(service, region or self.region))


def open_account(
    make_client: MakeClient, ledger: Ledger, *, is_ours: bool, share_with: str, **more: Any
) -> Account:
    """Return the account that clients lead to; only asks. Raises UsageError if it will not do."""
    region = ledger.region
    ec2 = make_client("ec2", region)
    default = {"Filters": [{"Name": "is-default", "Values": ["true"]}]}
    if not ec2.describe_vpcs(**default)["Vpcs"]:
        raise pytest.UsageError(f"The suite needs a default VPC, and there is none in {region}")
    subnets = ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])
    offers = ec2.describe_instance_type_offerings(
        LocationType="availability-zone",
        Filters=[{"Name": "instance-type", "Values": [MACHINE]}],
    )["InstanceTypeOfferings"]
    parameter = make_client("ssm", region).get_parameter(Name=UBUNTU)["Parameter"]
    run = f"conformance-{secrets.token_hex(4)}"
    account_id = make_client("sts", region).get_caller_identity()["Account"]
    guard = Guard(
        run=run,
        ledger=ledger,
        foreign=frozenset({parameter["Value"]}),
        account_is_ours=is_ours,
        friends=frozenset({account_id, share_with, NO_ACCOUNT, *NO_ORGANIZATIONS}),
    )
    return Account(
        make_client=make_client,
        region=region,
        id=account_id,
        image_id=parameter["Value"],
        guard=guard,
        ec2=guard.watch(ec2),
        share_with=share_with,
        zones=tuple(
            sorted(
                {offer["Location"] for offer in offers}
                & {subnet["AvailabilityZone"] for subnet in subnets["Subnets"]}
            )
        ),
        **more,
    )


@contextmanager
def sandbox_account() -> Iterator[Account]:
    """Run a strict cloud, with hosts in memory, while the block runs."""
    # Imported here: on AWS the suite needs nothing of the sandbox.
    from tests.strict_cloud import strict_cloud_opened

    with strict_cloud_opened() as opened:

        def make_client(service: str, region: str) -> Any:
            return client(service, opened.endpoint_url, region)

        def make_friends_client(service: str, region: str) -> Any:
            return client(service, opened.endpoint_url, region, account_id=FRIEND)

        ledger = Ledger(REGION, math.inf)
        usual: dict[str, Any] = {
            "wait_settings": WaitSettings(),
            "is_ours": True,
            "has_hosts": False,
            "held": opened.machines.held,
        }
        friend = open_account(make_friends_client, ledger, share_with="", **usual)
        yield open_account(make_client, ledger, share_with=friend.id, friend=friend, **usual)


@contextmanager
def aws_account(settings: Settings) -> Iterator[Account]:
    """Use the account of whoever runs the suite, as boto3 finds it."""
    ledger = Ledger(settings.region, settings.cap_usd)
    usual: dict[str, Any] = {"wait_settings": AWS_WAITS, "is_ours": False, "has_hosts": True}
    friend = None
    if settings.friend_profile:
        friends = boto3.Session(profile_name=settings.friend_profile)
        friend = open_account(maker_of(friends), ledger, share_with="", **usual)
    share_with = settings.share_with or (friend.id if friend else "")
    if friend and share_with != friend.id:
        raise pytest.UsageError(f"The friend's profile is of {friend.id}, and not of {share_with}")
    yield open_account(
        maker_of(boto3.Session()), ledger, share_with=share_with, friend=friend, **usual
    )


def maker_of(session: boto3.Session) -> MakeClient:
    """Return what makes clients with the credentials of a session."""
    return lambda service, region: session.client(service, region_name=region)


def account_for(settings: Settings | None) -> AbstractContextManager[Account]:
    """Return the account that the settings say: the sandbox without any."""
    return sandbox_account() if settings is None else aws_account(settings)
