"""What a person types of a disk: NAME:GIB:MOUNT."""

from collections.abc import Sequence

from pydantic import ValidationError

from notebake.errors import NotebakeError
from notebake.recipe import Volume
from notebake.record import Record
from notebake.servers.names import NAME, NAME_RULE

FORM = "NAME:GIB or NAME:GIB:MOUNT, such as data:50 or data:50:/data"
MOST_GIB = 16384
NOT_IN_MOUNTS = "@ \t\n"
"""What separates the parts of the tag of a server's disks."""


class WantedVolume(Record):
    """A disk that somebody wants on a server."""

    name: str
    size_gib: int = 0
    """0: it has to be there already."""
    mount: str = ""
    """"": in the home of the login user, under its name."""


def read_volume(text: str) -> WantedVolume:
    """Return the disk that was typed.

    Raises:
        NotebakeError: it is none; the message says which part is wrong.
    """
    name, _, rest = text.partition(":")
    size, _, mount = rest.partition(":")
    if not NAME.fullmatch(name):
        raise NotebakeError(f"{name!r} cannot be the name of a disk.", f"{NAME_RULE} Type: {FORM}")
    if size and not (size.isdigit() and 1 <= int(size) <= MOST_GIB):
        raise NotebakeError(f"{size!r} is no size of a disk in GiB: 1 to {MOST_GIB}.", FORM)
    if mount:
        check_mount(name, mount)
    return WantedVolume(name=name, size_gib=int(size or 0), mount=mount)


def check_mount(name: str, mount: str) -> None:
    """Check that a disk may be mounted there.

    Raises:
        NotebakeError: it may not, for the reason that a recipe would be told.
    """
    try:
        Volume(name=name, mount_point=mount)
    except ValidationError as error:
        said = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise NotebakeError(f"The disk {name} cannot be mounted on {mount}: {said}.") from error
    if any(letter in mount for letter in NOT_IN_MOUNTS):
        raise NotebakeError(f"The disk {name} cannot be mounted on {mount!r}: no blanks, no @.")


def check_names(wanted: Sequence[WantedVolume]) -> None:
    """Check that no two disks of a server have a name or a place in common.

    Raises:
        NotebakeError: two have.
    """
    for what in ("name", "mount"):
        given = [value for each in wanted if (value := getattr(each, what))]
        if twice := [value for value in given if given.count(value) > 1]:
            raise NotebakeError(f"Two disks have the {what} {twice[0]}.")
