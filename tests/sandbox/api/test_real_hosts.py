"""The strict API in front of real hosts: what a bake relies on, from launch to relaunch."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest

from sandbox.home import Home, open_home
from tests.ec2_actions import client
from tests.limits import HANG_SECONDS
from tests.sandbox.api.conformance_run import ON_AWS, run_suite
from tests.sandbox.api.conftest import UBUNTU
from tests.sandbox.interrupts import uninterrupted

pytestmark = pytest.mark.sandbox

PROJECT = Path(__file__).parents[3]
BY_ID = "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_"
DATA = {"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 1, "DeleteOnTermination": True}}
IDENTITY = "http://169.254.169.254/latest/meta-data/instance-id"


@dataclass
class Sandbox:
    """A sandbox of its own, with a key and a group that lets ssh in."""

    home: Home
    key: Path

    @property
    def ec2(self) -> Any:
        return client("ec2", self.home.api_url)

    def command(self, *words: str) -> str:
        line = [sys.executable, "-m", "sandbox", "--home", str(self.home.path), *words]
        done = subprocess.run(
            line, capture_output=True, text=True, cwd=PROJECT, timeout=HANG_SECONDS, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def up(self) -> None:
        self.command("up")
        public_key = self.key.with_suffix(".pub").read_bytes()
        self.ec2.import_key_pair(KeyName="ours", PublicKeyMaterial=public_key)
        group_id = self.ec2.create_security_group(GroupName="ssh", Description="d")["GroupId"]
        rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22}
        rule["IpRanges"] = [{"CidrIp": f"{self.home.gateway}/32"}]
        self.ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[rule])

    def launch(self, image_id: str = UBUNTU, **more: Any) -> str:
        launched = self.ec2.run_instances(
            ImageId=image_id,
            InstanceType="t3.micro",
            MinCount=1,
            MaxCount=1,
            KeyName="ours",
            SecurityGroups=["ssh"],
            **more,
        )
        instance_id: str = launched["Instances"][0]["InstanceId"]
        return instance_id

    def shown(self, instance_id: str) -> Any:
        found = self.ec2.describe_instances(InstanceIds=[instance_id])
        return found["Reservations"][0]["Instances"][0]

    def wait_for_state(self, instance_id: str, state: str) -> None:
        deadline = time.monotonic() + HANG_SECONDS
        while self.shown(instance_id)["State"]["Name"] != state:
            assert time.monotonic() < deadline, f"{instance_id} did not become {state}"
            time.sleep(0.1)

    def host_keys(self, instance_id: str) -> str:
        """Return known_hosts lines from what the host wrote on its console."""
        deadline = time.monotonic() + HANG_SECONDS
        while time.monotonic() < deadline:
            text = self.ec2.get_console_output(InstanceId=instance_id)["Output"]
            block = r"-----BEGIN SSH HOST KEY KEYS-----\s(.*?)-----END SSH HOST KEY KEYS-----"
            if found := re.findall(block, text, re.DOTALL):
                address = self.shown(instance_id)["PublicIpAddress"]
                lines = [line.strip() for line in found[-1].splitlines() if line.strip()]
                return "".join(f"{address} {line}\n" for line in lines)
            time.sleep(0.1)
        raise AssertionError(f"{instance_id} wrote no host keys on its console")

    def ssh(self, instance_id: str, command: str, timeout_seconds: float = HANG_SECONDS) -> str:
        """Run a command as ubuntu; trusts only the host key that the console shows."""
        known = self.key.with_name(f"known-{instance_id}")
        known.write_text(self.host_keys(instance_id))
        address = self.shown(instance_id)["PublicIpAddress"]
        options = ("StrictHostKeyChecking=yes", f"UserKnownHostsFile={known}", "BatchMode=yes")
        words = ["ssh", "-F", "none", "-i", str(self.key), *(f"-o{option}" for option in options)]
        deadline = time.monotonic() + timeout_seconds
        while True:
            line = [*words, f"ubuntu@{address}", command]
            done = subprocess.run(
                line, capture_output=True, text=True, timeout=HANG_SECONDS, check=False
            )
            if done.returncode == 0:
                return done.stdout.strip()
            assert time.monotonic() < deadline, done.stderr
            time.sleep(0.2)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    place = tmp_path_factory.mktemp("sandbox")
    key = place / "key"
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)]
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL)
    made = Sandbox(open_home(place / "home"), key)
    try:
        made.up()
        yield made
    finally:
        with uninterrupted():
            made.command("down", "--purge")


def route_to_subnet(sandbox: Sandbox, instance_id: str) -> str:
    """Return the local address from which packets leave for the instance's subnet."""
    shown = sandbox.shown(instance_id)
    subnet = sandbox.ec2.describe_subnets(SubnetIds=[shown["SubnetId"]])["Subnets"][0]
    block = ip_network(subnet["CidrBlock"])
    assert ip_address(shown["PrivateIpAddress"]) in block
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
        way.connect((str(block[1]), 22))
        return str(way.getsockname()[0])


