"""The disks of a server besides those of its image, as its tag names them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from notebake.aws import tags
from notebake.aws.volumes import DEVICES
from notebake.errors import NotebakeError
from notebake.record import Record
from notebake.servers.server import Server
from notebake.servers.wanted_volume import WantedVolume

DEVICES_OF_SERVERS = DEVICES[: DEVICES.index("/dev/sdp") + 1]
"""What EC2 recommends: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/device_naming.html"""
MOST_LETTERS = 256
"""Of a tag's value (EC2 user guide, "Tag restrictions")."""


class ServerDisk(Record):
    """A disk, the device name by which EC2 has it, and where it is mounted."""

    name: str
    device: str
    mount: str


def disks_of(server: Server) -> list[ServerDisk]:
    """Return the disks that the server's tag names, outer mount points first."""
    return parse_disks(server.tags)


def parse_disks(marks: Mapping[str, str]) -> list[ServerDisk]:
    """Return the disks that a server with these tags has, outer mount points first."""
    words = [word.split("@") for word in marks.get(tags.DISKS, "").split()]
    found = [ServerDisk(name=w[0], device=w[1], mount=w[2]) for w in words if len(w) == 3]
    return sorted(found, key=lambda disk: disk.mount)


def tag_of_disks(disks: Iterable[ServerDisk]) -> dict[str, str]:
    """Return the tag that names the disks.

    Raises:
        NotebakeError: they are too many for a tag.
    """
    text = " ".join(f"{disk.name}@{disk.device}@{disk.mount}" for disk in disks)
    if len(text) > MOST_LETTERS:
        raise NotebakeError(
            f"The names and mount points of these disks have {len(text)} letters: a tag holds"
            f" {MOST_LETTERS}.",
            "Take fewer disks, or shorter names and mount points.",
        )
    return {tags.DISKS: text} if text else {}


def with_disk(disks: Iterable[ServerDisk], new: ServerDisk) -> list[ServerDisk]:
    """Return the disks with another one, which takes the place of what had its name or device."""
    return [disk for disk in disks if new.name != disk.name and new.device != disk.device] + [new]


def disks_of_launch(
    wanted: Sequence[WantedVolume], taken: Sequence[str], login: str
) -> tuple[list[ServerDisk], list[dict[str, Any]]]:
    """Return the new disks of a launch, which end with their server, and their mapping.

    Raises:
        NotebakeError: one has no size.
    """
    disks: list[ServerDisk] = []
    mapping = []
    for each in wanted:
        if not each.size_gib:
            raise NotebakeError(f"How large is the disk {each.name}?", f"--disk {each.name}:50")
        device = free_device([*taken, *(disk.device for disk in disks)])
        mount = each.mount or default_mount(each.name, login)
        disks.append(ServerDisk(name=each.name, device=device, mount=mount))
        mapping.append(mapping_of(device, each.size_gib))
    return disks, mapping


def mapping_of(device: str, size_gib: int) -> dict[str, Any]:
    """Return the block device mapping of a disk that ends with its server."""
    ebs = {"VolumeSize": size_gib, "VolumeType": "gp3", "DeleteOnTermination": True}
    return {"DeviceName": device, "Ebs": ebs}


def check_disks(marks: Mapping[str, str], server: Server | None) -> None:
    """Check that a server that is there already has the disks of a launch.

    Raises:
        NotebakeError: it has not: a launch makes them, and nothing else does.
    """
    if server is None:
        return
    there = {disk.name for disk in disks_of(server)}
    for disk in parse_disks(marks):
        if disk.name not in there:
            raise NotebakeError(
                f"The server {server.name} is there already, without a disk {disk.name}: such a"
                " disk is made with its server.",
                f"A volume can be added, which outlives the server: --volume {disk.name}:50",
            )


def free_device(taken: Iterable[str]) -> str:
    """Return a device name that no disk has; images count from the other end.

    Raises:
        NotebakeError: all are taken.
    """
    used = set(taken)
    for device in reversed(DEVICES_OF_SERVERS):
        if device not in used:
            return device
    raise NotebakeError(f"The server has {len(used)} disks: EC2 has no name for another.")


def default_mount(name: str, login: str) -> str:
    """Return where a disk is mounted for which nothing was named: JupyterLab shows it there."""
    return f"/home/{login}/{name}"
