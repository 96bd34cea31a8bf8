"""The generated script, run by a real bash with a real papermill and a real kernel."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
import pytest
import yaml

from notebake.notebook.judge import describe_verdict, judge_notebook
from notebake.notebook.papermill_script import notebook_script, status_path
from notebake.notebook.parameters_file import parameters_as_yaml
from notebake.notebook.verdict import ExecutionStatus, NotebookVerdict
from notebake.recipe import Notebook
from tests.limits import HANG_SECONDS

PREFIX = Path(sys.prefix)


class Executed:
    """What a run left behind."""

    def __init__(self, output: Path, finished: subprocess.CompletedProcess[str]) -> None:
        self.output, self.finished = output, finished
        self.status = json.loads(Path(status_path(str(output))).read_text())

    @property
    def notebook(self) -> Any:
        return json.loads(self.output.read_text())

    def judged(self, **wanted: Any) -> NotebookVerdict:
        wanted = {"minimum_cells": 1, "minimum_figures": 0} | wanted
        return judge_notebook(
            self.output.read_text(), Notebook(**wanted), ExecutionStatus(**self.status)
        )


class Runner:
    """Writes a notebook from the sources of its cells and runs it as a host would."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.temporary = directory / "tmp"
        (directory / "home").mkdir()
        self.temporary.mkdir()

    def write(
        self, *cells: str, tag: str = "parameters", metadata: dict[str, Any] | None = None
    ) -> Path:
        written = [nbformat.v4.new_code_cell(cell) for cell in cells]
        written[0].metadata["tags"] = [tag]
        if metadata is None:
            spec = {"name": "not-here", "display_name": "x", "language": "python"}
            metadata = {"kernelspec": spec}
        path = self.directory / "some notebook.ipynb"
        nbformat.write(nbformat.v4.new_notebook(cells=written, metadata=metadata), path)
        return path

    def start(self, script: str) -> subprocess.CompletedProcess[str]:
        home = {"HOME": str(self.directory / "home"), "TMPDIR": str(self.temporary)}
        return subprocess.run(
            ["bash", "-c", script],
            env=os.environ | home,
            capture_output=True,
            text=True,
            timeout=HANG_SECONDS,
            check=False,
        )

    def run(self, *cells: str, path: Path | None = None, **options: Any) -> Executed:
        path = path or self.write(*cells)
        output = self.directory / "out put" / "executed {x}.ipynb"
        wanted: dict[str, Any] = {
            "notebook_path": str(path),
            "output_path": str(output),
            "working_directory": str(self.directory),
            "parameters": {},
            "kernel": "python3",
            "timeout_seconds": 60,
            "papermill": str(PREFIX / "bin" / "papermill"),
            "python_prefix": str(PREFIX),
        }
        executed = Executed(output, self.start(notebook_script(**wanted | options)))
        left = sorted(entry.name for entry in output.parent.iterdir())
        assert left == [output.name, f"{output.name}.status.json"]
        assert list(self.temporary.iterdir()) == [], "runtime files must be gone"
        assert executed.finished.returncode == executed.status["exit_code"]
        assert not list(self.directory.rglob(".ipynb_checkpoints"))
        return executed


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path)


PARAMETERS: dict[str, str | int | float | bool] = {
    "quotes": 'it\'s "so" `x` $(touch stolen) \\ {y} END_OF_TEXT',
    "lines": "one\nEND_OF_TEXT\ntwo\t: # -",
    "unicode": "Chlorophylle à 45° N 🌊\u2028\x85",
    "yes": True,
    "no": "no",
    "count": -3,
    "tiny": 1e-05,
    "huge": 1e22,
    "half": 0.5,
    "number_text": "1e5",
}


