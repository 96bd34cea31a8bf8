"""What a step gave in a run, in a sentence."""

from notebake.explanation.recorded_calls import OTHER, TEAR_DOWN
from notebake.explanation.run_facts import RunFacts, StepFact
from notebake.humanize import format_seconds


def has_failed(step: str, facts: RunFacts) -> bool:
    """Return whether the latest try of a step failed."""
    fact = facts.steps.get(step)
    return fact is not None and fact.happening == "failed"


def outcome_of(step: str, facts: RunFacts) -> str:
    """Return what a step gave in this run, in a sentence."""
    if step in (TEAR_DOWN, OTHER):
        return ""
    fact = facts.steps.get(step)
    if fact is None or fact.happening == "undone":
        return "It was begun; the record does not say how it ended."
    if fact.happening == "failed":
        return f"In this run it failed: {' '.join(fact.message.split())}"
    removed = " Removed again since (section 8)." if _is_removed(step, fact, facts) else ""
    if fact.happening == "found":
        return f"In this run there was nothing to do: it was there already.{removed}"
    took = "" if fact.seconds is None else format_seconds(fact.seconds)
    result = fact.result.removesuffix(".")
    span = f" ({took})" if took else ""
    return f"In this run{span}: {result or 'done'}.{removed}"


def _is_removed(step: str, fact: StepFact, facts: RunFacts) -> bool:
    stays = step == "request_image" and bool(facts.stays)
    return fact.is_undone and not stays
