"""Makes the crate of a run: what is in it, and what each part says of the others."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from notebake import clock
from notebake.reports.crate import actions, context, executions, inputs, outputs, pages, plan_file
from notebake.reports.crate.bill_of_materials import bills_of_materials
from notebake.reports.crate.entities import (
    PROFILES,
    RUN,
    Entity,
    Payload,
    entity,
    ids_of,
    person_id,
    profiles,
    refer,
)
from notebake.reports.crate.material import Material, read_material
from notebake.reports.crate.statement import statement_file
from notebake.reports.crate.writing import check_libraries, check_target, write_crate
from notebake.timestamps import utc_from_seconds

RECORD = "record/"
HOW_TO_VERIFY = (
    "The ledger of this run, byte for byte: a chain of entries, each with the SHA-256 of the one"
    " before. notebake's verify_record.py verifies this folder without notebake. Signed checkpoints"
    " over all runs, and who the pseudonyms are, stay in the record that this is a copy of."
)


@dataclass(frozen=True)
class Written:
    """What was written."""

    path: Path
    files: int
    """The files of the run that are in it."""
    left_out: tuple[str, ...]


def export_crate(
    run_id: str,
    location: str,
    target: Path,
    *,
    titles: Mapping[str, str],
    licence: str = "",
    with_names: bool = True,
) -> Written:
    """Write a run as a Provenance Run Crate.

    Args:
        run_id: The run.
        location: The run store.
        target: A new folder, or a new file that ends in .zip.
        titles: What each step of the plan does, by its name.
        licence: The address of the licence for the crate; "" for none.
        with_names: Whether it says who the pseudonyms are, where the record does.

    Raises:
        NotebakeError: the run is not recorded, its record was changed, it carried out no step, a
            library is missing, or the target is taken. Nothing was written.
    """
    check_libraries()
    check_target(target)
    licensed = context.licence(licence)
    material = read_material(run_id, location, titles)
    if not with_names:
        material = replace(material, people={})
    payload, entities = list(_payload(material)), list(_entities(material))
    root = _root(material, entities, licensed)
    preview = pages.preview(material, describe(material), licensed, payload)
    record = Payload(
        entity(
            RECORD,
            "Dataset",
            name=f"The record of run {run_id}",
            description=f"{HOW_TO_VERIFY} When this crate was made, it was {material.state}.",
            identifier=f"sha256:{material.run.head}",
        ),
        b"",
    )
    write_crate(target, root, [*entities, licensed], payload, record, material.record, preview)
    return Written(target, len(material.files), material.left_out)


def describe(material: Material) -> str:
    """Return what the crate is, in a few sentences."""
    summary = material.summary
    return (
        f"What notebake has recorded of run {summary.run}: a build of an Amazon Machine Image for"
        f" Jupyter by the recipe {summary.recipe_name}. Its outcome: {summary.result}. When this"
        f" was made, its record was {material.state}. All was written down by the code that did it."
    )


def _payload(material: Material) -> Iterator[Payload]:
    """Yield the files of the crate, the workflow first."""
    parameters = [
        each["@id"]
        for each in inputs.recipe_parameters(material)
        if each["@type"] == "FormalParameter"
    ]
    made = [each["@id"] for each in outputs.image(material) if each["@type"] == "FormalParameter"]
    yield plan_file.workflow(material, parameters, made)
    yield pages.readme(material, describe(material))
    yield from inputs.recipe_files(material)
    yield from outputs.kept_files(material)
    yield from bills_of_materials(material)
    if image_file := outputs.image_file(material):
        yield image_file
        yield statement_file(material, image_file)


def _entities(material: Material) -> Iterator[Entity]:
    """Yield what is described, and is no file."""
    parameters = list(inputs.recipe_parameters(material))
    yield from profiles()
    yield from plan_file.describe_steps(material)
    yield from parameters
    yield from inputs.sources(material)
    yield from outputs.image(material)
    yield from context.people(material)
    yield from context.grants(material)
    yield from executions.engines(material)
    yield actions.run_action(material, parameters)
    yield from executions.execution_actions(material)
    yield from actions.control_actions(material)
    yield from actions.attempt_actions(material)
    yield from context.left_out(material)


def _root(material: Material, entities: list[Entity], licensed: Entity) -> Mapping[str, object]:
    summary = material.summary
    happened = [each for each in entities if str(each["@type"]).endswith("Action")]
    mentioned = [each["@id"] for each in happened if each["@type"] != "ControlAction"]
    left = summary.image
    return entity(
        "./",
        "Dataset",
        name=f"Provenance of run {summary.run} of notebake",
        description=describe(material),
        datePublished=utc_from_seconds(clock.now()).isoformat(timespec="seconds"),
        license=refer(licensed["@id"]),
        conformsTo=refer(*PROFILES),
        mentions=refer(RUN, *mentioned, material.image_uri(left.id) if left else ""),
        author=refer(*map(person_id, summary.people)),
        funding=refer(*ids_of(each for each in entities if each["@type"] == "Grant")),
        comment=refer(*ids_of(each for each in entities if each["@type"] == "Comment")),
    )
