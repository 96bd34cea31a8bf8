"""What a person types on the machine to use its disks."""

from shlex import quote

from notebake.aws.volumes import device_names
from notebake.commands.efs import AUTOMOUNT, mount_options
from notebake.commands.volumes import device_link
from notebake.explanation.document import Action, on_computer, on_machine
from notebake.explanation.run_facts import RunFacts
from notebake.recipe import Efs, FileSystem, InstanceStore, Volume

ANY_VOLUME = "VOLUME-ID"
OPTIONS = {FileSystem.EXT4: "defaults,nofail", FileSystem.XFS: "defaults,nofail,nouuid"}


def mounting(facts: RunFacts) -> list[Action]:
    """Return how the volumes of a run are formatted and mounted."""
    volumes = sorted(facts.recipe.volumes, key=lambda volume: volume.mount_point)
    actions = [
        on_machine(
            "lsblk", note="Shows the disks. Their order means nothing: a disk is known by its id."
        )
    ]
    for volume in volumes:
        volume_id = volume.volume_id or facts.volume_ids.get(volume.name, "")
        if not volume_id:
            actions.append(_finding(facts, volume))
        actions.append(mounting_one(volume, volume_id or ANY_VOLUME, facts.user))
    if facts.recipe.instance_store:
        actions.append(_temporary_disk(facts.recipe.instance_store, facts.user))
    shared = [naming_efs(efs) for efs in facts.recipe.efs]
    return [*(actions if len(actions) > 1 else []), *shared]


def _finding(facts: RunFacts, volume: Volume) -> Action:
    """Return the question for a volume's id, by the device name that the launch gave it."""
    device = device_names(facts.recipe)[volume.name]
    asking = f"""\
aws ec2 describe-volumes --region {facts.recipe.region} \\
    --filters Name=attachment.instance-id,Values={facts.builder_id} \\
        Name=attachment.device,Values={device} \\
    --query 'Volumes[0].VolumeId' --output text"""
    return on_computer(
        asking,
        note=f"Prints the id of the disk {volume.name}; put it in place of {ANY_VOLUME} below.",
    )


def mounting_one(volume: Volume, volume_id: str, user: str) -> Action:
    """Return how one volume is formatted, if it is a new one, and mounted."""
    link, target = device_link(volume_id), quote(volume.mount_point)
    kind, options = volume.file_system, OPTIONS[volume.file_system]
    fsck = 2 if kind == FileSystem.EXT4 else 0
    is_new = volume.snapshot_id is None and volume.volume_id is None
    entry = f"UUID=$uuid {volume.mount_point} {kind} {options} 0 {fsck}"
    return on_machine(
        f"disk={link}",
        *([f'sudo mkfs.{kind} -L {quote(volume.name[:12])} "$disk"'] if is_new else []),
        f"sudo mkdir -p {target}",
        'uuid=$(sudo blkid -s UUID -o value "$disk")',
        f'echo "{entry}" |\n    sudo tee -a /etc/fstab',
        f"sudo mount {target}",
        *([f"sudo chown {user}: {target}"] if is_new else []),
        note=f"{volume.name}: {volume.size_gib} GiB. mkfs erases a disk: only for a new one."
        if is_new
        else f"{volume.name} has a file system already, so it is never formatted.",
    )


def naming_efs(efs: Efs) -> Action:
    """Return how a file system on EFS gets its line in fstab, without being mounted."""
    return on_machine(
        f"sudo mkdir -p {quote(efs.mount_point)}",
        f"options={','.join(mount_options(efs))}",
        f"options=$options,{','.join(AUTOMOUNT)}",
        f'echo "{efs.file_system_id}:/ {efs.mount_point} efs $options 0 0" |'
        "\n    sudo tee -a /etc/fstab",
        note=f"{efs.file_system_id} is shared by all servers, and in no image. It is not mounted"
        " here: a server with a role that may mounts it when somebody opens the folder.",
    )


def _temporary_disk(store: InstanceStore, user: str) -> Action:
    target = quote(store.mount_point)
    return on_machine(
        "disk=$(ls /dev/disk/by-id/nvme-Amazon_EC2_NVMe_Instance_Storage_* |\n    head -n 1)",
        f'sudo mkfs.{store.file_system} -f "$disk"'
        if store.file_system == FileSystem.XFS
        else f'sudo mkfs.{store.file_system} "$disk"',
        f"sudo mkdir -p {target}",
        f'sudo mount "$disk" {target}',
        f"sudo chown {user}: {target}",
        note="The temporary disk that comes with this type of machine: what is on it is gone as"
        " soon as the machine is stopped. notebake formats it again at each boot.",
    )
