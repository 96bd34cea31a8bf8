"""The command `images`: which images were made in a region."""

import argparse
from typing import TYPE_CHECKING

from flows.cli.arguments import add_json
from flows.cli.exit_codes import DONE
from flows.cli.regions import usual_region

if TYPE_CHECKING:
    from notebake.aws.model import Resource

EXAMPLE = "notebake images --region us-west-2"
FIELDS = {
    "region": "region that was looked into",
    "images[].image_id": "AMI id",
    "images[].name": "name of the AMI",
    "images[].run_id": "run that made it",
    "images[].state": "state in EC2's words",
    "images[].made_at": "time, ISO 8601 in UTC",
    "images[].is_accepted": "whether it has passed its test",
    "images[].accepted_at": "when it did; null: not, or not known",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments and options of the command."""
    parser.add_argument(
        "--region", default="", help="AWS region; default: $AWS_REGION or us-west-2"
    )
    add_json(parser)


def run(given: argparse.Namespace) -> int:
    """List the images that were made in a region."""
    from flows.cli.json_output import print_document
    from flows.terminal.images_table import print_images
    from notebake.aws.inventory import list_resources

    region = given.region or usual_region()
    found = [resource for resource in list_resources(region) if resource.kind == "image"]
    images = sorted(found, key=lambda image: image.run_id)
    if given.json:
        print_document({"region": region, "images": [row_of(image) for image in images]})
    else:
        print_images(images, region)
    return DONE


def row_of(image: "Resource") -> dict[str, object]:
    """Return what a script reads of an image."""
    from flows.cli.json_output import iso_time
    from notebake.aws import tags
    from notebake.timestamps import parse_timestamp

    return {
        "image_id": image.id,
        "name": image.name or None,
        "run_id": image.run_id or None,
        "state": image.state or None,
        "made_at": iso_time(image.made_at),
        "is_accepted": tags.ACCEPTED in image.tags,
        "accepted_at": iso_time(parse_timestamp(image.tags.get(tags.ACCEPTED, ""))),
    }
