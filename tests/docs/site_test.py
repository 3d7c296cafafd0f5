#!/usr/bin/env python3
"""Builds the site of the documentation, and follows what its pages link and load.

usage: site_test.py [unittest options]
"""
import html.parser
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest
import urllib.parse

SOURCE = pathlib.Path(__file__).resolve().parents[2]
MKDOCS = pathlib.Path(os.environ.get("HADEPLOY_MKDOCS", SOURCE / "build/mkdocs/bin/mkdocs"))
# Attributes with which a page loads something, rather than links to it.
LOADS = {("script", "src"), ("img", "src"), ("iframe", "src"), ("link", "href"), ("source", "src"), ("video", "src"),
         ("object", "data"), ("embed", "src"), ("form", "action")}
LINKS = {("a", "href")}
# Links that a browser does not follow by itself.
IDLE = {"canonical", "next", "prev", "license"}


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.loads, self.classes, self.styles = set(), [], [], set(), []
        self.in_style = False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.ids.update(given[name] for name in ("id", "name") if given.get(name))
        self.classes.update((given.get("class") or "").split())
        self.in_style = tag == "style"
        if given.get("style"):
            self.styles.append(given["style"])
        for name, value in attributes:
            if (tag, name) in LINKS:
                self.links.append(value or "")
            elif (tag, name) in LOADS and not (tag == "link" and given.get("rel") in IDLE):
                self.loads.append(value or "")

    def handle_data(self, data):
        if self.in_style:
            self.styles.append(data)

    def handle_endtag(self, tag):
        self.in_style = False


def is_foreign(url):
    return bool(urllib.parse.urlsplit(url).netloc)


def loaded_by_css(text):
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    return [a or b for a, b in re.findall(r"url\(\s*[\"']?([^\"')]+)|@import\s+[\"']([^\"']+)", text)
            if not (a or b).startswith("data:")]


def problems(site):
    """The faults of the pages of a built site."""
    pages = {path.relative_to(site).as_posix(): Page(path.read_text()) for path in site.rglob("*.html")}
    for name, page in sorted(pages.items()):
        for url in page.loads + [u for style in page.styles for u in loaded_by_css(style)]:
            if is_foreign(url):
                yield f"{name}: loads {url} from another host"
        # the theme's script loads these from other hosts when a page contains them
        for found in page.classes & {"mermaid", "md-source__fact", "md-source"}:
            yield f"{name}: the theme's script loads something for the class {found}"
        if name == "404.html":  # its links are absolute, because it is shown at any path
            continue
        for url in page.links + [url for url in page.loads if not url.startswith("data:")]:
            parts = urllib.parse.urlsplit(url)
            if parts.scheme or parts.netloc:
                continue
            target = site / pathlib.PurePath(name).parent / urllib.parse.unquote(parts.path) if parts.path else site / name
            target = pathlib.Path(os.path.normpath(target))
            if target.is_dir():
                target /= "index.html"
            if not target.is_file():
                yield f"{name}: the link {url} leads nowhere"
                continue
            known = pages.get(target.relative_to(site).as_posix())
            if parts.fragment and known and urllib.parse.unquote(parts.fragment) not in known.ids:
                yield f"{name}: the link {url} names no heading"
    for path in site.rglob("*.css"):
        for url in loaded_by_css(path.read_text()):
            if is_foreign(url):
                yield f"{path.relative_to(site)}: loads {url} from another host"


def outside_nav(site, docs):
    """The Markdown pages that the navigation of the first page does not reach."""
    reached = {os.path.normpath(urllib.parse.urlsplit(url).path) for url in Page((site / "index.html").read_text()).links}
    for path in sorted(docs.rglob("*.md")):
        page = path.relative_to(docs)
        name = (page.parent / "index.html" if path.name in ("README.md", "index.md") else page.with_suffix(".html"))
        if name.as_posix() not in reached:
            yield f"{page.as_posix()}: is outside the navigation"


class SiteTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        place = tempfile.TemporaryDirectory(prefix="hadeploy-site-")
        cls.addClassCleanup(place.cleanup)
        cls.site = pathlib.Path(place.name) / "site"
        cls.done = subprocess.run([MKDOCS, "build", "--quiet", "--strict", "--site-dir", cls.site], cwd=SOURCE,
                                  capture_output=True, text=True, check=False,
                                  env={**os.environ, "NO_MKDOCS_2_WARNING": "1"})

    def test_it_builds_without_a_warning(self):
        self.assertEqual(self.done.returncode, 0, self.done.stdout + self.done.stderr)

    def test_each_link_leads_somewhere_and_nothing_is_loaded_from_elsewhere(self):
        found = list(problems(self.site))
        self.assertEqual(found, [], "\n".join(found))
        self.assertGreater(len(list(self.site.rglob("*.html"))), 30)

    def test_each_page_is_in_the_navigation(self):
        self.assertEqual(list(outside_nav(self.site, SOURCE / "docs")), [])


class ChecksTest(unittest.TestCase):
    """The checks find what they are for."""

    def test_problems(self):
        with tempfile.TemporaryDirectory() as place:
            site = pathlib.Path(place)
            (site / "index.html").write_text(
                '<h1 id="top"></h1><a href="gone.html">a</a><a href="#top">b</a><a href="#no">c</a>'
                '<a href="https://a.example/">d</a><script src="https://b.example/x.js"></script>'
                '<link rel="preconnect" href="//c.example"><style>@import "https://d.example/e.css";</style>')
            (site / "x.css").write_text("a { background: url(https://f.example/g.png) } /* url(https://h.example) */")
            found = "\n".join(problems(site))
            for part in ("gone.html leads nowhere", "#no names no heading", "b.example", "c.example", "d.example",
                         "f.example"):
                self.assertIn(part, found)
            self.assertEqual(len(found.splitlines()), 6, found)
            docs = site / "docs"
            docs.mkdir()
            (docs / "lost.md").write_text("")
            self.assertEqual(list(outside_nav(site, docs)), ["lost.md: is outside the navigation"])


if __name__ == "__main__":
    if not MKDOCS.exists():
        print(f"SKIPPED: there is no {MKDOCS}: scripts/test installs it")
        sys.exit(77)
    unittest.main()
