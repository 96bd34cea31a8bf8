"""The past of git repositories: every object that is kept, reachable or not.

Texts that lie in the work tree just so are searched there. git is asked for its objects alone, by
the directory itself, and none of its settings is read but the repository's own format.
"""

import os
import subprocess
import time
from collections.abc import Iterable, Iterator

from notebake.credentials.engine_input import EngineInput
from notebake.credentials.file_content import HEAD_BYTES, add_content
from notebake.credentials.git_objects import (
    GIT_SECONDS,
    GitObject,
    contents_of,
    list_objects,
    work_tree_ids,
)
from notebake.credentials.report import Unreadable

HISTORY_BYTES = 32 << 30
"""So much is searched of one repository's past."""
LARGEST_OBJECT = 256 << 20
"""One object is held in memory."""
CONTEXT_LINES = 3
"""So many lines before and after a new one are given with it, as in a diff."""
REMEMBERED_LINES = 2_000_000
"""So many lines are remembered at once, in some 150 MB."""


class NewLines:
    """What of a text was in no text before: most versions of a file differ in little."""

    def __init__(self) -> None:
        self._seen: set[int] = set()

    def hunks(self, text: bytes) -> Iterator[tuple[int, bytes]]:
        """Give new lines with some around them, each time with the number of the first line."""
        if len(self._seen) > REMEMBERED_LINES:
            self._seen.clear()
        lines = text.split(b"\n")
        known = list(map(hash, lines))
        fresh = [at for at, one in enumerate(known) if one not in self._seen]
        self._seen.update(known)
        start = end = 0
        for at in fresh:
            if at - CONTEXT_LINES > end:
                if end:
                    yield start + 1, b"\n".join(lines[start:end])
                start = max(0, at - CONTEXT_LINES)
            end = min(len(lines), at + CONTEXT_LINES + 1)
        if end:
            yield start + 1, b"\n".join(lines[start:end])


def find_repositories(paths: Iterable[str]) -> list[str]:
    """Return the directories of git among the paths of all files."""
    heads, with_objects = set(), set()
    for path in paths:
        if path == "HEAD" or path.endswith("/HEAD"):
            heads.add(path[: -len("/HEAD")])
        directory, found, _ = path.rpartition("/objects/")
        if found:
            with_objects.add(directory)
    return sorted(heads & with_objects)


def add_history(stream: EngineInput, root: str, repository: str) -> list[Unreadable]:
    """Give the engine all that a repository keeps and its work tree does not show."""
    directory = os.path.join(root, repository)  # noqa: PTH118
    path = f"/{repository}"
    try:
        kept = [one for one in list_objects(directory) if one.type in ("blob", "commit", "tag")]
        seen = set(work_tree_ids(directory, kept)) if repository.endswith("/.git") else set()
        wanted, reason = within_bounds([one for one in kept if one.id not in seen])
        news, began = NewLines(), time.monotonic()
        for each, content in contents_of(directory, wanted):
            if time.monotonic() - began > GIT_SECONDS:
                reason = f"its history takes longer than {GIT_SECONDS // 60} min"
                break
            label = f"its history, {each.type} {each.id[:12]}"
            if b"\0" in content[:HEAD_BYTES]:
                add_content(stream, repository, label, [(0, content)])
                continue
            for line, text in news.hunks(content):
                stream.put_text(repository, label, text, line)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        reason = f"its history: {error if isinstance(error, OSError) else type(error).__name__}"
        told = getattr(error, "stderr", None)
        if told:
            reason = f"its history: {told.decode(errors='replace').strip().splitlines()[-1]}"
    return [{"path": path, "reason": reason}] if reason else []


def within_bounds(objects: list[GitObject]) -> tuple[list[GitObject], str]:
    """Return the objects that are searched, and why others are not."""
    wanted, reason, left = [], "", HISTORY_BYTES
    for one in objects:
        if one.size > LARGEST_OBJECT:
            reason = f"its history: an object is larger than {LARGEST_OBJECT >> 20} MiB"
        elif left < one.size:
            reason = f"its history is larger than {HISTORY_BYTES >> 30} GiB"
        else:
            wanted.append(one)
            left -= one.size
    return wanted, reason
