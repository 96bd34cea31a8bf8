"""The home directories of a machine's users, without a leading slash."""

from collections.abc import Iterator
from pathlib import Path

FIRST_PERSON = 1000
"""The lowest user id of a person."""


def find_homes(root: str) -> tuple[str, ...]:
    """Return the homes of all users."""
    return tuple(sorted({"root", *(home for _, home in _users(root)), *_below_home(root)}))


def find_login_homes(root: str) -> list[str]:
    """Return the existing homes of root and of users that can log in."""
    people = {home for user_id, home in _users(root) if user_id >= FIRST_PERSON}
    homes = people | {home for home in find_homes(root) if home.startswith("home/")} | {"root"}
    return sorted(home for home in homes if (Path(root) / home).is_dir())


def _users(root: str) -> Iterator[tuple[int, str]]:
    passwd = Path(root) / "etc/passwd"
    if not passwd.exists():
        return
    for line in passwd.read_text(errors="surrogateescape").splitlines():
        fields = line.split(":")
        if len(fields) == 7 and fields[5].strip("/"):
            yield int(fields[2]) if fields[2].isdigit() else 0, fields[5].strip("/")


def _below_home(root: str) -> Iterator[str]:
    directory = Path(root) / "home"
    if directory.is_dir():
        yield from (f"home/{entry.name}" for entry in directory.iterdir())
