"""A report as one HTML file, made from its Markdown: any browser shows it without a network or another file."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from nocarrier.cli.report.chart import svg_chart
from nocarrier.cli.report.numbers import CHART
from nocarrier.model.finding import Severity
from nocarrier.web.views import SeriesView

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""Whatever a peer smuggles in, the browser runs and loads nothing (W3C, Content Security Policy Level 3)."""

_NEVER = ("html_block", "html_inline", "image", "link", "autolink", "reference")
"""Rules of Markdown that are off because text could become more than text by them."""

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>nocarrier report</title>
<style>
{style}</style>
</head>
<body>
<main>
{body}</main>
</body>
</html>
"""


def report_html(text: str, failures: SeriesView) -> str:
    """The page.

    Args:
        text: the report as Markdown.
        failures: what its chart shows.
    """
    markdown = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer).enable("table").disable(_NEVER)
    body = markdown.render(text, {"chart": svg_chart(failures)})
    style = resources.files("nocarrier.cli.report").joinpath("report.css").read_text(encoding="utf-8")
    return _PAGE.format(policy=POLICY, style=style, body=body)


class _Renderer(RendererHTML):
    """As usual, with the chart drawn, tables that scroll, and findings in the colour of their severity."""

    def fence(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return str(env["chart"]) if tokens[idx].info == CHART else super().fence(tokens, idx, options, env)

    def table_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return '<div class="table">' + self.renderToken(tokens, idx, options, env)

    def table_close(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return self.renderToken(tokens, idx, options, env) + "</div>\n"

    def heading_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        severity = tokens[idx + 1].content.partition(":")[0].lower()
        if severity in list(Severity):
            tokens[idx].attrSet("class", severity)
        return self.renderToken(tokens, idx, options, env)
