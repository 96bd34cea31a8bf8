"""What is lost if a server is terminated."""

from notebake.aws import server_calls
from notebake.record import Record
from notebake.servers.server import Server


class Losses(Record):
    """The disks that go with a server, and those that stay."""

    gone_gib: tuple[int, ...] = ()
    kept: tuple[str, ...] = ()
    """Ids of the disks that stay, and go on to cost."""


def losses_of(server: Server) -> Losses:
    """Return what a termination removes, as EC2 shows it now."""
    shown = server_calls.describe_machine(server.id, server.region) or {}
    mappings = [each["Ebs"] for each in shown.get("BlockDeviceMappings", []) if "Ebs" in each]
    going = [each["VolumeId"] for each in mappings if each.get("DeleteOnTermination")]
    kept = tuple(each["VolumeId"] for each in mappings if not each.get("DeleteOnTermination"))
    disks = server_calls.describe_volumes(going, server.region) if going else []
    return Losses(gone_gib=tuple(int(disk["Size"]) for disk in disks), kept=kept)
