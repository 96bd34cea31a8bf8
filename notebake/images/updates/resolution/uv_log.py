"""What uv prints: why it failed, and which versions it left although they may be built."""

import re

FOUND = re.compile(
    r"Found candidate for package (?P<name>[^\s\[{]+)\S* with range .* after \d+ steps?:"
    r" (?P<version>\S+) version"
)
REFUSED = re.compile(r"Returning incompatible candidate for package (?P<name>[^\s\[{]+)")
LOG_LINE = re.compile(r"^\s*(?:[\d.]+m?s\s+)?(?:TRACE|DEBUG|INFO)\b")
LOGIN = re.compile(r"(?<=://)[^/@\s]*@")
LAST_LINES = 12


def without_login(text: str) -> str:
    """Return a text without the logins in its addresses."""
    return LOGIN.sub("", text)


def last_words(printed: str) -> str:
    """Return what uv said of its failure, without its log and without logins."""
    lines = [line.strip() for line in printed.splitlines() if not LOG_LINE.match(line)]
    return without_login(" ".join(line for line in lines[-LAST_LINES:] if line)) or "it failed"


def refused_versions(log: str) -> dict[str, frozenset[str]]:
    """Return which versions uv looked at and left, by package."""
    looked_at: dict[str, str] = {}
    refused: dict[str, set[str]] = {}
    for line in log.splitlines():
        if found := FOUND.search(line):
            looked_at[found["name"]] = found["version"]
        elif (left := REFUSED.search(line)) and left["name"] in looked_at:
            refused.setdefault(left["name"], set()).add(looked_at[left["name"]])
    return {name: frozenset(versions) for name, versions in refused.items()}
