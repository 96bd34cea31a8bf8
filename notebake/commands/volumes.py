"""EBS volumes on a host: found by their id alone, formatted only where provably blank.

No disk is ever chosen by its position, by its size, or because it is the one that is left over.
"""

import uuid
from collections.abc import Sequence
from shlex import quote

from notebake.commands.disks import FIND_DISK, INSPECT_DISK
from notebake.commands.shell import as_root, script, variables
from notebake.recipe import FileSystem, Volume

BY_ID = "/dev/disk/by-id"
FSTAB = "/etc/fstab"
STATE = "/var/lib/notebake/volumes"
LABEL_LENGTH = {FileSystem.EXT4: 16, FileSystem.XFS: 12}
OPTIONS = {
    FileSystem.EXT4: "defaults,nofail,x-systemd.device-timeout=30s,x-notebake",
    # A snapshot's copy beside its original has the same UUID, and XFS would not mount both.
    FileSystem.XFS: "defaults,nofail,x-systemd.device-timeout=30s,x-notebake,nouuid",
}
FSCK_PASS = {FileSystem.EXT4: 2, FileSystem.XFS: 0}


def device_link(volume_id: str, by_id: str = BY_ID) -> str:
    """Return the link that EC2's udev rules make for a volume's whole disk on Nitro."""
    return f"{by_id}/nvme-Amazon_Elastic_Block_Store_{volume_id.replace('-', '')}"


def file_system_uuid(volume_id: str) -> str:
    """Return the UUID that our own file system on a volume has: how we know it for ours."""
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

    A disk with anything on it that we did not make is refused, and left as it is. May be killed
    anywhere and run again. Volumes mounted inside one another go outermost first.
    """
    is_new = volume.snapshot_id is None and volume.volume_id is None
    kind = volume.file_system
    values = variables(
        name=volume.name,
        volume_id=volume_id,
        link=device_link(volume_id, by_id),
        is_new="yes" if is_new else "",
        wanted=kind,
        label=volume.name[: LABEL_LENGTH[kind]].rstrip("-"),
        our_uuid=file_system_uuid(volume_id),
        target=volume.mount_point,
        options=OPTIONS[kind],
        fsck_pass=FSCK_PASS[kind],
        owner=user,
        wait_seconds=wait_seconds,
        fstab=fstab,
        state=state,
    )
    return script(values, FIND_DISK, INSPECT_DISK, FORMAT, MOUNT)


def volumes_are_mounted(
    volumes: Sequence[tuple[Volume, str | None]], *, by_id: str = BY_ID, fstab: str = FSTAB
) -> str:
    """Succeed if each volume is mounted where it belongs; print what is not.

    Where the volume id is known the very disk is checked; where it is not (a machine from the
    image has copies with ids of their own), it must be the file system that fstab names.
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


FORMAT = r"""
is_ours() { [ "$(tag TYPE)" = "$wanted" ] && [ "$(tag UUID)" = "$our_uuid" ]; }
make_file_system() {
    echo "Formatting volume $name ($volume_id, $device) as $wanted"
    mkdir --parents "$state"
    echo "$our_uuid" > "$intent"
    sync "$intent" "$state"
    case $wanted in
        ext4) mkfs.ext4 -q ${again:+-F} -m 0 -L "$label" -U "$our_uuid" "$device" ;;
        xfs) mkfs.xfs -q ${again:+-f} -L "$label" -m uuid="$our_uuid" "$device" ;;
    esac
    sync "$device"
    rm "$intent"
}

# The intent is written only after the disk was seen to be blank, and removed before it is first
# mounted: while it is there, a half-made file system is ours and holds nothing of anybody's.
intent=$state/$volume_id.formatting
again=
command -v "mkfs.$wanted" > /dev/null || refuse "there is no mkfs.$wanted on this machine"
if [ -z "$is_new" ]; then
    [ "$(tag TYPE)" = "$wanted" ] || refuse "should hold $wanted, but holds: $(found)"
elif [ -e "$intent" ]; then
    has_no_signature || is_ours || refuse "is not blank any more, it holds: $(found)"
    again=yes
    make_file_system
elif ! is_ours; then
    { has_no_signature && ends_are_zero; } || refuse "is not blank, it holds: $(found)"
    make_file_system
fi
"""

MOUNT = r"""
# Without udev mount(8) asks blkid's cache, which may remember what a device name stood for before.
export BLKID_FILE=/dev/null
uuid=$(tag UUID)
[ -n "$uuid" ] || refuse "its file system has no UUID"
twins=$(blkid --match-token UUID="$uuid" --output device | sort --unique)
[ "$(echo "$twins" | wc --lines)" -le 1 ] || refuse "has the same UUID as another: "$twins
is_mounted() { [ "$(mountpoint --fs-devno "$target")" = "$(mountpoint --devno "$device")" ]; }

mkdir --parents "$target" "$state"
if mountpoint --quiet "$target"; then
    is_mounted || refuse "something else is mounted on $target"
elif [ -n "$(ls --almost-all "$target")" ]; then
    refuse "$target is not empty, and what is in it would be hidden"
fi

exec 9< "$state"
flock 9
export target uuid
ours='$1 !~ /^#/ && $4 ~ /x-notebake/ && ($2 == ENVIRON["target"] || $1 == "UUID=" ENVIRON["uuid"])'
others='$1 !~ /^#/ && $4 !~ /x-notebake/ && $2 == ENVIRON["target"]'
touch "$fstab"
[ -z "$(awk "$others" "$fstab")" ] || refuse "$fstab already mounts something else on $target"
awk "!($ours)" "$fstab" > "$fstab.new"
echo "UUID=$uuid $target $wanted $options 0 $fsck_pass" >> "$fstab.new"
chmod --reference="$fstab" "$fstab.new"
sync "$fstab.new"
mv --force --no-target-directory "$fstab.new" "$fstab"
exec 9<&-

if [ -d /run/systemd/system ]; then
    udevadm settle --timeout=10 2> /dev/null || true
    systemctl daemon-reload
fi
# By way of fstab, so that what the next boot will do has been tried.
mountpoint --quiet "$target" || mount --fstab "$fstab" "$target"
if ! is_mounted; then
    umount "$target"
    refuse "$fstab leads to another disk"
fi
[ -z "$is_new" ] || chown "$owner:" "$target"
echo "Volume $name ($volume_id, $device) is mounted on $target as $wanted"
"""

DEFINE_CHECK = r"""
check() {
    local target=$1 wanted=$2 link=$3 source uuid
    source=$(findmnt --noheadings --first-only --mountpoint "$target" --output SOURCE) ||
        { echo "$target is not mounted"; return 1; }
    [ "$(findmnt --noheadings --first-only --mountpoint "$target" --output FSTYPE)" = "$wanted" ] ||
        { echo "$target is not of type $wanted"; return 1; }
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
