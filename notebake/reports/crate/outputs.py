"""What a run gave: the image, and the files that were kept."""

import json
import mimetypes
from collections.abc import Iterator

from notebake.ledger.entry import hash_of
from notebake.reports.crate.entities import Entity, Payload, entity, refer, time_of
from notebake.reports.crate.inputs import PARAMETER_PROFILE
from notebake.reports.crate.material import Material

FOLDER = "files/"
IMAGE_PARAMETER = "#output-image"
IMAGE_FILE = "image.json"
NO_DIGEST = (
    "An Amazon Machine Image has no content digest. The file image.json names the image, the run,"
    " the head of the run's record and the hashes of its files; the hash of image.json stands for"
    " all of that, and not for the bytes of the image."
)
STEPS = {
    "locks/papermill.txt": "install_papermill",
    "locks/": "install_software",
    "notebook/": "run_notebook",
    "datasets.json": "fetch_datasets",
    "acceptance-": "prove_image",
    "proof.json": "prove_image",
    "allowed.json": "clean_host",
}
"""Which step stores which files, by the beginnings of their names; the first that fits counts."""
KINDS = {
    ".ipynb": "application/x-ipynb+json",
    ".yml": "application/yaml",
}


def kept_files(material: Material) -> Iterator[Payload]:
    """Yield the files of the run that are as the ledger has recorded them."""
    for file in material.files:
        suffix = f".{file.name.rpartition('.')[2]}"
        kind = KINDS.get(suffix) or mimetypes.guess_type(file.name)[0] or "text/plain"
        described = entity(
            FOLDER + file.name,
            "File",
            name=file.name,
            encodingFormat=kind,
            contentSize=str(len(file.content)),
            sha256=file.sha256,
            dateModified=time_of(file.at),
        )
        yield Payload(described, file.content)


def step_of_file(name: str) -> str:
    """Return the step that stores a file of the run; "" if that is not known."""
    return next((step for start, step in STEPS.items() if name.startswith(start)), "")


def files_of_step(material: Material, step: str) -> list[str]:
    """Return the ids of the files that a step has stored."""
    return [FOLDER + file.name for file in material.files if step_of_file(file.name) == step]


def image(material: Material) -> list[Entity]:
    """Return the entities of the image that the run leaves, and of its parameter; none for none."""
    left = material.summary.image
    if not left:
        return []
    return [
        entity(
            IMAGE_PARAMETER,
            "FormalParameter",
            name="image",
            additionalType="PropertyValue",
            description="The image.",
            conformsTo=refer(PARAMETER_PROFILE),
        ),
        entity(
            material.image_uri(left.id),
            ["CreativeWork", "PropertyValue"],
            name=f"Amazon Machine Image {left.id}",
            alternateName=left.name,
            identifier=left.id,
            value=left.id,
            description=NO_DIGEST + ("" if left.accepted else " The image was not accepted."),
            dateCreated=left.accepted,
            exampleOfWork=refer(IMAGE_PARAMETER),
            isBasedOn=refer(material.image_uri(material.summary.base_image)),
            subjectOf=refer(IMAGE_FILE),
        ),
    ]


def image_file(material: Material) -> Payload | None:
    """Return the file that names the image, and what its hash stands for; None without an image."""
    left, summary = material.summary.image, material.summary
    if not left:
        return None
    document = {
        "note": NO_DIGEST,
        "image": left.id,
        "arn": material.image_uri(left.id),
        "name": left.name,
        "accepted": left.accepted,
        "snapshots": list(left.snapshots),
        "base_image": summary.base_image,
        "run": summary.run,
        "record": {"entries": len(material.run.entries), "head": material.run.head},
        "files": {file.name: file.sha256 for file in material.files},
    }
    content = (json.dumps(document, indent=1) + "\n").encode()
    described = entity(
        IMAGE_FILE,
        "File",
        name="What is known of the image",
        description=NO_DIGEST,
        encodingFormat="application/json",
        sha256=hash_of(content),
    )
    return Payload(described, content)
