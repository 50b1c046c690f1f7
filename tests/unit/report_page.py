# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report as a test reads it: elements, texts, and the rows of its tables."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "input", "br"}
# What a page may be made of. Neither a script nor anything that loads or leads anywhere is among it.
TAGS = {
    *("html", "head", "meta", "title", "style", "body", "header", "main", "section", "article", "footer", "div"),
    *("h1", "h2", "h3", "p", "b", "i", "strong", "small", "span", "code", "time", "ul", "ol", "li"),
    *("fieldset", "legend", "label", "input", "table", "thead", "tbody", "tr", "th", "td", "figure", "figcaption"),
    *("svg", "defs", "pattern", "rect", "circle", "path", "text"),
}


class Page(HTMLParser):
    """A page as its elements and its text. An element that is not closed is an error."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []  # what it is in (h1, .reason, td, ...) and the text
        self._open: list[str] = []
        self.cells: list[list[list[str]]] = []  # the pieces of text of each cell of each row of all tables
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "tr":
            self.cells.append([])
        elif tag in ("td", "th"):
            self.cells[-1].append([])
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" in self._open:
            return
        self.texts.append((self._open[-1] if self._open else "", data))
        if ("td" in self._open or "th" in self._open) and data.strip():
            self.cells[-1][-1].append(" ".join(data.split()))

    @property
    def text(self) -> str:
        return " ".join(" ".join(data for _tag, data in self.texts).split())

    def of(self, tag: str) -> list[str]:
        return [" ".join(data.split()) for of, data in self.texts if of == tag and data.strip()]

    def rows(self, node: str) -> list[list[str]]:
        """The cells of the rows that tell of a node."""
        return [[" ".join(cell) for cell in row] for row in self.cells if node in row[0]]
