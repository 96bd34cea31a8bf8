"""Findings that do not count against a machine: what the cleaning removes, and the login itself."""

import re

from notebake.credentials.file_name_rules import AUTHORIZED_KEY, SSH_HOST_KEY
from notebake.credentials.report import Finding

# Files that programs write by themselves and the cleaning removes. A history is among them as a
# file; a credential inside it is not, as a person typed it.
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
    """Return whether the cleaning removes a credential that no person typed."""
    if finding["rule"] in REMOVED_RULES or REMOVED_PATHS.match(finding["path"]):
        return True
    # A cache holds downloads; in it, only a file's name proves a credential of this machine.
    return "/.cache/" in finding["path"] and bool(finding["place"])


def is_expected_login(finding: Finding, login: str | None) -> bool:
    """Return whether a finding is the login itself, which is removed after the last scan."""
    if login is None:
        return False
    if finding["rule"] == AUTHORIZED_KEY:
        return finding["path"] == f"{login}/.ssh/authorized_keys"
    is_host_key = re.fullmatch(r"/etc/ssh/ssh_host_\w+_key", finding["path"])
    return bool(is_host_key) and finding["rule"] in (SSH_HOST_KEY, "private-key")
