"""The plan of a share, and what came of it, in words."""

from collections.abc import Iterator, Sequence

from notebake.aws.launch_permissions import EVERYBODY, is_account
from notebake.costs.estimate import format_monthly
from notebake.images.sharing.carry_out import Shared
from notebake.images.sharing.plan import SHARE, SharePlan


def describe_recipient(recipient: str) -> str:
    """Return what a person calls a recipient."""
    if recipient == EVERYBODY:
        return "everybody: the image is public"
    if is_account(recipient):
        return f"account {recipient}"
    owner, (kind, organization, *unit) = (
        recipient.split(":")[4],
        recipient.split(":")[5].split("/"),
    )
    if kind == "ou":
        return f"unit {unit[0]} of organization {organization} ({owner}), and all accounts in it"
    return f"organization {organization} ({owner}), and all accounts in it"


def describe_plan(plan: SharePlan) -> Iterator[str]:
    """Yield what would be done, its effect and its price."""
    of_recipe = f"of {plan.recipe}, run {plan.run_id}"
    act = "Share" if plan.act == SHARE else "Share no longer"
    yield f"{act}: {plan.image_id} in {plan.region}, {of_recipe}"
    for recipient in plan.recipients:
        done = ""
        if recipient in plan.already:
            done = " - already shared" if plan.act == SHARE else " - is not shared"
        yield f"  {describe_recipient(recipient)}{done}"
    yield from _effects_of_share(plan) if plan.act == SHARE else _effects_of_unshare(plan)
    yield f"The plan is {plan.digest[:12]}."


def _effects_of_share(plan: SharePlan) -> Iterator[str]:
    yield "They may launch it in this region, at their own cost; tags and their values stay yours."
    accounts = [each for each in plan.recipients if is_account(each)]
    if plan.may_copy and accounts:
        yield "Accounts may copy it, too: what they have copied stays theirs."
    if plan.may_copy and len(accounts) < len(plan.recipients):
        yield "Organizations may not copy it: EC2 lets snapshots be read by accounts only."
    if not plan.may_copy:
        yield "They may not copy it: --allow-copy lets accounts do that."
    for key_id in plan.key_ids:
        by = "as you say" if plan.is_key_checked_by_caller else "by its policy"
        yield f"Its key {key_id} lets them use it, {by}."
    if plan.usd_per_month is not None:
        cost = format_monthly(plan.usd_per_month)
        yield f"Its snapshots cost the account {plan.account} at most {cost} a month, as before."


def _effects_of_unshare(plan: SharePlan) -> Iterator[str]:
    yield "They can launch it no more. Their running machines go on, and so do their copies."
    if any(is_account(each) for each in plan.recipients):
        yield "An account in an organization that the image stays shared with keeps it."


def describe_outcome(done: Shared) -> Iterator[str]:
    """Yield what was done, who has the image now, and what a recipient types."""
    plan = done.plan
    if done.outcome == "already":
        what = "already shared" if plan.act == SHARE else "not shared"
        yield f"Nothing was to be done: {plan.image_id} is {what} so."
    else:
        verb = "shared with" if plan.act == SHARE else "no longer shared with"
        yield f"{plan.image_id} is {verb} {_listed(plan.left)}."
    yield f"It is shared with {_listed(done.shared_with) or 'nobody'} now."
    if plan.act == SHARE:
        yield "A recipient types:"
        yield (
            f"  aws ec2 run-instances --region {plan.region} --image-id {plan.image_id}"
            " --instance-type TYPE --key-name KEY"
        )


def _listed(recipients: Sequence[str]) -> str:
    return ", ".join("everybody" if each == EVERYBODY else each for each in recipients)
