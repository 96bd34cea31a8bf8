"""The plan of a copy, and what came of it, in words."""

from collections.abc import Iterator

from notebake.costs.estimate import format_monthly
from notebake.images.copying.carry_out import Copied
from notebake.images.copying.plan import CopyPlan


def describe_plan(plan: CopyPlan) -> Iterator[str]:
    """Yield what would be done, its effect and its price."""
    yield (
        f"Copy: {plan.image_id} of {plan.from_region} to {plan.to_region}, of {plan.recipe}, run"
        f" {plan.run_id}"
    )
    cost = (
        f"at most {format_monthly(plan.usd_per_month)} a month"
        if plan.usd_per_month is not None
        else "each month, at a price that notebake does not know for this region"
    )
    yield f"  {plan.size_gib} GiB: {cost}; and once the transfer, which AWS's price list has"
    if plan.key_id:
        yield f"  encrypted with {plan.key_id}"
    elif plan.is_encrypted:
        yield f"  encrypted, as the account encrypts all in {plan.to_region}"
    if not plan.is_shareable:
        yield "  that key is AWS's own: the copy can be shared with nobody"


def describe_outcome(done: Copied) -> Iterator[str]:
    """Yield what was done, and what it proves."""
    plan = done.plan
    what = "is the copy" if done.outcome == "done" else "was the copy already"
    yield f"{done.image_id} {what} of {plan.image_id} in {plan.to_region}."


UNPROVEN = (
    "A copy has the size, devices, architecture and boot mode of its source. EC2 has no digest of"
    " an image's content: that it is the same is EC2's word. The proof was made with machines from"
    " the source; no machine was booted from a copy."
)
