"""EBS volumes on a host: identified by volume id alone, formatted only where provably blank.

No disk is ever chosen by its position, by its size, or because no other is left.
"""

import uuid
from collections.abc import Sequence
from shlex import quote

from notebake.commands.shell import as_root, script, variables
from notebake.commands.volume_scripts import FIND_DISK, FORMAT, INSPECT_DISK, MOUNT
from notebake.recipe import FileSystem, Volume

BY_ID = "/dev/disk/by-id"
FSTAB = "/etc/fstab"
STATE = "/var/lib/notebake/volumes"
LABEL_LENGTH = {FileSystem.EXT4: 16, FileSystem.XFS: 12}
OPTIONS = {
    FileSystem.EXT4: "defaults,nofail,x-systemd.device-timeout=30s,x-notebake",
    # A copy from a snapshot has the UUID of its original, and XFS would not mount both.
    FileSystem.XFS: "defaults,nofail,x-systemd.device-timeout=30s,x-notebake,nouuid",
}
FSCK_PASS = {FileSystem.EXT4: 2, FileSystem.XFS: 0}


def device_link(volume_id: str, by_id: str = BY_ID) -> str:
    """Return the link that EC2's udev rules create for a volume's whole disk on Nitro."""
    return f"{by_id}/nvme-Amazon_Elastic_Block_Store_{volume_id.replace('-', '')}"


def file_system_uuid(volume_id: str) -> str:
    """Return the UUID of the file system that notebake makes on a volume; it marks it as ours."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"notebake:volume:{volume_id}"))


def prepare_volume(
    *,
    volume: Volume,
    volume_id: str,
    user: str,
    wait_seconds: int = 60,
    by_id: str = BY_ID,
    fstab: str = FSTAB,
    state: str = STATE,
) -> str:
    """Return the root script that formats a new volume, and mounts it now and at each boot.

    The file system of a snapshot grows to its disk; that of an existing volume stays as it is.
    It fails on a disk that holds anything else, and changes nothing. It may be repeated after a
    kill at any point. Of nested mount points, mount the outer one first.
    """
    values = variables(
        **_file_system_values(volume, volume_id),
        name=volume.name,
        volume_id=volume_id,
        link=device_link(volume_id, by_id),
        target=volume.mount_point,
        owner=user,
        wait_seconds=wait_seconds,
        fstab=fstab,
        state=state,
    )
    return script(values, FIND_DISK, INSPECT_DISK, FORMAT, MOUNT)


def _file_system_values(volume: Volume, volume_id: str) -> dict[str, str | int]:
    kind = volume.file_system
    return {
        "is_new": "yes" if volume.snapshot_id is None and volume.volume_id is None else "",
        "from_snapshot": "yes" if volume.snapshot_id else "",
        "file_system": kind,
        "label": volume.name[: LABEL_LENGTH[kind]].rstrip("-"),
        "our_uuid": file_system_uuid(volume_id),
        "options": OPTIONS[kind],
        "fsck_pass": FSCK_PASS[kind],
    }


def flush_disks() -> str:
    """Return the command that writes to the disks what a host has in memory."""
    return "sync"


def volumes_are_mounted(
    volumes: Sequence[tuple[Volume, str | None]], *, by_id: str = BY_ID, fstab: str = FSTAB
) -> str:
    """Return the command that succeeds if each volume is mounted in its place, or names faults.

    With a volume id, that very disk must be mounted. Without one (a machine from the image has
    copies with new ids), it must be the file system that fstab names.
    """
    checks = (
        " ".join(
            (
                "check",
                quote(volume.mount_point),
                quote(volume.file_system),
                quote(device_link(volume_id, by_id) if volume_id else ""),
                "|| status=1",
            )
        )
        for volume, volume_id in volumes
    )
    return as_root(variables(fstab=fstab), DEFINE_CHECK, "status=0", *checks, "exit $status")


DEFINE_CHECK = r"""
check() {
    local target=$1 file_system=$2 link=$3 source uuid
    property() { findmnt --noheadings --first-only --mountpoint "$target" --output "$1"; }
    source=$(property SOURCE) || { echo "$target is not mounted"; return 1; }
    [ "$(property FSTYPE)" = "$file_system" ] ||
        { echo "$target is not of type $file_system"; return 1; }
    if [ -n "$link" ]; then
        [ "$(mountpoint --fs-devno "$target")" = "$(mountpoint --devno "$link" 2> /dev/null)" ] ||
            { echo "$target is $source, which is not $link"; return 1; }
        return 0
    fi
    uuid=$(blkid --probe --match-tag UUID --output value "$source")
    awk '$4 ~ /x-notebake/ { print $1, $2 }' "$fstab" |
        grep --quiet --line-regexp --fixed-strings "UUID=$uuid $target" ||
        { echo "$target is $source, which is not what $fstab names"; return 1; }
}
"""
