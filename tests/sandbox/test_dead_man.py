"""The dead-man switch on real machines: what nobody looks after any more ends by itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from notebake.commands import lease_timer
from notebake.commands import user_data as told
from sandbox.ec2.state import base_images
from tests.sandbox.bake_world import REGION, Cloud, cloud_opened, wait_for
from tests.sandbox.bakery import Login
from tests.sandbox.test_hosts import make_key

pytestmark = pytest.mark.sandbox
LEASE_SECONDS = 20


@dataclass(frozen=True)
class Machines:
    """Machines with a lease of seconds, which only the test itself could renew."""

    cloud: Cloud
    key: Path
    left_id: str
    renewed_id: str

    def describe(self, instance_id: str) -> dict[str, Any]:
        pages = self.cloud.ec2().describe_instances(InstanceIds=[instance_id])
        found: dict[str, Any] = pages["Reservations"][0]["Instances"][0]
        return found

    def state(self, instance_id: str) -> str:
        return str(self.describe(instance_id)["State"]["Name"])

    def login(self, instance_id: str) -> Login:
        public = self.key.with_name("host").with_suffix(".pub").read_text().strip()
        return Login(self.describe(instance_id)["PublicIpAddress"], self.key, public)


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    folder = tmp_path_factory.mktemp("dead-man")
    for name in ("key", "host"):
        make_key(folder / name)
    with cloud_opened(folder / "home") as cloud:
        left, renewed = launch(cloud, folder)
        yield Machines(cloud, folder / "key", left, renewed)


def launch(cloud: Cloud, folder: Path) -> list[str]:
    """Launch two, as a builder is launched but for the length of the lease."""
    ec2 = cloud.ec2()
    ec2.import_key_pair(KeyName="key", PublicKeyMaterial=(folder / "key.pub").read_bytes())
    group = ec2.create_security_group(GroupName="ssh", Description="ssh")["GroupId"]
    anywhere = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22}
    ec2.authorize_security_group_ingress(
        GroupId=group, IpPermissions=[{**anywhere, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    )
    text = told.user_data(
        lease_hours=LEASE_SECONDS / 3600,
        host_key_private=(folder / "host").read_text(),
        host_key_public=(folder / "host.pub").read_text().strip(),
    )
    launched = ec2.run_instances(
        ImageId=base_images.image_id(base_images.RELEASES[0], REGION),
        InstanceType="t3.micro",
        MinCount=2,
        MaxCount=2,
        KeyName="key",
        SecurityGroupIds=[group],
        UserData=text,
        InstanceInitiatedShutdownBehavior="terminate",
    )
    return [instance["InstanceId"] for instance in launched["Instances"]]


@pytest.fixture(scope="module")
def outlived(machines: Machines) -> str:
    """Renew one of the two while it lives, and wait for the end of the other."""
    login = machines.login(machines.renewed_id)
    wait_for(lambda: login.try_run("true").returncode == 0, "ssh")
    login.run(lease_timer.renew_lease(1))
    wait_for(lambda: machines.state(machines.left_id) == "terminated", "the end")
    return login.run(lease_timer.lease_is_armed())


def test_a_machine_without_renewal_ends_itself(machines: Machines, outlived: str) -> None:
    assert outlived
    ended = machines.describe(machines.left_id)
    assert ended["State"]["Name"] == "terminated"
    assert ended["StateReason"]["Code"] == "Client.InstanceInitiatedShutdown"
    calls = [call["action"] for call in machines.cloud.calls("TerminateInstances")]
    assert calls == [], "nobody had to ask for it"


def test_a_renewed_lease_is_waited_for(machines: Machines, outlived: str) -> None:
    assert outlived in ("59 minutes left", "58 minutes left")
    assert machines.state(machines.renewed_id) == "running"


def test_a_reboot_arms_the_timer_with_the_lease_of_the_launch(
    machines: Machines, outlived: str
) -> None:
    assert outlived
    login = machines.login(machines.renewed_id)
    login.run("touch /run/before")
    machines.cloud.ec2().reboot_instances(InstanceIds=[machines.renewed_id])
    wait_for(lambda: is_rebooted(login), "the reboot")
    wait_for(lambda: machines.state(machines.renewed_id) == "terminated", "the end")
    ended = machines.describe(machines.renewed_id)
    assert ended["StateReason"]["Code"] == "Client.InstanceInitiatedShutdown"


def is_rebooted(login: Login) -> bool:
    """Tell whether it is up again, with the switch armed and no lease but that of its launch."""
    initial = f"[ ! -e /run/before ] && [ ! -e {lease_timer.LEASE_FILE} ]"
    armed = f"{initial} && {lease_timer.lease_is_armed()}"
    return login.try_run(armed).returncode == 0
