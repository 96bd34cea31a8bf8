"""Lists of the packages in the image, as CycloneDX 1.6 (https://cyclonedx.org/docs/1.6/json/)."""

import datetime
import uuid
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from notebake.reports.crate.entities import Payload, entity
from notebake.reports.crate.lock_packages import Package, python_packages, system_packages
from notebake.reports.crate.material import Material

if TYPE_CHECKING:
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component

PYTHON, SYSTEM = "packages-python.cdx.json", "packages-system.cdx.json"
MEDIA_TYPE = "application/vnd.cyclonedx+json"
NAMES = {PYTHON: "The Python packages", SYSTEM: "The distribution's packages"}


def bills_of_materials(material: Material) -> Iterator[Payload]:
    """Yield a list of each kind of package that the lock files have."""
    files = [file for file in material.files if file.name.startswith("locks/")]
    locks = {file.name: file.content.decode(errors="replace") for file in files}
    lists = {PYTHON: python_packages(locks), SYSTEM: system_packages(locks)}
    for path, packages in lists.items():
        if not packages:
            continue
        described = entity(
            path,
            "File",
            name=f"{NAMES[path]} in the image",
            description="CycloneDX 1.6, made of the lock files that the run has stored.",
            encodingFormat=MEDIA_TYPE,
        )
        yield Payload(described, bill_of(material, path, packages).encode())


def bill_of(material: Material, path: str, packages: Sequence[Package]) -> str:
    """Return a list as JSON; the same for the same run, whenever it is made."""
    from cyclonedx.model.bom import Bom, BomMetaData
    from cyclonedx.output import make_outputter
    from cyclonedx.schema import OutputFormat, SchemaVersion

    summary = material.summary
    bom = Bom(
        serial_number=uuid.uuid5(uuid.NAMESPACE_URL, f"notebake:{summary.run}:{path}"),
        metadata=BomMetaData(
            component=_subject(material),
            timestamp=datetime.datetime.fromisoformat(summary.ended or summary.began),
        ),
        components=[_component(package) for package in packages],
    )
    _say_what_is_installed(bom)
    outputter = make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6)
    return outputter.output_as_string(indent=1) + "\n"


def _say_what_is_installed(bom: "Bom") -> None:
    """Name all components as what the image depends on; how they depend is not recorded."""
    subject = bom.metadata.component
    if subject is not None:
        bom.register_dependency(subject, bom.components)


def _subject(material: Material) -> "Component":
    from cyclonedx.model import Property
    from cyclonedx.model.bom_ref import BomRef
    from cyclonedx.model.component import Component, ComponentType

    image, run = material.summary.image, material.summary.run
    return Component(
        name=image.id if image else f"the builder of run {run}",
        type=ComponentType.OPERATING_SYSTEM,
        bom_ref=BomRef(material.image_uri(image.id) if image else run),
        description="An Amazon Machine Image, which has no content digest." if image else None,
        properties=[Property(name="notebake:run", value=run)],
    )


def _component(package: Package) -> "Component":
    from cyclonedx.model import HashAlgorithm, HashType, Property
    from cyclonedx.model.bom_ref import BomRef
    from cyclonedx.model.component import Component, ComponentType
    from packageurl import PackageURL

    purl = package.kind and PackageURL(
        package.kind,
        package.namespace or None,
        package.name,
        package.version or None,
        dict(package.qualifiers),
    )
    return Component(
        name=package.name,
        version=package.version or None,
        type=ComponentType.LIBRARY,
        purl=purl or None,
        bom_ref=BomRef(str(purl) if purl else f"{package.name}={package.version}"),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=package.sha256)]
        if package.sha256
        else (),
        properties=[Property(name=name, value=text) for name, text in package.properties.items()],
    )
