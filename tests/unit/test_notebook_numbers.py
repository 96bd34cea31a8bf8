"""Which numbers of an executed notebook are results, and which only say how and when it ran."""

import json
from typing import Any

import pytest

from notebake.notebook.numbers import result_numbers
from notebake.notebook.outputs import read_executed
from tests.executed_notebooks import PICTURE, cell, notebook, printed, returned, shown

TIMES = {
    "start_time": "2026-11-29T21:08:10.100000+00:00",
    "end_time": "2026-11-29T21:08:16.900000+00:00",
}


def numbers_of(*outputs: dict[str, Any], language: str = "python", **extra: Any) -> list[str]:
    """Return the numbers of one cell that ran a little past eight in the evening."""
    executed = json.loads(notebook(cell("x", *outputs, **extra)))
    executed["metadata"] = {"language_info": {"name": language}}
    executed["cells"][1]["metadata"]["papermill"] = TIMES
    found = result_numbers(read_executed(json.dumps(executed)))
    return [number for each in found for number in each.numbers]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("mean -1.5e-3 mg", "-1.5e-3"),
        ("1, 2.50; (+3) [.5] 6.", "1 2.50 +3 .5 6."),
        ("2023-04-28", "2023 04 28"),
        ("a\N{MINUS SIGN}b = \N{MINUS SIGN}4", "-4"),
        ("float64 py3 x_1 v2.1", ""),
        ("nan inf 1e999", ""),
        ("\x1b[32m12\x1b[0m", "12"),
        ("10%\r55%\r100% done", "100"),
        ("12\r\n13\r\n", "12 13"),
        ("x=3m depth:20m", "3 20"),
        ("wind 3.2 m/s for 5 s, 12 min after the start", "3.2 5 12"),
        ("We took 3 samples of 4 MB; the ball fell for 2.5 s", "3 4 2.5"),
        ("the swap rate is 3.2% at port Said", "3.2"),
        ("Time: 5.0 s, Height: 2.1 m", "5.0 2.1"),
        ("ratio 3:1, at 2019-11-29 21:08:12", "3 1 2019 11 29 21 08 12"),
        ("Time difference of 31 days, of 5 mins", "31 5"),
        ("it peaks at 12:00:01.234567 after 01:00:00", "12 00 01.234567 01 00 00"),
        ("a lag of 2.5 seconds, real 3 m, user 4", "2.5 3 4"),
        ("Total time: 7.5 days, run time 90", "7.5 90"),
        ("p = 3.1e-45, 29 of 2026 stations", "3.1e-45 29 2026"),
    ],
)
def test_results_are_read_as_a_person_reads_them(text: str, numbers: str) -> None:
    assert numbers_of(printed(text)) == numbers.split()


@pytest.mark.parametrize(
    "text",
    [
        "CPU times: user 3 ms, sys: 2 ms, total: 5 ms\nWall time: 4.2 ms\n8",
        "CPU times: total: 15.6 ms\nCompiler : 0.78 s\nParser   : 0.12 s\n8",
        "The slowest run took 9.79 times longer than the fastest. This could mean that an"
        " intermediate result is being cached.\n1.21 µs ± 3 ns per loop (mean ± std. dev. of 7"
        " runs, 100 loops each)\nCompiler time: 0.10 s\n8",
        "10000 loops, best of 3: 21.3 µs per loop\n8",
        "peak memory: 95.12 MiB, increment: 0.37 MiB\n8",
        "<Axes at 0x7f3a55e0> 8",
        "Date:                Sun, 29 Nov 2026   Prob (F-statistic):         8\n"
        "Time:                        21:08:16   ",
        "2026-11-29 21:08:12.345678 8",
        "2026-11-29T22:08:12+01:00 8",
        "datetime.datetime(2026, 11, 29, 21, 8, 12, 345678) 8",
        "datetime.date(2026, 11, 29) 8",
        "Sun Nov 29 21:08:12 2026 8",
        "Sun Nov 29 21:08:12 UTC 2026 8",
        "November 29, 2026: 8",
        "29.11.2026, 11/29/2026: 8",
        "run_20261129_210812 8",
        "20261129T210812 8",
        "it is 21:08:12, 09:08 PM, 8",
        "1795986492.123 8",
        "1795986492123 8",
        "took 3.21 seconds: 8",
        "It took 1 min 3 s: 8",
        "Elapsed: 0.532\n8",
        "elapsed time = 0:00:03.21\n8",
        "Training time: 2.31s\n8",
        "finished in 12.5 ms, 8",
        "rss=123.4 MB, vms = 2.1 GiB, peak memory usage: 12 MB, 8",
        "memory usage: 1.2+ KB\n8",
        "svmem(total=16, available=12, percent=26.1) 8",
        "Dask at tcp://127.0.0.1:39423, http://localhost:8787/status, 10.0.3.17:40123: 8",
        "host ip-10-0-3-17, PID: 4711, port 35123, 8",
        "in /tmp/tmp-12/a.nc 8",
        "3f2b8a10-1234-4abc-9def-0123456789ab 8",
        "100%|██████████| 10/10 [00:01<00:00,  9.52it/s]\n8",
        "32/32 ━━━━━━━━━━━━━━━━━━━━ 1s 3ms/step\r\n8",
        "[==============================] - 1s 3ms/step - loss: 8",
        "12.1 MB/s eta 0:00:01, 8",
        "--- 2.3412 seconds ---\n8",
        "--- 0:00:02.31 ---\n8",
        "0:00:01.234567\n8",
        "0 days 00:00:01.234567 8",
        "Training complete in 1m 23s: 8",
        "Processed in 0.32 seconds, created in 1.2 ms, 8",
        "Done (t=0.21s) 8",
        "Time taken 0.2312, execution time 1.25 and elapsed time 3.2154, 8",
        "[CV] END .......... total time=   0.1s\n8",
        "\nreal\t1m1.003s\nuser\t0m0.001s\nsys\t0m0.000s\n8",
        # R's system.time() and Sys.time() - start; Julia's @time, @btime and @benchmark.
        "   user  system elapsed \n  0.002   0.000   0.002 \n8",
        "Time difference of 0.5123456 secs\n8",
        "Time difference of 1.203456 mins\n8",
        "  0.123456 seconds (1.23 M allocations: 64.1 MiB, 5.12% gc time)\n8",
        "  0.000001 seconds\n8",
        "  1.234 μs (3 allocations: 144 bytes)\n8",
        " Range (min … max):  1.2 μs … 2.3 ms  ┊ GC (min … max): 0.00% … 0.00%\n"
        " Time  (mean ± \N{GREEK SMALL LETTER SIGMA}):   1.5 μs ± 20 μs   ┊ GC (mean ±\n8",
    ],
)
def test_dates_paths_and_timings_are_not_results(text: str) -> None:
    found = [number for number in numbers_of(printed(text)) if number != "32"]

    assert found == ["8"]


