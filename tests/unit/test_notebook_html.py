"""The page of an executed notebook is complete and loads nothing from elsewhere."""

import json
import re
from html import escape
from typing import Any

import nbformat
import pytest

from notebake.notebook.html import SHOWN_CHARACTERS, render_html

ELSEWHERE = "https://elsewhere.example"
HOSTILE = f"""<script src="{ELSEWHERE}/a.js"></script><SCRIPT>steal()</SCRIPT>
<iframe src="{ELSEWHERE}"></iframe><link rel="stylesheet" href="{ELSEWHERE}/a.css">
<meta http-equiv="refresh" content="0;url={ELSEWHERE}"><base href="{ELSEWHERE}">"""


def executed(*outputs: dict[str, Any], markdown: str = "# Sea", **metadata: Any) -> str:
    cells = [
        nbformat.v4.new_markdown_cell(markdown),
        nbformat.v4.new_code_cell("draw('<script>')", execution_count=1, outputs=list(outputs)),
    ]
    return json.dumps(nbformat.v4.new_notebook(cells=cells, metadata=metadata))


def shown(kind: str, content: Any) -> Any:
    return nbformat.v4.new_output("display_data", data={kind: content})


def test_figures_stay_in_the_page() -> None:
    page = render_html(executed(shown("image/png", "iVBORw0KGgo=")), "ocean")

    assert "data:image/png;base64,iVBORw0KGgo=" in page
    assert "<title>ocean</title>" in page


def test_the_page_s_security_policy_blocks_requests_and_scripts() -> None:
    page = render_html(executed(), "ocean")

    head = page.partition("</head>")[0]
    (tag,) = re.findall(r"<meta[^>]*Content-Security-Policy[^>]*>", head)
    assert "default-src 'none'" in tag
    assert "script-src" not in tag
    assert head.index(tag) < head.index("<style")


def test_outputs_cannot_redirect_the_reader() -> None:
    widgets = {"application/vnd.jupyter.widget-state+json": {"state": {}, "version_major": 2}}
    page = render_html(
        executed(
            shown("text/html", HOSTILE),
            shown("application/javascript", "steal()"),
            markdown=HOSTILE,
            widgets=widgets,
            title="</title><script>steal()</script>",
        ),
        "<script>x</script><b>bold</b>",
    )

    body = page.partition("<main>")[2]
    assert "jp-MarkdownCell" in body, "the cells must be in what is looked through"
    lowered = page.lower()
    for tag in ("<script", "<iframe", "<link", "<base", 'http-equiv="refresh"'):
        assert tag not in lowered, tag
    assert ELSEWHERE not in page
    assert "&lt;b&gt;bold&lt;/b&gt;" in page


def test_nested_tags_cannot_redirect_the_reader() -> None:
    split = f'<me<meta>ta http-equiv="refresh" content="0;url={ELSEWHERE}">'

    assert (
        "<meta"
        not in render_html(executed(shown("text/html", split)), "ocean").partition("<main>")[2]
    )


def test_every_picture_has_alternative_text() -> None:
    named = '<img src="data:image/png;base64,iVBORw0KGgo=" alt="A bloom">'
    page = render_html(
        executed(shown("image/png", "iVBORw0KGgo="), shown("text/html", named)), "ocean"
    )

    pictures = re.findall(r"<img\b[^>]*>", page)
    assert [picture.count(" alt=") for picture in pictures] == [1, 1]
    assert 'alt="A bloom"' in pictures[1]


def test_source_code_mentioning_scripts_is_shown() -> None:
    assert "&lt;script&gt;" in render_html(executed(), "ocean")


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "nonsense <b>", '{"cells": [], "metadata": 3}', '{"cells": 7}', "[" * 9999],
)
def test_a_file_that_is_not_a_notebook_is_shown_as_text(text: str) -> None:
    page = render_html(text, "<ocean>")

    assert "cannot be shown as a notebook" in page
    assert f"<pre>{escape(text)}</pre>" in page
    assert "<title>&lt;ocean&gt;</title>" in page
    assert "default-src 'none'" in page


def test_a_long_text_is_truncated() -> None:
    page = render_html("x" * (SHOWN_CHARACTERS + 5), "ocean")

    assert "xxx\n… and 5 more characters</pre>" in page
    assert len(page) < SHOWN_CHARACTERS + 2000


@pytest.mark.parametrize("code", [0xD800, 0xDCE9, 0xDFFF])
def test_a_lone_surrogate_does_not_prevent_the_page(code: int) -> None:
    half = chr(code)
    output = {"output_type": "stream", "name": "stdout", "text": f"f{half}.nc"}

    page = render_html(executed(output, markdown=f"# {half}"), "ocean").encode().decode()

    assert "f\N{REPLACEMENT CHARACTER}.nc" in page
    assert "jp-MarkdownCell" in page, "shown as a notebook"


def test_a_notebook_without_metadata_is_rendered() -> None:
    notebook = json.loads(executed())
    del notebook["metadata"]

    assert "jp-MarkdownCell" in render_html(json.dumps(notebook), "ocean")
