"""The image as a stranger meets it: with AWS's and OpenSSH's own clients, and a key of his own."""

import json
import re
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from tests.limits import HANG_SECONDS
from tests.sandbox.bake_world import wait_for
from tests.sandbox.bakery import Bakery, Login
from tests.sandbox.conftest import FIELD, Baked

pytestmark = pytest.mark.sandbox

HOST_KEYS = re.compile(r"-----BEGIN SSH HOST KEY KEYS-----(.*?)-----END", re.DOTALL)


@pytest.fixture(scope="module")
def stranger(
    bakery: Bakery, image: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Login]:
    """Start a machine from the image with a key that the build never saw, and log in."""
    key = tmp_path_factory.mktemp("stranger") / "key"
    subprocess.run(["ssh-keygen", "-qt", "ed25519", "-N", "", "-f", key], check=True)
    ec2 = bakery.cloud.ec2()
    public = key.with_suffix(".pub").read_bytes()
    ec2.import_key_pair(KeyName="stranger", PublicKeyMaterial=public)
    group = ec2.create_security_group(GroupName="stranger", Description="ssh")["GroupId"]
    ec2.authorize_security_group_ingress(
        GroupId=group,
        IpProtocol="tcp",
        FromPort=22,
        ToPort=22,
        CidrIp=f"{bakery.cloud.home.gateway}/32",
    )
    parameters = {"ImageId": image["ImageId"], "InstanceType": "m6i.large", "KeyName": "stranger"}
    made = ec2.run_instances(**parameters, SecurityGroupIds=[group], MinCount=1, MaxCount=1)
    machine_id = made["Instances"][0]["InstanceId"]
    try:
        ec2.get_waiter("instance_running").wait(
            InstanceIds=[machine_id], WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )
        shown = ec2.describe_instances(InstanceIds=[machine_id])["Reservations"][0]["Instances"][0]
        console = wait_for(
            lambda: HOST_KEYS.search(
                ec2.get_console_output(InstanceId=machine_id).get("Output") or ""
            ),
            "the host keys on the console",
        )
        host_key = next(line for line in console[1].splitlines() if "ssh-ed25519" in line)
        host_key = host_key[host_key.index("ssh-ed25519") :]
        login = Login(shown["PublicIpAddress"], key, host_key)
        wait_for(lambda: login.try_run("true").returncode == 0, "the login")
        yield login
    finally:
        ec2.terminate_instances(InstanceIds=[machine_id])
        ec2.get_waiter("instance_terminated").wait(
            InstanceIds=[machine_id], WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )
        ec2.delete_security_group(GroupId=group)
        ec2.delete_key_pair(KeyName="stranger")


@contextmanager
def tunnel(login: Login, remote_port: int) -> Iterator[int]:
    """Open `ssh -L`, as the manual tells people, and give the local port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    forward = f"127.0.0.1:{port}:127.0.0.1:{remote_port}"
    command = [*login.words(), "-N", "-L", forward, f"{login.user}@{login.address}"]
    with subprocess.Popen(command) as client:
        try:
            wait_for(lambda: is_open("127.0.0.1", port), "the tunnel")
            yield port
        finally:
            client.terminate()


def is_open(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), timeout=1).close()
    except OSError:
        return False
    return True


def status_of(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=HANG_SECONDS) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def test_jupyterlab_answers_through_a_tunnel_with_the_machines_own_token(
    stranger: Login, baked: Baked
) -> None:
    answering = "until curl --silent --noproxy '*' http://127.0.0.1:8887/api; do sleep 0.2; done"
    stranger.run(f"timeout 60 bash -c {json.dumps(answering)}")
    token = stranger.run("cat /etc/notebake/jupyter-token")
    assert len(token) == 48
    assert token not in baked.tokens
    with tunnel(stranger, 8887) as port:
        url = f"http://127.0.0.1:{port}"
        assert status_of(f"{url}/api/status?token={token}") == 200
        assert status_of(f"{url}/lab?token={token}") == 200
        assert status_of(f"{url}/api/status") == 403
        assert status_of(f"{url}/api/status?token={next(iter(baked.tokens))}") == 403
    assert not is_open(stranger.address, 8887), "only the tunnel leads to it"


def test_the_volumes_hold_what_the_build_wrote(stranger: Login) -> None:
    assert stranger.run("findmnt --noheadings --output FSTYPE /data; findmnt -no FSTYPE /old") == (
        "ext4\nxfs"
    )
    assert stranger.run("cat /data/field/README.md") == "# Field"
    assert stranger.run("sha256sum < /old/field.txt; wc --bytes < /old/field.txt").endswith(
        str(len(FIELD))
    )
    stranger.run("sudo -u ubuntu touch /data/mine /old/field.txt")


def test_nothing_that_tells_machines_apart_comes_from_the_builder(
    stranger: Login, baked: Baked
) -> None:
    kept = baked.run.path / "parameters"
    builder = json.loads((kept / "builder-identity.json").read_text())["machine_id"]
    host_key = (baked.run.path / "keys/builder-host.pub").read_text()
    machine_id = stranger.run("cat /etc/machine-id")
    assert len(machine_id) == len(builder) == 32
    assert machine_id != builder
    assert stranger.host_key.split()[1] != host_key.split()[1]


def test_the_keys_of_the_build_are_refused(stranger: Login, baked: Baked) -> None:
    for name in ("builder", "acceptance"):
        key = baked.run.path / "keys" / name
        assert "PRIVATE KEY" in key.read_text()
        assert replace(stranger, key=key).is_refused()
    assert not stranger.is_refused()
