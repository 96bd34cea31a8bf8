"""What went into a run: its recipes, the base image, the repository, the datasets."""

import json
from collections.abc import Iterator
from typing import Any

from notebake.reports.crate.entities import Entity, Payload, entity, refer
from notebake.reports.crate.material import Material

PARAMETER_PROFILE = "https://bioschemas.org/profiles/FormalParameter/1.0-RELEASE"
TYPES = {bool: "Boolean", int: "Integer", float: "Float"}


def recipe_path(number: int) -> str:
    """Return the path of a recipe, counted from 1; "" for none."""
    return f"recipe-{number}.json" if number else ""


def recipe_files(material: Material) -> Iterator[Payload]:
    """Yield the recipes of the run, as the ledger has them."""
    for number, recipe in enumerate(material.recipes, 1):
        is_last = number == len(material.recipes)
        described = entity(
            recipe_path(number),
            "File",
            name=f"Recipe {number} of {len(material.recipes)}",
            description="What was wanted, with all defaults, as the ledger has it. The values of"
            " the user's own tags are digests.",
            encodingFormat="application/json",
            exampleOfWork=refer(parameter_id("recipe")) if is_last else None,
        )
        yield Payload(described, (json.dumps(recipe, indent=1, sort_keys=True) + "\n").encode())


def recipe_parameters(material: Material) -> Iterator[Entity]:
    """Yield the parameters of the plan: the recipe and its fields, with the values of the last."""
    yield _parameter("recipe", "File", "The whole recipe.")
    for name, value in material.summary.recipe.items():
        if value in (None, "", [], {}):
            continue
        is_structure = isinstance(value, dict | list)
        what = f"The field {name} of the recipe{', as JSON' if is_structure else ''}."
        yield _parameter(name, TYPES.get(type(value), "Text"), what)
        yield entity(
            value_id(name),
            "PropertyValue",
            name=name,
            value=json.dumps(value) if is_structure else value,
            exampleOfWork=refer(parameter_id(name)),
        )


def _parameter(name: str, kind: str, description: str) -> Entity:
    return entity(
        parameter_id(name),
        "FormalParameter",
        name=name,
        additionalType=kind,
        description=description,
        conformsTo=refer(PARAMETER_PROFILE),
    )


def parameter_id(name: str) -> str:
    """Return the id of a parameter of the plan."""
    return f"#parameter-{name}"


def value_id(name: str) -> str:
    """Return the id of the value that a parameter had in this run."""
    return f"#value-{name}"


def sources(material: Material) -> Iterator[Entity]:
    """Yield what the image was made of: the base image, the repository, and the datasets."""
    summary = material.summary
    if summary.base_image:
        yield entity(
            material.image_uri(summary.base_image),
            "CreativeWork",
            name=f"Base image {summary.base_image}",
            identifier=summary.base_image,
            description="The Amazon Machine Image that the builder was launched from. It has no"
            " content digest.",
        )
    if (repository := repository_of(material)) and summary.commit:
        yield entity(
            commit_id(material),
            "SoftwareSourceCode",
            name=f"{repository} at {summary.commit}",
            codeRepository=repository,
            version=summary.commit,
        )
    for dataset in datasets_of(material):
        yield entity(
            f"#dataset-{dataset['name']}",
            "CreativeWork",
            name=dataset["name"],
            url=dataset["source"],
            sha256=dataset.get("sha256"),
        )


def repository_of(material: Material) -> str:
    """Return the address of the cloned repository; "" for none."""
    return str((material.summary.recipe.get("repository") or {}).get("url", ""))


def commit_id(material: Material) -> str:
    """Return the id of the repository at the cloned commit."""
    return f"#commit-{material.summary.commit}"


def datasets_of(material: Material) -> list[dict[str, Any]]:
    """Return the datasets of the recipe."""
    return list(material.summary.recipe.get("datasets") or ())


def inputs_of_step(material: Material, step: str) -> list[str]:
    """Return the ids of what a step took, beside the recipe."""
    named = {each["@id"] for each in sources(material)}
    base = material.image_uri(material.summary.base_image)
    wanted = {
        "launch_instance": [base],
        "clone_repository": [commit_id(material)],
        "run_notebook": [commit_id(material)],
        "fetch_datasets": [f"#dataset-{each['name']}" for each in datasets_of(material)],
    }
    return [each for each in wanted.get(step, ()) if each in named]
