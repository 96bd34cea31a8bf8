"""What is known of a machine: whose homes it has, what cleaning removes, what is expected."""

import re
from pathlib import Path

from notebake.credentials.file_name_rules import AUTHORIZED_KEY, SSH_HOST_KEY
from notebake.credentials.report import Finding

FIRST_PERSON = 1000
"""The first user id that stands for a person."""


def find_homes(root: str) -> tuple[str, ...]:
    """Return the homes of all users, without a leading slash."""
    homes = {"root"}
    passwd = Path(root) / "etc/passwd"
    if passwd.exists():
        for line in passwd.read_text(errors="surrogateescape").splitlines():
            fields = line.split(":")
            if len(fields) == 7 and fields[5].strip("/"):
                homes.add(fields[5].strip("/"))
    if (Path(root) / "home").is_dir():
        homes.update(f"home/{entry.name}" for entry in (Path(root) / "home").iterdir())
    return tuple(sorted(homes))


def find_login_homes(root: str) -> list[str]:
    """Return the homes that are there of root and of whoever may log in."""
    homes = {"root"}
    passwd = Path(root) / "etc/passwd"
    if passwd.exists():
        for line in passwd.read_text(errors="surrogateescape").splitlines():
            fields = line.split(":")
            if len(fields) == 7 and fields[2].isdigit() and int(fields[2]) >= FIRST_PERSON:
                homes.add(fields[5].strip("/"))
    homes.update(home for home in find_homes(root) if home.startswith("home/"))
    return sorted(home for home in homes - {""} if (Path(root) / home).is_dir())


# What programs write down by themselves and the cleaning removes. No history is among it, only
# the bare fact that there is one: what stands in it somebody typed.
REMOVED_RULES = {
    AUTHORIZED_KEY,
    "history",
    "Jupyter's own secret",
    "cloud-init's record of this machine",
    "systemd's credential key",
}
REMOVED_PATHS = re.compile(
    r"/(?:etc/notebake/jupyter-token|etc/ssl/private/ssl-cert-snakeoil\.key"
    r"|tmp/|var/(?:cache|crash|log|tmp|lib/(?:cloud|dhcp|NetworkManager))/)"
    r"|.*/jupyter/runtime/"
)


def is_removed_by_cleaning(finding: Finding) -> bool:
    """Say whether the cleaning removes this, and nobody typed it."""
    if finding["rule"] in REMOVED_RULES or REMOVED_PATHS.match(finding["path"]):
        return True
    # A cache holds what was downloaded; a credential is told there by its name alone.
    return "/.cache/" in finding["path"] and bool(finding["place"])


def is_expected_login(finding: Finding, login: str | None) -> bool:
    """Say whether this is the login itself, which is removed last, after the search."""
    if login is None:
        return False
    if finding["rule"] == AUTHORIZED_KEY:
        return finding["path"] == f"{login}/.ssh/authorized_keys"
    is_host_key = re.fullmatch(r"/etc/ssh/ssh_host_\w+_key", finding["path"])
    return bool(is_host_key) and finding["rule"] in (SSH_HOST_KEY, "private-key")
