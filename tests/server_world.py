"""A strict cloud with images from which notebook servers are started, and whose hosts show keys."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from notebake import clock
from notebake.aws.clients import connect
from notebake.servers.find import list_servers
from notebake.servers.folders import NewServer
from notebake.servers.launch_plan import LaunchPlan
from notebake.servers.server import Server
from notebake.servers.start import start, subnets_to_try
from sandbox.ec2.state.base_images import RELEASES, image_id
from tests.cloud_world import REGION, CloudWorld, cloud_world
from tests.ec2_actions import PUBLIC_KEY
from tests.prune_world import ShiftedClock
from tests.sandbox.fake_machines import FakeMachines

UBUNTU = image_id(RELEASES[0], REGION)
OWNER = "ada"
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAXQM2tdX/mi5deH+da1iHnWSdNPTOLfY9qG6Nrc+XyQ"


class Consoles(FakeMachines):
    """Hosts whose consoles show a complete host key, as cloud-init writes it, and what is said."""

    said = ""

    def console(self, machine_id: str) -> str:
        assert machine_id in self.roots
        begin, end = (f"-----{word} SSH HOST KEY KEYS-----" for word in ("BEGIN", "END"))
        return f"{begin}\n{HOST_KEY} root@host\n{end}\n{self.said}"


def server_named(owner: str, name: str, **more: str) -> NewServer:
    """Say which server is meant."""
    return NewServer(**{"owner": owner, "name": name, "region": "us-west-2", **more})


@dataclass
class ServerWorld:
    """The cloud, and the few words in which a test starts servers in it."""

    world: CloudWorld
    clock: ShiftedClock
    consoles: Consoles

    def advance(self, seconds: float) -> None:
        """Let time pass, here and in the cloud."""
        self.clock.shift_seconds += seconds
        self.world.sandbox.advance(seconds)

    def schedules(self) -> list[str]:
        """Return the names of the schedules."""
        found = connect("scheduler", REGION).list_schedules()["Schedules"]
        return sorted(schedule["Name"] for schedule in found)

    def plan(self, name: str = "ocean", **changes: Any) -> LaunchPlan:
        _, subnets = subnets_to_try(REGION)
        plain = LaunchPlan(
            name=name,
            owner=OWNER,
            region=REGION,
            image_id=UBUNTU,
            instance_type="t3.large",
            subnets=subnets,
            public_key=PUBLIC_KEY.decode(),
            tags={"notebake:idle-minutes": "60"},
        )
        return plain.model_copy(update=changes)

    def start(self, plan: LaunchPlan) -> Server:
        vpc_id, _ = subnets_to_try(REGION)
        return start(plan, vpc_id)

    def servers(self) -> list[Server]:
        return list_servers(REGION)

    def groups(self) -> list[str]:
        """Return the ids of the security groups of servers."""
        wanted = [{"Name": "tag-key", "Values": ["notebake:server"]}]
        found = self.world.ec2.describe_security_groups(Filters=wanted)["SecurityGroups"]
        return [group["GroupId"] for group in found]


@contextmanager
def server_world(directory: Path) -> Iterator[ServerWorld]:
    """Open an empty cloud, in which a minute is a minute."""
    shifted, consoles = ShiftedClock(), Consoles()
    with cloud_world(directory, machines=consoles) as opened, clock.replaced(shifted):
        yield ServerWorld(opened, shifted, consoles)