class Sound(NamedTuple):
    """A sound notebook that ran once, for all who look at what came of it."""

    runner: Runner
    executed: Executed


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Sound:
    runner = Runner(tmp_path_factory.mktemp("sound"))
    image = runner.directory / "image"
    (image / "bin").mkdir(parents=True)
    (image / "bin" / "python").write_text(f'#!/bin/sh\nIMAGE=yes exec {sys.executable} "$@"\n')
    (image / "bin" / "python").chmod(0o755)
    kernels = Path("share/jupyter/kernels/python3")
    shutil.copytree(PREFIX / kernels, image / kernels)
    assert json.loads((image / kernels / "kernel.json").read_text())["argv"][0] == "python"
    names = ",".join(PARAMETERS)
    executed = runner.run(
        "".join(f"{name} = None\n" for name in PARAMETERS),
        f"import json; json.dump([{names}], open('seen.json', 'w'))",
        "import os; print(os.getcwd(), 'of the image:', os.environ.get('IMAGE'))",
        "from ipykernel.connect import get_connection_file as f; print(6 * 7, f())",
        parameters=PARAMETERS,
        python_prefix=str(image),
    )
    return Sound(runner, executed)


def test_a_good_notebook_passes_and_its_log_is_readable(sound: Sound) -> None:
    runner, executed = sound

    verdict = executed.judged(minimum_cells=4)
    assert (verdict.kind, verdict.error, verdict.cells) == ("passed", None, 4)
    assert 42 in verdict.numbers
    assert str(runner.directory) in executed.finished.stdout
    assert "/out put/notebake-" in executed.finished.stdout, "where the key lay"
    assert "Executing Cell 2" in executed.finished.stdout
    assert list((runner.directory / "home").rglob("history.sqlite")) == []


def test_the_kernel_comes_from_the_image_s_environment(sound: Sound) -> None:
    assert sound.executed.judged(verdict="of the image: yes").error is None


def test_parameters_keep_their_types_and_are_quoted(sound: Sound) -> None:
    seen = json.loads((sound.runner.directory / "seen.json").read_text())

    assert seen == list(PARAMETERS.values())
    assert [type(value) for value in seen] == [type(value) for value in PARAMETERS.values()]
    assert list(sound.runner.directory.rglob("stolen")) == []


SMOKE = Path(__file__).parents[2] / "notebooks" / "smoke.ipynb"
VERDICT = "NOTEBAKE VERDICT: PASS"
MEMORY = str(Path("/dev", "shm"))


def test_the_smoke_notebook_passes_with_the_standard_library_alone(runner: Runner) -> None:
    executed = runner.run(path=SMOKE, parameters={"mount_points": f"{MEMORY}, {MEMORY}"})

    verdict = executed.judged(minimum_cells=8, minimum_figures=1, verdict=VERDICT)
    assert verdict.error is None
    assert 3.141592653589793 in verdict.numbers
    assert f"{MEMORY} is mounted and can be written to" in executed.finished.stdout


def test_the_smoke_notebook_fails_for_a_disk_that_is_not_mounted(runner: Runner) -> None:
    place = runner.directory / "data"
    place.mkdir()

    verdict = runner.run(path=SMOKE, parameters={"mount_points": str(place)}).judged()

    assert verdict.kind == "cell_error"
    assert f"AssertionError: {place} is not a mount point" in str(verdict.error)


@pytest.mark.parametrize(
    "value", [1e16, 1e-7, -0.0, 1.5e300, float("inf"), float("-inf"), 10**30, "\x7f\ud7ff", "", "~"]
)
def test_every_scalar_round_trips_through_yaml(value: str | float) -> None:
    text = parameters_as_yaml({"value": value})

    back = yaml.safe_load(text)["value"]
    assert (back, type(back)) == (value, type(value))
    assert text.isascii()


def test_a_failing_cell_is_named_and_what_follows_does_not_run(runner: Runner) -> None:
    executed = runner.run("print(1)", "# first\nvalue = 1 / 0", "print(2)")

    verdict = executed.judged()
    assert verdict.kind == "cell_error"
    assert (
        verdict.error
        == "Cell 2, line 2 (`value = 1 / 0`) ended with ZeroDivisionError: division by zero"
    )
    assert (verdict.cell, verdict.cells, verdict.numbers) == (2, 1, (1.0,))


def test_a_missing_module_is_named(runner: Runner) -> None:
    verdict = runner.run("import no_such_module.inner as x").judged()

    assert verdict.kind == "missing_module"
    assert "needs the module no_such_module, which is not installed" in str(verdict.error)


