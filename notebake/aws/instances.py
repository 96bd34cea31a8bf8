"""Instances: asked for once, found by tag, ended for good."""

import functools
from collections.abc import Callable
from typing import Any

from notebake.aws import tags
from notebake.aws.clients import calling, connect, until_known, wait_for_first
from notebake.aws.hints import of_code
from notebake.aws.kinds import INSTANCE
from notebake.aws.meaning import NOT_YET
from notebake.aws.model import Instance
from notebake.aws.permissions import needs
from notebake.aws.policies import ENCRYPTION_KEY, KEY, MAKE_OURS, START_FROM, USE_OURS, Statement
from notebake.aws.quotas import quota_hint
from notebake.aws.readings import BY_RUN, LOOK_SECONDS, look
from notebake.errors import CloudError, ResourceLostError
from notebake.execution import current_run_id
from notebake.timeouts import CONSISTENCY_SECONDS, STATE_SECONDS
from notebake.waiting import wait_until

GONE = {"terminated", "shutting-down"}
RELAUNCH = "Resume the run: it launches another machine."
QUOTA_CODES = {"InstanceLimitExceeded", "VcpuLimitExceeded"}
# What EC2 does with a key in the name of whoever makes a disk, if the key's policy lets it.
# https://docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption-requirements.html
LET_DISKS_USE_KEY = Statement(
    ENCRYPTION_KEY,
    "LetDisksUseKey",
    "EBS itself uses it as long as a disk is attached",
    KEY,
    {"Bool": {"kms:GrantIsForAWSResource": "true"}},
)
ENCRYPT_DISKS = Statement(
    ENCRYPTION_KEY,
    "EncryptDisks",
    "through EC2 only: making disks and copying snapshots",
    KEY,
    {"StringLike": {"kms:ViaService": "ec2.*"}},
)


def describe_instance(instance_id: str, region: str) -> Instance | None:
    """Return an instance by its id, in whatever state; None where EC2 does not know it (yet)."""
    found = _description(instance_id, region)
    return as_instance(found) if found else None


def _description(instance_id: str, region: str) -> dict[str, Any] | None:
    """Return what EC2 shows of an instance.

    It is looked for among those of the run in hand, which are read for all who wait; one that is
    not shown there, such as one that has lost its tags, by its id.
    """

    def is_it(one: dict[str, Any]) -> bool:
        return bool(one["InstanceId"] == instance_id)

    run_id = current_run_id()
    found = look(region, INSTANCE, BY_RUN, run_id, only=is_it) if run_id else []
    found = found or look(region, INSTANCE, INSTANCE.id_filter, instance_id)
    return found[0] if found else None


@needs(
    "ec2:RunInstances",
    MAKE_OURS.on("instance", "volume", "network-interface"),
    START_FROM.on("image", "snapshot", "subnet"),
)
@needs(
    "ec2:RunInstances",
    USE_OURS.on("key-pair", "security-group"),
    called="ec2:RunInstances with the run's own key pair and group",
)
@needs("kms:CreateGrant", LET_DISKS_USE_KEY, by_check=True)
@needs("kms:Decrypt", ENCRYPT_DISKS, by_check=True)
@needs("kms:GenerateDataKeyWithoutPlaintext", ENCRYPT_DISKS, by_check=True)
@needs("kms:ReEncryptFrom", ENCRYPT_DISKS, by_check=True)
@needs("kms:ReEncryptTo", ENCRYPT_DISKS, by_check=True)
def request_instances(
    region: str, parameters: dict[str, Any], before_each: Callable[[], None]
) -> list[Instance]:
    """Send RunInstances exactly as given; the ClientToken in it makes a repeat harmless.

    Raises:
        CapacityError: there is no room in this place.
    """
    ec2 = connect("ec2", region, tries=1)

    def send() -> dict[str, Any]:
        before_each()
        answer: dict[str, Any] = ec2.run_instances(**parameters)
        return answer

    try:
        answer = until_known(send, what=f"launch {parameters['InstanceType']} in {region}")
    except CloudError as error:
        if error.code in QUOTA_CODES:
            error.hint = quota_hint(parameters["InstanceType"], region)
        raise
    return [as_instance(one) for one in answer["Instances"]]


def wait_for_state(
    instance_id: str, region: str, wanted: str, timeout_seconds: float = STATE_SECONDS
) -> Instance:
    """Return the instance once it is in the wanted state.

    Raises:
        ResourceLostError: it ended instead, with EC2's reason.
        CloudError: likewise, and every other machine would for the same reason.
        WaitTimeoutError: it did not get there in time.
    """

    def is_there() -> Instance | None:
        instance = describe_instance(instance_id, region)
        if instance is None or instance.state == wanted:
            return instance
        if instance.state in GONE:
            check_was_not_refused(instance)
            raise ResourceLostError(
                f"{instance_id} is {instance.state} instead of {wanted}. {_reason_of(instance)}",
                RELAUNCH,
            )
        return None

    return wait_until(
        is_there,
        what=f"{instance_id} to be {wanted}",
        timeout_seconds=timeout_seconds,
        interval_seconds=LOOK_SECONDS,
    )


