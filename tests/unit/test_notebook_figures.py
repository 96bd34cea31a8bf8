"""Which outputs count as figures, by real outputs of the libraries, trimmed."""

import json
from pathlib import Path
from typing import Any

import pytest

from notebake.notebook.figures import describe_uncounted, format_uncounted, is_figure
from notebake.notebook.judge import judge_notebook
from notebake.notebook.verdict import ExecutionStatus
from notebake.recipe import Notebook

DRAWN: list[dict[str, Any]] = json.loads(
    Path(__file__).with_name("drawn_outputs.json").read_text(encoding="utf-8")
)
"""Outputs of notebooks that papermill executed: long texts and addresses are cut."""
PICTURE = "data:image/png;base64,iVBORw0KGgo="
CIRCLE = "<circle r='40'/>"


def shown(*html: str) -> dict[str, Any]:
    return {"output_type": "display_data", "metadata": {}, "data": {"text/html": list(html)}}


def bundle(**content: Any) -> dict[str, Any]:
    return {"output_type": "display_data", "metadata": {}, "data": content.get("content", content)}


def named(drawn: dict[str, Any]) -> str:
    return f"{drawn['written_by']}, {drawn['cell']}"


@pytest.mark.parametrize("drawn", DRAWN, ids=named)
def test_outputs_of_each_library_are_recognised(drawn: dict[str, Any]) -> None:
    assert (is_figure(drawn["output"]), describe_uncounted(drawn["output"])) == (
        drawn["is_figure"],
        drawn["uncounted"],
    )


def test_every_known_drawing_library_is_tested() -> None:
    drawing = {drawn["written_by"].split()[0] for drawn in DRAWN if drawn["is_figure"]}

    assert drawing >= {
        *("altair", "bokeh", "folium", "holoviews", "hvplot", "ipympl", "ipyleaflet", "lonboard"),
        *("matplotlib", "mpld3", "panel", "plotly", "pydeck", "pyecharts", "pygal", "shapely"),
    }
    assert len({drawn["written_by"] for drawn in DRAWN if "bokeh" in drawn["written_by"]}) == 3


@pytest.mark.parametrize(
    "content",
    [
        {"application/javascript": "…", "application/vnd.bokehjs_exec.v0+json": ""},
        {"application/vnd.vegalite.v6.json": {"mark": "point"}},
        {"application/vnd.vegalite.v5+json": {"mark": "point"}},
        {"application/geo+json": {"type": "Feature"}},
        {"application/pdf": "JVBERi0="},
        {"text/markdown": ["# Sea\n", f"![the sea]({PICTURE})"]},
    ],
    ids=lambda content: next(reversed(content)),
)
def test_outputs_rendered_only_by_jupyterlab_are_figures(content: dict[str, Any]) -> None:
    assert is_figure(bundle(content=content))


@pytest.mark.parametrize(
    "html",
    [
        f"<svg width='90' height='90'>{CIRCLE}</svg>",
        f"<SVG viewBox='0 0 9 9'>\n{CIRCLE.upper()}",
        f"<svg><defs><symbol id='a'>{CIRCLE}</symbol></defs><rect width='9'/></svg>",
        f"<svg class='pygal-chart'><script xlink:href='x.js'/>{CIRCLE}</svg>",
        f"<table><tr><td><img src='{PICTURE}{'A' * 9000}'></table>",
        f"<table><tr><td>1</table><img src='{PICTURE}'>",
        f"<img alt='a > b' src={PICTURE}>",
        "<video controls><source type='video/mp4' src='data:video/mp4;base64,AAAA'></video>",
        "<video src='data:video/webm;base64,AAAA'>",
        "<canvas id='c'></canvas><script>draw()</script>",
        "<iframe srcdoc='&lt;script&gt;draw()&lt;/script&gt;'></iframe>",
        "<iframe src='data:text/html;base64,PHNjcmlwdD5kcmF3KCk8L3NjcmlwdD4='></iframe>",
        "<iframe src='about:blank' data-html='%3Chtml%3E' onload='open()'></iframe>",
        "<div class='leaflet html-widget'></div><script>HTMLWidgets.staticRender()</script>",
    ],
)
def test_each_html_form_of_a_drawing_is_one_figure(html: str) -> None:
    assert is_figure(shown(html))


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<img src='https://elsewhere.example/a.png'>", "a picture outside the notebook"),
        ("<video src='a.mp4'></video>", "a video outside the notebook"),
        ("<iframe src='https://elsewhere.example/'></iframe>", "a frame with another page"),
        (f"<table><tr><td><img src='{PICTURE}'></table>", "a picture in a table"),
        ("<iframe srcdoc='&lt;table&gt;&lt;/table&gt;'></iframe>", None),
        (f"<table><tr><td><svg width='90'>{CIRCLE}</svg></table>", None),
        (f"<svg width='16' height='16'>{CIRCLE}</svg>", None),
        (f"<svg style='width: 0; height: 0'>{CIRCLE}</svg>", None),
        (f"<svg style='display:none'>{CIRCLE}</svg>", None),
        (f"<svg class='icon'>{CIRCLE}</svg>", None),
        ("<svg><use href='#icon'/></svg>", None),
        ("<canvas></canvas>", None),
        ("<audio><source type='audio/wav' src='data:audio/wav;base64,AA'></audio>", None),
        ("<img>", None),
        (f"<!-- <img src='{PICTURE}'> -->", None),
        (f"<script>'<img src=\"{PICTURE}\">'</script>", None),
        (f'<div class="logo-block"><img src="{PICTURE}"></div>', None),
        ("<div class='datatables html-widget'></div><script></script>", "an interactive table"),
    ],
)
def test_an_uncounted_drawing_is_described(html: str, expected: str | None) -> None:
    assert (is_figure(shown(html)), describe_uncounted(shown(html))) == (False, expected)


@pytest.mark.parametrize(
    "output",
    [
        {},
        {"data": None},
        {"data": []},
        bundle(content={"text/html": [1, None]}),
        bundle(content={}),
    ],
)
def test_incomplete_outputs_are_not_figures(output: dict[str, Any]) -> None:
    assert not is_figure(output)


def test_too_few_figures_lists_uncounted_drawings_and_a_remedy() -> None:
    slider = bundle(
        content={
            "application/vnd.jupyter.widget-view+json": {"model_id": "a"},
            "text/plain": "IntSlider(value=0)",
        }
    )
    cell = {
        "cell_type": "code",
        "execution_count": 1,
        "metadata": {},
        "source": "draw()",
        "outputs": [slider, slider, shown("<img src='a.png'>")],
    }
    executed = json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    wanted = Notebook(minimum_cells=1, minimum_figures=2)

    error = judge_notebook(executed, wanted, ExecutionStatus(exit_code=0, seconds=1.0)).error

    assert error == (
        "It drew 0 figures, the recipe asks for 2; drawn but not counted: a widget (IntSlider),"
        " a picture outside the notebook (if that is enough, set `minimum_figures: 0`)"
    )


def test_only_the_first_three_kinds_are_listed() -> None:
    frames = [
        bundle(
            content={
                "application/vnd.jupyter.widget-view+json": {"model_id": "a"},
                "text/plain": f"Slider{name}(value=0)",
            }
        )
        for name in "ABCDE"
    ]

    assert "(SliderC) and 2 more kinds (if" in format_uncounted(frames)
    assert format_uncounted([]) == ""
