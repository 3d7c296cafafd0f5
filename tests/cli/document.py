"""The code blocks of a page of the documentation, which tests run."""
import collections
import re

# `line` is that of the fence, `heading` the one above it, `title` names a file, and `note` is the text of an HTML
# comment in the line before the fence.
Fence = collections.namedtuple("Fence", "line heading language title note text")


def fences(text):
    """Every code block, also those that are indented in a list."""
    out, heading, lines, at = [], None, text.splitlines(), 0
    while at < len(lines):
        opened = re.match(r"( *)```(\w*)(?: +title=\"([^\"]+)\")?\s*$", lines[at])
        if not opened:
            title = re.match(r"#+ (.*)$", lines[at])
            heading = title[1] if title else heading
            at += 1
            continue
        note = re.match(r" *<!-- (.*) -->$", lines[at - 1]) if at else None
        end = next(n for n in range(at + 1, len(lines)) if lines[n].strip() == "```")
        body = "".join(line.removeprefix(opened[1]) + "\n" for line in lines[at + 1:end])
        out.append(Fence(at + 1, heading, opened[2], opened[3], note[1] if note else None, body))
        at = end + 1
    return out


def blocks(page, language):
    """(heading above it, text) of each block in this language."""
    return [(fence.heading, fence.text) for fence in fences(page.read_text()) if fence.language == language]
