"""Instance store: the temporary disks of some instance types, formatted whenever they are blank.

They are empty after each stop, and other instance types have none, so fstab never lists them: a
systemd unit looks for them at every boot, and succeeds where there are none.
"""

from notebake.commands.shell import script, variables, write_file
from notebake.commands.volume_scripts import INSPECT_DISK
from notebake.recipe import InstanceStore

UNIT = "notebake-instance-store.service"
UNIT_FILE = f"/etc/systemd/system/{UNIT}"
PROGRAM = "/etc/notebake/mount-instance-store"
BY_ID = "/dev/disk/by-id"
INTENT_DIRECTORY = "/run/notebake/instance-store"
LABEL = "notebake-tmp"
"""The label of the file systems that notebake makes there; XFS allows 12 characters."""


def install_instance_store(store: InstanceStore, user: str) -> str:
    """Return the root script that installs the unit for every boot and starts it now."""
    return script(
        write_file(PROGRAM, mount_instance_store(store, user), mode="0755"),
        write_file(UNIT_FILE, UNIT_TEXT),
        "systemctl daemon-reload",
        f"systemctl --quiet enable {UNIT}",
        f"systemctl restart {UNIT}",
    )


def mount_instance_store(
    store: InstanceStore, user: str, *, by_id: str = BY_ID, intents: str = INTENT_DIRECTORY
) -> str:
    """Return the program that formats blank temporary disks and mounts those with our label.

    It leaves any other disk as it is and writes a line to the journal.
    """
    values = variables(
        mount_point=store.mount_point,
        file_system=store.file_system,
        label=LABEL,
        owner=user,
        links=f"{by_id}/nvme-Amazon_EC2_NVMe_Instance_Storage_",
        intents=intents,
    )
    return f"#!/bin/bash\n{script(values, INSPECT_DISK, MOUNT)}"


UNIT_TEXT = f"""\
[Unit]
Description=Mount the temporary disks of this instance type
After=local-fs.target systemd-udevd.service
Before=notebake-jupyter.service

[Service]
Type=oneshot
RemainAfterExit=yes
TimeoutStartSec=600
ExecStart={PROGRAM}

[Install]
WantedBy=multi-user.target
"""

MOUNT = r"""
# The intent file lasts until the next boot: while it exists, a partial file system is ours.
make_file_system() {
    local intent=$intents/${device##*/}
    echo "$device: formatting as $file_system"
    mkdir --parents "$intents"
    touch "$intent"
    case $file_system in
        ext4) mkfs.ext4 -q -F -m 0 -L "$label" "$device" ;;
        xfs) mkfs.xfs -q -f -L "$label" "$device" ;;
    esac && rm "$intent"
}

use_disk() {
    local target=$1
    if [ -e "$intents/${device##*/}" ] || { has_no_signature && ends_are_zero; }; then
        make_file_system || exit 1
    elif [ "$(tag LABEL)" != "$label" ]; then
        echo "$device: left as it is, for it is not blank and not ours: $(describe_content)"
        return 1
    fi
    mkdir --parents "$target"
    content=$(ls --almost-all "$target") || return 1
    if mountpoint --quiet "$target" || [ -n "$content" ]; then
        echo "$device: not mounted, since $target is in use"
        return 1
    fi
    if ! mount "$device" "$target"; then
        echo "$device: cannot be mounted"
        return 1
    fi
    chown "$owner:" "$target"
    echo "$device: mounted on $target"
}

udevadm settle --timeout=10 2> /dev/null || true
declare -A seen=()
count=0
for link in "$links"*; do
    [ -b "$link" ] || continue
    device=$(readlink --canonicalize-existing "$link")
    [ "$(lsblk --nodeps --noheadings --output TYPE "$device")" != part ] || continue
    # A disk has several links: with and without its NVMe namespace.
    [ -z "${seen[$device]:-}" ] || continue
    seen[$device]=yes
    target=$mount_point
    [ "$count" -eq 0 ] || target=$mount_point-$((count + 1))
    if findmnt --source "$device" > /dev/null || use_disk "$target"; then
        count=$((count + 1))
    fi
done
echo "$count of ${#seen[@]} temporary disks are mounted"
"""