def test_a_launched_host_is_logged_into_with_the_key_pair_and_the_consoles_host_key(
    sandbox: Sandbox,
) -> None:
    instance_id = sandbox.launch(UserData="#!/bin/sh\necho made by user data >/made\n")
    assert sandbox.ssh(instance_id, "cloud-init status --wait >/dev/null; cat /made; whoami") == (
        "made by user data\nubuntu"
    )
    code = sandbox.ssh(instance_id, f"curl -s -o /dev/null -w '%{{http_code}}' {IDENTITY}")
    assert code == "401", "IMDSv1 answered"
    assert route_to_subnet(sandbox, instance_id) == sandbox.home.gateway
    sandbox.ec2.terminate_instances(InstanceIds=[instance_id])
    sandbox.wait_for_state(instance_id, "terminated")


def test_power_off_from_inside_terminates_where_the_instance_says_so(sandbox: Sandbox) -> None:
    instance_id = sandbox.launch(InstanceInitiatedShutdownBehavior="terminate")
    soon = "--on-active=1 --timer-property=AccuracySec=1ms"
    sandbox.ssh(instance_id, f"sudo systemd-run {soon} systemctl poweroff 2>&1")
    sandbox.wait_for_state(instance_id, "terminated")
    reason = sandbox.shown(instance_id)["StateReason"]["Code"]
    assert reason == "Client.InstanceInitiatedShutdown"


def test_an_image_boots_with_its_data_even_after_a_restart_of_the_sandbox(
    sandbox: Sandbox,
) -> None:
    first = sandbox.launch(BlockDeviceMappings=[DATA])
    sandbox.wait_for_state(first, "running")
    volume_id = sandbox.shown(first)["BlockDeviceMappings"][1]["Ebs"]["VolumeId"]
    disk = BY_ID + volume_id.replace("-", "")
    sandbox.ssh(
        first,
        f"set -eu; sudo mkfs.ext4 -q {disk}; sudo mkdir -p /data; sudo mount {disk} /data; "
        f'echo "UUID=$(sudo blkid -o value -s UUID {disk}) /data ext4 nofail 0 2" '
        "| sudo tee -a /etc/fstab; echo treasure | sudo tee /data/found; sync",
    )
    sandbox.ec2.stop_instances(InstanceIds=[first])
    sandbox.wait_for_state(first, "stopped")
    image_id = sandbox.ec2.create_image(InstanceId=first, Name="with data")["ImageId"]
    waiter = sandbox.ec2.get_waiter("image_available")
    waiter.wait(ImageIds=[image_id], WaiterConfig={"Delay": 1, "MaxAttempts": 60})

    sandbox.command("down")
    sandbox.up()
    assert sandbox.ec2.describe_images(Owners=["self"])["Images"][0]["ImageId"] == image_id
    second = sandbox.launch(image_id)
    assert sandbox.ssh(second, "cat /data/found; findmnt -n -o FSTYPE /data") == "treasure\next4"
    results = sandbox.ec2.deregister_image(ImageId=image_id, DeleteAssociatedSnapshots=True)
    assert [result["ReturnCode"] for result in results["DeleteSnapshotResults"]] == ["success"] * 2


