"""What looks like a credential and stands for one: in manuals and examples."""

import re

from notebake.credentials.engine_output import Match

# Passwords of manuals and examples, and what stands for "put yours here".
PLACEHOLDER = re.compile(
    r"(?i)(.)\1*|pass(?:word|wd|phrase)?|pwd?|secret|(?:access[_-]?)?token|(?:api[_-]?)?key|tiger"
    r"|change-?me|example|hunter2|test|user|my[_-]?\w*|your[_-]?\w*|some[_-]?\w*|foo|bar|baz"
)
EXAMPLE_HOST = re.compile(
    r"(?i)(?:[\w-]+\.)*(?:example(?:\.\w+)?|host(?:name)?|server|domain|proxy)(?:[:/?#\s\"'`<]|$)"
)
WEB_TOKEN_OF_THE_STANDARD = "eyJzdWIiOiIxMjM0NTY3ODkw"  # noqa: S105 - jwt.io shows it
MANY = re.compile(r"(.)\1{7}|(?i:example|placeholder|your[_-])|1234567890|abcdefghij")


def is_placeholder(match: Match) -> bool:
    """Say whether a value that the engine found is nobody's."""
    value = match.value
    if match.rule == "url-with-password":
        return not is_password(value)
    if match.rule in ("netrc-login", "connection-string-password"):
        return is_word_of_a_manual(value)
    if match.rule == "jwt":
        return WEB_TOKEN_OF_THE_STANDARD in value
    if match.rule == "private-key":
        return False
    return MANY.search(value) is not None


def is_word_of_a_manual(password: str) -> bool:
    """Tell a password from what stands for one, or from the next word of a sentence."""
    if password.startswith(("&lt;", "[", "(")) or re.search("(?i)password", password):
        return True
    word = re.sub(r"^\W+|\W+$", "", password)
    return bool(PLACEHOLDER.fullmatch(word) or re.fullmatch(r"[A-Z]?[a-z]*", word))


def is_password(url: str) -> bool:
    """Tell a URL with a credential from one in a manual; it begins with ://."""
    user, _, rest = url[3:].partition(":")
    password, _, host = rest.rpartition("@")
    if PLACEHOLDER.fullmatch(password) or EXAMPLE_HOST.match(host):
        return False
    # What some programs call a repository and its revision: words, and no host.
    if re.fullmatch(r"[a-z]+", password) and not re.search(r"\.|:\d", host):
        return False
    return user.lower() not in ("anonymous", password.lower())
