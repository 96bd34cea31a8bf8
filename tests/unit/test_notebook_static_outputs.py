"""Outputs that need scripts are replaced by a static picture or a note on the page."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from notebake.notebook.html import render_html
from notebake.notebook.static_outputs import static_outputs

DRAWN: list[dict[str, Any]] = json.loads(
    Path(__file__).with_name("drawn_outputs.json").read_text(encoding="utf-8")
)
DEBRIS = ("Loading BokehJS", "Make this Notebook Trusted", "<button", "0%|", "<script", "<iframe")
LINE = re.compile(r'<p class="page-note">([^<]*)</p>')
WIDGET = "application/vnd.jupyter.widget-view+json"
PNG = "data:image/png;base64,iVBORw0KGgo="


def notebook_of(*outputs: Any, **metadata: Any) -> dict[str, Any]:
    cell = {
        "cell_type": "code",
        "execution_count": 1,
        "id": "a",
        "metadata": {},
        "source": "draw()",
    }
    cells = [cell | {"outputs": outputs}]
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def page_of(*outputs: Any, metadata: dict[str, Any] | None = None) -> str:
    """Return what the page holds of a cell's outputs."""
    notebook = notebook_of(*outputs, **(metadata or {}))
    _, _, page = render_html(json.dumps(notebook), "ocean").partition("<main>")
    assert "jp-CodeCell" in page, "shown as a notebook"
    return page


def shown(**content: Any) -> dict[str, Any]:
    return {"output_type": "display_data", "metadata": {}, "data": content.get("content", content)}


def html(text: str) -> dict[str, Any]:
    return shown(content={"text/html": text})


def test_each_figure_is_rendered_or_replaced_by_a_note() -> None:
    (cell,) = notebook_of()["cells"]
    cells = [
        cell | {"id": f"c{at}", "outputs": [drawn["output"]]} for at, drawn in enumerate(DRAWN)
    ]
    notebook = notebook_of() | {"cells": cells}
    page = render_html(json.dumps(notebook), "ocean").partition("<main>")[2]

    parts = page.split("jp-CodeCell")[1:]
    assert len(parts) == len(DRAWN)
    for part, drawn in zip(parts, DRAWN, strict=True):
        pictures = re.findall(r"<(?:img|svg|video)\b[^>]*>", part)
        assert [text for text in DEBRIS if text in part] == [], drawn["cell"]
        assert not drawn["is_figure"] or pictures or LINE.search(part), drawn["cell"]
        broken = [tag for tag in pictures if tag.startswith("<img") and "data:" not in tag]
        assert broken == [], drawn["cell"]


@pytest.mark.parametrize(
    ("library", "cell", "lines"),
    [
        ("bokeh", "bokeh-init", set()),
        ("bokeh", "bokeh-show", {"An interactive figure (bokeh)"}),
        ("altair", "altair", {"An interactive figure (altair)"}),
        ("folium", "folium", {"An interactive map (folium)"}),
        ("plotly", "plotly", {"An interactive figure (plotly)"}),
        ("plotly", "plotly-mimepng", {"An interactive figure (plotly), here as a static picture"}),
        ("matplotlib", "jshtml", {"An animation (matplotlib), here its first frame"}),
        ("matplotlib", "html5video", set()),
        ("holoviews", "holoviews-init", set()),
        ("holoviews", "holoviews", {"An interactive figure (holoviews)"}),
        ("ipywidgets", "ipywidgets-slider", {"A widget (IntSlider)"}),
        ("tqdm", "tqdm-notebook", set()),
        ("pandas", "styled", set()),
    ],
)
def test_the_note_names_the_figure_and_where_to_see_it(
    library: str, cell: str, lines: set[str]
) -> None:
    of_cell = [
        drawn
        for drawn in DRAWN
        if (drawn["written_by"].split()[0], drawn["cell"]) == (library, cell)
    ]
    outputs = [drawn["output"] for drawn in of_cell]

    rows = LINE.findall(page_of(*outputs))
    assert outputs
    assert {line.removesuffix(": open executed.ipynb in JupyterLab") for line in rows} == lines


def test_the_first_frame_of_an_animation_is_shown() -> None:
    frames = 'frames[0] = "data:image/png;base64,iVBORw0\\\nKGgo="\n frames[1] = "data:x"'

    page = page_of(html(f"<img id='_anim_img1'><button>+</button><script>{frames}</script>"))

    assert f'<img src="{PNG}" alt="An animation (matplotlib), as a static picture">' in page


