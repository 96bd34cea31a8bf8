"""What becomes of the volumes that a server is to have, decided before anything is started."""

from collections.abc import Sequence

from notebake.aws import tags
from notebake.errors import NotebakeError
from notebake.record import Record
from notebake.servers.find import describe_server, list_command
from notebake.servers.kept_volume import KeptVolume, list_kept, named
from notebake.servers.launch_plan import LaunchPlan
from notebake.servers.next_command import command_on
from notebake.servers.server import LOGIN_USER, Server
from notebake.servers.server_disks import (
    DEVICES_OF_SERVERS,
    ServerDisk,
    default_mount,
    disks_of,
    parse_disks,
    tag_of_disks,
)
from notebake.servers.wanted_volume import WantedVolume


class VolumeChoice(Record):
    """A volume that is wanted, and the one that is there, if any, with the server that has it."""

    wanted: WantedVolume
    found: KeptVolume | None = None
    holder: Server | None = None
    """Another server that has it, and is stopped: it is taken from there."""


def choose_volumes(plan: LaunchPlan, server: Server | None) -> list[VolumeChoice]:
    """Return what the plan's volumes are; `server` is the one that is there already, if any.

    Raises:
        NotebakeError: one is not there and has no size, is in use, is in a zone in which the
            server cannot be, or has the name or the place of another disk of the server.
    """
    if not plan.volumes:
        return []
    kept = list_kept(plan.region)
    chosen = [_choose(wanted, kept, plan, server) for wanted in plan.volumes]
    _check_zones(chosen, plan, server)
    _check_disks_beside(chosen, plan, server)
    return chosen


def place_of(volume: KeptVolume | WantedVolume, asked: str, server: Server | None) -> str:
    """Return where to mount it: as asked for now, as on this server before, or its own place."""
    before = [disk.mount for disk in disks_of(server) if disk.name == volume.name] if server else []
    login = server.login if server else LOGIN_USER
    return asked or next(iter(before), volume.mount or default_mount(volume.name, login))


def in_zone_of(chosen: Sequence[VolumeChoice], plan: LaunchPlan) -> LaunchPlan:
    """Return the plan of a server that starts where its volumes are."""
    zones = {choice.found.zone for choice in chosen if choice.found}
    if not zones:
        return plan
    there = tuple(subnet for subnet in plan.subnets if subnet["AvailabilityZone"] in zones)
    return plan.model_copy(update={"subnets": there})


def _choose(
    wanted: WantedVolume, kept: Sequence[KeptVolume], plan: LaunchPlan, server: Server | None
) -> VolumeChoice:
    found = named(kept, wanted.name, plan.owner)
    if found is None:
        if wanted.size_gib:
            return VolumeChoice(wanted=wanted)
        raise NotebakeError(
            f"{plan.owner} has no volume {wanted.name} in {plan.region}.",
            f"To make one, say how large it is in GiB: --volume {wanted.name}:50",
        ).with_next(list_command(plan.region))
    if found.instance_id in ("", server.id if server else ""):
        return VolumeChoice(wanted=wanted, found=found)
    return VolumeChoice(wanted=wanted, found=found, holder=stopped_holder(found))


def stopped_holder(volume: KeptVolume) -> Server:
    """Return the server that has a volume and is stopped, so that the volume can be taken from it.

    Raises:
        NotebakeError: it is not stopped, is being terminated, or is no server of notebake's.
    """
    server = describe_server(volume.instance_id, volume.region)
    if server is None or tags.SERVER not in server.tags:
        raise NotebakeError(
            f"The volume {volume.name} ({volume.id}) is attached to {volume.instance_id}, which is"
            " no server of notebake's.",
            f"Stop that machine, then type: aws ec2 detach-volume --volume-id {volume.id}"
            f" --region {volume.region}",
        )
    if server.state == "stopped":
        return server
    if server.is_gone:
        raise NotebakeError(
            f"The volume {volume.name} ({volume.id}) is still attached to the server"
            f" {server.name} ({server.id}), which is being terminated: it is free once that is"
            " gone.",
            "Try again in a minute.",
        )
    raise NotebakeError(
        f"The volume {volume.name} ({volume.id}) is in use by the server {server.name}, which is"
        f" {server.state}: it can be taken from a server that is stopped."
    ).with_next(command_on(server, "stop", purpose="To stop it"))


def _check_zones(chosen: Sequence[VolumeChoice], plan: LaunchPlan, server: Server | None) -> None:
    """Raise NotebakeError if a server cannot be where its volumes are: none leaves its zone."""
    zones = {choice.found.name: choice.found.zone for choice in chosen if choice.found}
    where = ", ".join(f"{name} in {zone}" for name, zone in zones.items())
    if len(set(zones.values())) > 1:
        raise NotebakeError(
            f"A server is in one zone, and so is each volume: {where}.",
            "Start a server for each of them, or copy the files from one to the other.",
        )
    zone = next(iter(zones.values()), "")
    if server and zone and server.zone != zone:
        raise NotebakeError(
            f"The server {server.name} is in {server.zone}, but {where}: no volume leaves its"
            " zone.",
            "Start another server beside the volume, with another --name.",
        )
    if zone and zone not in [subnet["AvailabilityZone"] for subnet in plan.subnets]:
        raise NotebakeError(
            f"The server has to start beside its volume, {where}, and that zone has no default"
            " subnet.",
            f"Make one: aws ec2 create-default-subnet --availability-zone {zone}",
        )


def _check_disks_beside(
    chosen: Sequence[VolumeChoice], plan: LaunchPlan, server: Server | None
) -> None:
    """Raise NotebakeError if a volume cannot be mounted, or named in the tag, beside the others."""
    ids = server.volume_ids if server else {}
    ours = {choice.found.id for choice in chosen if choice.found}
    disks = [
        disk
        for disk in parse_disks(server.tags if server else plan.tags)
        # Others are on other servers by now, or are these volumes themselves.
        if server is None or ids.get(disk.device, "") not in {"", *ours}
    ]
    for choice in chosen:
        volume = choice.found or choice.wanted
        place = place_of(volume, choice.wanted.mount, server)
        for disk in disks:
            if volume.name == disk.name or place == disk.mount:
                raise NotebakeError(
                    f"The volume {volume.name} cannot be mounted on {place}: the server {plan.name}"
                    f" has another disk, {disk.name} on {disk.mount}.",
                    "Choose another name and another place: --volume NAME:GIB:MOUNT",
                )
        disks.append(ServerDisk(name=volume.name, device=DEVICES_OF_SERVERS[0], mount=place))
    tag_of_disks(disks)
