"""Servers: instances from a baked image, started for a person."""

import json
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.idle import on_host
from tests.sandbox.bake_world import Cloud, wait_for
from tests.sandbox.bakery import Login
from tests.sandbox.test_hosts import make_key

PROGRAMS = Path(on_host.__file__).parent
PORT = 8887
"""JupyterLab's, in recipes that name none."""
UNTIL_IT_ANSWERS = f"""
until curl --silent --fail http://127.0.0.1:{PORT}/api > /dev/null; do sleep 0.2; done
"""


@dataclass(frozen=True)
class Server:
    """An instance from the image, started for a person."""

    cloud: Cloud
    folder: Path
    id: str

    def describe(self) -> dict[str, Any]:
        pages = self.cloud.ec2().describe_instances(InstanceIds=[self.id])
        found: dict[str, Any] = pages["Reservations"][0]["Instances"][0]
        return found

    def state(self) -> str:
        return str(self.describe()["State"]["Name"])

    def login(self, user: str = "ubuntu") -> Login:
        public = (self.folder / "host.pub").read_text().strip()
        return Login(self.describe()["PublicIpAddress"], self.folder / "key", public, user)

    def wait_until_up(self) -> Login:
        """Return the login once the machine lets people in and JupyterLab answers."""
        wait_for(lambda: self.state() == "running", "the start")
        login = self.login()
        wait_for(lambda: login.try_run("true").returncode == 0, "ssh")
        login.run(UNTIL_IT_ANSWERS)
        return login

    def set_tags(self, **values: str) -> None:
        """Set tags; an empty value removes its tag."""
        ec2 = self.cloud.ec2()
        for key, value in values.items():
            if value:
                ec2.create_tags(Resources=[self.id], Tags=[{"Key": key, "Value": value}])
            else:
                ec2.delete_tags(Resources=[self.id], Tags=[{"Key": key}])


def launch_servers(
    cloud: Cloud, image_id: str, folder: Path, *wanted: dict[str, str]
) -> list[Server]:
    """Start a server for each of these tags, as `notebake start` does it."""
    ec2, folder = cloud.ec2(), folder / "keys"
    folder.mkdir()
    for name in ("key", "host"):
        make_key(folder / name)
    group = ec2.create_security_group(GroupName=f"ssh {uuid.uuid4()}", Description="ssh")
    rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22}
    ec2.authorize_security_group_ingress(
        GroupId=group["GroupId"], IpPermissions=[{**rule, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    )
    config = {
        "ssh_deletekeys": True,
        "ssh_genkeytypes": ["ed25519"],
        "ssh_authorized_keys": [(folder / "key.pub").read_text().strip()],
        "ssh_keys": {
            "ed25519_private": (folder / "host").read_text(),
            "ed25519_public": (folder / "host.pub").read_text().strip(),
        },
    }
    servers = []
    for each in wanted:
        pairs = [{"Key": key, "Value": value} for key, value in each.items()]
        launched = ec2.run_instances(
            ImageId=image_id,
            InstanceType="t3.micro",
            MinCount=1,
            MaxCount=1,
            SecurityGroupIds=[group["GroupId"]],
            UserData=f"#cloud-config\n{json.dumps(config)}\n",
            InstanceInitiatedShutdownBehavior="stop",
            MetadataOptions={"HttpTokens": "required", "InstanceMetadataTags": "enabled"},
            TagSpecifications=[{"ResourceType": "instance", "Tags": pairs}],
        )
        servers.append(Server(cloud, folder, launched["Instances"][0]["InstanceId"]))
    return servers
