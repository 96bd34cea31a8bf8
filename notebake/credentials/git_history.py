"""Adds the history of git repositories to the engine's input: every object, reachable or not.

Objects whose content is in the work tree are scanned there. git only lists and prints the objects
of the directory itself, and reads no settings but the repository's own format.
"""

import os
import subprocess
import time
from collections.abc import Iterable, Iterator

from notebake.credentials.engine_input import EngineInput
from notebake.credentials.file_content import HEAD_BYTES, add_content
from notebake.credentials.git_objects import (
    GIT_TIMEOUT_SECONDS,
    GitObject,
    contents_of,
    list_objects,
    work_tree_ids,
)
from notebake.credentials.report import Unreadable

HISTORY_BYTES = 32 << 30
"""Limit on the bytes scanned of one repository."""
LARGEST_OBJECT = 256 << 20
"""Limit on one object, which is held in memory."""
CONTEXT_LINES = 3
"""Lines added before and after a new one, as in a diff."""
REMEMBERED_LINES = 2_000_000
"""Limit on the lines remembered at once, in some 150 MB."""


class NewLines:
    """The lines of a text that no earlier text had: versions of a file differ in few lines."""

    def __init__(self) -> None:
        self._seen: set[int] = set()

    def hunks(self, text: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield new lines with their context, and the number of the first line."""
        if len(self._seen) > REMEMBERED_LINES:
            self._seen.clear()
        lines = text.split(b"\n")
        hashes = list(map(hash, lines))
        new = [index for index, line_hash in enumerate(hashes) if line_hash not in self._seen]
        self._seen.update(hashes)
        start = end = 0
        for index in new:
            if index - CONTEXT_LINES > end:
                if end:
                    yield start + 1, b"\n".join(lines[start:end])
                start = max(0, index - CONTEXT_LINES)
            end = min(len(lines), index + CONTEXT_LINES + 1)
        if end:
            yield start + 1, b"\n".join(lines[start:end])


def find_repositories(paths: Iterable[str]) -> list[str]:
    """Return the git directories among the paths of all files."""
    heads, with_objects = set(), set()
    for path in paths:
        if path == "HEAD" or path.endswith("/HEAD"):
            heads.add(path[: -len("/HEAD")])
        directory, found, _ = path.rpartition("/objects/")
        if found:
            with_objects.add(directory)
    return sorted(heads & with_objects)


def add_history(engine: EngineInput, root: str, repository: str) -> list[Unreadable]:
    """Add all objects of a repository that its work tree does not show; return what is left out."""
    directory = os.path.join(root, repository)  # noqa: PTH118
    try:
        objects = [
            item for item in list_objects(directory) if item.type in ("blob", "commit", "tag")
        ]
        seen = set(work_tree_ids(directory, objects)) if repository.endswith("/.git") else set()
        wanted, reason = within_bounds([item for item in objects if item.id not in seen])
        if _exceeds_time(engine, repository, contents_of(directory, wanted)):
            reason = f"its history takes longer than {GIT_TIMEOUT_SECONDS // 60} min"
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        reason = f"its history: {error if isinstance(error, OSError) else type(error).__name__}"
        if stderr := getattr(error, "stderr", None):
            lines = stderr.decode(errors="replace").strip().splitlines()
            reason = f"its history: {lines[-1]}"
    return [{"path": f"/{repository}", "reason": reason}] if reason else []


def _exceeds_time(
    engine: EngineInput, repository: str, contents: Iterable[tuple[GitObject, bytes]]
) -> bool:
    """Add objects until the time limit; return whether it was reached."""
    new_lines, began = NewLines(), time.monotonic()
    for item, content in contents:
        if time.monotonic() - began > GIT_TIMEOUT_SECONDS:
            return True
        label = f"history, {item.type} {item.id[:12]}"
        if b"\0" in content[:HEAD_BYTES]:
            add_content(engine, repository, label, [(0, content)])
            continue
        for line, text in new_lines.hunks(content):
            engine.add_text(repository, label, text, line)
    return False


def within_bounds(objects: list[GitObject]) -> tuple[list[GitObject], str]:
    """Return the objects to scan, and why others are left out."""
    wanted, reason, left = [], "", HISTORY_BYTES
    for item in objects:
        if item.size > LARGEST_OBJECT:
            reason = f"its history: an object is larger than {LARGEST_OBJECT >> 20} MiB"
        elif left < item.size:
            reason = f"its history is larger than {HISTORY_BYTES >> 30} GiB"
        else:
            wanted.append(item)
            left -= item.size
    return wanted, reason
