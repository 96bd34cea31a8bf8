"""Each kind of credential laid into each container in which people leave one."""

import json
import subprocess
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from pathlib import Path

from tests.credential_corpus.kinds import Kind

Put = Callable[[Path, str, Kind], None]


def _text(root: Path, name: str, kind: Kind) -> None:
    (root / f"{name}.txt").write_text(f"Notes of 12 May\n\n{kind.text}\nmore of it\n")


def _notebook(root: Path, name: str, kind: Kind) -> None:
    lines = f"connecting …\n{kind.text}".splitlines(keepends=True)
    output = {"output_type": "stream", "name": "stdout", "text": lines}
    cell = {"cell_type": "code", "execution_count": 1, "metadata": {}, "source": ["show()"]}
    cells = [{**cell, "outputs": [output]}]
    content = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (root / f"{name}.ipynb").write_text(json.dumps(content, indent=1))


def _json(root: Path, name: str, kind: Kind) -> None:
    value = {kind.variable or "content": kind.value, "version": 2}
    (root / f"{name}.json").write_text(json.dumps({"settings": value}))


def _history(root: Path, name: str, kind: Kind) -> None:
    (root / name).mkdir()
    (root / name / ".bash_history").write_text(f"cd work\n{kind.command}ls -la\n")


def _git(root: Path, name: str, kind: Kind) -> None:
    """One repository for all: what was committed and removed again lies in no file."""
    (root / "files").mkdir(exist_ok=True)
    (root / "files" / f"{name}.txt").write_text(kind.text)


def _zip(root: Path, name: str, kind: Kind) -> None:
    with zipfile.ZipFile(root / f"{name}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("deep/settings.txt", kind.text)


def _tar(root: Path, name: str, kind: Kind) -> None:
    content = kind.text.encode()
    with tarfile.open(root / f"{name}.tar.gz", "w:gz") as archive:
        entry = tarfile.TarInfo("deep/settings.txt")
        entry.size = len(content)
        archive.addfile(entry, BytesIO(content))


CONTAINERS: dict[str, Put] = {
    "text": _text,
    "notebook output": _notebook,
    "JSON": _json,
    "shell history": _history,
    "git history": _git,
    "zip": _zip,
    "tar.gz": _tar,
}


def lay_out(root: Path, kinds: Iterable[Kind]) -> None:
    """Lay every kind into every container below a directory."""
    numbered = list(enumerate(kinds))
    for container, put in CONTAINERS.items():
        folder = root / container
        folder.mkdir(parents=True)
        for number, kind in numbered:
            put(folder, f"{number:03}", kind)
    _commit_and_remove(root / "git history")


def _commit_and_remove(folder: Path) -> None:
    files = folder / "files"
    names = sorted(path.name for path in files.iterdir())
    _run_git(folder, "init", "--quiet")
    _run_git(folder, "add", "files")
    _run_git(folder, "commit", "--quiet", "--message", "Add")
    _run_git(folder, "rm", "--quiet", "-r", "files")
    _run_git(folder, "commit", "--quiet", "--message", "Remove")
    _run_git(folder, "gc", "--quiet")
    ids = _run_git(folder, "rev-parse", *(f"HEAD~1:files/{name}" for name in names)).split()
    pairs = zip(ids, names, strict=True)
    (folder / "ids").write_text("".join(f"{value[:12]} {name[:3]}\n" for value, name in pairs))


def _run_git(folder: Path, *words: str) -> str:
    own = ["-c", "user.name=ada", "-c", "user.email=ada@ocean.org", "-c", "init.defaultBranch=main"]
    done = subprocess.run(
        ["git", *own, *words], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout


def found_in(root: Path, findings: Iterable[tuple[str, str]]) -> Iterator[tuple[str, int]]:
    """Give the container and the number of the kind for each path and place of a finding."""
    rows = (line.split() for line in (root / "git history/ids").read_text().splitlines())
    numbers = {letter: int(number) for letter, number in rows}
    for path, place in findings:
        container, _, below = path.lstrip("/").partition("/")
        if container == "git history":
            object_id = place.partition("blob ")[2][:12]
            if object_id in numbers:
                yield container, numbers[object_id]
        else:
            yield container, int(below[:3])
