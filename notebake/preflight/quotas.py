"""vCPU quotas: the running instances and those of the run at the same time, against the limit.

The builder runs again while the acceptance machines boot: that is three machines at once. The first
type of each list is certainly launched, the others only if the types before them lack capacity: a
quota that they exceed is not an error.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

from notebake.aws import quotas as aws_quotas
from notebake.aws.quotas import quota_code, raise_command
from notebake.costs.estimate import ACCEPTANCE_MACHINES
from notebake.preflight.finding import Finding, good, not_checked, wrong
from notebake.recipe import Recipe
from notebake.runs.run import Run


@dataclass(frozen=True)
class Demand:
    """The run's simultaneous machines in one quota, by type."""

    code: str
    counts: tuple[tuple[str, int], ...]
    is_sure: bool = True
    """False if it is launched only when an earlier type lacks capacity."""

    def vcpus(self, of_type: dict[str, int]) -> int:
        return sum(count * of_type[name] for name, count in self.counts)

    def __str__(self) -> str:
        return " and ".join(f"{count} x {name}" for name, count in self.counts)


def demands(recipe: Recipe) -> list[Demand]:
    """Return the possible demands in each known quota, for all combinations of types."""
    accepting = recipe.acceptance.instance_types or recipe.instance_types
    found: dict[tuple[str, tuple[tuple[str, int], ...]], Demand] = {}
    for number, (builder, proof) in enumerate(product(recipe.instance_types, accepting)):
        machines = [builder, *[proof] * ACCEPTANCE_MACHINES]
        for code in dict.fromkeys(quota_code(name) for name in machines):
            if code is not None:
                mine = [name for name in machines if quota_code(name) == code]
                counts = tuple((name, mine.count(name)) for name in dict.fromkeys(mine))
                found.setdefault((code, counts), Demand(code, counts, is_sure=number == 0))
    return list(found.values())


def check_quotas(run: Run) -> Iterable[Finding]:
    """Check that the simultaneous machines fit into the free part of each quota."""
    recipe, region = run.recipe, run.recipe.region
    types = dict.fromkeys((*recipe.instance_types, *recipe.acceptance.instance_types))
    unknown = [name for name in types if quota_code(name) is None]
    if unknown:
        yield not_checked(f"The vCPU quota of {', '.join(unknown)} is unknown to notebake.")
    wanted = demands(recipe)
    if not wanted:
        return
    running = aws_quotas.running_types(run.id, region)
    vcpus = aws_quotas.vcpus_of_types(tuple(sorted({*running, *types})), region)
    for code in dict.fromkeys(demand.code for demand in wanted):
        limit = aws_quotas.vcpu_quota(code, region)
        used = sum(vcpus[name] for name in running if quota_code(name) == code)
        mine = [demand for demand in wanted if demand.code == code]
        sure = [demand for demand in mine if demand.is_sure]
        largest = max(mine, key=lambda demand: (demand.vcpus(vcpus), demand.is_sure))
        for demand in dict.fromkeys((*sure, largest)):
            yield check_demand(demand, demand.vcpus(vcpus), used=used, limit=limit, region=region)


def check_demand(demand: Demand, needed: int, *, used: int, limit: int, region: str) -> Finding:
    """Return whether a demand fits, and how to request a higher quota if not."""
    what = f"{demand}, at once, needs {needed} vCPU"
    if used + needed <= limit:
        return good(f"{what}; {used} of the {limit} in the quota are in use.")
    problem = f"{what}, but {used} of the {limit} in the quota {demand.code} are in use."
    if limit == 0:
        problem = f"{what}, but the quota {demand.code} of this account is 0, as in new accounts."
    hint = f"Request a higher quota: {raise_command(demand.code, used + needed, region)}"
    if demand.is_sure:
        return wrong(problem, hint)
    return not_checked(f"If the first types lack capacity at launch: {problem}", hint)
