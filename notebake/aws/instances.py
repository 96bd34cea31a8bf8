"""Instances: launch, state changes, termination, console output."""

import functools
from typing import Any

from notebake.aws import tags
from notebake.aws.clients import calling, connect, until_known
from notebake.aws.error_codes import STILL_CHANGING
from notebake.aws.execution import current_run_id
from notebake.aws.hints import hint_for_code
from notebake.aws.kinds import INSTANCE
from notebake.aws.model import Instance
from notebake.aws.permissions import needs
from notebake.aws.policies import ENCRYPTION_KEY, KEY, MAKE_OURS, START_FROM, USE_OURS, Statement
from notebake.aws.quotas import quota_hint
from notebake.aws.shared_describe import BY_RUN, POLL_SECONDS, describe_shared
from notebake.errors import CloudError, ResourceLostError
from notebake.timeouts import CONSISTENCY_SECONDS, STATE_SECONDS
from notebake.waiting import wait_until

GONE = {"terminated", "shutting-down"}
SKIP_SHUTDOWN = "SkipOsShutdown"
SKIPPING = {SKIP_SHUTDOWN: True}
RELAUNCH = "Resume the run: it launches another machine."
QUOTA_CODES = {"InstanceLimitExceeded", "VcpuLimitExceeded"}
# EC2 uses the key on behalf of the caller that creates a disk, if the key's policy allows it.
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
    """Return an instance by its id, in any state; None if EC2 does not know it (yet)."""
    found = _description(instance_id, region)
    return as_instance(found) if found else None


def _description(instance_id: str, region: str) -> dict[str, Any] | None:
    """Return EC2's description of an instance, or None.

    The query by run tag is shared by all threads of a run; an instance that it does not return,
    such as one that has lost its tags, is queried by id.
    """

    def has_id(description: dict[str, Any]) -> bool:
        return bool(description["InstanceId"] == instance_id)

    run_id = current_run_id()
    found = describe_shared(region, INSTANCE, BY_RUN, run_id, only=has_id) if run_id else []
    found = found or describe_shared(region, INSTANCE, INSTANCE.id_filter, instance_id)
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
def request_instances(region: str, parameters: dict[str, Any]) -> list[Instance]:
    """Send RunInstances exactly as given; its ClientToken makes a repetition harmless.

    Raises:
        CapacityError: the zone lacks capacity.
    """
    ec2 = connect("ec2", region, tries=1)
    send = functools.partial(ec2.run_instances, **parameters)
    try:
        answer = until_known(send, what=f"launch {parameters['InstanceType']} in {region}")
    except CloudError as error:
        if error.code in QUOTA_CODES:
            error.hint = quota_hint(parameters["InstanceType"], region)
        raise
    return [as_instance(instance) for instance in answer["Instances"]]


def wait_for_state(instance_id: str, region: str, wanted: str) -> Instance:
    """Wait until the instance is in the wanted state, and return it.

    Raises:
        ResourceLostError: it terminated instead.
        CloudError: it terminated for a reason that holds for every other launch, too.
        WaitTimeoutError: it did not reach the state in time.
    """

    def in_state() -> Instance | None:
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
        in_state,
        what=f"{instance_id} to be {wanted}",
        timeout_seconds=STATE_SECONDS,
        interval_seconds=POLL_SECONDS,
    )


def check_was_not_refused(instance: Instance) -> None:
    """Raise CloudError if EC2 terminated an instance because of an error of the client.

    For instance, a KMS key does not allow the encryption of the disks: another launch with the same
    parameters would end likewise. A shutdown by users or by the instance itself is not an error.
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_StateReason.html
    """
    code = instance.state_reason_code
    if code.startswith("Client.") and not code.endswith("Shutdown"):
        hint = hint_for_code("KMS") if code == "Client.InternalError" else hint_for_code(code)
        raise CloudError(
            f"EC2 terminated {instance.id} ({instance.instance_type}) during its launch."
            f" {_reason_of(instance)}",
            hint or "Correct what it names, then try again.",
            code,
        )


def _reason_of(instance: Instance) -> str:
    code, message = instance.state_reason_code, instance.state_reason
    reason = message if message.startswith(code) else f"{code}: {message}"
    return f"EC2's reason: {reason or 'none'}"


@needs("ec2:StopInstances", USE_OURS.on("instance"), InstanceIds=[INSTANCE.stand_in])
def stop_instance(instance_id: str, region: str) -> None:
    """Request the stop of an instance, without waiting for it. May be repeated.

    Raises:
        ResourceLostError: it has terminated.
    """
    until_known(
        lambda: connect("ec2", region).stop_instances(InstanceIds=[instance_id]),
        what=f"stop {instance_id}",
        check=lambda: _check_not_ended(instance_id, region),
    )


