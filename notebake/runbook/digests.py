"""The digest of each step, by which its product is recognised as up to date.

A step's digest covers its part of the recipe and the steps on which it depends. So a changed recipe
repeats exactly the steps whose input changed, and the steps that depend on them.
"""

from notebake.recipe import Recipe
from notebake.record import digest_of
from notebake.runbook.plan import PLAN, no_parts

STEPS_WITH_DIGEST = tuple(name for name, planned in PLAN.items() if planned.uses)
"""The steps whose product carries a digest."""


def step_digest(recipe: Recipe, step: str) -> str:
    """Return the digest of a step's input: 16 hexadecimal digits."""
    uses = PLAN[step].uses or no_parts
    return digest_of(step, uses(recipe), [step_digest(recipe, other) for other in depends_on(step)])


def depends_on(step: str) -> list[str]:
    """Return the steps that determine a step's product: the nearest predecessors with digests."""
    found: list[str] = []
    for predecessor in PLAN[step].follows:
        found += [predecessor] if PLAN[predecessor].uses else depends_on(predecessor)
    return found
