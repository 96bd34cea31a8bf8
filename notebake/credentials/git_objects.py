"""Lists and reads the objects of a git repository by git itself, without its settings."""

import os
import subprocess
from collections.abc import Iterator
from hashlib import sha1
from pathlib import Path
from typing import NamedTuple

GIT_TIMEOUT_SECONDS = 1200
"""Time limit for the history of one repository."""
ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_TERMINAL_PROMPT": "0",
}


class GitObject(NamedTuple):
    """A git object without its content."""

    id: str
    type: str
    size: int


def _git(directory: str, *arguments: str) -> list[str]:
    return ["git", "-c", "safe.directory=*", f"--git-dir={directory}", *arguments]


def list_objects(directory: str) -> list[GitObject]:
    """Return all objects in a repository."""
    done = subprocess.run(
        _git(directory, "cat-file", "--batch-check", "--batch-all-objects", "--unordered"),
        capture_output=True,
        env=ENVIRONMENT,
        cwd="/",
        timeout=GIT_TIMEOUT_SECONDS,
        check=True,
    )
    rows = (line.split() for line in done.stdout.decode().splitlines())
    return [GitObject(object_id, kind, int(size)) for object_id, kind, size in rows]


def work_tree_ids(directory: str, objects: list[GitObject]) -> Iterator[str]:
    """Yield the ids of the blobs whose content is a file in the work tree."""
    sizes = {item.size for item in objects if item.type == "blob"}
    for folder, names, files in os.walk(Path(directory).parent):
        names[:] = [name for name in names if name != ".git"]
        for name in files:
            file = Path(folder, name)
            try:
                if file.is_symlink() or not file.is_file() or file.stat().st_size not in sizes:
                    continue
                content = file.read_bytes()
            except OSError:
                continue
            head = b"blob %d\0" % len(content)
            yield sha1(head + content, usedforsecurity=False).hexdigest()


def contents_of(directory: str, objects: list[GitObject]) -> Iterator[tuple[GitObject, bytes]]:
    """Yield the objects with their content; ValueError if git returns an object incomplete."""
    if not objects:
        return
    ids = _in_memory(objects)
    git = subprocess.Popen(
        _git(directory, "cat-file", "--batch", "--buffer"),
        stdin=ids,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=ENVIRONMENT,
        cwd="/",
    )
    os.close(ids)
    with git:
        assert git.stdout  # noqa: S101 - it is a pipe
        for item in objects:
            head = git.stdout.readline().split()
            if head[:1] != [item.id.encode()] or len(head) != 3:
                raise ValueError("git did not return an object that it listed")
            content = git.stdout.read(item.size + 1)[:-1]
            if len(content) != item.size:
                raise ValueError("git returned an object incomplete")
            yield item, content


def _in_memory(objects: list[GitObject]) -> int:
    """Return a file in memory with the objects' ids, as writing to a pipe could block."""
    ids = os.memfd_create("ids")
    with open(ids, "wb", closefd=False) as stream:
        stream.writelines(f"{item.id}\n".encode() for item in objects)
        stream.seek(0)
    os.lseek(ids, 0, os.SEEK_SET)
    return ids
