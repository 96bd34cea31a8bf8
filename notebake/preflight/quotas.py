"""vCPU quotas: what runs now, and what the run launches at the same time, against the limit."""

from collections.abc import Iterable
from dataclasses import dataclass

from notebake.aws import quotas as asked
from notebake.aws.quotas import quota_code, raise_command
from notebake.cost import ACCEPTANCE_MACHINES
from notebake.preflight.finding import Finding, good, not_checked, wrong
from notebake.recipe import Recipe
from notebake.records import Run


@dataclass(frozen=True)
class Demand:
    """What a run launches at once of one type."""

    instance_type: str
    count: int

    @property
    def code(self) -> str | None:
        """The quota that counts it; None where we do not know."""
        return quota_code(self.instance_type)


def demands(recipe: Recipe) -> list[Demand]:
    """Return the most of each type at once: the builder has stopped when the others start."""
    accepting = recipe.acceptance.instance_types or recipe.instance_types
    builders = [one for one in recipe.instance_types if one not in accepting]
    return [
        *(Demand(one, 1) for one in builders),
        *(Demand(one, ACCEPTANCE_MACHINES) for one in accepting),
    ]


def check_quotas(run: Run) -> Iterable[Finding]:
    """Each type fits into what is left of its quota."""
    region, wanted = run.recipe.region, demands(run.recipe)
    unknown = [one.instance_type for one in wanted if one.code is None]
    if unknown:
        yield not_checked(f"The vCPU quota of {', '.join(unknown)} is not one that we know.")
    codes = dict.fromkeys(one.code for one in wanted if one.code)
    if not codes:
        return
    running = asked.running_types(region)
    named = [*running, *(one.instance_type for one in wanted)]
    vcpus = asked.vcpus_of_types(tuple(sorted(set(named))), region)
    for code in codes:
        limit = asked.vcpu_quota(code, region)
        used = sum(vcpus[one] for one in running if quota_code(one) == code)
        for demand in (one for one in wanted if one.code == code):
            yield judge(demand, vcpus[demand.instance_type], used=used, limit=limit, region=region)


def judge(demand: Demand, vcpus: int, *, used: int, limit: int, region: str) -> Finding:
    """Return whether a demand fits, and how to ask for more where it does not."""
    needed = vcpus * demand.count
    what = f"{demand.count} x {demand.instance_type} needs {needed} vCPU"
    if used + needed <= limit:
        return good(f"{what}; {used} of the {limit} in the quota are in use.")
    said = f"{what}, but {used} of the {limit} in the quota {demand.code} are in use."
    if limit == 0:
        said = f"{what}, but the quota {demand.code} of this account is 0, as in new accounts."
    return wrong(
        said,
        f"Ask for more: {raise_command(str(demand.code), used + needed, region)}",
    )
