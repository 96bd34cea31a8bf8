"""What rattler says of its troubles, in the words of somebody who wrote a list of packages.

It goes along to the host and needs the standard library only.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

LONGEST_LINES = 60
MOST_VERSIONS = 6
CAUSE = "Caused by: "


class TroubleError(Exception):
    """What was asked for cannot be had; the message is for people."""


def explain_conflict(
    said: str,
    channels: Sequence[str],
    missing: Mapping[str, set[str]],
    virtual: Sequence[str],
) -> str:
    """Return why no set of packages fulfils a list.

    `missing` holds what no channel has, with the versions that there are; `said` is the solver's
    own tree, of which the top names what was asked for.
    """
    where = " and ".join(channels)
    lines = []
    for spec, versions in missing.items():
        if versions:
            lines.append(f"No {spec} is in {where} for this machine; there are {newest(versions)}.")
        else:
            lines.append(f"There is no package {spec} in {where} for this machine.")
    if lines:
        lines.append(
            "Mend the name or the version; what only PyPI has goes under pip:, and a channel that"
            " has it under channels:."
        )
        return "\n".join(lines)
    tree = said.strip().removeprefix("Cannot solve the request because of: ").splitlines()
    if len(tree) > LONGEST_LINES:
        tree = [*tree[:LONGEST_LINES], f"… and {len(tree) - LONGEST_LINES} more lines"]
    lines = [f"No set of packages of {where} fulfils the whole list:", *tree]
    if "__" in said:
        lines.append(f"The machine itself has {', '.join(sorted(virtual))}.")
        if "__cuda" in said and not any("__cuda" in one for one in virtual):
            lines.append(
                "It has no NVIDIA driver. For an image that is used where there is one, set"
                " CONDA_OVERRIDE_CUDA (such as 12.4) in the base image's /etc/environment."
            )
    lines.append(
        "Two lines of the list want what excludes each other: loosen or remove one of them."
    )
    return "\n".join(lines)


def newest(versions: Iterable[str]) -> str:
    """Return some versions for people, the newest last."""
    ordered = sorted(versions, key=version_key)
    left_out = len(ordered) - MOST_VERSIONS
    return ("… " if left_out > 0 else "") + ", ".join(ordered[-MOST_VERSIONS:])


def version_key(version: str) -> list[tuple[int, str]]:
    """Return what orders versions well enough for people: numbers as numbers."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"\W", version)]


def explain_fetching(said: str) -> str:
    """Return why something could not be fetched or written, and what to do about it."""
    causes = [one.removeprefix(CAUSE) for one in said.strip().splitlines()]
    text = ": ".join(dict.fromkeys(causes))
    lowered = text.lower()
    if "no space left" in lowered or "os error 28" in lowered:
        return f"No space left on device: {text}"
    if "hash mismatch" in lowered or "mismatch" in lowered:
        return (
            f"What was fetched is not what the channel's index promises: {text}\nA mirror that is"
            " being updated, or something between the machine and the channel that changes what"
            " it passes on. Resume the run; if it stays so, ask whoever keeps the channel."
        )
    if re.search(r"\b(401|403|407)\b", lowered):
        return (
            f"A channel wants a login: {text}\nConda's settings on the base image (.condarc) say"
            " by which address it is reached; a ~/.netrc of the login user counts, too."
        )
    if "could not find subdir" in lowered or re.search(r"\b404\b", lowered):
        return f"There is no conda channel: {text}\nMend its name or address under channels:."
    return (
        f"A conda channel could not be asked: {text}\nResume the run when it answers; where the"
        " machine reaches another copy of it, say so in the base image's /etc/conda/.condarc"
        " (channel_alias, custom_channels)."
    )
