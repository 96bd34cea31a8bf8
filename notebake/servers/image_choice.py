"""Which image a server is started from: a recipe's current one, one by its id, or by its name."""

import difflib
import logging
import re
from collections.abc import Iterable
from typing import Any

from notebake.aws import server_calls, tags
from notebake.aws.identity import current_caller
from notebake.aws.image_parameter import YES, read_named
from notebake.errors import CloudError, NextCommand, NotebakeError
from notebake.local.usual_region import region_words
from notebake.record import Record
from notebake.servers.find import list_servers
from notebake.servers.next_command import command_on

log = logging.getLogger(__name__)
IMAGE_ID = re.compile(r"ami-(?:[0-9a-f]{8}|[0-9a-f]{17})")
USABLE = "available"


class ChosenImage(Record):
    """An image from which a server can be started."""

    id: str
    name: str
    owner_id: str
    architecture: str
    root_device: str
    mapping: tuple[dict[str, Any], ...] = ()
    """The block device mappings of its disks, as EC2 describes them."""
    recipe: str = ""
    run_id: str = ""
    efs: tuple[str, ...] = ()
    """Where a server with a role mounts file systems on EFS."""
    why: str
    """Why it is this one, for people."""


def choose_image(wanted: str, region: str) -> ChosenImage:
    """Return the image that a person means: an id, a recipe's name, or a name with `*`.

    A recipe's name means its current image, by the parameter of the pointer or its tag, or else the
    newest of its own that is accepted. Names are looked for among own and shared images.

    Raises:
        NotebakeError: there is none, or it cannot be used; the message says what was looked for.
    """
    if IMAGE_ID.fullmatch(wanted):
        return _by_id(wanted, region, "")
    if re.fullmatch(r"[\w-]+", wanted) and (current := _current_of(wanted, region)):
        return _by_id(current, region, f"the current image of {wanted}")
    own = server_calls.describe_images(region, Owners=["self"])
    made = [image for image in own if _is_accepted_of(image, wanted)]
    if marked := [image for image in made if _is_current(image)]:
        return _as_chosen(_newest(marked), f"the current image of {wanted}, by its tag")
    if made:
        return _as_chosen(_newest(made), f"the newest accepted image of {wanted}")
    shared = server_calls.describe_images(region, ExecutableUsers=["self"])
    filtered = [image for image in (*own, *shared) if _has_name(image, wanted)]
    if filtered:
        return _as_chosen(_newest(filtered), f"the newest image that is called {wanted}")
    commands = [
        command_on(server, "open", purpose="The server of this name")
        for server in list_servers(region)
        if server.name == wanted
    ]
    raise NotebakeError(
        f"There is no image {wanted} in {region}: neither a current or accepted image of a recipe"
        f" of that name, nor an own or shared image that is called so.{_meant(wanted, own)}",
        "A public image is named by its id, and a name may have *, as 'ocean*'.\n"
        "Another region: --region",
    ).with_next(*commands, _own_images(region), _sharing("IMAGE", region))


def _by_id(image_id: str, region: str, why: str) -> ChosenImage:
    try:
        found = server_calls.describe_images(region, ImageIds=[image_id])
    except CloudError as error:
        if not error.code.startswith("InvalidAMIID"):
            raise
        found = []
    if not found:
        raise NotebakeError(
            f"EC2 shows no image {image_id} in {region}: it is not there, or it is not shared"
            " with this account.",
            "An image lies in one region: --region",
        ).with_next(_sharing(image_id, region), _own_images(region))
    if found[0]["State"] != USABLE:
        raise NotebakeError(
            f"The image {image_id} is {found[0]['State']}: no server can be started from it."
        ).with_next(_own_images(region))
    return _as_chosen(found[0], why or "by its id")


def _own_images(region: str) -> NextCommand:
    return NextCommand(("images", *region_words(region)), "Your images")


def _sharing(image_id: str, region: str) -> NextCommand:
    """Return what the owner of an image types so that this account may use it."""
    account = current_caller(region).account
    words = ("share", image_id, "--with", account, "--region", region)
    return NextCommand(words, "Its owner, to share it")


def _current_of(recipe: str, region: str) -> str:
    """Return the image that the recipe's parameter names, or "" without one."""
    try:
        return read_named(recipe, region).image_id
    except CloudError as error:
        if error.code == "ValidationException":
            # No parameter can have this name.
            return ""
        if error.code == "AccessDeniedException":
            log.warning(
                "Which image of %s is current cannot be read: that needs ssm:GetParameter, as"
                " deployments/policy-use.json has it. The image goes by its tag, or else is the"
                " newest one",
                recipe,
            )
            return ""
        raise


def _is_current(image: dict[str, Any]) -> bool:
    return tags.as_dict(image.get("Tags")).get(tags.CURRENT) == YES


def _is_accepted_of(image: dict[str, Any], recipe: str) -> bool:
    shown = tags.as_dict(image.get("Tags"))
    is_good = tags.ACCEPTED in shown and tags.REVOKED not in shown and image["State"] == USABLE
    return is_good and shown.get(tags.RECIPE) == recipe


def _has_name(image: dict[str, Any], pattern: str) -> bool:
    parts = (re.escape(part) for part in pattern.split("*"))
    is_named = re.fullmatch(".*".join(parts), image.get("Name", "")) is not None
    return is_named and image["State"] == USABLE


def _meant(wanted: str, images: Iterable[dict[str, Any]]) -> str:
    named = [(tags.as_dict(image.get("Tags")).get(tags.RECIPE, ""), image) for image in images]
    usable = [recipe for recipe, image in named if _is_accepted_of(image, recipe)]
    close = difflib.get_close_matches(wanted, usable, n=1)
    return f" Did you mean {close[0]}?" if close else ""


def _newest(images: Iterable[dict[str, Any]]) -> dict[str, Any]:
    return max(images, key=lambda image: (image["CreationDate"], image["ImageId"]))


def _as_chosen(image: dict[str, Any], why: str) -> ChosenImage:
    shown = tags.as_dict(image.get("Tags"))
    disks = [mapping for mapping in image.get("BlockDeviceMappings", []) if "Ebs" in mapping]
    return ChosenImage(
        id=image["ImageId"],
        name=image.get("Name", ""),
        owner_id=image.get("OwnerId", ""),
        architecture=image["Architecture"],
        root_device=image.get("RootDeviceName", ""),
        mapping=tuple(disks),
        recipe=shown.get(tags.RECIPE, ""),
        run_id=shown.get(tags.RUN, ""),
        efs=tuple(shown.get(tags.EFS, "").split()),
        why=why,
    )
