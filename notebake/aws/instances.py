"""Instances: asked for once, found by tag, ended for good."""

from typing import Any

from notebake.aws import tags
from notebake.aws.clients import calling, connect
from notebake.errors import CloudError
from notebake.records import Instance, Run
from notebake.waiting import wait_until

GONE = {"terminated", "shutting-down"}


def find_instances(run: Run, role: str) -> list[Instance]:
    """Return the run's instances of a role that are not terminated or about to be."""
    ec2 = connect("ec2", run.recipe.region)
    found: list[Instance] = []
    with calling(f"look for the instances of run {run.id}"):
        pages = ec2.get_paginator("describe_instances").paginate(
            Filters=tags.run_filter(run.id, role)
        )
        for page in pages:
            for reservation in page["Reservations"]:
                found += [as_instance(one) for one in reservation["Instances"]]
    return [instance for instance in found if instance.state not in GONE]


def find_builder(run: Run) -> Instance | None:
    """Return the instance on which the run's image is built."""
    found = find_instances(run, "builder")
    return found[0] if found else None


def describe_instance(instance_id: str, region: str) -> Instance | None:
    """Return an instance by its id, in whatever state; None where EC2 does not know it (yet)."""
    try:
        with calling(f"describe {instance_id}"):
            answer = connect("ec2", region).describe_instances(InstanceIds=[instance_id])
    except CloudError as error:
        if error.code == "InvalidInstanceID.NotFound":
            return None
        raise
    machines = [one for each in answer["Reservations"] for one in each["Instances"]]
    return as_instance(machines[0]) if machines else None


def request_instances(region: str, parameters: dict[str, Any]) -> list[Instance]:
    """Send RunInstances exactly as given; the ClientToken in it makes a repeat harmless."""
    what = f"launch {parameters['InstanceType']} in {region}"
    with calling(what):
        answer = connect("ec2", region).run_instances(**parameters)
    return [as_instance(one) for one in answer["Instances"]]


def wait_for_state(instance_id: str, region: str, wanted: str, timeout_seconds: float) -> Instance:
    """Return the instance once it is in the wanted state.

    Raises:
        CloudError: it ended instead (with EC2's reason), when something else was wanted.
        WaitTimeoutError: it did not get there in time.
    """

    def is_there() -> Instance | None:
        instance = describe_instance(instance_id, region)
        if instance is None or instance.state == wanted:
            return instance
        if instance.state in GONE and wanted != "terminated":
            raise CloudError(
                f"{instance_id} is {instance.state} instead of {wanted}.",
                "Resume the run: it launches another machine.",
            )
        return None

    return wait_until(
        is_there, what=f"{instance_id} to be {wanted}", timeout_seconds=timeout_seconds
    )


def stop_instance(instance_id: str, region: str) -> None:
    """Ask an instance to stop. May be repeated."""
    with calling(f"stop {instance_id}"):
        connect("ec2", region).stop_instances(InstanceIds=[instance_id])


def start_instance(instance_id: str, region: str) -> None:
    """Ask a stopped instance to start. May be repeated."""
    with calling(f"start {instance_id}"):
        connect("ec2", region).start_instances(InstanceIds=[instance_id])


def terminate_instances(instance_ids: list[str], region: str) -> None:
    """Terminate instances and wait until they are; those that are gone already are fine."""
    for instance_id in instance_ids:
        try:
            with calling(f"terminate {instance_id}"):
                connect("ec2", region).terminate_instances(InstanceIds=[instance_id])
        except CloudError as error:
            if error.code != "InvalidInstanceID.NotFound":
                raise
    for instance_id in instance_ids:
        wait_until(
            lambda one=instance_id: _is_gone(one, region),  # type: ignore[misc]
            what=f"{instance_id} to be terminated",
            timeout_seconds=600,
        )


def _is_gone(instance_id: str, region: str) -> bool | None:
    """Return True when the instance is terminated or unknown, None while it is not."""
    instance = describe_instance(instance_id, region)
    return True if instance is None or instance.state == "terminated" else None


def read_console(instance_id: str, region: str) -> str:
    """Return what the instance has written to its console so far."""
    with calling(f"read the console of {instance_id}"):
        answer = connect("ec2", region).get_console_output(InstanceId=instance_id, Latest=True)
    # botocore has undone the base64 already (handlers.py, decode_console_output).
    return str(answer.get("Output") or "")


def device_mappings(instance_id: str, region: str) -> list[dict[str, Any]]:
    """Return the EBS mapping of an instance as EC2 describes it."""
    with calling(f"describe the disks of {instance_id}"):
        answer = connect("ec2", region).describe_instances(InstanceIds=[instance_id])
    return list(answer["Reservations"][0]["Instances"][0]["BlockDeviceMappings"])


def as_instance(found: dict[str, Any]) -> Instance:
    """Return the record of an instance that EC2 describes."""
    return Instance(
        id=found["InstanceId"],
        state=found["State"]["Name"],
        instance_type=found["InstanceType"],
        zone=found["Placement"]["AvailabilityZone"],
        image_id=found["ImageId"],
        public_address=found.get("PublicIpAddress"),
        private_address=found.get("PrivateIpAddress"),
        volume_ids={
            mapping["DeviceName"]: mapping["Ebs"]["VolumeId"]
            for mapping in found.get("BlockDeviceMappings", [])
            if "Ebs" in mapping
        },
        tags=tags.as_dict(found.get("Tags")),
    )
