"""The command `rollback`: make the image before the current one current again, and hold that."""

import argparse

from flows.cli.arguments import add_recipe, location_of
from flows.cli.exit_codes import DONE

EXAMPLE = """\
notebake rollback deployments/ocean.yaml --reason 'the sums are wrong'"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments and options of the command."""
    add_recipe(parser)
    parser.add_argument(
        "--reason",
        default="a person moved it back",
        metavar="TEXT",
        help="why; the record keeps it for good, so name no people",
    )
    parser.set_defaults(does_work=True)


def run(given: argparse.Namespace) -> int:
    """Move the pointer back, and hold it: no schedule moves it until an image is promoted."""
    from pathlib import Path

    from notebake.recipe.file import load_recipe

    recipe = load_recipe(Path(given.recipe))
    from flows.terminal.console import open_console
    from notebake.errors import NextCommand, describe_next
    from notebake.images.pointer import roll_back
    from notebake.runs.open_store import open_store

    store = open_store(location_of(given))
    pointer = roll_back(recipe.name, recipe.region, store, reason=given.reason)
    release = NextCommand(("promote", "IMAGE"), "To move it again, and release the hold")
    for line in (
        f"{pointer.image_id} of run {pointer.run_id} is the current image of {recipe.name} in"
        f" {recipe.region} again.",
        "It is held: no schedule moves it.",
        *describe_next((release,), given.store or ""),
    ):
        open_console().print(line, markup=False, soft_wrap=True)
    return DONE