def test_a_killed_kernel_is_reported_and_the_notebook_is_kept(runner: Runner) -> None:
    executed = runner.run("print(1)", "import os; os.kill(os.getpid(), 9)", "print(2)")

    verdict = executed.judged()
    assert executed.status["exit_code"] == 138
    assert verdict.kind == "dead_kernel"
    assert "The kernel died in cell 2 (`import os; os.kill(os.getpid(), 9)`)" in str(verdict.error)
    assert (verdict.cells, verdict.numbers) == (1, (1.0,))


def test_a_kernel_that_does_not_start_is_a_dead_kernel(runner: Runner) -> None:
    image = runner.directory / "image"
    kernel = image / "share/jupyter/kernels/python3/kernel.json"
    kernel.parent.mkdir(parents=True)
    kernel.write_text(json.dumps({"argv": ["false"], "display_name": "x", "language": "python"}))

    verdict = runner.run("print(1)", python_prefix=str(image)).judged()

    assert (verdict.kind, verdict.error) == ("dead_kernel", "The kernel died before the first cell")


@pytest.mark.parametrize("stubborn", [False, True], ids=["interruptible", "deaf to interrupts"])
def test_the_time_limit_stops_the_kernel_and_keeps_the_output(
    runner: Runner, stubborn: bool
) -> None:
    deaf = "import signal\nfor number in (2, 15): signal.signal(number, signal.SIG_IGN)\n"
    wait = "import os, time\nprint(os.getpid(), flush=True)\n" + deaf * stubborn
    wait += "time.sleep(600)"

    # On a busy machine the first limits may end even the start of the kernel.
    for limit in (3, 12, 48):
        executed = runner.run("pass", wait, "print(2)", timeout_seconds=limit)
        verdict = executed.judged(timeout_seconds=10)
        if "kernel's start" not in str(verdict.error):
            break

    assert executed.status["exit_code"] == 124
    assert verdict.kind == "timed_out"
    assert "it was still in cell 2 (`import os, time`)" in str(verdict.error)
    (kernel_id,) = verdict.numbers
    assert not Path(f"/proc/{kernel_id:.0f}").exists(), "the kernel must not outlive its notebook"


BEGAN = "import pathlib; pathlib.Path('began').touch()"


@pytest.mark.parametrize(
    ("cells", "tag", "parameters", "words"),
    [
        (["depth_m = 10", f"{BEGAN}; print(depth_m)"], "other", {"depth_m": 5}, "`depth_m = 10`"),
        (["depth_m = 10", f"{BEGAN}; print(depth_m)"], "parameters", {"dept_m": 5}, "depth_m?"),
        (["depth_m = 10", BEGAN, "depth_m = 20"], "parameters", {"depth_m": 5}, "another value"),
        (["depth_m = 10", BEGAN], "parameters", {"depth_m": 5}, "no cell after"),
    ],
)
def test_parameters_that_change_nothing_are_refused_before_the_first_cell(
    runner: Runner, cells: list[str], tag: str, parameters: dict[str, Any], words: str
) -> None:
    executed = runner.run(path=runner.write(*cells, tag=tag), parameters=parameters)

    verdict = executed.judged(parameters=parameters)
    assert (verdict.kind, verdict.cells, executed.status["exit_code"]) == ("idle_parameters", 0, 65)
    assert words in str(verdict.error)
    assert words in executed.finished.stdout, "the log says it as well"
    assert not (runner.directory / "began").exists()


def test_a_notebook_that_names_no_language_gets_its_parameters(runner: Runner) -> None:
    path = runner.write("depth_m = 10", "print(depth_m)", metadata={})

    executed = runner.run(path=path, parameters={"depth_m": 500})

    verdict = executed.judged(parameters={"depth_m": 500})
    assert (verdict.error, verdict.numbers) == (None, (500.0,))
    assert executed.status["language"] == "python"


def test_a_notebook_format_without_tags_cannot_take_parameters(runner: Runner) -> None:
    path = runner.directory / "old.ipynb"
    cells = [{"cell_type": "code", "input": "depth_m = 10", "language": "python", "outputs": []}]
    old = {"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": cells}]}
    path.write_text(json.dumps(old))

    assert runner.run(path=path).judged().error is None
    executed = runner.run(path=path, parameters={"depth_m": 5})
    assert executed.judged(parameters={"depth_m": 5}).kind == "idle_parameters"
    assert executed.status["exit_code"] == 65


