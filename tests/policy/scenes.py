"""Runs about to begin, in an account whose IAM allows what some policies say and nothing else."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from notebake.aws.clients import connect
from notebake.aws.permissions import declared
from notebake.aws.policies import COPYING, POINTER, PRUNE
from notebake.aws.server_calls import USE
from notebake.errors import NotebakeError
from notebake.preflight.checks import run_checks
from notebake.preflight.finding import CheckResult, with_verdict
from notebake.recipe import Dataset, Encryption, EncryptionMode, Recipe, Volume
from notebake.runs import registry
from notebake.runs.open_store import open_store
from notebake.runs.run import Run
from tests.cloud_world import RECIPE, REGION, CloudWorld
from tests.policy.iam import Iam
from tests.policy.judge import USER, IamRequest, Judge, Policy
from tests.policy.judge import Verdict as Judgement
from tests.policy.tours import BUCKET, DATA_BUCKET, PREFIX
from tests.preflight_world import blocked_public_access, excluded_from_block

EXPECTED = "123456789012"


@dataclass(frozen=True)
class Findings:
    """What preflight said, as one text for each verdict."""

    good: str
    wrong: str
    not_checked: str
    iam: Iam


def with_everything(world: CloudWorld) -> tuple[Run, dict[str, str]]:
    """Begin a run that needs every policy; return it with what stands in the policies' files."""
    s3 = connect("s3", "us-east-1")
    for bucket in (BUCKET, DATA_BUCKET):
        s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=DATA_BUCKET, Key="sst.nc", Body=b"sst")
    zone = f"{REGION}a"
    made = world.ec2.create_volume(AvailabilityZone=zone, Size=1, VolumeType="gp3")["VolumeId"]
    vpc_id = world.ec2.describe_subnets()["Subnets"][0]["VpcId"]
    blocked = (blocked_public_access(), excluded_from_block(f"vpc/{vpc_id}"))
    world.sandbox.application.interceptors.extend(blocked)
    key = new_key()
    more: dict[str, Any] = {
        "volumes": (Volume(name="data", mount_point="/data", volume_id=made),),
        "datasets": (
            Dataset(name="sst", source=f"s3://{DATA_BUCKET}/sst.nc", path="/home/x/data"),
        ),
        "share_with": ("210987654321",),
        "encryption": Encryption(mode=EncryptionMode.KMS, kms_key_id=key),
        "scheduler_role": f"arn:aws:iam::{EXPECTED}:role/notebake-scheduler",
    }
    run = begin(RECIPE.model_copy(update=more), f"s3://{BUCKET}/{PREFIX}")
    return run, {"VOLUME": made, "KEY": key.rpartition("/")[2]}


def with_default_key(world: CloudWorld) -> tuple[Run, dict[str, str]]:
    """Begin a run whose image is shared, where the account encrypts all with a key of its own."""
    key = new_key()
    world.ec2.enable_ebs_encryption_by_default()
    world.ec2.modify_ebs_default_kms_key_id(KmsKeyId=key)
    shared = RECIPE.model_copy(update={"share_with": ("210987654321",)})
    return begin(shared, str(world.directory / "runs")), {"KEY": "none"}


NO_RUNS = (COPYING, POINTER, PRUNE, USE)
"""Policies that no run needs."""


def actions_of_commands() -> set[str]:
    """Return the actions that no run needs, and preflight does not ask about, but a command."""
    of_runs = {
        permission.action
        for permission in declared()
        if not permission.only_for
        or (not permission.by_check and permission.statements[0].file not in NO_RUNS)
    }
    return {permission.action for permission in declared()} - of_runs


def new_key() -> str:
    """Return the ARN of a new key."""
    made = connect("kms", REGION).create_key(KeyUsage="ENCRYPT_DECRYPT")
    return str(made["KeyMetadata"]["Arn"])


def begin(recipe: Recipe, location: str) -> Run:
    """Begin a run."""
    return registry.new_run(recipe, "ocean.yaml", open_store(location))


@contextmanager
def iam_with(
    policies: dict[str, Policy], world: CloudWorld, judge: Judge, caller: str = USER
) -> Iterator[Iam]:
    """Let the caller have these policies while the block runs."""

    def decide(questions: Sequence[IamRequest]) -> list[Judgement]:
        return judge.ask(policies, questions) if questions else []

    with world.intercepting(Iam(world.sandbox.cloud, decide, caller, "/research/")) as iam:
        yield iam


def ask(
    run: Run, policies: dict[str, Policy], world: CloudWorld, judge: Judge, caller: str = USER
) -> Findings:
    """Return what preflight says to whoever has these policies."""
    with iam_with(policies, world, judge, caller) as iam:
        try:
            found = run_checks(run)
        except NotebakeError as error:
            return Findings("", f"{error.message} {error.hint}", "", iam)
    text = {
        verdict: "\n".join(str(finding) for finding in with_verdict(found, verdict))
        for verdict in CheckResult
    }
    return Findings(
        text[CheckResult.GOOD], text[CheckResult.WRONG], text[CheckResult.NOT_CHECKED], iam
    )
