"""vCPU quotas: what runs now, and what the run launches at the same time, against the limit.

The builder is started again beside the image, while the machines of the proof boot: that is three
machines at once. Only the first type of each list is sure to be asked for; the others are asked for
where one before them has no room, and a quota that they would not fit in stops nothing before.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

from notebake.aws import quotas as asked
from notebake.aws.quotas import quota_code, raise_command
from notebake.costs.estimate import ACCEPTANCE_MACHINES
from notebake.preflight.finding import Finding, good, not_checked, wrong
from notebake.recipe import Recipe
from notebake.runs.run import Run


@dataclass(frozen=True)
class Demand:
    """What a run has at once in one quota: how many machines of each type."""

    code: str
    counts: tuple[tuple[str, int], ...]
    is_sure: bool = True
    """False: only where a type named before it has no room."""

    def vcpus(self, of_type: dict[str, int]) -> int:
        """Return how many vCPUs that is."""
        return sum(count * of_type[name] for name, count in self.counts)

    def __str__(self) -> str:
        return " and ".join(f"{count} x {name}" for name, count in self.counts)


def demands(recipe: Recipe) -> list[Demand]:
    """Return what there may be at once in each quota that we know, each way to choose the types."""
    accepting = recipe.acceptance.instance_types or recipe.instance_types
    found: dict[tuple[str, tuple[tuple[str, int], ...]], Demand] = {}
    for number, (builder, proof) in enumerate(product(recipe.instance_types, accepting)):
        machines = [builder, *[proof] * ACCEPTANCE_MACHINES]
        for code in dict.fromkeys(quota_code(one) for one in machines):
            if code is not None:
                mine = [one for one in machines if quota_code(one) == code]
                counts = tuple((one, mine.count(one)) for one in dict.fromkeys(mine))
                found.setdefault((code, counts), Demand(code, counts, is_sure=number == 0))
    return list(found.values())


def check_quotas(run: Run) -> Iterable[Finding]:
    """What runs at once fits into what is left of its quota."""
    recipe, region = run.recipe, run.recipe.region
    types = dict.fromkeys((*recipe.instance_types, *recipe.acceptance.instance_types))
    unknown = [one for one in types if quota_code(one) is None]
    if unknown:
        yield not_checked(f"The vCPU quota of {', '.join(unknown)} is not one that we know.")
    wanted = demands(recipe)
    if not wanted:
        return
    running = asked.running_types(run.id, region)
    vcpus = asked.vcpus_of_types(tuple(sorted({*running, *types})), region)
    for code in dict.fromkeys(one.code for one in wanted):
        limit = asked.vcpu_quota(code, region)
        used = sum(vcpus[one] for one in running if quota_code(one) == code)
        mine = [one for one in wanted if one.code == code]
        sure = [one for one in mine if one.is_sure]
        largest = max(mine, key=lambda one: (one.vcpus(vcpus), one.is_sure))
        for demand in dict.fromkeys((*sure, largest)):
            yield check_demand(demand, demand.vcpus(vcpus), used=used, limit=limit, region=region)


def check_demand(demand: Demand, needed: int, *, used: int, limit: int, region: str) -> Finding:
    """Return whether a demand fits, and how to ask for more where it does not."""
    what = f"{demand}, at once, needs {needed} vCPU"
    if used + needed <= limit:
        return good(f"{what}; {used} of the {limit} in the quota are in use.")
    said = f"{what}, but {used} of the {limit} in the quota {demand.code} are in use."
    if limit == 0:
        said = f"{what}, but the quota {demand.code} of this account is 0, as in new accounts."
    hint = f"Ask for more: {raise_command(demand.code, used + needed, region)}"
    if demand.is_sure:
        return wrong(said, hint)
    return not_checked(f"Whether the first types have room shows at launch. Else: {said}", hint)
