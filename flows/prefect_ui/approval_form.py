"""The form of a suspended flow run by which a person approves or refuses.

The server refuses an answer without name or reason, and one with another digest than the form
shows: a form that was opened before the plan changed cannot answer for the new one.
"""

import logging
from collections.abc import Iterator
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import httpx
import pydantic
from prefect.artifacts import create_markdown_artifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import StateType
from prefect.client.schemas.responses import SetStateStatus
from prefect.events import emit_event
from prefect.exceptions import ObjectNotFound, PrefectException
from prefect.flow_runs import suspend_flow_run
from prefect.input import RunInput
from prefect.runtime import flow_run
from pydantic import Field

from flows.approval_text import MOST_LINES, count_lines, shortened
from flows.findings_markdown import artifact_key, escape
from flows.prefect_ui.state_message import set_message
from notebake.runs.approvals.question import Decision, Question
from notebake.runs.approvals.subject import Subject

log = logging.getLogger(__name__)
EVENT = "notebake.approval.wanted"
"""The event of Prefect that says that a question was asked; automations can wait for it."""
NOT_BLANK = r"\S"
MOST_INPUTS = 200
"""As many as an answer of Prefect's API holds; a form has three."""


class ApprovalAnswer(RunInput):
    """What a person types; `form_for` adds the digest that alone is accepted."""

    decision: Decision = Field(description="A refusal ends this run.")
    name: Annotated[str, Field(pattern=NOT_BLANK, max_length=100)] = Field(
        description="Who decides. It is what you type: nobody checks it."
    )
    reason: Annotated[str, Field(pattern=NOT_BLANK, max_length=1000)] = Field(
        description="Why. The record keeps it, so name no other people."
    )


class GivenAnswer(NamedTuple):
    """An answer in Prefect's database."""

    answer: Any
    """Of the class that `form_for` has made."""
    at: float | None
    """When it was given, in seconds since 1970; None if that is not known."""


def form_for(question: Question, shown: Subject | None = None) -> type[ApprovalAnswer]:
    """Return the form of a question: no other digest than its own can be answered."""
    digest = pydantic.Field(
        pattern=f"^{question.digest}$",
        description="Of exactly what is shown: choose it.",
        json_schema_extra={"enum": [question.digest]},
    )
    form = pydantic.create_model("ApprovalAnswer", __base__=ApprovalAnswer, digest=(str, digest))
    if shown is None:
        return form
    return form.with_initial_data(description="\n".join(describe(question, shown)))


def describe(question: Question, shown: Subject, most: int = MOST_LINES) -> Iterator[str]:
    """Yield the lines of what the form shows, as Markdown; of the evidence at most so many.

    The form is a small window: what matters comes first, and a link leads to a page with all of it.
    """
    yield f"**May we {escape(shown.title)}?** [All of it](/artifacts/key/{key_of(question)})\n"
    yield f"{escape(shown.price)}. If nobody answers: {escape(shown.if_unanswered)}"
    yield f" The question ends {question.ends:%Y-%m-%d %H:%M} UTC.\n"
    yield from (f"- {escape(fact.name)}: `{fact.value}`" for fact in shown.facts)
    for title, lines, more in shortened(shown.evidence, most):
        yield f"\n**{escape(title)}**\n"
        yield from (f"- {escape(line)}" for line in (*lines, *more))
    yield f"\nQuestion {question.number}, digest of all this: `{question.digest}`"


def suspend(question: Question, shown: Subject, now: float) -> None:
    """Suspend the flow run with the form of the question, and raise Pause."""
    show_whole(question, shown)
    seconds = max(1, round(question.until - now))
    # The key of a pause that was left is not taken again: each time has its own.
    key = f"{key_prefix(question)}-{flow_run.get_run_count()}"
    suspend_flow_run(wait_for_input=form_for(question, shown), timeout=seconds, key=key)


def show_whole(question: Question, shown: Subject) -> None:
    """Make all that is shown an artifact; a failure is a warning, as the form has most of it."""
    try:
        create_markdown_artifact(
            "\n".join(describe(question, shown, count_lines(shown))),
            key=key_of(question),
            description=f"Question {question.number}: may we {shown.title}?",
        )
    except (PrefectException, httpx.HTTPError) as error:
        log.warning("What is asked could not be made an artifact: %s", error)


def show_suspended(question: Question, shown: Subject) -> None:
    """Say in the message of the state, and by an event, what is asked."""
    flow_run_id = UUID(str(flow_run.get_id()))
    text = (
        f"Approval wanted, question {question.number}: may we {shown.title}? {shown.price}."
        f" Press Resume to answer, until {question.ends:%Y-%m-%d %H:%M} UTC. Nothing runs"
        f" meanwhile. {shown.if_unanswered}"
    )
    log.info("%s", text)
    set_message(flow_run_id, StateType.PAUSED, text)
    role = {"prefect.resource.role": "flow-run"}
    emit_event(
        EVENT,
        resource={
            "prefect.resource.id": f"notebake.approval.{question.number}",
            "prefect.resource.name": shown.title,
            "notebake.recipe": question.recipe,
            "notebake.kind": question.kind,
        },
        related=[{"prefect.resource.id": f"prefect.flow-run.{flow_run_id}", **role}],
        payload={"text": text, "run_id": question.run_id, "digest": question.digest},
    )


def find_answer(question: Question) -> GivenAnswer | None:
    """Return what was typed into the form of this flow run, if somebody has answered."""
    flow_run_id = flow_run.get_id()
    if not flow_run_id:
        return None
    with get_client(sync_client=True) as client:
        inputs = client.filter_flow_run_input(
            flow_run_id=UUID(flow_run_id),
            key_prefix=f"suspended-{key_prefix(question)}-",
            limit=MOST_INPUTS,
            exclude_keys=set(),
        )
    responses = [each for each in inputs if each.key.endswith("-response")]
    if not responses:
        return None
    first = min(responses, key=lambda each: each.created.timestamp() if each.created else 0.0)
    answer = form_for(question).model_validate(first.decoded_value)
    return GivenAnswer(answer, first.created.timestamp() if first.created else None)


def resume(question: Question, decision: Decision, name: str, reason: str) -> bool:
    """Resume the flow run of a question that was answered elsewhere; return whether it was.

    Raises:
        PrefectException, httpx.HTTPError: Prefect's server does not know the flow run, or failed.
    """
    if not question.flow_run_id:
        return False
    said = {"decision": decision, "name": name, "reason": reason, "digest": question.digest}
    with get_client(sync_client=True) as client:
        answer = client.resume_flow_run(UUID(question.flow_run_id), run_input=said)
    return answer.status == SetStateStatus.ACCEPT


def ended_as(question: Question) -> str:
    """Return how the flow run of a question has ended, in Prefect's words; "" if it has not.

    A server that does not know the flow run says nothing about it.
    """
    if not question.flow_run_id:
        return ""
    try:
        with get_client(sync_client=True) as client:
            state = client.read_flow_run(UUID(question.flow_run_id)).state
    except (ObjectNotFound, PrefectException, httpx.HTTPError, ValueError):
        return ""
    return str(state.name) if state and state.is_final() else ""


def key_of(question: Question) -> str:
    """Return the key of the artifact with the questions of a recipe."""
    return artifact_key("approvals-of", question.recipe, question.region)


def key_prefix(question: Question) -> str:
    """Return how the keys of the pauses of a question begin."""
    return f"approval-{question.number}"
