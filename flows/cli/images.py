"""The command `images`: list the images that notebake made in a region."""

import argparse
from typing import TYPE_CHECKING

from flows.cli.arguments import add_json, add_region, location_of, usual_region
from flows.cli.exit_codes import DONE

if TYPE_CHECKING:
    import datetime

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
    "images[].recipe_checked_at": "when its recipe was last checked for updates; null: never",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments and options of the command."""
    add_region(parser)
    add_json(parser)


def run(given: argparse.Namespace) -> int:
    """List the images of a region."""
    from flows.cli.json_output import print_document
    from flows.terminal.images_table import print_images, print_last_checks
    from notebake.images.listed_image import list_images
    from notebake.images.updates.last_check import find_last_check
    from notebake.runs.open_store import open_store

    region, location = given.region or usual_region(), location_of(given)
    images = list_images(region, open_store(location))
    recipes = dict.fromkeys(image.recipe for image in images if image.recipe and image.is_accepted)
    checks = {recipe: find_last_check(recipe, region, location) for recipe in recipes}
    if given.json:
        rows = [document_row(image, checks.get(image.recipe)) for image in images]
        print_document({"region": region, "images": rows})
    else:
        print_images(images, region)
        print_last_checks(checks)
    return DONE


def document_row(
    image: "ListedImage", checked: "datetime.datetime | None" = None
) -> dict[str, object]:
    """Return an image as a JSON object; `checked` is when its recipe was last checked."""
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
        "recipe_checked_at": iso_time(checked),
    }
