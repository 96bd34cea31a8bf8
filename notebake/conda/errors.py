"""rattler's errors in the terms of a user who wrote a list of packages.

Runs on the host with the standard library only.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

LONGEST_LINES = 60
MOST_VERSIONS = 6
CAUSE = "Caused by: "


class CondaError(Exception):
    """The requested packages cannot be installed; the message is one paragraph for the user."""


def explain_missing(missing: Mapping[str, set[str]], channels: Sequence[str]) -> str:
    """Return which specifications no channel fulfils; `missing` has the existing versions."""
    where = " and ".join(channels)
    lines = [
        f"No {spec} is in {where} for this machine; there are {newest(versions)}."
        if versions
        else f"There is no package {spec} in {where} for this machine."
        for spec, versions in missing.items()
    ]
    return "\n".join(
        (
            *lines,
            "Correct the name or the version, move a package that only PyPI has under pip:, or add"
            " a channel that has it under channels:.",
        )
    )


def explain_conflict(conflict: str, channels: Sequence[str], virtual: Sequence[str]) -> str:
    """Return why no set of packages fulfils the whole list.

    `conflict` is the solver's tree, whose top level names the specifications; `virtual` are the
    machine's virtual packages.
    """
    tree = conflict.strip().removeprefix("Cannot solve the request because of: ").splitlines()
    if len(tree) > LONGEST_LINES:
        tree = [*tree[:LONGEST_LINES], f"… and {len(tree) - LONGEST_LINES} more lines"]
    lines = [f"No set of packages of {' and '.join(channels)} fulfils the whole list:", *tree]
    if "__" in conflict:
        lines.append(f"The machine itself has {', '.join(sorted(virtual))}.")
        if "__cuda" in conflict and not any("__cuda" in package for package in virtual):
            lines.append(
                "It has no NVIDIA driver. For an image that is used where there is one, set"
                " CONDA_OVERRIDE_CUDA (such as 12.4) in the base image's /etc/environment."
            )
    lines.append("Two lines of the list exclude each other: loosen or remove one of them.")
    return "\n".join(lines)


def newest(versions: Iterable[str]) -> str:
    """Return the newest of some versions as a list for a sentence, the newest last."""
    ordered = sorted(versions, key=version_key)
    left_out = len(ordered) - MOST_VERSIONS
    return ("… " if left_out > 0 else "") + ", ".join(ordered[-MOST_VERSIONS:])


def version_key(version: str) -> list[tuple[int, str]]:
    """Return a sort key that compares the numbers in a version as numbers."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"\W", version)]


def explain_download_error(message: str) -> str:
    """Return why a download or an installation failed, and what to do about it."""
    causes = [line.removeprefix(CAUSE) for line in message.strip().splitlines()]
    text = ": ".join(dict.fromkeys(causes))
    lowered = text.lower()
    if "no space left" in lowered or "os error 28" in lowered:
        return f"No space left on device: {text}"
    if "mismatch" in lowered:
        return (
            f"A downloaded package does not match its checksum in the channel's index: {text}\n"
            "The channel may be in the middle of an update, or a proxy may change its downloads."
            " Resume the run; if the error stays, ask the channel's maintainers."
        )
    if re.search(r"\b(401|403|407)\b", lowered):
        return (
            f"A channel requires a login: {text}\nSet a URL with a login for it in conda's settings"
            " on the base image (.condarc), or add the login to the login user's ~/.netrc."
        )
    if "could not find subdir" in lowered or re.search(r"\b404\b", lowered):
        return f"There is no conda channel: {text}\nCorrect its name or URL under channels:."
    return (
        f"A conda channel did not answer: {text}\nResume the run when it answers. To use a mirror,"
        " set it in the base image's /etc/conda/.condarc (channel_alias, custom_channels)."
    )
