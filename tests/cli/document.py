"""The code blocks of a page of the documentation, which tests run."""
import re


def blocks(page, language):
    """(heading above it, text) of each block in this language."""
    out, heading = [], None
    for title, kind, block in re.findall(r"^#+ ([^\n]*)$|^```(\w+)\n(.*?)^```$", page.read_text(), re.M | re.S):
        heading = title or heading
        if kind == language:
            out.append((heading, block))
    return out
