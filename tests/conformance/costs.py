"""What a call may cost at most, read from what it asks for."""

from typing import Any

from botocore.exceptions import ClientError

from notebake.costs.prices import find_instance_type
from tests.conformance.ledger import BOOT_HOURS, DISK_HOURS, Ledger

Params = dict[str, Any]


def cost_of(operation: str, params: Params, ec2: Any, ledger: Ledger) -> float:
    """Return the dollars that a call may cost: a machine's hour where EC2 does not tell.

    It will probably refuse what it does not know, and then the charge is taken back.
    """
    if operation not in COSTS or params.get("DryRun"):
        return 0
    try:
        return COSTS[operation](params, ec2, ledger)
    except ClientError:
        return dearest(ledger)


def launch_usd(params: Params, ec2: Any, ledger: Ledger) -> float:
    images = ec2.describe_images(ImageIds=[params["ImageId"]], IncludeDisabled=True)["Images"]
    mapping = [device for image in images for device in image["BlockDeviceMappings"]]
    disks = {device["DeviceName"]: device.get("Ebs", {}) for device in mapping}
    for device in params.get("BlockDeviceMappings", []):
        disks[device["DeviceName"]] = disks.get(device["DeviceName"], {}) | device.get("Ebs", {})
    usd = ledger.boot_usd(params["InstanceType"]) if is_priced(params, ledger) else dearest(ledger)
    for disk in disks.values():
        ends = disk.get("DeleteOnTermination", True)
        usd += ledger.disk_usd(disk.get("VolumeSize", 0), BOOT_HOURS if ends else DISK_HOURS)
    return usd * max(1, int(params.get("MaxCount", 1)))


def is_priced(params: Params, ledger: Ledger) -> bool:
    return find_instance_type(params["InstanceType"], ledger.region) is not None


def dearest(ledger: Ledger) -> float:
    """Return the price of a boot of a type that nobody knows, which EC2 is to refuse."""
    return max(ledger.boot_usd(name) for name in ledger.prices.instance_types)


def boot_usd(params: Params, ec2: Any, ledger: Ledger) -> float:
    found = ec2.describe_instances(InstanceIds=params["InstanceIds"])["Reservations"]
    return sum(
        ledger.boot_usd(instance["InstanceType"])
        for each in found
        for instance in each["Instances"]
    )


def stop_usd(params: Params, ec2: Any, ledger: Ledger) -> float:
    """A stopped machine has no end of its own: its disks last."""
    return ledger.disk_usd(
        sum(disks_gib(instance_id, ec2) for instance_id in params["InstanceIds"])
    )


def image_usd(params: Params, ec2: Any, ledger: Ledger) -> float:
    usd = ledger.snapshot_usd(disks_gib(params["InstanceId"], ec2))
    if params.get("NoReboot"):
        return usd
    return usd + boot_usd({"InstanceIds": [params["InstanceId"]]}, ec2, ledger)


def disks_gib(instance_id: str, ec2: Any) -> float:
    filters = [{"Name": "attachment.instance-id", "Values": [instance_id]}]
    return sum(float(volume["Size"]) for volume in ec2.describe_volumes(Filters=filters)["Volumes"])


def volume_usd(params: Params, ec2: Any, ledger: Ledger) -> float:
    if params.get("Size"):
        return ledger.disk_usd(params["Size"])
    if not params.get("SnapshotId"):
        return 0
    snapshots = ec2.describe_snapshots(SnapshotIds=[params["SnapshotId"]])["Snapshots"]
    return ledger.disk_usd(snapshots[0]["VolumeSize"])


def snapshot_usd(params: Params, ec2: Any, ledger: Ledger) -> float:
    volumes = ec2.describe_volumes(VolumeIds=[params["VolumeId"]])["Volumes"]
    return ledger.snapshot_usd(volumes[0]["Size"])


def change_usd(params: Params, ec2: Any, ledger: Ledger) -> float:
    """Disks that are to outlive their machine have no end of their own either."""
    if not params.get("BlockDeviceMappings"):
        return 0
    return ledger.disk_usd(disks_gib(params["InstanceId"], ec2))


def address_usd(params: Params, ec2: Any, ledger: Ledger) -> float:
    """An elastic address has no end of its own."""
    del params, ec2
    return ledger.prices.address.public_ipv4_usd_per_hour * DISK_HOURS


COSTS = {
    "AllocateAddress": address_usd,
    "CreateImage": image_usd,
    "CreateSnapshot": snapshot_usd,
    "CreateVolume": volume_usd,
    "ModifyInstanceAttribute": change_usd,
    "RebootInstances": boot_usd,
    "RunInstances": launch_usd,
    "StartInstances": boot_usd,
    "StopInstances": stop_usd,
}
