"""The workflow: the plan of the steps as a file of the crate, and an entity for each step."""

import json
from collections.abc import Iterable

from notebake import installed_version
from notebake.reports.crate.entities import Entity, Payload, entity, refer
from notebake.reports.crate.material import Material
from notebake.runbook.plan import PLAN

PATH = "plan.json"
LANGUAGE = "#notebake-plan"
WORKFLOW_PROFILE = "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"


def workflow(material: Material, inputs: Iterable[str], outputs: Iterable[str]) -> Payload:
    """Return the workflow file. It names only the tools that were used, as the profile wants."""
    version = installed_version()
    used = dict.fromkeys(each.step for each in material.attempts if not each.is_undoing)
    plan = {
        name: {
            "does": material.titles.get(name, ""),
            "follows": list(planned.follows),
            "later_than": list(planned.later_than),
        }
        for name, planned in PLAN.items()
    }
    document = {"notebake": version, "steps": plan}
    description = (
        "Which steps a build has, and which of them each follows. It is the plan of the notebake"
        f" that wrote this crate ({version}); the entities of the executions name the code that"
        " carried the steps out."
    )
    described = entity(
        PATH,
        ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"],
        name="The plan of a build",
        description=description,
        version=version,
        conformsTo=refer(WORKFLOW_PROFILE),
        encodingFormat="application/json",
        programmingLanguage=refer(LANGUAGE),
        step=refer(*(step_id(name) for name in steps_of(material))),
        hasPart=refer(*(tool_id(name) for name in used)),
        input=refer(*inputs),
        output=refer(*outputs),
    )
    return Payload(described, (json.dumps(document, indent=1) + "\n").encode())


def steps_of(material: Material) -> list[str]:
    """Return the steps of the plan, and those that were carried out by another one."""
    return list(dict.fromkeys([*PLAN, *(each.step for each in material.attempts)]))


def describe_steps(material: Material) -> list[Entity]:
    """Return the entities of the plan's language, of each step, and of what carries it out."""
    described = [
        entity(
            LANGUAGE,
            "ComputerLanguage",
            name="notebake plan",
            description="JSON: the steps of a build by name, each with the steps that it follows.",
        )
    ]
    version = str(material.summary.code.get("version") or "")
    for position, name in enumerate(steps_of(material), 1):
        title = material.titles.get(name, name)
        described += [
            entity(
                step_id(name),
                "HowToStep",
                name=title,
                position=str(position),
                workExample=refer(tool_id(name)),
            ),
            entity(
                tool_id(name),
                "SoftwareApplication",
                name=name,
                description=f"The step of notebake that does this: {title}.",
                softwareVersion=version,
            ),
        ]
    return described


def step_id(name: str) -> str:
    """Return the id of a step."""
    return f"#step-{name}"


def tool_id(name: str) -> str:
    """Return the id of what carries a step out."""
    return f"#tool-{name}"
