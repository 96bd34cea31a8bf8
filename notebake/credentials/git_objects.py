"""The objects of a git repository, read by git itself; none of its settings is heeded."""

import os
import subprocess
from collections.abc import Iterator
from hashlib import sha1
from pathlib import Path
from typing import NamedTuple

GIT_SECONDS = 1200
"""So long one repository's past may take."""
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
    """An object of git's: its id, its type and its size."""

    id: str
    type: str
    size: int


def _git(directory: str, *words: str) -> list[str]:
    return ["git", "-c", "safe.directory=*", f"--git-dir={directory}", *words]


def list_objects(directory: str) -> list[GitObject]:
    """Return all objects that a repository keeps."""
    done = subprocess.run(
        _git(directory, "cat-file", "--batch-check", "--batch-all-objects", "--unordered"),
        capture_output=True,
        env=ENVIRONMENT,
        cwd="/",
        timeout=GIT_SECONDS,
        check=True,
    )
    rows = (line.split() for line in done.stdout.decode().splitlines())
    return [GitObject(name, kind, int(size)) for name, kind, size in rows]


def work_tree_ids(directory: str, objects: list[GitObject]) -> Iterator[str]:
    """Give the ids of the blobs that lie in the work tree, which are searched there."""
    sizes = {one.size for one in objects if one.type == "blob"}
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
    """Give the objects with their content; ValueError where git does not give one whole."""
    if not objects:
        return
    asked = _asked(objects)
    git = subprocess.Popen(
        _git(directory, "cat-file", "--batch", "--buffer"),
        stdin=asked,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=ENVIRONMENT,
        cwd="/",
    )
    os.close(asked)
    with git:
        assert git.stdout  # noqa: S101 - it is a pipe
        for one in objects:
            head = git.stdout.readline().split()
            if head[:1] != [one.id.encode()] or len(head) != 3:
                raise ValueError("git did not give an object that it has listed")
            content = git.stdout.read(one.size + 1)[:-1]
            if len(content) != one.size:
                raise ValueError("git did not give the whole of an object")
            yield one, content


def _asked(objects: list[GitObject]) -> int:
    """Return a file in memory with what git is asked for: to a pipe one would have to write."""
    asked = os.memfd_create("asked")
    with open(asked, "wb", closefd=False) as stream:
        stream.writelines(f"{one.id}\n".encode() for one in objects)
        stream.seek(0)
    os.lseek(asked, 0, os.SEEK_SET)
    return asked
