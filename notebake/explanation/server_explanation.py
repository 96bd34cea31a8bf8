"""Explains a notebook server: what `start`, `open`, `stop` and `terminate` do for it, by hand."""

from notebake.explanation.document import Explanation, Section
from notebake.explanation.server_facts import ServerFacts
from notebake.explanation.server_sections import opening, stopping, terminating
from notebake.explanation.server_start import starting

INTRODUCTION = (
    "This is what you would click and type to do by hand what notebake does for this server: the"
    " way through the AWS console (the website) and the same thing as commands. Nothing of it is"
    " carried out by `notebake explain`. The steps in brackets are those of the tutorial.",
)


def explain_server(facts: ServerFacts) -> Explanation:
    """Return the explanation of a server as it is now."""
    server = facts.server
    address = f" at {server.address}" if server.state == "running" else ""
    state = (
        f"It is {server.id}, a {server.instance_type} of {server.owner}, {server.state}{address}."
    )
    sections = (starting(facts), opening(facts), stopping(facts), terminating(facts))
    return Explanation(
        kind="server",
        subject=server.name,
        region=server.region,
        title=f"The server {server.name}, by hand",
        lines=(*INTRODUCTION, state),
        sections=tuple(_numbered(number, each) for number, each in enumerate(sections, start=1)),
    )


def _numbered(number: int, section: Section) -> Section:
    steps = (
        step.model_copy(update={"number": f"{number}.{index}"})
        for index, step in enumerate(section.steps, start=1)
    )
    return section.model_copy(update={"number": number, "steps": tuple(steps)})
