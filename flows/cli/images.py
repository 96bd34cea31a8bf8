"""The command `images`: list the images that notebake made in a region."""

import argparse
from typing import TYPE_CHECKING

from flows.cli.arguments import add_json, usual_region
from flows.cli.exit_codes import DONE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from notebake.aws.model import Resource

EXAMPLE = "notebake images --region us-west-2"
FIELDS = {
    "region": "region that was searched",
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
    """List the images of a region."""
    from flows.cli.json_output import print_document
    from notebake.aws.inventory import list_resources

    region = given.region or usual_region()
    found = [resource for resource in list_resources(region) if resource.kind == "image"]
    images = sorted(found, key=lambda image: image.run_id)
    if given.json:
        print_document({"region": region, "images": [document_row(image) for image in images]})
    else:
        print_images(images, region)
    return DONE


def print_images(images: "Sequence[Resource]", region: str) -> None:
    """Print the images as a table."""
    from rich.table import Table

    from flows.terminal.console import open_console
    from notebake.aws import tags

    console = open_console()
    if not images:
        console.print(f"No image in {region} was made by notebake.")
        return
    table = Table("image", "run", "", box=None, pad_edge=False)
    for image in images:
        day = image.tags.get(tags.ACCEPTED, "")[:10]
        table.add_row(
            image.id, image.run_id, f"accepted {day}" if day else f"{image.state}, not accepted"
        )
    console.print(table, soft_wrap=True)


def document_row(image: "Resource") -> dict[str, object]:
    """Return an image as a JSON object."""
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
