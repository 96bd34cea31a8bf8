"""The catalogue of images as a flow, whose artifact `catalogue` always shows the newest."""

import logging
from typing import Any

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.states import Completed

from flows.catalogue_markdown import catalogue_lines
from flows.prefect_ui.form import Regions, StoreLocation
from flows.prefect_ui.plain_ending import ending_plainly
from flows.sweep import expand_regions
from notebake.costs.estimate import format_sum
from notebake.errors import RunStoreError
from notebake.humanize import pluralize
from notebake.images.catalogue.list_images import list_images
from notebake.images.catalogue.listed_image import Catalogue
from notebake.runs.open_store import default_location, open_store
from notebake.runs.registry import RunHeader
from notebake.store.interface import KEY
from notebake.waiting import allow_waits

log = logging.getLogger(__name__)
ARTIFACT = "catalogue"


@flow(name="Catalogue of images")
@ending_plainly
def catalogue(regions: Regions, sharing: bool = False, store: StoreLocation = "") -> Any:
    """List the images of regions: lineage, size, cost, age, last launch, state. Nothing is changed.

    The artifact `catalogue` has the table.

    Args:
        regions: The regions to list, such as us-west-2; `all`: all regions of the account.
        sharing: Ask with whom each image is shared: one call to AWS for each.
        store: Location of the run store, a directory or s3://bucket/prefix; empty: the default.

    Raises:
        CloudError: EC2 does not list the images.
    """
    allow_waits()
    location = store or default_location()
    found = [
        list_images(region, location, asks_sharing=sharing) for region in expand_regions(regions)
    ]
    sentence = describe(found)
    text = "\n".join(
        line for each in found for line in catalogue_lines(each, flow_runs_of(each, location))
    )
    create_markdown_artifact(text, key=ARTIFACT, description=sentence)
    log.info("%s", sentence)
    return Completed(message=sentence, data=sum(len(each.images) for each in found))


def describe(found: list[Catalogue]) -> str:
    """Return how many images there are, what they cost, and what is not known."""
    images = [image for each in found for image in each.images]
    cost = format_sum([image.usd_per_month for image in images])
    current = sum(bool(image.is_current) for image in images)
    missing = list(dict.fromkeys(reason for each in found for reason in each.missing))
    known = f", {current} current" if not missing else ""
    text = f"{pluralize(len(images), 'image')}{known}, {cost} a month at most"
    return "; not known: ".join([text, *missing])


def flow_runs_of(found: Catalogue, location: str) -> dict[str, str]:
    """Return the flow runs that began the runs of the images; those that the run store tells."""
    # A tag can hold anything.
    ids = dict.fromkeys(each.run_id for each in found.images if KEY.fullmatch(each.run_id))
    try:
        stored = open_store(location).read_all(f"{run_id}/run.json" for run_id in ids)
        headers = [RunHeader.model_validate_json(each.content) for each in stored]
    except (RunStoreError, ValueError) as error:
        log.warning("Which flow runs made the images is not known: %s", error)
        return {}
    return {header.id: header.flow_run_id for header in headers if header.flow_run_id}