@pytest.mark.parametrize("kind", ["image/png", "image/svg+xml"])
def test_a_still_picture_in_the_same_bundle_is_shown(kind: str) -> None:
    picture = "iVBORw0KGgo=" if kind == "image/png" else "<svg/>"
    page = page_of(shown(content={"application/vnd.plotly.v1+json": {"data": []}, kind: picture}))

    encoded = "iVBORw0KGgo=" if kind == "image/png" else "PHN2Zy8+"
    assert f'src="data:{kind};base64,{encoded}"' in page
    assert "here as a static picture: open executed.ipynb in JupyterLab" in page


def test_output_of_interact_replaces_the_widget() -> None:
    inner = shown(content={"image/png": "iVBORw0KGgo=", "text/plain": "<Figure>"})
    models = {
        "box": {"state": {"children": ["IPY_MODEL_slider", "IPY_MODEL_out", "IPY_MODEL_box"]}},
        "slider": {"state": {}},
        "out": {"state": {"outputs": [inner]}},
    }
    state = {"application/vnd.jupyter.widget-state+json": {"state": models, "version_major": 2}}
    view = shown(content={WIDGET: {"model_id": "box"}, "text/plain": "interactive(children=())"})

    page = page_of(view, metadata={"widgets": state})

    assert page.count("data:image/png;base64,iVBORw0KGgo=") == 1
    assert LINE.findall(page) == ["A widget (interactive): open executed.ipynb in JupyterLab"]


def test_a_report_with_a_figure_in_it_keeps_its_text() -> None:
    report = "<table><tr><td>42 buoys</td></tr></table><div class='plotly-graph-div'></div>"

    page = page_of(html(report))

    assert "42 buoys" in page
    assert LINE.findall(page) == [
        "An interactive figure (plotly): open executed.ipynb in JupyterLab"
    ]


def test_an_external_picture_or_video_is_replaced_by_its_name() -> None:
    page = page_of(
        html("<img alt='' src='https://elsewhere.example/maps/sea.png?a=1'>"),
        html("<img src='http://[odd' alt='The <b>sea</b>'>"),
        html("<video src='https://elsewhere.example/a.mp4' controls></video>"),
    )

    assert "A picture outside the notebook: sea.png<" in page
    assert "A picture outside the notebook: The &lt;b&gt;sea&lt;/b&gt;<" in page
    assert "A video outside the notebook: open executed.ipynb in JupyterLab" in page
    assert "elsewhere.example" not in page
    assert "<img" not in page
    assert "<video" not in page


def test_an_embedded_video_plays_and_has_alternative_text() -> None:
    page = page_of(html("<video controls><source type='video/mp4' src='data:video/mp4;base64,A'>"))

    assert '<video aria-label="A video without a description" controls>' in page
    assert "src='data:video/mp4;base64,A'" in page


def test_a_figure_in_html_has_alternative_text_and_an_icon_has_none() -> None:
    page = page_of(html("<svg width='90'><path/></svg><svg class='icon'><path/></svg>"))

    assert page.count('<svg role="img" aria-label="A figure without a description"') == 1


def test_elements_that_need_scripts_are_removed() -> None:
    dead = "<button onclick='go()'>Go</button><input type='range'><select><option>One</select>"
    page = page_of(html(f"{dead}<input type='checkbox' id='open'><label for='open'>More</label>"))

    assert re.findall(r"<input[^>]*>", page) == ["<input type='checkbox' id='open'>"]
    assert not re.search("Go|One|<button|<select", page)


def test_a_self_closing_svg_script_removes_nothing_else() -> None:
    chart = "<svg><script href='x.js'/><path d='M1'/></svg>"

    page = page_of(html(chart), html("<p>Between</p>"), html("<script>draw()</script>"))

    assert "d='M1'" in page
    assert "Between" in page


@pytest.mark.parametrize(
    "output",
    [
        {"output_type": "display_data", "metadata": {}},
        {"output_type": "display_data", "metadata": {}, "data": {}},
        {
            "output_type": "execute_result",
            "metadata": {},
            "data": {WIDGET: 3},
            "execution_count": 1,
        },
        shown(content={WIDGET: {"model_id": []}, "text/plain": "IntSlider()"}),
        shown(content={"application/x-odd": "?"}),
        html("<svg><img src='" + PNG),
    ],
)
def test_malformed_outputs_still_give_a_page(output: dict[str, Any]) -> None:
    widgets = {"application/vnd.jupyter.widget-state+json": {"state": {"a": 3}}}
    notebook = notebook_of(output, widgets=widgets)

    assert "jp-CodeCell" in render_html(json.dumps(notebook), "ocean")


def test_other_outputs_are_not_changed() -> None:
    outputs = [
        {"output_type": "stream", "name": "stdout", "text": "1"},
        {"output_type": "error", "ename": "E", "evalue": "", "traceback": []},
        html("<table><tr><td>1</td></tr></table>"),
    ]

    assert list(static_outputs(outputs, {})) == outputs
