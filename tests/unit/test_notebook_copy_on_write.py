"""A notebook in a copy-on-write view of a clone, run by a real papermill."""

import json
import os
import sys
from pathlib import Path
from shlex import quote

import nbformat
import pytest

from notebake.commands.copy_on_write import run_copy_on_write
from notebake.commands.shell import script
from notebake.notebook.papermill_script import notebook_script, status_path
from tests.unit.shell_world import shell_world

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")

CELLS = (
    "import os, subprocess\nos.mkdir('figures')",
    "open('figures/a.txt', 'w').write('x' * 1000)\nopen('table.csv', 'a').write('1,2\\n')",
    "subprocess.run(['git', 'status', '--short'], check=True)\nprint(open('table.csv').read())",
    "import missing_here",
)


def write_repository(folder: Path) -> str:
    """Return a text that makes a repository with a notebook and a table."""
    cells = [nbformat.v4.new_code_cell(cell) for cell in CELLS]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / "nb.ipynb")
    git = f"git -C {folder} -c user.name=A -c user.email=a@b.c"
    return (
        f"echo a,b > {folder}/table.csv; git init --quiet {folder}; {git} add .;"
        f" {git} commit --quiet --message=x"
    )


def test_a_notebook_that_writes_and_fails_leaves_the_clone_as_cloned(tmp_path: Path) -> None:
    world = shell_world(tmp_path)
    prefix, disk, output = Path(sys.prefix), tmp_path / "disk", tmp_path / "executed.ipynb"
    (tmp_path / "made").mkdir()
    disk.mkdir()
    work = notebook_script(
        notebook_path=f"{disk}/clone/nb.ipynb",
        output_path=str(output),
        working_directory=f"{disk}/clone",
        parameters={},
        kernel="python3",
        timeout_seconds=300,
        papermill=str(prefix / "bin" / "papermill"),
        python_prefix=str(prefix),
    )
    view = quote(script(run_copy_on_write(f"{disk}/clone", f"bash -c {quote(work)}")))
    text = (
        "set -eu",
        write_repository(tmp_path / "made"),
        f"mount --types tmpfs disk {disk}; cp -a {tmp_path}/made {disk}/clone",
        f"bash -c {view} || echo code $?",
        f"cd {disk}; ls -A . clone; git -C clone status --short; cat clone/table.csv",
    )

    done = world.run(f"unshare --mount bash -c {quote(chr(10).join(text))}")

    message = done.stdout.splitlines()
    assert "code 1" in message, done.stderr
    listed = message[message.index(".:") :]
    assert listed == [".:", "clone", "", "clone:", ".git", "nb.ipynb", "table.csv", "a,b"]
    executed = output.read_text()
    assert "No module named 'missing_here'" in executed
    assert "?? figures/" in executed, "git trusts the view as it trusts the clone"
    assert " M table.csv" in executed
    assert json.loads(Path(status_path(str(output))).read_text())["exit_code"] == 1
