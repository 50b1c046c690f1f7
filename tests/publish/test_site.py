# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The site of the documentation that `tools/docs_site.sh` has built, as its readers see it."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml

from .browser import Look, looks

REPOSITORY = Path(__file__).resolve().parents[2]
SITE = REPOSITORY / ".cache" / "docs" / "build" / "html"
# The list of all words and the form that searches it are scripts.
PAGES = sorted(
    path.relative_to(SITE).as_posix() for path in SITE.rglob("*.html") if path.name not in ("genindex.html", "search.html")
)
GALAXY = yaml.safe_load((REPOSITORY / "galaxy.yml").read_text(encoding="utf-8"))
PAPERS = [
    "README.md",
    "CONTRIBUTING.md",
    *sorted(path.relative_to(REPOSITORY).as_posix() for path in REPOSITORY.glob("roles/*/README.md")),
]
SCREENS = {"wide": 1400, "telephone": 390}
SCHEMES = {"light": False, "dark": True}


@dataclass
class Page(HTMLParser):
    """Where a page leads, and where in it one can be led."""

    links: list[str] = field(default_factory=list)
    places: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("href", "src") and value:
                self.links.append(value)
            if name in ("id", "name") and value:
                self.places.add(value)


@pytest.fixture(scope="module")
def site() -> dict[str, Page]:
    read = {}
    for name in SITE.rglob("*.html"):
        page = read[name.relative_to(SITE).as_posix()] = Page()
        page.feed(name.read_text(encoding="utf-8"))
    return read


def trouble(site: dict[str, Page], at: str, link: str) -> str:
    """What is wrong with a link of a page; empty if nothing is, or if it leads elsewhere."""
    address = urlsplit(link)
    if address.scheme or address.netloc:
        return ""
    target = (SITE / at).parent.joinpath(unquote(address.path)).resolve() if address.path else SITE / at
    if not target.is_file():
        return f"{link}: there is no such file"
    page = site.get(target.relative_to(SITE).as_posix())
    return f"{link}: there is no such place" if page and address.fragment and address.fragment not in page.places else ""


def test_there_is_a_site() -> None:
    assert "index.html" in PAGES, "run tools/docs_site.sh before"


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(site: dict[str, Page], page: str) -> None:
    assert [wrong for link in site[page].links if (wrong := trouble(site, page, link))] == []


@pytest.fixture(scope="module", params=[(screen, scheme) for screen in SCREENS for scheme in SCHEMES], ids="-".join)
def seen(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[bool, dict[str, Look]]:
    screen, scheme = request.param
    copy = shutil.copytree(SITE, tmp_path_factory.mktemp("site") / "html")
    return SCHEMES[scheme], looks(copy, PAGES, SCREENS[screen], SCHEMES[scheme])


def test_the_browser_shows_all_pages(seen: tuple[bool, dict[str, Look]]) -> None:
    dark, pages = seen
    assert sorted(pages) == PAGES
    assert {look.dark for look in pages.values()} == {dark}


def test_no_page_is_wider_than_the_screen(seen: tuple[bool, dict[str, Look]]) -> None:
    assert {name: look.wider for name, look in seen[1].items() if look.wider > 0} == {}


def test_all_pictures_show(seen: tuple[bool, dict[str, Look]]) -> None:
    assert [name for name, look in seen[1].items() if look.broken] == []
    assert seen[1]["docsite/report.html"].pictures == 1


def test_all_texts_can_be_read(seen: tuple[bool, dict[str, Look]]) -> None:
    assert {name: look.faint for name, look in seen[1].items() if look.faint} == {}


def test_the_site_has_the_addresses_of_galaxy(site: dict[str, Page]) -> None:
    for name in ("homepage", "issues", "repository"):
        assert GALAXY[name] in site["index.html"].links


def documented(text: str) -> list[str]:
    return re.findall(rf"{re.escape(GALAXY['documentation'])}/([^\s)]*)", text)


@pytest.mark.parametrize("name", PAPERS)
def test_what_the_papers_say_of_the_site_is_there(site: dict[str, Page], name: str) -> None:
    named = documented((REPOSITORY / name).read_text(encoding="utf-8"))
    assert named or name != "README.md"
    assert [wrong for link in named if (wrong := trouble(site, "index.html", link or "index.html"))] == []
