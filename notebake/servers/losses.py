"""What is lost if a server is terminated, and what stays and goes on to cost."""

from typing import Any

from notebake.aws import server_calls, tags
from notebake.aws.resource_record import as_resource
from notebake.costs.monthly import cost_of_volume
from notebake.errors import NotebakeError
from notebake.record import Record
from notebake.servers.host_losses import HostLosses, ask_host
from notebake.servers.reach import reach
from notebake.servers.server import Server
from notebake.servers.server_disks import disks_of


class Disk(Record):
    """A disk of a server."""

    id: str
    device: str
    name: str
    """Its name, or what it is to the machine."""
    size_gib: int
    mounts: tuple[str, ...] = ()
    """Where it is mounted, if the server was asked, or its tag names it."""
    usd_per_month: float | None = None
    """None if the price is not known."""


class Losses(Record):
    """The disks that go with a server, those that stay, and what its host says of itself."""

    gone: tuple[Disk, ...] = ()
    kept: tuple[Disk, ...] = ()
    """Those that go on to cost."""
    host: HostLosses | None = None
    not_asked: str = ""
    """Why the host was not asked."""


def losses_of(server: Server, person: str) -> Losses:
    """Return what a termination removes, as EC2 and the server itself show it now."""
    host, not_asked = _ask(server, person)
    shown = server_calls.describe_machine(server.id, server.region) or {}
    mappings = [each for each in shown.get("BlockDeviceMappings", []) if "Ebs" in each]
    ids = [each["Ebs"]["VolumeId"] for each in mappings]
    found = server_calls.describe_volumes(ids, server.region) if ids else []
    volumes = {each["VolumeId"]: each for each in found}
    root = shown.get("RootDeviceName", "")
    gone: list[Disk] = []
    kept: list[Disk] = []
    for each in mappings:
        if volume := volumes.get(each["Ebs"]["VolumeId"]):
            disk = _disk(each["DeviceName"], volume, server, host, root)
            (gone if each["Ebs"].get("DeleteOnTermination") else kept).append(disk)
    return Losses(gone=tuple(gone), kept=tuple(kept), host=host, not_asked=not_asked)


def _ask(server: Server, person: str) -> tuple[HostLosses | None, str]:
    """Return what the host says, or why it was not asked. A server that does not run is not."""
    if server.state != "running":
        return None, f"{server.name} is {server.state}"
    try:
        return ask_host(server, reach(server, person, own_key="", may_start=False)), ""
    except NotebakeError as error:
        return None, error.message.rstrip(".")


def _disk(
    device: str, volume: dict[str, Any], server: Server, host: HostLosses | None, root: str
) -> Disk:
    volume_id, shown = volume["VolumeId"], tags.as_dict(volume.get("Tags"))
    tagged = next((disk for disk in disks_of(server) if disk.device == device), None)
    own = shown.get(tags.SERVER_VOLUME) or (tagged.name if tagged else "")
    mounts = host.mounts.get(volume_id.replace("-", ""), ()) if host else ()
    return Disk(
        id=volume_id,
        device=device,
        name=own or ("system" if device == root else device),
        size_gib=int(volume["Size"]),
        mounts=mounts or ((tagged.mount,) if tagged else ()),
        usd_per_month=cost_of_volume(as_resource("volume", volume, volume_id, server.region)),
    )
