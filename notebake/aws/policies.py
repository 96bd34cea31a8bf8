"""The statements of our policies: the resources and conditions of the allowed calls.

Statements for a single service are in the module with its calls.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from notebake.aws import tags
from notebake.aws.model import Stack
from notebake.recipe import Recipe
from notebake.store.interface import is_remote

WITHOUT_ACCOUNT = frozenset(("image", "snapshot"))
"""EC2's ARNs of these have no account, as they may belong to another one (Service Authorization
Reference, "Resource types defined by Amazon EC2")."""
HAS_RUN, GETS_RUN = f"aws:ResourceTag/{tags.RUN}", f"aws:RequestTag/{tags.RUN}"
OURS, MADE_OURS = {"Null": {HAS_RUN: "false"}}, {"Null": {GETS_RUN: "false"}}
KEY = ("arn:*:kms:*:*:key/KEY",)


class RecipeStack(Stack, Protocol):
    """A stack with a recipe, such as a run."""

    @property
    def recipe(self) -> Recipe: ...


@dataclass(frozen=True)
class PolicyFile:
    """A policy in deployments/, and whether a stack needs it."""

    name: str
    what_for: str
    is_needed: Callable[[RecipeStack], object]


POLICY = PolicyFile("policy", "every run", lambda _: True)
DATASETS = PolicyFile(
    "policy-datasets",
    "`datasets[].source: s3://DATA_BUCKET/…`",
    lambda run: any(dataset.source.startswith("s3://") for dataset in run.recipe.datasets),
)
ENCRYPTION_KEY = PolicyFile(
    "policy-encryption-key",
    "`encryption.kms_key_id`, or an account that encrypts by default with a key of its own. The"
    " key's policy must leave the decision to IAM, as a new key's does",
    lambda run: run.recipe.encryption.kms_key_id,
)
EXISTING_VOLUME = PolicyFile(
    "policy-existing-volume",
    "`volumes[].volume_id`",
    lambda run: any(volume.volume_id for volume in run.recipe.volumes),
)
POINTER = PolicyFile(
    "policy-pointer",
    "`notebake promote` and `notebake rollback`, and for a deployment that is the promoter",
    lambda _: False,
)
PRUNE = PolicyFile(
    "policy-prune",
    "`notebake prune`, and for a deployment that prunes; beside `policy.json`",
    lambda _: False,
)
S3_STORE = PolicyFile(
    "policy-s3-store", "`NOTEBAKE_RUNS=s3://BUCKET/PREFIX`", lambda run: is_remote(run.store)
)
RECORD_KEY = PolicyFile(
    "policy-record-key",
    "`NOTEBAKE_RECORD_KEY=ssm:REGION`, for who seals the record",
    lambda _: False,
)
SCHEDULER = PolicyFile("policy-scheduler", "`scheduler_role`", lambda run: run.scheduler_role)
SHARING = PolicyFile("policy-sharing", "`share_with`", lambda run: run.recipe.share_with)


@dataclass(frozen=True)
class Statement:
    """A statement of a policy; `*` in an ARN stands for any partition, region or account."""

    file: PolicyFile
    sid: str
    what_for: str
    resources: tuple[str, ...] = ()
    condition: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    own: Callable[[RecipeStack], Sequence[str]] | None = None
    """The resources of one stack, if those of the policy are wider or a placeholder."""

    def on(self, *kinds: str) -> "Statement":
        """Return the statement for all EC2 resources of some kinds."""
        return replace(self, resources=tuple(ec2_arn(kind) for kind in kinds))

    @property
    def kinds(self) -> tuple[str, ...]:
        return tuple(arn.rpartition(":")[2].partition("/")[0] for arn in self.resources)

    def owned_by(self, stack: RecipeStack) -> Sequence[str]:
        return self.own(stack) if self.own else self.resources

    def has_condition_on(self, key: str) -> bool:
        return any(key in test for test in self.condition.values())


def ec2_arn(name: str) -> str:
    """Return the ARN of a resource, such as `subnet/subnet-01`, or of all of a kind (`subnet`)."""
    kind, _, thing_id = name.partition("/")
    account = "" if kind in WITHOUT_ACCOUNT else "*"
    return f"arn:*:ec2:*:{account}:{kind}/{thing_id or '*'}"


DESCRIBE = Statement(
    POLICY,
    "Look",
    "whether things are there and in which state; AWS offers no narrower form. The two of other"
    " services let `survey` and `sweep` find schedules and keys",
    ("*",),
)
START_FROM = Statement(
    POLICY,
    "StartFrom",
    "launches from an image or snapshot into a subnet; a security group in a VPC. They are not"
    " notebake's and carry no tags of its",
)
MAKE_OURS = Statement(
    POLICY,
    "MakeForARun",
    "key pairs, a security group, machines with their disks and interfaces, an image with its"
    " snapshots: only with the run's tag",
    condition=MADE_OURS,
)
TAG_WHAT_IS_MADE = Statement(
    POLICY, "TagWhatIsMade", "that tag, in the call that makes the thing", condition=MADE_OURS
)
"""For no call of its own: a call that creates a tagged resource needs this permission, too.
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/supported-iam-actions-tagging.html"""
USE_OURS = Statement(
    POLICY,
    "UseAndEndWhatIsOfARun",
    "letting ssh in, reading the console for a host key, stopping, starting, imaging and ending"
    " machines, and removing what they leave",
    condition=OURS,
)
