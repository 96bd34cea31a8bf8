"""apt's sources, read from the lines that a run has kept (sources.list(5)).

Fields and options that change nothing here, such as Languages, are ignored.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from debian.deb822 import Deb822

LINE = re.compile(
    r"deb\s+(?:\[(?P<options>[^\]]*)\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)(?P<components>(?:\s+\S+)*)"
)
OPTION = re.compile(r'(?P<name>[\w-]+)(?P<sign>[+-]?)=(?P<value>"[^"]*"|\S*)')
FIELD = re.compile(r"(?P<name>[\w-]+):")
YES, NO = ("yes", "true", "with", "on", "enable"), ("no", "false", "without", "off", "disable")
FIELDS_OF_OPTIONS = {"arch": "architectures"}


class ArchiveError(Exception):
    """An archive could not be asked; the text says what was tried, and what came back."""


@dataclass(frozen=True)
class Source:
    """One suite of one archive."""

    uri: str
    suite: str
    components: tuple[str, ...]
    architectures: tuple[str, ...]
    signed_by: str = ""
    """Paths of keyrings, fingerprints or a key; "": what the whole system trusts."""
    trusted: bool = False
    """Whether the image takes it without a signature."""
    check_valid_until: bool = True
    by_hash: bool = True

    def __str__(self) -> str:
        return " ".join((self.uri, self.suite, *self.components))

    @property
    def is_flat(self) -> bool:
        """Whether the suite is a folder with one index, and has no components."""
        return self.suite.endswith("/")


def read_sources(
    files: Mapping[str, Sequence[str]], architectures: Sequence[str]
) -> Iterator[Source]:
    """Yield the sources of binary packages in the files of apt's configuration, by path.

    `architectures` are those of the image, the native one first.

    Raises:
        ArchiveError: a file cannot be read as apt reads it.
    """
    for path, lines in files.items():
        for fields in fields_of_file(path, lines):
            yield from sources_of(fields, architectures)


def fields_of_file(path: str, lines: Sequence[str]) -> Iterator[dict[str, str]]:
    """Yield the fields of each source in a file, with names in lower case."""
    if path.endswith(".sources"):
        for stanza in split_stanzas(lines):
            yield {name.lower(): value for name, value in Deb822(stanza).items()}
        return
    for line in (line.partition("#")[0].strip() for line in lines):
        if found := LINE.fullmatch(line):
            yield fields_of_line(found)
        elif line and not line.startswith("deb-src"):
            raise ArchiveError(f"{path}: {line!r} is not a source as apt writes it")


def fields_of_line(found: re.Match[str]) -> dict[str, str]:
    """Return the fields that a source of one line stands for."""
    fields = {
        "types": "deb",
        "uris": found["uri"],
        "suites": found["suite"],
        "components": found["components"],
    }
    for option in OPTION.finditer(found["options"] or ""):
        name = FIELDS_OF_OPTIONS.get(option["name"].lower(), option["name"].lower())
        sign = {"+": "-add", "-": "-remove", "": ""}[option["sign"]]
        fields[name + sign] = option["value"].strip('"').replace(",", " ")
    return fields


def split_stanzas(lines: Sequence[str]) -> Iterator[list[str]]:
    """Yield the stanzas of a file; older runs kept no line between them, but a field comes once."""
    stanza, names = list[str](), set[str]()
    for line in (*lines, ""):
        found = FIELD.match(line)
        name = found["name"].lower() if found else ""
        if stanza and (not line.strip() or name in names):
            yield stanza
            stanza, names = [], set()
        if line.strip():
            stanza.append(line)
            names |= {name} - {""}


def sources_of(fields: Mapping[str, str], architectures: Sequence[str]) -> Iterator[Source]:
    """Yield a source for each address and suite of these fields."""
    if "deb" not in fields.get("types", "").split() or is_set(fields, "enabled") is False:
        return
    chosen = words_of(fields, "architectures") or list(architectures)
    chosen += words_of(fields, "architectures-add")
    removed = words_of(fields, "architectures-remove")
    for uri in words_of(fields, "uris"):
        for suite in words_of(fields, "suites"):
            native = architectures[0] if architectures else ""
            yield Source(
                uri=uri.replace("$(ARCH)", native).rstrip("/"),
                suite=suite.replace("$(ARCH)", native),
                components=tuple(words_of(fields, "components")),
                architectures=tuple(
                    each for each in chosen if each in architectures and each not in removed
                ),
                signed_by=fields.get("signed-by", "").strip(),
                trusted=is_set(fields, "trusted") is True,
                check_valid_until=is_set(fields, "check-valid-until") is not False,
                by_hash=is_set(fields, "by-hash") is not False,
            )


def words_of(fields: Mapping[str, str], name: str) -> list[str]:
    """Return the words of a field, each once."""
    return (
        list(dict.fromkeys(re.split(r"[\s,]+", fields.get(name, "").strip())))
        if (fields.get(name, "").strip())
        else []
    )


def is_set(fields: Mapping[str, str], name: str) -> bool | None:
    """Return what a field with yes or no says; None: neither."""
    value = fields.get(name, "").strip().lower()
    return True if value in YES else False if value in NO else None
