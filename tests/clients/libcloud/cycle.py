"""Bakes with Apache Libcloud, which signs requests and reads XML by itself.

python cycle.py PORT CIDR BASE FOLDER WRITE READ, in an environment where Libcloud is installed.
WRITE and READ are commands for the host, with {} for the id of its data volume.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from libcloud.compute.providers import get_driver
from libcloud.compute.types import NodeState, Provider

OPTIONS = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR")
LIMIT_SECONDS = 900


class Bake:
    """One bake by one driver."""

    def __init__(self, port: int, cidr: str, folder: Path) -> None:
        self.driver = get_driver(Provider.EC2)(
            "sandbox",
            "sandbox",
            region="us-west-2",
            secure=False,
            host="127.0.0.1",
            port=port,
            signature_version="4",
        )
        self.zone = self.driver.list_locations()[1]
        self.size = next(size for size in self.driver.list_sizes() if size.id == "t3.small")
        self.pair = self.driver.create_key_pair("libcloud")
        self.key = folder / "key"
        self.key.write_text(self.pair.private_key)
        self.key.chmod(0o600)
        self.group = self.driver.ex_create_security_group("libcloud", "ssh")["group_id"]
        self.driver.ex_authorize_security_group_ingress(self.group, 22, 22, cidr_ips=[cidr])

    def launch(self, image_id: str) -> Any:
        node = self.driver.create_node(
            "libcloud",
            image=self.driver.get_image(image_id),
            size=self.size,
            location=self.zone,
            ex_keyname="libcloud",
            ex_security_group_ids=[self.group],
            ex_subnet=self.driver.ex_list_subnets(filters={"availabilityZone": self.zone.name})[0],
            ex_assign_public_ip=True,
        )
        ((running, _),) = self.driver.wait_until_running([node], wait_period=0.5)
        return running

    def attach_new_volume(self, node: Any) -> str:
        volume = self.driver.create_volume(1, "data", location=self.zone, ex_volume_type="gp3")
        wait_for(lambda: self.volume(volume.id).state == "available")
        assert self.driver.attach_volume(node, volume, "/dev/sdf")
        return str(volume.id)

    def volume(self, volume_id: str) -> Any:
        (found,) = self.driver.list_volumes(ex_filters={"volume-id": volume_id})
        return found

    def node(self, node_id: str) -> Any:
        (found,) = self.driver.list_nodes(ex_node_ids=[node_id])
        return found

    def bake(self, node: Any) -> Any:
        assert self.driver.ex_stop_node(node)
        wait_for(lambda: self.node(node.id).state == NodeState.STOPPED)
        made = self.driver.create_image(node, "libcloud", description="by Libcloud")
        wait_for(lambda: self.driver.get_image(made.id).extra["state"] == "available")
        return self.driver.get_image(made.id)

    def data_volume(self, node: Any) -> str:
        devices = node.extra["block_device_mapping"]
        (data,) = [mapping for mapping in devices if mapping["device_name"] == "/dev/sdf"]
        return str(data["ebs"]["volume_id"])

    def end(self, *nodes: Any) -> None:
        for node in nodes:
            assert self.driver.destroy_node(node)
        for node in nodes:
            wait_for(partial(self.is_terminated, node))
        for volume in self.driver.list_volumes():
            assert self.driver.destroy_volume(volume)

    def is_terminated(self, node: Any) -> bool:
        return bool(self.node(node.id).state == NodeState.TERMINATED)

    def remove(self, image: Any) -> None:
        assert self.driver.delete_image(image)
        for snapshot in self.driver.list_snapshots(owner="self"):
            assert self.driver.destroy_volume_snapshot(snapshot)
        assert self.driver.ex_delete_security_group_by_id(self.group)
        assert self.driver.delete_key_pair(self.pair)

    def log_in(self, node: Any, command: str) -> str:
        options = [f"-o{option}" for option in OPTIONS]
        words = ["ssh", "-F", "none", "-i", str(self.key), *options, f"ubuntu@{node.public_ips[0]}"]
        tried: subprocess.CompletedProcess[str] | None = None

        def succeeds() -> bool:
            nonlocal tried
            tried = subprocess.run([*words, command], capture_output=True, text=True, check=False)
            return tried.returncode != 255  # ssh itself failed: nobody answers yet

        wait_for(succeeds)
        assert tried is not None
        assert tried.returncode == 0, tried.stderr
        return tried.stdout


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.3)


def main(port: str, cidr: str, base: str, folder: str, write: str, read: str) -> None:
    """Go through the whole cycle, and print what the relaunched machine reads."""
    bake = Bake(int(port), cidr, Path(folder))
    builder = bake.launch(base)
    volume_id = bake.attach_new_volume(builder)
    bake.log_in(builder, write.replace("{}", volume_id.replace("-", "")))
    image = bake.bake(builder)
    again = bake.launch(image.id)
    print(bake.log_in(again, read.replace("{}", bake.data_volume(again).replace("-", ""))))  # noqa: T201
    bake.end(builder, again)
    bake.remove(image)


if __name__ == "__main__":
    main(*sys.argv[1:])
