"""Fills what the record keeps only as a digest, where a known value has exactly this digest.

The record leaves out what may name a person or hold a secret (notebake/aws/call_parameters.py).
Nothing is guessed: what no known value fits is named, with what a person puts there.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from notebake.aws.call_parameters import digest_of_value
from notebake.aws.networks import ssh_from

YOUR_ADDRESS = "YOUR-ADDRESS/32"
DIGEST = "sha256:"
LEFT_OUT = "LEFT-OUT"
NOTES = {
    "UserData": (
        "file://user-data.txt",
        "user-data.txt is what a machine does at its first boot. notebake's gives the machine a"
        " host key of its own, so it is left out here, and a timer that ends it when it is"
        " forgotten. By hand leave out --user-data, and end the machine yourself.",
    ),
    "PublicKeyMaterial": ("fileb://keypair.pub", "keypair.pub is the public half of your key."),
    "IpRanges": (
        [{"CidrIp": YOUR_ADDRESS}],
        "YOUR-ADDRESS is the address of your computer as the internet sees it; this prints it:"
        " curl https://checkip.amazonaws.com",
    ),
}
"""What stands for a value that is left out, and the sentence that says so."""


class Filler:
    """Fills parameters, and notes what it could not fill."""

    def __init__(self, known: Iterable[Any], names: Mapping[str, str]) -> None:
        self._known = {digest_of_value(value): value for value in known}
        self._names = names
        """What is typed for a value that is a file's content, by its digest."""
        self.notes: list[str] = []
        self._said: set[str] = set()

    def fill(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters without digests.

        `notes` collects what a person puts in, each once, until `take_notes`.
        """
        return {name: self._value(name, value) for name, value in parameters.items()}

    def take_notes(self) -> str:
        """Return the notes since the last time, as a paragraph."""
        notes, self.notes = " ".join(self.notes), []
        return notes

    def _value(self, name: str, value: Any) -> Any:
        if isinstance(value, str) and value.startswith(DIGEST):
            return self._in_place_of(name, value)
        if isinstance(value, dict):
            return {key: self._value(key, each) for key, each in value.items()}
        if isinstance(value, list):
            return [self._value(name, each) for each in value]
        return value

    def _in_place_of(self, name: str, digest: str) -> Any:
        if digest in self._known:
            return self._known[digest]
        if digest in self._names:
            return self._names[digest]
        shown, note = NOTES.get(
            name, (LEFT_OUT, f"{LEFT_OUT} stands for {name}, of which the record has a digest.")
        )
        if note not in self._said:
            self.notes.append(note)
            self._said.add(note)
        return shown


def texts_of(value: Any) -> Iterator[str]:
    """Yield all texts in a structure."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from texts_of(each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from texts_of(each)


def rules_from(sources: Iterable[str]) -> Iterator[Any]:
    """Yield the ranges of addresses that rules for ssh may have: each block, and all together."""
    blocks = [source for source in sources if "/" in source]
    for some in ((block,) for block in blocks):
        yield ssh_from(*some)["IpRanges"]
    yield ssh_from(*blocks)["IpRanges"]
