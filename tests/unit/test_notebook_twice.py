"""A notebook that a real kernel runs twice: values that always differ are not results."""

from pathlib import Path

import pytest

from notebake.notebook.comparison import find_difference
from notebake.notebook.numbers import CellNumbers, result_numbers
from notebake.notebook.outputs import read_executed
from tests.unit.test_notebook_command import Executed, Runner

CELLS = (
    "import os, random, sys, tempfile, time\nfrom datetime import datetime, date\nprint(6 * 7)",
    "print(datetime.now(), date.today(), time.time(), time.ctime())\nprint(f'{datetime.now():%X}')",
    "display(datetime.now())\ndatetime.now().isoformat()",
    "%timeit -n 3 -r 3 sum(range(1000))\nprint('The slowest run took 9.79 times longer than')",
    "%%time\nstart = time.time(); time.sleep(0.01); print(f'took {time.time() - start} seconds')",
    "print(tempfile.mkdtemp(), 'PID', os.getpid(), object())\nobject()",
    "{str(n) + ' of 9' for n in range(20)}",
    "print(hash('a') and 'http://localhost:%d/' % random.randint(1024, 65000), 0.1 + 0.2)",
    "class Table:\n    def _repr_html_(self): return '<td>3.25</td>'\nTable()",
)


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> list[Executed]:
    executed = []
    for name in ("first", "second"):
        runner = Runner(tmp_path_factory.mktemp(name))
        executed.append(runner.run(*CELLS))
    return executed


def results(executed: Executed) -> tuple[CellNumbers, ...]:
    return result_numbers(read_executed(Path(executed.output).read_text()))


def test_values_that_always_differ_are_not_results(twice: list[Executed]) -> None:
    assert [report.judged().error for report in twice] == [None, None]
    built, here = map(results, twice)

    assert find_difference(built, here) is None
    assert [result.numbers[0] for result in built if result.numbers] == [
        *("42", "0", "0.30000000000000004", "3.25")
    ]
