"""The command `images`: list the images that notebake made in a region."""

import argparse
from typing import TYPE_CHECKING

from flows.cli.arguments import add_json, add_region, location_of, usual_region
from flows.cli.exit_codes import DONE

if TYPE_CHECKING:
    from notebake.images.listed_image import ListedImage

EXAMPLE = "notebake images --region us-west-2"
FIELDS = {
    "region": "region that was searched",
    "images[].image_id": "AMI id",
    "images[].name": "name of the AMI",
    "images[].recipe": "name of its recipe",
    "images[].run_id": "run that made it",
    "images[].state": "state in EC2's words",
    "images[].made_at": "time, ISO 8601 in UTC",
    "images[].size_gib": "size of its disks, GiB; each machine from it has as much",
    "images[].usd_per_month": "its snapshots' costs at most, as if every block were written",
    "images[].is_accepted": "whether it has passed its test",
    "images[].accepted_at": "when it did; null: not, or not known",
    "images[].is_current": "whether it is the current image of its recipe, by the run store",
    "images[].is_held": "whether it stays current until a person promotes another image",
    "images[].is_revoked": "whether it must not be used as a base any more",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments and options of the command."""
    add_region(parser)
    add_json(parser)


def run(given: argparse.Namespace) -> int:
    """List the images of a region."""
    from flows.cli.json_output import print_document
    from flows.terminal.images_table import print_images
    from notebake.images.listed_image import list_images
    from notebake.runs.open_store import open_store

    region = given.region or usual_region()
    images = list_images(region, open_store(location_of(given)))
    if given.json:
        print_document({"region": region, "images": [document_row(image) for image in images]})
    else:
        print_images(images, region)
    return DONE


def document_row(image: "ListedImage") -> dict[str, object]:
    """Return an image as a JSON object."""
    from flows.cli.json_output import iso_time

    return {
        "image_id": image.id,
        "name": image.name or None,
        "recipe": image.recipe or None,
        "run_id": image.run_id or None,
        "state": image.state or None,
        "made_at": iso_time(image.made_at),
        "size_gib": image.size_gib,
        "usd_per_month": image.usd_per_month,
        "is_accepted": image.is_accepted,
        "accepted_at": iso_time(image.accepted_at),
        "is_current": image.is_current,
        "is_held": image.is_held,
        "is_revoked": image.is_revoked,
    }
