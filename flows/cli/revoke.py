"""The command `revoke`: block an image as a base, and name what was made from it."""

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from flows.cli.arguments import add_region, location_of
from flows.cli.exit_codes import DONE
from notebake.local.usual_region import usual_region

if TYPE_CHECKING:
    from notebake.images.copying.known_copies import SharedImage
    from notebake.images.revoke import RevokedImage

EXAMPLE = "notebake revoke ami-0123456789abcdef0 --reason 'a key was left in it'"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments and options of the command."""
    parser.add_argument("image", help="id of an image, also of one that notebake did not make")
    parser.add_argument(
        "--reason",
        required=True,
        metavar="TEXT",
        help="why; the record keeps it for good, so name no people",
    )
    add_region(parser)
    parser.set_defaults(does_work=True)


def run(given: argparse.Namespace) -> int:
    """Revoke the image; it is neither removed nor taken from who uses it."""
    from flows.terminal.console import open_console
    from notebake.images.revoke import revoke
    from notebake.runs.open_store import open_store

    region = given.region or usual_region()
    found = revoke(given.image, region, open_store(location_of(given)), reason=given.reason)
    for line in lines_of(found, given.store or ""):
        open_console().print(line, markup=False, soft_wrap=True)
    return DONE


def lines_of(found: "RevokedImage", store: str) -> Iterator[str]:
    """Yield what a person reads of a revocation."""
    from notebake.errors import NextCommand, describe_next
    from notebake.humanize import pluralize

    image = found.revocation.image_id
    yield (
        f"{image} is revoked since {found.revocation.at}: {found.revocation.reason}. No image is"
        " baked from it, and it does not become current."
    )
    if found.descendants:
        yield f"{pluralize(len(found.descendants), 'image')} made from it, directly or not:"
        yield from (f"  {each}" for each in found.descendants)
    else:
        yield "No image is known that was baked from it."
    yield from lines_of_copies(found, store)
    for shared in filter(None, (found.sharing, *found.copies)):
        yield from lines_of_sharing(shared, store)
    for recipe in found.current_of:
        yield f"It is still the current image of {recipe}."
        back = NextCommand(
            ("rollback", f"deployments/{recipe}.yaml"), "To go back to the one before"
        )
        yield from describe_next((back,), store)


def lines_of_copies(found: "RevokedImage", store: str) -> Iterator[str]:
    """Yield the copies of a revoked image, and how to revoke each."""
    from notebake.errors import NextCommand, describe_next

    if found.copies:
        yield "Copies of it, which this does not revoke:"
    left = []
    for copy in found.copies:
        if not copy.image_id:
            yield f"  one that was asked for in {copy.region}, and that nobody has seen yet"
            continue
        yield f"  {copy.image_id} in {copy.region}{', revoked as well' if copy.is_revoked else ''}"
        words = ("revoke", copy.image_id, "--region", copy.region)
        if not copy.is_revoked:
            reason = ("--reason", found.revocation.reason)
            left.append(NextCommand((*words, *reason), "To revoke a copy"))
    yield from describe_next(left, store)


def lines_of_sharing(shared: "SharedImage", store: str) -> Iterator[str]:
    """Yield with whom an image is shared, and how to take it back."""
    from notebake.aws.launch_permissions import EVERYBODY
    from notebake.errors import NextCommand, describe_next

    image = shared.image_id
    if shared.recipients is None:
        yield f"AWS does not say with whom {image} is shared in {shared.region}."
    elif shared.recipients:
        names = ("everybody" if each == EVERYBODY else each for each in shared.recipients)
        yield f"{image} is shared with {', '.join(names)}, who can still launch it."
        words = ("unshare", image, "--all", "--region", shared.region)
        yield from describe_next((NextCommand(words, "To take it back"),), store)
