"""The provenance of the image as an in-toto statement with SLSA's predicate, unsigned.

https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md and
https://slsa.dev/spec/v1.0/provenance. It claims level 1 of SLSA's build track and no more: it
exists, and whoever carried out the build could have written anything in it.
"""

import json
from typing import Any

from notebake.ledger.entry import hash_of
from notebake.reports.crate.entities import Payload, entity
from notebake.reports.crate.inputs import datasets_of, repository_of
from notebake.reports.crate.material import Material
from notebake.reports.crate.outputs import NO_DIGEST

PATH = "provenance.intoto.json"
STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "urn:notebake:build:1"
BUILDER = "urn:notebake:builder:self-run"
LEVEL = (
    "SLSA build level 1 at most: this statement is not signed, and the process that built the image"
    " has recorded what it says."
)


def statement_file(material: Material, image_file: Payload) -> Payload:
    """Return the statement about the image that the run leaves; `image_file` names that image."""
    content = (json.dumps(statement(material, image_file), indent=1) + "\n").encode()
    described = entity(
        PATH,
        "File",
        name="The provenance of the image as an in-toto statement",
        description=f"{LEVEL} {NO_DIGEST}",
        encodingFormat="application/vnd.in-toto+json",
        sha256=hash_of(content),
    )
    return Payload(described, content)


def statement(material: Material, image_file: Payload) -> dict[str, Any]:
    """Return the statement."""
    summary = material.summary
    image_id = summary.image.id if summary.image else ""
    subject = {
        "name": image_id,
        "uri": material.image_uri(image_id),
        "digest": {"sha256": hash_of(image_file.content)},
        "annotations": {"digestOf": image_file.path, "note": NO_DIGEST},
    }
    return {
        "_type": STATEMENT,
        "subject": [subject],
        "predicateType": PREDICATE,
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {"recipe": summary.recipe},
                "internalParameters": {"account": summary.account},
                "resolvedDependencies": dependencies(material),
            },
            "runDetails": {
                "builder": {
                    "id": BUILDER,
                    "version": {"notebake": str(summary.code.get("version") or "unknown")},
                },
                "metadata": {
                    "invocationId": summary.run,
                    "startedOn": summary.began,
                    "finishedOn": summary.ended,
                },
                "byproducts": [
                    {"name": file.name, "digest": {"sha256": file.sha256}}
                    for file in material.files
                ],
            },
        },
    }


def dependencies(material: Material) -> list[dict[str, Any]]:
    """Return what the image was made of, each with a digest if it has one."""
    summary, code = material.summary, material.summary.code
    found: list[dict[str, Any]] = []
    if summary.base_image:
        uri = material.image_uri(summary.base_image)
        found.append({"name": "base image", "uri": uri})
    if summary.commit and repository_of(material):
        uri = f"git+{repository_of(material)}@{summary.commit}"
        found.append({"name": "repository", "uri": uri, "digest": {"gitCommit": summary.commit}})
    for dataset in datasets_of(material):
        digest = {"digest": {"sha256": dataset["sha256"]}} if dataset.get("sha256") else {}
        found.append({"name": dataset["name"], "uri": dataset["source"], **digest})
    if commit := code.get("commit"):
        modified = {"annotations": {"isModified": code.get("is_modified")}}
        found.append({"name": "notebake", "digest": {"gitCommit": commit}, **modified})
    return found
