"""The template, styles and content policy of the page of an executed notebook."""

# Pictures and styles are inside the page, and the policy makes the browser refuse everything else
# that the notebook's output would load or run.
CONTENT_POLICY = (
    "default-src 'none'; img-src data:; media-src data:; font-src data:;"
    " style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'"
)

TEMPLATE = """\
{%- extends 'lab/index.html.j2' -%}
{%- block html_head_js -%}
<meta http-equiv="Content-Security-Policy" content="{{ resources.content_policy }}">
{%- endblock -%}
{%- block jupyter_widgets -%}{%- endblock -%}
{%- block html_head_js_mathjax -%}{%- endblock -%}
{%- block html_head_js_mermaidjs -%}{%- endblock -%}
{%- block html_head_css -%}<style>{{ resources.page_style }}</style>{%- endblock -%}
{%- block body_header -%}
<body class="jp-Notebook" data-jp-theme-light="true" data-jp-theme-name="JupyterLab Light">
<header class="page-header"><h1>{{ resources.page_title }}</h1></header>
<main>
{%- endblock -%}
"""

STYLE = """\
body.jp-Notebook { background: #f4f6f8; margin: 0; padding: 0 16px 48px; overflow: auto; }
.page-header, main { max-width: 980px; margin: 0 auto; box-sizing: border-box; }
.page-header { padding: 28px 32px 16px; font-family: system-ui, sans-serif; color: #12263a; }
.page-header h1 { font-size: 17px; font-weight: 650; margin: 0; overflow-wrap: anywhere; }
main { background: #fff; border: 1px solid #dfe6ec; border-radius: 10px; padding: 24px 32px;
  box-shadow: 0 1px 3px rgb(18 38 58 / 6%); }
main .jp-Cell { padding: 4px 0; }
main .jp-InputPrompt, main .jp-OutputPrompt { flex: 0 0 48px; min-width: 48px; color: #9aa7b3;
  font-size: 11px; }
main .jp-InputArea-editor { background: #f7f9fa; border-color: #e6ebef; border-radius: 6px; }
main .jp-RenderedImage img, main .jp-RenderedSVG svg, main .jp-RenderedSVG img {
  max-width: 100%; height: auto; }
main .page-note { display: block; width: fit-content; margin: 6px 0; padding: 5px 10px;
  background: #f4f6f8; border-left: 3px solid #c3cdd6; color: #52616f; font-size: 13px;
  font-family: system-ui, sans-serif; overflow-wrap: anywhere; }
main .jp-RenderedHTML img, main .jp-RenderedHTML video { max-width: 100%; height: auto; }
main .jp-RenderedText pre { font-size: 12.5px; padding-left: 5px; }
main .jp-OutputArea-output[data-mime-type="application/vnd.jupyter.stderr"] { background: #fff6ec;
  border-radius: 6px; }
main .jp-RenderedHTMLCommon { color: #12263a; line-height: 1.55; }
main .jp-RenderedHTMLCommon h1 { font-size: 26px; letter-spacing: -0.01em; }
main .jp-RenderedHTMLCommon h2 { font-size: 19px; border: 0; margin-top: 1.2em; }
@media (max-width: 640px) { main { padding: 12px; } main .jp-InputPrompt,
  main .jp-OutputPrompt { display: none; } }
@media print { body.jp-Notebook { background: #fff; padding: 0; }
  main { border: 0; box-shadow: none; max-width: none; } }
"""