def test_hosts_do_by_themselves_what_is_asked_of_those_on_ec2(sandbox: Sandbox) -> None:
    selected = (
        "test_instances.py::test_an_instance_that_is_powered_off_from_inside_ends_as_it_was_told",
        "test_instances.py::test_the_console_shows_the_host_keys",
        "test_groups_and_tags.py::test_a_rule_lets_in_and_nothing_else_does",
    )
    code, output = run_suite(sandbox.home.api_url, *selected, **ON_AWS)
    assert (code, "skipped" in output) == (0, False), output


def answers(address: str, timeout_seconds: float = 3) -> bool:
    """Return whether an ssh server answers at the address."""
    try:
        with socket.create_connection((address, 22), timeout=timeout_seconds) as line:
            line.settimeout(timeout_seconds)
            return line.recv(4) == b"SSH-"
    except OSError:
        return False


def is_cut(line: socket.socket, timeout_seconds: float = 3) -> bool:
    """Return whether a server that was greeted says nothing more, not even that it hangs up."""
    line.settimeout(timeout_seconds)
    line.sendall(b"not a greeting\r\n")
    try:
        line.recv(1)
    except TimeoutError:
        return True
    return False


def test_a_host_is_reached_at_the_public_address_that_it_has_now_and_at_no_other(
    sandbox: Sandbox,
) -> None:
    instance_id = sandbox.launch()
    assert sandbox.ssh(instance_id, "echo first") == "first"
    first = sandbox.shown(instance_id)["PublicIpAddress"]
    assert sandbox.ssh(instance_id, "cloud-init query ds.meta_data.public-ipv4") == first

    sandbox.ec2.stop_instances(InstanceIds=[instance_id])
    sandbox.wait_for_state(instance_id, "stopped")
    sandbox.ec2.start_instances(InstanceIds=[instance_id])
    sandbox.wait_for_state(instance_id, "running")
    assert sandbox.ssh(instance_id, "echo again") == "again"
    second = sandbox.shown(instance_id)["PublicIpAddress"]
    assert first != second
    assert not answers(first)

    address = sandbox.ec2.allocate_address(Domain="vpc")
    ids = {"InstanceId": instance_id, "AllocationId": address["AllocationId"]}
    with socket.create_connection((second, 22), timeout=HANG_SECONDS) as line:
        assert line.makefile().readline().startswith("SSH-")
        sandbox.ec2.associate_address(**ids)
        assert answers(address["PublicIp"])
        assert not answers(second)
        assert is_cut(line), "a connection through the address that it had before goes on"
    sandbox.ec2.terminate_instances(InstanceIds=[instance_id])
    sandbox.wait_for_state(instance_id, "terminated")
    sandbox.ec2.release_address(AllocationId=address["AllocationId"])


def test_the_sdk_on_a_host_finds_the_credentials_of_its_role(sandbox: Sandbox) -> None:
    iam = client("iam", sandbox.home.api_url)
    iam.create_instance_profile(InstanceProfileName="reader")
    iam.create_role(RoleName="reader-role", AssumeRolePolicyDocument="{}")
    iam.add_role_to_instance_profile(InstanceProfileName="reader", RoleName="reader-role")
    instance_id = sandbox.launch(IamInstanceProfile={"Name": "reader"})
    assert sandbox.ssh(instance_id, "echo there") == "there"
    ask = (
        "from botocore.session import Session; found = Session().get_credentials();"
        "print(found.method, found.get_frozen_credentials().access_key[:4])"
    )
    # In the host's own network: botocore, unmodified, asks at the address that AWS has.
    inside = ["ip", "netns", "exec", f"{sandbox.home.name}-{instance_id}", sys.executable]
    plain = {"PATH": os.environ["PATH"], "HOME": str(sandbox.home.path)}
    done = subprocess.run(
        [*inside, "-c", ask],
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        env=plain,
        check=False,
    )
    assert done.stdout.split() == ["iam-role", "ASIA"], done.stderr
    sandbox.ec2.terminate_instances(InstanceIds=[instance_id])
    sandbox.wait_for_state(instance_id, "terminated")
