"""Findings that do not count: placeholders, what the cleaning removes, and the login itself."""

import re

from notebake.credentials.engine import Match
from notebake.credentials.file_name_rules import AUTHORIZED_KEY, SSH_HOST_KEY
from notebake.credentials.report import Finding

# Example passwords, and phrases such as "put your password here".
PLACEHOLDER = re.compile(
    r"(?i)(.)\1*|pass(?:word|wd|phrase)?|pwd?|secret|(?:access[_-]?)?token|(?:api[_-]?)?key|tiger"
    r"|change-?me|example|hunter2|test|user|my[_-]?\w*|your[_-]?\w*|some[_-]?\w*|foo|bar|baz"
)
EXAMPLE_HOST = re.compile(
    r"(?i)(?:[\w-]+\.)*(?:example(?:\.\w+)?|host(?:name)?|server|domain|proxy)(?:[:/?#\s\"'`<]|$)"
)
# The example of jwt.io.
JWT_IO_EXAMPLE = "eyJzdWIiOiIxMjM0NTY3ODkw"
EXAMPLE_VALUE = re.compile(r"(.)\1{7}|(?i:example|placeholder|your[_-])|1234567890|abcdefghij")


def is_placeholder(match: Match) -> bool:
    """Return whether a value that the engine found is an example."""
    value = match.value
    if match.rule == "url-with-password":
        return is_placeholder_url(value)
    if match.rule in ("netrc-login", "connection-string-password"):
        return is_placeholder_password(value)
    if match.rule == "jwt":
        return JWT_IO_EXAMPLE in value
    if match.rule == "private-key":
        return False
    return EXAMPLE_VALUE.search(value) is not None


def is_placeholder_password(password: str) -> bool:
    """Return whether a password is a placeholder, or an ordinary word of a sentence."""
    if password.startswith(("&lt;", "[", "(")) or re.search("(?i)password", password):
        return True
    word = re.sub(r"^\W+|\W+$", "", password)
    return bool(PLACEHOLDER.fullmatch(word) or re.fullmatch(r"[A-Z]?[a-z]*", word))


def is_placeholder_url(url: str) -> bool:
    """Return whether a URL, given from its :// on, has an example for a password."""
    user, _, rest = url[3:].partition(":")
    password, _, host = rest.rpartition("@")
    if PLACEHOLDER.fullmatch(password) or EXAMPLE_HOST.match(host):
        return True
    # Some programs write a repository and its revision like this: words, and no host name.
    if re.fullmatch(r"[a-z]+", password) and not re.search(r"\.|:\d", host):
        return True
    return user.lower() in ("anonymous", password.lower())


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