@needs("ec2:StartInstances", USE_OURS.on("instance"), InstanceIds=[INSTANCE.stand_in])
def start_instance(
    instance_id: str, region: str, *, ready_seconds: float = CONSISTENCY_SECONDS
) -> None:
    """Request the start of a stopped instance, without waiting for it. May be repeated.

    Raises:
        ResourceLostError: it has terminated.
    """
    until_known(
        lambda: connect("ec2", region).start_instances(InstanceIds=[instance_id]),
        what=f"start {instance_id}",
        ready_seconds=ready_seconds,
        check=lambda: _check_not_ended(instance_id, region),
    )


def _check_not_ended(instance_id: str, region: str) -> None:
    instance = describe_instance(instance_id, region)
    if instance and instance.state in GONE:
        raise ResourceLostError(
            f"{instance_id} is {instance.state}. {_reason_of(instance)}", RELAUNCH
        )


def terminate_instances(
    instance_ids: list[str], region: str, *, shut_down_first: bool = False
) -> None:
    """Terminate instances and wait until they are gone.

    One call each: a single unknown id would fail a call for several instances. With
    `shut_down_first` their systems write what they hold before, as those always do that have a
    volume which outlives them.
    """
    for instance_id in instance_ids:
        terminate(instance_id, region, shut_down_first=shut_down_first)
    for instance_id in instance_ids:
        wait_until(
            lambda ending_id=instance_id: _is_gone(ending_id, region),  # type: ignore[misc]
            what=f"{instance_id} to be terminated",
            timeout_seconds=STATE_SECONDS,
            interval_seconds=POLL_SECONDS,
        )


@needs("ec2:TerminateInstances", USE_OURS.on("instance"), InstanceIds=[INSTANCE.stand_in])
def terminate(instance_id: str, region: str, *, shut_down_first: bool = False) -> None:
    """Retry TerminateInstances until EC2 accepts it.

    "If you get an InvalidInstanceID.NotFound error after running TerminateInstances, this does not
    mean that the instance is or will be terminated" (EC2 developer guide, eventual consistency).
    Types without the Nitro System refuse to be ended without the shutdown of their system:
    https://github.com/kubernetes/kops/pull/17675
    """
    options = {} if shut_down_first or _keeps_a_volume(instance_id, region) else SKIPPING

    def is_accepted() -> bool | None:
        nonlocal options
        try:
            with calling(f"terminate {instance_id}"):
                connect("ec2", region).terminate_instances(InstanceIds=[instance_id], **options)
        except CloudError as error:
            if options and SKIP_SHUTDOWN in error.message:
                options = {}
                return is_accepted()
            if error.code not in {"InvalidInstanceID.NotFound", *STILL_CHANGING}:
                raise
            instance = describe_instance(instance_id, region)
            return True if instance and instance.state in GONE else None
        return True

    wait_until(is_accepted, what=f"EC2 to know {instance_id}", timeout_seconds=CONSISTENCY_SECONDS)


def _keeps_a_volume(instance_id: str, region: str) -> bool:
    """Return whether a volume outlives the instance; it has none if EC2 does not show it yet."""
    instance = describe_instance(instance_id, region)
    return bool(instance and instance.kept_volume_ids)


def _is_gone(instance_id: str, region: str) -> bool | None:
    instance = describe_instance(instance_id, region)
    return True if instance is None or instance.state == "terminated" else None


@needs("ec2:GetConsoleOutput", USE_OURS.on("instance"), InstanceId=INSTANCE.stand_in)
def read_console(instance_id: str, region: str) -> str:
    """Return the instance's console output so far.

    Types without the Nitro System only offer the output since the last change of state (API
    reference, GetConsoleOutput).
    """
    call = functools.partial(connect("ec2", region).get_console_output, InstanceId=instance_id)
    what = f"read the console of {instance_id}"
    try:
        answer = until_known(lambda: call(Latest=True), what=what)
    except CloudError as error:
        if error.code != "UnsupportedOperation":
            raise
        answer = until_known(call, what=what)
    # botocore has decoded the base64 (handlers.py, decode_console_output).
    return str(answer.get("Output") or "")


def as_instance(found: dict[str, Any]) -> Instance:
    """Return the Instance for EC2's description."""
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
        kept_volume_ids=tuple(
            mapping["Ebs"]["VolumeId"]
            for mapping in found.get("BlockDeviceMappings", [])
            if "Ebs" in mapping and not mapping["Ebs"].get("DeleteOnTermination")
        ),
        tags=tags.as_dict(found.get("Tags")),
    )
