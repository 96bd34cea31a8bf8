"""The command `promote`: make an accepted image the current one of its recipe."""

import argparse

from flows.cli.arguments import add_region, location_of
from flows.cli.exit_codes import DONE
from notebake.local.usual_region import usual_region

EXAMPLE = "notebake promote ami-0123456789abcdef0"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments and options of the command."""
    parser.add_argument("image", help="id of an accepted image, as `notebake images` shows it")
    add_region(parser)
    parser.set_defaults(does_work=True)


def run(given: argparse.Namespace) -> int:
    """Move the pointer to the image, and release a hold."""
    from flows.terminal.console import open_console
    from notebake.aws.image_parameter import parameter_of
    from notebake.images.made_image import find_made_image
    from notebake.images.pointer import move_pointer
    from notebake.images.revocation import check_image_id
    from notebake.runs.open_store import open_store

    region = given.region or usual_region()
    made = find_made_image(check_image_id(given.image), region, open_store(location_of(given)))
    pointer = move_pointer(made.run, made.image, releases_hold=True)
    open_console().print(
        f"{pointer.image_id} is the current image of {pointer.recipe} in {region}; the parameter"
        f" {parameter_of(pointer.recipe)} names it.",
        markup=False,
        soft_wrap=True,
    )
    return DONE
