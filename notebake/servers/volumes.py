"""Makes, moves and removes the volumes that outlive servers. Each may be repeated after a kill."""

import logging

from notebake.aws import server_calls, server_volume_calls, tags
from notebake.errors import CloudError, NotebakeError
from notebake.runs.idempotency import client_token
from notebake.servers.kept_volume import ENDED, KeptVolume, as_volume, list_kept
from notebake.servers.launch import MISMATCH
from notebake.servers.server import Server
from notebake.servers.server_disks import (
    ServerDisk,
    default_mount,
    disks_of,
    free_device,
    tag_of_disks,
    with_disk,
)
from notebake.servers.volume_choice import VolumeChoice, place_of, stopped_holder
from notebake.timeouts import CONSISTENCY_SECONDS
from notebake.waiting import wait_until

log = logging.getLogger(__name__)
MOST_EPOCHS = 100
"""How many volumes of a name EC2 may remember as deleted."""
GONE = "InvalidVolume.NotFound"
USABLE = ("available", "in-use")


def attach_volumes(server: Server, chosen: list[VolumeChoice]) -> Server:
    """Return the server with its volumes attached and named in its tag: made, if not there.

    Raises:
        NotebakeError: another server has one, and is not stopped: it may have been started since
            the volumes were chosen.
    """
    for choice in chosen:
        volume = _wait_until_usable(choice.found or make_volume(choice, server))
        if volume.instance_id not in ("", server.id):
            holder = stopped_holder(volume)
            _check_same_holder(volume.id, holder, choice)
            log.info("Taking %s from %s, which is stopped", volume.id, holder.name)
            server_volume_calls.free_volume(volume.id, holder.id, server.region)
        server = _attach(server, volume, choice.wanted.mount)
    return server


def _check_same_holder(volume_id: str, holder: Server, choice: VolumeChoice) -> None:
    """Raise if another server has a volume by now than the one that it was to be taken from."""
    if choice.holder is None or choice.holder.id != holder.id:
        raise NotebakeError(
            f"{volume_id} was attached to {holder.name} ({holder.id}) meanwhile.",
            hint="Type the same again to take it from there.",
        )


def make_volume(choice: VolumeChoice, server: Server) -> KeptVolume:
    """Return a new volume beside the server, as soon as EC2 has named it.

    Its token derives from all that is asked for, so whoever asks twice gets the one volume. EC2 may
    remember a deleted volume by its token: then the next epoch is asked for.

    Raises:
        CloudError: EC2 refused, for instance because of a quota.
    """
    wanted, owner = choice.wanted, server.owner
    what = f"{wanted.name} of {owner}, {wanted.size_gib} GiB, {wanted.mount}"
    marks = {
        "Name": f"{wanted.name} ({owner})",
        tags.SERVER_VOLUME: wanted.name,
        tags.OWNER: owner,
        tags.MOUNT: wanted.mount or default_mount(wanted.name, server.login),
    }
    for epoch in range(MOST_EPOCHS):
        token = client_token(what, "volume", epoch, server.zone)
        try:
            made = server_volume_calls.create_volume(
                server.region,
                zone=server.zone,
                size_gib=wanted.size_gib,
                token=token,
                marks=marks,
            )
        except CloudError as error:
            if error.code not in (MISMATCH, GONE):
                raise
            continue
        if made["State"] not in ENDED:
            log.info("Made the volume %s (%s)", wanted.name, made["VolumeId"])
            return as_volume(made, server.region)
    raise NotebakeError(
        f"EC2 remembers {MOST_EPOCHS} deleted volumes {wanted.name} of {owner}.",
        "Choose another name for the volume.",
    )


def remove_volume(volume: KeptVolume) -> None:
    """Delete a volume for good; one that a stopped server has is taken from it first.

    Raises:
        NotebakeError: a server that runs has it.
    """
    if volume.instance_id:
        holder = stopped_holder(volume)
        server_volume_calls.free_volume(volume.id, holder.id, volume.region)
    log.info("Deleting the volume %s (%s)", volume.name, volume.id)
    server_volume_calls.delete_volume(volume.id, volume.region)


def _attach(server: Server, volume: KeptVolume, mount: str) -> Server:
    """Return the server with the volume, and with its name in the tag of the disks."""
    ids = {volume_id: device for device, volume_id in server.volume_ids.items()}
    device = ids.get(volume.id, "")
    if not device:
        log.info("Attaching %s to %s", volume.id, server.name)
        device = server_volume_calls.attach_volume(
            volume.id, server.id, free_device(server.volume_ids), server.region
        )
    disk = ServerDisk(name=volume.name, device=device, mount=place_of(volume, mount, server))
    disks = with_disk(disks_of(server), disk)
    marks = tag_of_disks(disks)
    if disk not in disks_of(server):
        server_calls.tag_server(server.id, marks, server.region)
    shown = {**server.volume_ids, device: volume.id}
    return server.model_copy(update={"volume_ids": shown, "tags": server.tags | marks})


def _wait_until_usable(volume: KeptVolume) -> KeptVolume:
    """Return a volume as soon as EC2 shows that it is made."""

    def usable() -> KeptVolume | None:
        found = [each for each in list_kept(volume.region) if each.id == volume.id]
        return found[0] if found and found[0].state in USABLE else None

    return wait_until(
        usable,
        what=f"the volume {volume.name} ({volume.id}) to be made",
        timeout_seconds=CONSISTENCY_SECONDS,
        interval_seconds=0.5,
    )
