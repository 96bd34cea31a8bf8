"""What the libraries that draw write into a notebook, by which each is known."""

import re
from typing import NamedTuple


class Drawing(NamedTuple):
    """Something that an output draws."""

    title: str
    """What it is, as the beginning of a sentence."""
    counts: bool
    is_still: bool
    """It is seen where no script runs."""


def interactive(library: str, noun: str = "figure") -> Drawing:
    """Return what only a script can draw."""
    return Drawing(f"An interactive {noun} ({library})", counts=True, is_still=False)


PICTURE = Drawing("A picture", counts=True, is_still=True)
ICON = Drawing("A picture in a table", counts=False, is_still=True)
EXTERNAL_PICTURE = Drawing("A picture kept outside the notebook", counts=False, is_still=True)
EXTERNAL_VIDEO = Drawing("A video kept outside the notebook", counts=False, is_still=False)
EXTERNAL_PAGE = Drawing("A frame with a page of its own", counts=False, is_still=False)
ANIMATION = Drawing("An animation (matplotlib)", counts=True, is_still=False)
TABLE = Drawing("An interactive table", counts=False, is_still=False)

# What the libraries themselves write, outside scripts and in them: plotly 5 and 6, altair 4 to 6,
# matplotlib 3.7 and 3.10, itables 2, R's htmlwidgets 1.6, mpld3 0.5, pyecharts 2, leaflet 1.9.
MARKUP_SIGNS: dict[str, Drawing] = {
    "plotly-graph-div": interactive("plotly"),
    "altair-viz-": interactive("altair"),
    "_anim_img": ANIMATION,
    'id="itables_': TABLE,
    "datatables html-widget": TABLE,
    "leaflet html-widget": interactive("leaflet", "map"),
    " html-widget": interactive("htmlwidgets"),
}
SCRIPT_CALLS: dict[str, Drawing] = {
    "mpld3.draw_figure(": interactive("mpld3"),
    "= echarts.init(": interactive("echarts"),
    "Highcharts.chart('": interactive("Highcharts"),
    'vegaEmbed("#': interactive("vega"),
    "vegaEmbed('#": interactive("vega"),
    "= L.map(": interactive("leaflet", "map"),
}
MAP = interactive("folium", "map")
INLINE_PAGES = {"leaflet": MAP, "L.map(": MAP, "deck": interactive("pydeck", "map")}
# The figures among bokeh's models (bokeh 2.4 and 3.9) and those of panel's panes (panel 1.9).
PLOT = re.compile(
    r'"(?:name|type|subtype)":\s?"(?:[\w.]+\.)?(?:Figure|GMap|ECharts|VTK\w*|\w*Plot)"'
)


def has_plot(document: str) -> bool:
    """Whether a document of bokeh holds a figure, or no model that would tell."""
    return (
        '"roots"' not in document or PLOT.search(document) is not None or "data:image" in document
    )


def is_banner(html: str) -> bool:
    """Whether HTML only says that a library is there or being loaded (bokeh, holoviews)."""
    return '<div class="logo-block">' in html or "Loading BokehJS" in html
