"""What drawing libraries write into a notebook, by which each is recognised."""

import re
from typing import NamedTuple


class Drawing(NamedTuple):
    """Something that an output draws."""

    title: str
    """A noun phrase for it, capitalised."""
    is_figure: bool
    is_static: bool
    """Whether it is visible without running a script."""


def interactive(library: str, noun: str = "figure") -> Drawing:
    """Return a figure that only a script can draw."""
    return Drawing(f"An interactive {noun} ({library})", is_figure=True, is_static=False)


PICTURE = Drawing("A picture", is_figure=True, is_static=True)
ICON = Drawing("A picture in a table", is_figure=False, is_static=True)
EXTERNAL_PICTURE = Drawing("A picture outside the notebook", is_figure=False, is_static=True)
EXTERNAL_VIDEO = Drawing("A video outside the notebook", is_figure=False, is_static=False)
EXTERNAL_PAGE = Drawing("A frame with another page", is_figure=False, is_static=False)
ANIMATION = Drawing("An animation (matplotlib)", is_figure=True, is_static=False)
TABLE = Drawing("An interactive table", is_figure=False, is_static=False)

# Written by the libraries themselves, outside scripts and in them: plotly 5 and 6, altair 4 to 6,
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
# The figures among bokeh's models (bokeh 2.4 and 3.9) and those in panel's panes (panel 1.9).
PLOT = re.compile(
    r'"(?:name|type|subtype)":\s?"(?:[\w.]+\.)?(?:Figure|GMap|ECharts|VTK\w*|\w*Plot)"'
)


def has_plot(document: str) -> bool:
    """Return whether a bokeh document contains a figure; True if it lists no models."""
    return (
        '"roots"' not in document or PLOT.search(document) is not None or "data:image" in document
    )


def is_banner(html: str) -> bool:
    """Return whether HTML only announces that a library is loading (bokeh, holoviews)."""
    return '<div class="logo-block">' in html or "Loading BokehJS" in html