def check_was_not_refused(instance: Instance) -> None:
    """Raise CloudError for a machine that ended since EC2 could not make it as it was asked to.

    EC2 puts it down to the client, such as to a key of KMS that does not let it encrypt the disks:
    another launch of the same ends likewise. What users or the machine itself did is no such thing.
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_StateReason.html
    """
    code = instance.state_reason_code
    if code.startswith("Client.") and not code.endswith("Shutdown"):
        hint = of_code("KMS") if code == "Client.InternalError" else of_code(code)
        raise CloudError(
            f"EC2 has ended {instance.id} ({instance.instance_type}) as it came up."
            f" {_reason_of(instance)}",
            hint or "Mend what it names, then resume the run.",
            code,
        )


def _reason_of(instance: Instance) -> str:
    """Return in a sentence why EC2 says that an instance is as it is."""
    code, said = instance.state_reason_code, instance.state_reason
    told = said if said.startswith(code) else f"{code}: {said}"
    return f"EC2 says: {told or 'nothing'}"


@needs("ec2:StopInstances", USE_OURS.on("instance"), InstanceIds=[INSTANCE.stand_in])
def stop_instance(instance_id: str, region: str) -> None:
    """Ask an instance to stop, as soon as EC2 is ready for that. May be repeated.

    Raises:
        ResourceLostError: it has ended.
    """
    until_known(
        lambda: connect("ec2", region).stop_instances(InstanceIds=[instance_id]),
        what=f"stop {instance_id}",
        look=lambda: _check_not_ended(instance_id, region),
    )


@needs("ec2:StartInstances", USE_OURS.on("instance"), InstanceIds=[INSTANCE.stand_in])
def start_instance(
    instance_id: str, region: str, *, ready_seconds: float = CONSISTENCY_SECONDS
) -> None:
    """Ask a stopped instance to start, as soon as EC2 is ready for that. May be repeated.

    Raises:
        ResourceLostError: it has ended.
    """
    until_known(
        lambda: connect("ec2", region).start_instances(InstanceIds=[instance_id]),
        what=f"start {instance_id}",
        ready_seconds=ready_seconds,
        look=lambda: _check_not_ended(instance_id, region),
    )


def _check_not_ended(instance_id: str, region: str) -> None:
    """Raise ResourceLostError where an instance has ended that EC2 is to stop or to start."""
    instance = describe_instance(instance_id, region)
    if instance and instance.state in GONE:
        raise ResourceLostError(
            f"{instance_id} is {instance.state}. {_reason_of(instance)}", RELAUNCH
        )


def terminate_instances(instance_ids: list[str], region: str) -> None:
    """Terminate instances that EC2 has shown, and wait until they are gone.

    Each by a call of its own: EC2 refuses a call as a whole for one id that it does not know.
    """
    for instance_id in instance_ids:
        terminate(instance_id, region)
    for instance_id in instance_ids:
        wait_until(
            lambda one=instance_id: _is_gone(one, region),  # type: ignore[misc]
            what=f"{instance_id} to be terminated",
            timeout_seconds=STATE_SECONDS,
            interval_seconds=LOOK_SECONDS,
        )


@needs("ec2:TerminateInstances", USE_OURS.on("instance"), InstanceIds=[INSTANCE.stand_in])
def terminate(instance_id: str, region: str) -> None:
    """Have EC2 accept that an instance ends.

    "If you get an InvalidInstanceID.NotFound error after running TerminateInstances, this does not
    mean that the instance is or will be terminated" (EC2 developer guide, eventual consistency).
    """

    def is_accepted() -> bool | None:
        try:
            with calling(f"terminate {instance_id}"):
                connect("ec2", region).terminate_instances(InstanceIds=[instance_id])
        except CloudError as error:
            if error.code not in {"InvalidInstanceID.NotFound", *NOT_YET}:
                raise
            instance = describe_instance(instance_id, region)
            return True if instance and instance.state in GONE else None
        return True

    wait_until(is_accepted, what=f"EC2 to know {instance_id}", timeout_seconds=CONSISTENCY_SECONDS)


def _is_gone(instance_id: str, region: str) -> bool | None:
    """Return True when an instance whose end was accepted is terminated, or shown no more."""
    instance = describe_instance(instance_id, region)
    return True if instance is None or instance.state == "terminated" else None


@needs("ec2:GetConsoleOutput", USE_OURS.on("instance"), InstanceId=INSTANCE.stand_in)
def read_console(instance_id: str, region: str) -> str:
    """Return what the instance has written to its console so far.

    Types that are not of the Nitro System do not tell the latest, but what was there after the
    last change of state (API reference, GetConsoleOutput).
    """
    ask = functools.partial(connect("ec2", region).get_console_output, InstanceId=instance_id)
    what = f"read the console of {instance_id}"
    try:
        answer = until_known(lambda: ask(Latest=True), what=what)
    except CloudError as error:
        if error.code != "UnsupportedOperation":
            raise
        answer = until_known(ask, what=what)
    # botocore has undone the base64 already (handlers.py, decode_console_output).
    return str(answer.get("Output") or "")


def device_mappings(instance_id: str, region: str) -> list[dict[str, Any]]:
    """Return the EBS mapping of an instance as EC2 describes it."""
    found = wait_for_first(lambda: _description(instance_id, region), instance_id)
    return list(found["BlockDeviceMappings"])


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
        client_token=found.get("ClientToken", ""),
        state_reason=found.get("StateReason", {}).get("Message", ""),
        state_reason_code=found.get("StateReason", {}).get("Code", ""),
        volume_ids={
            mapping["DeviceName"]: mapping["Ebs"]["VolumeId"]
            for mapping in found.get("BlockDeviceMappings", [])
            if "Ebs" in mapping
        },
        tags=tags.as_dict(found.get("Tags")),
    )
