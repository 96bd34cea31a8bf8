"""What uv prints: why it failed, and which versions it left although they may be built."""

import re

FOUND = re.compile(
    r"Found candidate for package (?P<name>[^\s\[{]+)\S* with range .* after \d+ steps?:"
    r" (?P<version>\S+) version"
)
REFUSED = re.compile(r"Returning incompatible candidate for package (?P<name>[^\s\[{]+)")
LOGIN = re.compile(r"(?<=://)[^/@\s]*@")
LAST_LINES = 12


def without_login(text: str) -> str:
    """Return a text without the logins in its addresses."""
    return LOGIN.sub("", text)


def last_words(printed: str) -> str:
    """Return what uv said of its failure, without its log and without logins."""
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    errors = [number for number, line in enumerate(lines) if line.startswith("error:")]
    begin = errors[-1] if errors else max(0, len(lines) - LAST_LINES)
    words = " ".join(lines[begin : begin + LAST_LINES])
    return without_login(words.removeprefix("error:").strip()) or "it said nothing"


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
