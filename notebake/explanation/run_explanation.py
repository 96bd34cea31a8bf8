"""Explains a run: what a person would have done by hand, as far as the run went."""

from collections.abc import Iterable, Iterator, Mapping

from notebake.errors import NextCommand
from notebake.explanation.document import ExplainedStep, Explanation, Section
from notebake.explanation.filled_parameters import Filler, rules_from, texts_of
from notebake.explanation.recorded_calls import BOOKKEEPING, TEAR_DOWN
from notebake.explanation.run_actions import actions_of
from notebake.explanation.run_facts import RunFacts
from notebake.explanation.run_outcomes import has_failed, outcome_of
from notebake.explanation.run_steps import HEADINGS, PURPOSES, TITLES
from notebake.explanation.step_costs import costs_of
from notebake.humanize import pluralize
from notebake.ledger.summary import Result

DESCRIPTIONS = ("ssh to the machines of one notebake run",)
"""Texts of notebake's own in calls, which the record has as digests."""
INTRODUCTION = (
    "This is what you would click and type to do by hand what this run has done. For each step it"
    " says what the step is for, what it goes on costing, the way through the AWS console (the"
    " website), and the same as commands. It is text to read: `notebake explain` carries out none"
    " of it.",
    "The sections are those of CloudBank's tutorial *Use a cloud virtual machine as a Jupyter"
    ' notebook server*. What stands below "On the machine" is typed after logging in (section 2).'
    " `aws` is the AWS command line. The ids are those of this run: AWS gives every new thing a"
    " new one, so where you repeat a step, go on with what it prints.",
)


def explain_run(facts: RunFacts, titles: Mapping[str, str]) -> Explanation:
    """Return the explanation of a run; `titles` are those of the steps."""
    filler = filler_of(facts)
    reached = {step for step in PURPOSES if _is_reached(step, facts)}
    sections = []
    for number, heading in enumerate(HEADINGS, start=1):
        names = [step for step in heading.steps if step in reached]
        steps = tuple(_explain(names, number, {**titles, **TITLES}, facts, filler))
        if steps:
            sections.append(Section(number=number, title=heading.title, steps=steps))
    missing = [titles[step] for step in titles if step not in reached]
    return Explanation(
        kind="run",
        subject=facts.run_id,
        region=facts.recipe.region,
        title=f"Run {facts.run_id}, by hand",
        lines=(*INTRODUCTION, _what_became(facts, sections)),
        sections=tuple(sections),
        endings=tuple(_endings(facts, missing)),
        next_commands=_next_commands(facts),
    )


def _next_commands(facts: RunFacts) -> tuple[NextCommand, ...]:
    purpose = "The same by notebake"
    return (NextCommand(("tear-down", facts.run_id), purpose),) if facts.left_ids else ()


def filler_of(facts: RunFacts) -> Filler:
    """Return what fills parameters from everything that the run says itself."""
    recipe = facts.recipe
    summary, calls = facts.summary, [call.parameters for call in facts.calls]
    default = f"Baked by notebake from {recipe.name}"
    texts = {*facts.texts, *texts_of(summary.recipe), *texts_of(calls), *DESCRIPTIONS, default}
    return Filler([*texts, *rules_from(recipe.network.ssh_from)], facts.public_keys)


def _is_reached(step: str, facts: RunFacts) -> bool:
    has_calls = any(call.step == step for call in facts.calls)
    fact = facts.steps.get(step)
    # A tear-down undoes each step, also one that was never carried out.
    was_tried = fact is not None and fact.happening != "undone"
    return was_tried or has_calls or (step == TEAR_DOWN and bool(facts.left_ids))


def _explain(
    names: Iterable[str], number: int, titles: Mapping[str, str], facts: RunFacts, filler: Filler
) -> Iterator[ExplainedStep]:
    """Yield the steps in which there was something to do."""
    index = 0
    for step in names:
        actions, outcome = tuple(actions_of(step, facts, filler)), outcome_of(step, facts)
        if actions or has_failed(step, facts):
            index += 1
            yield ExplainedStep(
                number=f"{number}.{index}",
                name=step,
                title=titles[step],
                purpose=purpose_of(step, facts),
                costs=costs_of(step, facts),
                outcome=outcome,
                actions=actions,
                remarks=tuple(_refusals(step, facts)),
            )


def purpose_of(step: str, facts: RunFacts) -> str:
    """Return what a step is for; what is left is something else than what was removed."""
    if step == TEAR_DOWN and facts.left_ids:
        left = ", ".join(facts.left_ids)
        return f"{PURPOSES[step]} As far as the record shows, this is still there: {left}."
    stays = " The image stays." if step == TEAR_DOWN and facts.stays else ""
    return f"{PURPOSES[step]}{stays}"


def _refusals(step: str, facts: RunFacts) -> Iterator[str]:
    """Yield a sentence for each call of a step that AWS did not carry out."""
    for call in facts.calls:
        if call.step == step and not call.is_done:
            said = call.error if call.error != "no answer" else "no answer came"
            yield f"AWS was also asked for {call.operation}, in vain: {said}."


def _what_became(facts: RunFacts, sections: Iterable[Section]) -> str:
    summary = facts.summary
    if summary.result is Result.ACCEPTED and summary.image:
        return f"This run ended with the accepted image {summary.image.id}."
    steps = [step for section in sections for step in section.steps]
    if failed := [step.number for step in steps if has_failed(step.name, facts)]:
        removed = "" if facts.left_ids else " What it had made is removed since (section 8)."
        where = " and ".join(failed)
        return f"This run failed at {where}: it is explained as far as it went.{removed}"
    if summary.result is Result.OPEN:
        return "This run is not finished: it is explained as far as it has come."
    return "No image of this run was accepted: it is explained as far as it went."


def _endings(facts: RunFacts, missing: list[str]) -> Iterator[str]:
    if missing:
        yield f"Not reached: {'; '.join(missing)}."
    if facts.stays:
        yield f"What stays: the image {facts.stays[0]} with its snapshots."
    if count := sum(call.step == BOOKKEEPING for call in facts.calls):
        yield (
            f"Besides, {pluralize(count, 'call')} set or removed tags and the like, by which"
            " notebake finds its things again and ends them in time. By hand nobody needs them."
        )
