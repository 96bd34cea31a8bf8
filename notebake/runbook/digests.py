"""What each step is asked for, as a digest: the name by which its product is known as current.

A step's digest covers its part of the recipe and the steps on which it depends, so that a mended
recipe makes exactly what changed, and what depends on it, anew.
"""

from notebake.recipe import Recipe
from notebake.record import digest_of
from notebake.runbook.plan import PLAN, nothing

WITH_DIGEST = tuple(name for name, planned in PLAN.items() if planned.uses)
"""The steps whose product is known by a digest."""


def step_digest(recipe: Recipe, step: str) -> str:
    """Return the digest of what a step is asked for; 16 hexadecimal digits."""
    uses = PLAN[step].uses or nothing
    return digest_of(step, uses(recipe), [step_digest(recipe, other) for other in depends_on(step)])


def depends_on(step: str) -> list[str]:
    """Return the steps that decide over a step's product: the nearest before it with digests."""
    found: list[str] = []
    for before in PLAN[step].follows:
        found += [before] if PLAN[before].uses else depends_on(before)
    return found
