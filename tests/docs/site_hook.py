"""A hook of mkdocs: links to files outside docs/ lead nowhere on the site, so their text remains without the link."""
import re


def on_page_markdown(markdown, page, **_):
    up = "../" * (page.file.src_uri.count("/") + 1)
    return re.sub(r"\[([^\]\n]+)\]\(" + re.escape(up) + r"[^)\s]+\)", r"\1", markdown)
