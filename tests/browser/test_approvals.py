"""Approvals as somebody gives them who knows the UI alone: given, refused, left to expire."""

import os

import pytest

from notebake.runs.approvals.approval_log import read_questions
from notebake.runs.approvals.question import Question
from tests.browser.conftest import Desk
from tests.browser.person import Person
from tests.browser.test_forms_and_buttons import builders

pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.skipif(
        not os.environ.get("NOTEBAKE_TEST_ALL"), reason="minutes of bakes: make test-all"
    ),
]
A_MINUTE_AND_A_HALF = 0.001
"""In days: the least that a recipe can say."""


def asked(desk: Desk, person: Person, recipe: str, **parts: object) -> tuple[str, Question]:
    """Start a bake that has to be approved; return its flow run and its question."""
    path = desk.write_recipe(recipe, approve=["bake"], **parts)
    started = person.start("build", recipe_path=path)
    state = person.wait_for_end(started)
    assert (state["type"], state["name"]) == ("PAUSED", "Suspended"), state["message"]
    person.wait(
        lambda: str(person.state(started)["message"]).startswith("Approval wanted, question "),
        "our message of the state",
    )
    questions = read_questions(str(desk.prefect.home / "runs")).values()
    return started, [each for each in questions if each.recipe == recipe][-1]


def test_a_bake_goes_on_when_it_is_approved(desk: Desk, person: Person) -> None:
    started, question = asked(desk, person, "may")
    assert builders(desk, "may") == []

    person.answer(started)
    person.page.wait_for_timeout(2000)
    assert person.state(started)["type"] == "PAUSED", "a form without an answer is refused"
    typed = {"name": "Ada Lovelace", "reason": "the course begins"}
    person.answer(started, "approve", question.digest, **typed)
    person.wait(lambda: person.state(started)["type"] != "PAUSED", "the process to start")
    state = person.wait_for_end(started)

    assert state["type"] == "COMPLETED", state["message"]
    assert len(builders(desk, "may")) == 1


def test_a_refused_bake_says_who_and_why(desk: Desk, person: Person) -> None:
    started, question = asked(desk, person, "june")

    typed = {"name": "Ada Lovelace", "reason": "not before the exam"}
    person.answer(started, "refuse", question.digest, **typed)
    person.wait(lambda: person.state(started)["type"] != "PAUSED", "the process to start")
    state = person.wait_for_end(started)

    assert (state["type"], state["name"]) == ("FAILED", "Refused")
    assert "Ada Lovelace has refused on " in state["message"]
    assert "not before the exam" in state["message"]
    assert builders(desk, "june") == []
    assert desk.cloud.running() == []
    person.open(started)
    assert "Refused" in person.page.locator("#app").inner_text()


def test_what_nobody_answers_ends_and_is_asked_anew(desk: Desk, person: Person) -> None:
    started, question = asked(desk, person, "july", approval_days=A_MINUTE_AND_A_HALF)

    state = person.wait_for_end(started, "FAILED")

    assert "never resumed" in state["message"], "it is Prefect that says so: none of our code runs"
    assert builders(desk, "july") == []
    person.press(started, "Retry")
    person.wait(lambda: person.state(started)["type"] != "FAILED", "the retry")
    assert person.wait_for_end(started)["type"] == "PAUSED"
    newest = max(read_questions(str(desk.prefect.home / "runs")))
    assert newest > question.number
    person.press(started, "Cancel")
    person.wait_for_end(started, "CANCELLED")
