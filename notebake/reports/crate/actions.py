"""What happened, as actions: the run, and each attempt of a step."""

from collections.abc import Iterator

from notebake.ledger.summary import Result
from notebake.reports.crate import plan_file
from notebake.reports.crate.attempts import Attempt
from notebake.reports.crate.entities import (
    ACTIVE,
    COMPLETED,
    FAILED,
    RUN,
    Entity,
    entity,
    person_id,
    refer,
    time_of,
)
from notebake.reports.crate.executions import describe_error, engine_id
from notebake.reports.crate.inputs import inputs_of_step, recipe_path, sources
from notebake.reports.crate.material import Material
from notebake.reports.crate.outputs import FOLDER, files_of_step

STATUS = {
    Result.OPEN: ACTIVE,
    Result.ACCEPTED: COMPLETED,
    Result.FAILED: FAILED,
    Result.TORN_DOWN: FAILED,
}


def run_action(material: Material, parameters: list[Entity]) -> Entity:
    """Return the run as one action."""
    summary = material.summary
    taken = [recipe_path(number) for number in range(1, len(material.recipes) + 1)]
    values = [each["@id"] for each in parameters if each["@type"] == "PropertyValue"]
    image = summary.image.id if summary.image else ""
    given = [material.image_uri(image), *(FOLDER + file.name for file in material.files)]
    return entity(
        RUN,
        "CreateAction",
        name=f"Run {summary.run}",
        description=f"A build of notebake: {summary.result}.",
        identifier=summary.run,
        instrument=refer(plan_file.PATH),
        agent=refer(*map(person_id, summary.people)),
        startTime=time_of(summary.began),
        endTime="" if summary.result == Result.OPEN else time_of(summary.ended),
        actionStatus=STATUS[summary.result],
        error=why_without_image(material),
        object=refer(*taken, *values, *(each["@id"] for each in sources(material))),
        result=refer(*given),
    )


def why_without_image(material: Material) -> str:
    """Return why a finished run has no accepted image; "" if it has one, or is not finished."""
    summary = material.summary
    errors = [each for each in summary.executions if each.did_build and each.error]
    if summary.result == Result.FAILED:
        return describe_error(errors[-1])
    if summary.result != Result.TORN_DOWN:
        return ""
    before = f" Before: {describe_error(errors[-1])}" if errors else ""
    return f"The run was torn down without an accepted image.{before}"


def attempt_actions(material: Material) -> Iterator[Entity]:
    """Yield the attempts: to carry a step out creates something, to undo it deletes that."""
    for attempt in material.attempts:
        title = material.titles.get(attempt.step, attempt.step)
        is_last_try = attempt == _last_try(material, attempt.step)
        has_failed = attempt.outcome == "failed"
        given = _given(material, attempt.step)
        yield entity(
            attempt.id,
            "DeleteAction" if attempt.is_undoing else "CreateAction",
            name=f"Undo: {title}" if attempt.is_undoing else f"{title} (try {attempt.number})",
            description=f"{title}: {attempt.outcome}.",
            instrument=refer(_instrument(material, attempt)),
            agent=refer(person_id(attempt.who)),
            startTime=time_of(attempt.began),
            endTime=time_of(attempt.ended),
            actionStatus=FAILED if has_failed else COMPLETED,
            error=attempt.shown if has_failed else "",
            object=None if attempt.is_undoing else refer(*_taken(material, attempt)),
            result=refer(_shown_id(attempt), *(given if is_last_try else ())),
        )
        if _shown_id(attempt):
            name = f"What {attempt.step} gave"
            yield entity(_shown_id(attempt), "PropertyValue", name=name, value=attempt.shown)


def _shown_id(attempt: Attempt) -> str:
    """Return the id of what a try gave, such as an id or a commit; "" if it gave nothing."""
    return f"{attempt.id}-gave" if attempt.outcome == "done" and attempt.shown else ""


def _instrument(material: Material, attempt: Attempt) -> str:
    """Return what acted; the profile knows of tools only that they create, activate or update."""
    if not attempt.is_undoing:
        return plan_file.tool_id(attempt.step)
    executions = {each.id: each for each in material.summary.executions}
    execution = executions.get(attempt.execution)
    return engine_id(execution) if execution else ""


def _last_try(material: Material, step: str) -> Attempt | None:
    tries = [each for each in material.attempts if each.step == step and not each.is_undoing]
    return tries[-1] if tries else None


def _taken(material: Material, attempt: Attempt) -> list[str]:
    recipe = recipe_path(attempt.recipe)
    return [recipe, *inputs_of_step(material, attempt.step)]


def _given(material: Material, step: str) -> list[str]:
    """Return the ids of what the last try of a step gave, as far as the crate has it."""
    left = material.summary.image
    makes_image = left and step in ("request_image", "publish_image")
    image = material.image_uri(left.id) if left and makes_image else ""
    return [image, *files_of_step(material, step)]


def control_actions(material: Material) -> Iterator[Entity]:
    """Yield what links each try of a step to the step of the plan."""
    for attempt in material.attempts:
        if not attempt.is_undoing:
            yield entity(
                attempt.control_id,
                "ControlAction",
                name=f"Step {attempt.step}, try {attempt.number}",
                instrument=refer(plan_file.step_id(attempt.step)),
                object=refer(attempt.id),
            )
