"""Asks all causes at once what differs between the newest accepted image and its sources today."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from notebake import clock
from notebake.aws.call_counter import counting_calls
from notebake.errors import NotebakeError
from notebake.humanize import first_line
from notebake.images.revocation import find_revocation
from notebake.images.updates.advice.advice import Advice
from notebake.images.updates.advice.ask import ADVISERS, advice_from
from notebake.images.updates.base_image import check_base_image
from notebake.images.updates.cooldown_date import with_date
from notebake.images.updates.current import CurrentImage, find_current, find_state
from notebake.images.updates.datasets import check_datasets
from notebake.images.updates.finding import Cause, CauseFinding
from notebake.images.updates.installed_packages import check_distribution, check_environment
from notebake.images.updates.recipe import check_recipe
from notebake.images.updates.repository import check_repository
from notebake.images.updates.side_by_side import ask_side_by_side
from notebake.images.updates.tools import check_tools, without_repeated
from notebake.images.updates.update_check import CAUSES, UpdateCheck
from notebake.recipe import Recipe
from notebake.runs.open_store import open_store
from notebake.timeouts import CHECK_SECONDS
from notebake.timestamps import utc_from_seconds

Ask = Callable[[CurrentImage, Recipe], CauseFinding | tuple[CauseFinding, ...]]
QUESTIONS: dict[tuple[Cause, ...], Ask] = {
    ("base image",): check_base_image,
    ("security", "system"): check_distribution,
    ("direct", "transitive"): check_environment,
    ("repository",): check_repository,
    ("data",): check_datasets,
    ("recipe",): check_recipe,
    ("tools",): check_tools,
}
"""Which causes a function answers for."""
Answer = str | Advice | tuple[CauseFinding, ...]


@dataclass(frozen=True)
class Answers:
    """What was answered of one image."""

    state: str
    """Of the image; "" if EC2 does not answer."""
    findings: tuple[CauseFinding, ...]
    advice: tuple[Advice, ...]


def check_updates(recipe: Recipe, location: str) -> UpdateCheck:
    """Return what differs; a source that does not answer leaves its cause `not checked`.

    The cooldown of a recipe with a rebake policy counts: so it is what a rebake would find.

    Raises:
        RunStoreError: the run store failed, so that it is not known which image is the newest.
    """
    with counting_calls() as counter:
        current = find_current(recipe.name, recipe.region, location)
        dated = with_date(recipe, current, utc_from_seconds(clock.now()))
        found = check_image(current, dated)
    return found.model_copy(update={"aws_calls": counter.calls})


def check_image(current: CurrentImage | None, recipe: Recipe) -> UpdateCheck:
    """Return what differs between an image and the sources of a recipe today.

    Of a recipe with a date (`rebake.until`) the Python packages are those of that date.

    Raises:
        RunStoreError: the run store failed, so that it is not known whether the image is revoked.
    """
    with counting_calls() as counter:
        checked = utc_from_seconds(clock.now())
        found = UpdateCheck(recipe=recipe.name, region=recipe.region, checked=checked)
        if current:
            revocation = find_revocation(current.image_id, open_store(current.store))
            answers = _ask_all(current, recipe)
            found = found.model_copy(
                update={
                    "image_id": current.image_id,
                    "image_state": answers.state,
                    "revoked": revocation.reason if revocation else "",
                    "run_id": current.run_id,
                    "accepted": current.accepted,
                    "findings": answers.findings,
                    "advice": answers.advice,
                }
            )
    return found.model_copy(update={"aws_calls": counter.calls})


def _ask_all(current: CurrentImage, recipe: Recipe) -> Answers:
    """Return the state of the image, all findings in order, and the advice."""
    state_of_image = partial(find_state, current.image_id, current.region)
    calls: list[Callable[[], Answer]] = [state_of_image]
    calls += [partial(_ask, question, current, recipe) for question in QUESTIONS.values()]
    calls += [partial(adviser, current) for adviser in ADVISERS.values()]
    state, *answers = ask_side_by_side(calls, CHECK_SECONDS)
    found: dict[Cause, CauseFinding] = {}
    for causes, answer in zip(QUESTIONS, answers, strict=False):
        if isinstance(answer, NotebakeError):
            found |= {finding.cause: finding for finding in not_checked(causes, answer)}
        elif isinstance(answer, tuple):
            found |= {finding.cause: finding for finding in answer}
    found["tools"] = without_repeated(found["tools"], (found["direct"], found["transitive"]))
    return Answers(
        state=state if isinstance(state, str) else "",
        findings=tuple(found[cause] for cause in CAUSES),
        advice=tuple(
            advice_from(ecosystem, answer)
            for ecosystem, answer in zip(ADVISERS, answers[len(QUESTIONS) :], strict=True)
            if isinstance(answer, Advice | NotebakeError)
        ),
    )


def _ask(question: Ask, current: CurrentImage, recipe: Recipe) -> tuple[CauseFinding, ...]:
    answer = question(current, recipe)
    return answer if isinstance(answer, tuple) else (answer,)


def not_checked(causes: tuple[Cause, ...], error: NotebakeError) -> tuple[CauseFinding, ...]:
    """Return the findings of causes whose source did not answer."""
    reason = first_line(error.message)
    return tuple(CauseFinding(cause=cause, state="not checked", reason=reason) for cause in causes)