def test_without_a_recorded_time_the_run_s_date_is_used() -> None:
    executed = notebook(cell("x", printed("2026-11-29")))

    (found,) = result_numbers(read_executed(executed))

    assert found.numbers == ("2026", "11", "29")


def test_kernel_message_times_tell_when_a_cell_ran() -> None:
    executed = json.loads(notebook(cell("x", printed("2026-11-29 12:00:01 8"))))
    executed["cells"][1]["metadata"] = {
        "execution": {
            "iopub.execute_input": "2026-11-29T12:00:00.5Z",
            "shell.execute_reply": "2026-11-29T12:00:02.5Z",
        }
    }

    (found,) = result_numbers(read_executed(json.dumps(executed)))

    assert found.numbers == ("8",)


def test_printed_returned_and_displayed_values_count() -> None:
    table = {"text/plain": "   a\n0  7", "text/html": "<table><td>7</td></table>"}
    assert numbers_of(printed("1 "), printed(["2\n", "3\n"]), returned("array([4., 5.])")) == [
        *("1", "2", "3", "4.", "5.")
    ]
    assert numbers_of(shown(content=table)) == ["0", "7"]


def test_other_outputs_do_not_count() -> None:
    widget = {"application/vnd.jupyter.widget-view+json": {}, "text/plain": "IntSlider(value=8)"}
    assert numbers_of(printed("9", name="stderr"), shown(content=PICTURE)) == []
    assert numbers_of(shown(content=widget)) == []
    assert numbers_of(printed("1"), tags=["volatile"]) == []


@pytest.mark.parametrize(
    ("content", "numbers"),
    [
        ({"text/markdown": "mean **0.37**"}, ["0.37"]),
        ({"text/latex": "$x = 0.37$"}, ["0.37"]),
        ({"text/html": "<style>#T_1 {width: 99}</style><td id='T_8_row0'>0.37</td>"}, ["0.37"]),
    ],
)
def test_an_object_without_useful_plain_text_is_read_as_displayed(
    content: dict[str, str], numbers: list[str]
) -> None:
    plain = {"text/plain": "<pandas.io.formats.style.Styler at 0x7f10>"}

    assert numbers_of(shown(content=plain | content)) == numbers


def test_r_vector_indices_are_not_results() -> None:
    shows = shown(content={"text/plain": "[1] 1.258306\n[13] 2", "text/html": "1.258306"})

    assert numbers_of(shows, language="R") == ["1.258306", "2"]
    assert numbers_of(printed("[1] 2\n"), language="python") == ["1", "2"]


def test_set_members_are_compared_in_a_fixed_order() -> None:
    first = numbers_of(returned("{'b 2', 'a 1', 'c 3'}"), printed("frozenset({(3, 4), (1, 2)})"))
    other = numbers_of(returned("{'c 3', 'b 2', 'a 1'}"), printed("frozenset({(1, 2), (3, 4)})"))

    assert first == other == ["1", "2", "3", "1", "2", "3", "4"]
    assert numbers_of(returned("{'b': 2, 'a': 1}")) == ["2", "1"]
