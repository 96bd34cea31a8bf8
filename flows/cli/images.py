"""The command `images`: the catalogue of the images that notebake made in a region."""

import argparse
from typing import TYPE_CHECKING

from flows.cli.arguments import add_json, add_region, location_of
from flows.cli.exit_codes import DONE, UNREADABLE
from notebake.local.usual_region import usual_region

if TYPE_CHECKING:
    import datetime

    from notebake.images.catalogue.listed_image import Catalogue, ListedImage

EXAMPLE = """\
notebake images --region us-west-2
notebake images --sharing --json"""
FIELDS = {
    "region": "region that was searched",
    "images[].image_id": "AMI id",
    "images[].name": "name of the AMI",
    "images[].recipe": "name of its recipe",
    "images[].run_id": "run that made it",
    "images[].state": "state in EC2's words",
    "images[].made_at": "time, ISO 8601 in UTC",
    "images[].base_image_id": "image from which it was made; null: not known",
    "images[].generation_before": "accepted image of its recipe that was made before it",
    "images[].size_gib": "size of its disks, GiB; each machine from it has as much",
    "images[].written_gib": "what was written to them; null: EC2 does not tell",
    "images[].usd_per_month": "its snapshots' costs at most, as if they shared no block",
    "images[].is_accepted": "whether it has passed its test",
    "images[].accepted_at": "when it did; null: not, or not known",
    "images[].deprecated_from": "since when others do not find it; null: not deprecated",
    "images[].last_launched": "when a machine was launched from it, told a day late",
    "images[].is_kept": "whether it is tagged to be kept",
    "images[].is_public": "whether everybody may launch it",
    "images[].shared_with": "accounts and ARNs; null: not asked, or not known",
    "images[].is_current": "whether it is the current image of its recipe; null: not known",
    "images[].is_held": "whether it stays current until a person promotes another image",
    "images[].is_previous": "whether a rollback goes back to it",
    "images[].is_revoked": "whether it must not be used as a base any more",
    "images[].recipe_checked_at": "when its recipe was last checked for updates; null: never",
    "loose_snapshots": "snapshots of runs that belong to no image",
    "missing": "what could not be read (exit code 5)",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments and options of the command."""
    parser.add_argument(
        "--sharing",
        action="store_true",
        help="ask with whom each is shared: one call for each image",
    )
    add_region(parser)
    add_json(parser)


def run(given: argparse.Namespace) -> int:
    """List the images of a region; UNREADABLE if the run store, or the sharing, was not read."""
    from flows.cli.json_output import print_document
    from flows.terminal.images_table import print_catalogue
    from notebake.images.catalogue.list_images import list_images

    region = given.region or usual_region()
    found = list_images(region, location_of(given), asks_sharing=given.sharing)
    if given.json:
        print_document(document_of(found))
    else:
        print_catalogue(found)
    return UNREADABLE if found.missing else DONE


def document_of(found: "Catalogue") -> dict[str, object]:
    """Return the catalogue as a JSON document."""
    return {
        "region": found.region,
        "images": [document_row(image, found.checks.get(image.recipe)) for image in found.images],
        "loose_snapshots": [*found.loose_snapshots],
        "missing": [*found.missing],
    }


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
        "base_image_id": image.base_image_id or None,
        "generation_before": image.generation_before or None,
        "size_gib": image.size_gib,
        "written_gib": image.written_gib,
        "usd_per_month": image.usd_per_month,
        "is_accepted": image.is_accepted,
        "accepted_at": iso_time(image.accepted_at),
        "deprecated_from": iso_time(image.deprecated_from),
        "last_launched": iso_time(image.last_launched),
        "is_kept": image.is_kept,
        "is_public": image.is_public,
        "shared_with": None if image.recipients is None else [*image.recipients],
        "is_current": image.is_current,
        "is_held": image.is_held,
        "is_previous": image.is_previous,
        "is_revoked": image.is_revoked,
        "recipe_checked_at": iso_time(checked),
    }