R_METADATA = {"kernelspec": {"name": "ir", "display_name": "R", "language": "R"}}


def test_a_notebook_in_another_language_than_the_kernel_is_not_started(runner: Runner) -> None:
    path = runner.write("x <- c(1, 2, 3)", metadata=R_METADATA)

    executed = runner.run(path=path)

    verdict = executed.judged()
    assert (verdict.kind, executed.status["exit_code"]) == ("other_language", 65)
    assert "written in R for the kernel ir" in str(verdict.error)
    assert "software.apt: [r-cran-irkernel] and notebook.kernel: ir" in describe_verdict(verdict)


def test_a_kernel_s_own_language_is_the_one_that_parameters_are_written_in(runner: Runner) -> None:
    image = runner.directory / "image"
    kernel = image / "share/jupyter/kernels/ir/kernel.json"
    kernel.parent.mkdir(parents=True)
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    kernel.write_text(json.dumps({"argv": argv, "display_name": "R", "language": "R"}))
    path = runner.write("depth_m <- 10", "print(depth_m)", metadata={})
    wanted: dict[str, Any] = {"parameters": {"depth_m": True}, "kernel": "ir"}

    executed = runner.run(path=path, python_prefix=str(image), **wanted)

    sources = ["".join(cell["source"]) for cell in executed.notebook["cells"]]
    assert "# Parameters\ndepth_m = TRUE\n" in sources
    assert executed.judged(**wanted).kind == "cell_error", "for the kernel is no R"


def test_a_missing_kernel_is_named_with_those_that_are_there(runner: Runner) -> None:
    verdict = runner.run("print(1)", kernel="ir").judged(kernel="ir")

    assert verdict.kind == "missing_kernel"
    assert verdict.error is not None
    assert verdict.error.startswith("The machine has no kernel named ir; it has ")
    assert "python3" in verdict.error


def test_committed_outputs_are_not_taken_as_results(runner: Runner) -> None:
    path = runner.write("print(1)")
    notebook = json.loads(path.read_text())
    stream = {"output_type": "stream", "name": "stdout", "text": "PASS"}
    notebook["cells"][0] |= {"outputs": [stream], "execution_count": 1}
    notebook["cells"].append({"cell_type": "nonsense"})
    path.write_text(json.dumps(notebook))

    executed = runner.run(path=path)

    verdict = executed.judged(verdict="PASS")
    assert verdict.kind == "papermill_failed"
    assert verdict.cells == 0
    assert "PASS" not in executed.output.read_text()


@pytest.mark.parametrize(
    "text", ["{}", "[]", "3", '{"cells": 3}', '{"cells": ["x"]}', '{"cells": [], "nbformat": 4}']
)
def test_json_that_is_not_a_notebook_is_judged_and_kept(runner: Runner, text: str) -> None:
    path = runner.directory / "no.ipynb"
    path.write_text(text)

    for parameters in ({}, {"depth_m": 5}):
        verdict = runner.run(path=path, parameters=parameters).judged(parameters=parameters)
        assert verdict.error is not None
        assert verdict.cells == 0


def test_a_file_that_is_not_a_notebook_still_gives_a_readable_page(runner: Runner) -> None:
    path = runner.directory / "broken.ipynb"
    path.write_text("{ not json")

    executed = runner.run(path=path)

    assert executed.notebook["cells"] == []
    assert executed.judged().kind == "papermill_failed"


def test_a_missing_notebook_leaves_no_earlier_result(tmp_path: Path) -> None:
    for name in ("out.ipynb", "out.ipynb.status.json"):
        (tmp_path / name).write_text("of an earlier run")
    script = notebook_script(
        notebook_path=str(tmp_path / "none.ipynb"),
        output_path=str(tmp_path / "out.ipynb"),
        working_directory=str(tmp_path),
        parameters={},
        kernel="python3",
        timeout_seconds=10,
    )

    ended = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)

    assert ended.returncode == 66
    assert f"There is no notebook {tmp_path}/none.ipynb" in ended.stderr
    assert list(tmp_path.iterdir()) == []
