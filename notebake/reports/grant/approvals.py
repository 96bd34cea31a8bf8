"""Who was asked to approve something about a run or its image, and what the answer was."""

from collections.abc import Iterable, Iterator, Mapping

from notebake import clock
from notebake.reports.grant.document import ApprovalFacts
from notebake.runs.approvals.question import Question
from notebake.runs.people import Person, name_of


def find_approvals(
    questions: Iterable[Question], run_id: str, image_id: str, people: Mapping[str, Person]
) -> Iterator[ApprovalFacts]:
    """Yield what was asked by a run, or about the image that it left, in the order of the log."""
    for question in questions:
        if question.run_id != run_id and image_id not in question.image_ids:
            continue
        answer = question.answer
        yield ApprovalFacts(
            at=answer.at if answer else "",
            who=name_of(answer.by, people) if answer else "",
            what=question.title,
            outcome=question.status(clock.now()),
            reason="; ".join(filter(None, (answer.reason if answer else "", question.voided))),
            digest=question.digest,
        )
