"""Recognises placeholders for credentials, as in manuals and examples."""

import re

from notebake.credentials.engine_output import Match

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
