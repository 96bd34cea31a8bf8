"""The command `explain`: what a person would have clicked and typed by hand."""

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING

from flows.cli.arguments import add_json, add_region, complete_with, location_of
from flows.cli.completers import find_explainable
from flows.cli.exit_codes import DONE
from flows.cli.server_options import add_owner
from notebake.local.usual_region import usual_region

if TYPE_CHECKING:
    from notebake.explanation.document import Explanation

EXAMPLE = """\
notebake explain ocean-20261123-120000-1a2b
notebake explain ocean
notebake explain ocean --json"""
FIELDS = {
    "kind": "run or server",
    "subject": "the run id, or the server's name",
    "region": "region in which it is",
    "title": "heading of the whole",
    "lines": "paragraphs that come first",
    "steps[].section": "heading of the tutorial under which it is",
    "steps[].number": "its number, as 3.2",
    "steps[].name": "its name, for programs",
    "steps[].title": "its name, for people",
    "steps[].purpose": "what it is for",
    "steps[].costs": "what goes on costing from then on",
    "steps[].outcome": "what it gave",
    "steps[].remarks": "what else happened, such as calls that AWS refused",
    "steps[].actions": "in order: where (console, computer, machine, browser), text (what is"
    " clicked or typed), note (before it), afterwards (what is chosen, or what it gave)",
    "endings": "paragraphs that come last",
    "next_commands": "what is typed for notebake to remove what is left",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments and options of the command."""
    about = parser.add_argument(
        "about",
        metavar="RUN|NAME",
        help="id of a run, or name (or instance id) of a notebook server; a word that ends in date,"
        " time and four digits, as -20261123-120000-1a2b, is a run",
    )
    complete_with(find_explainable, about)
    add_owner(parser)
    add_region(parser)
    add_json(parser)


def run(given: argparse.Namespace) -> int:
    """Print the explanation of a run, or of a server."""
    from flows.cli.json_output import print_document
    from flows.terminal.explanation_text import print_explanation
    from notebake.runs.run_id import is_run_id

    explanation = of_run(given) if is_run_id(given.about) else of_server(given)
    if given.json:
        print_document(document_of(explanation, given.store))
    else:
        print_explanation(explanation, store=given.store)
    return DONE


def of_run(given: argparse.Namespace) -> "Explanation":
    """Return the explanation of a run, from its record."""
    from flows.build_plan import titles
    from notebake.explanation.read_run import read_facts
    from notebake.explanation.run_explanation import explain_run
    from notebake.runs.recorded_run import read_recorded_run

    location = location_of(given)
    facts = read_facts(read_recorded_run(given.about, location), location)
    return explain_run(facts, dict(titles()))


def of_server(given: argparse.Namespace) -> "Explanation":
    """Return the explanation of a server, as AWS shows it now; no run store is needed."""
    from flows.cli.server_options import owner_of
    from notebake.explanation.server_explanation import explain_server
    from notebake.explanation.server_facts import find_facts

    region = given.region or usual_region()
    return explain_server(find_facts(given.about, owner_of(given), region))


def document_of(explanation: "Explanation", store: str) -> Mapping[str, object]:
    """Return an explanation as a JSON object."""
    shown = explanation.model_dump(mode="json", exclude={"sections", "next_commands"})
    steps = [
        {"section": section.title, **step.model_dump(mode="json")}
        for section in explanation.sections
        for step in section.steps
    ]
    following = [command.command_line(store) for command in explanation.next_commands]
    return {**shown, "steps": steps, "next_commands": following}
