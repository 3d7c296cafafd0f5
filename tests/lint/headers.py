#!/usr/bin/env python3
"""Checks that the functions of a header are implemented by the file of its name.

Looks for the names only, and not at the members of classes. Prints one line for each violation and exits with 1.
"""
import pathlib
import re
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[2]
# implemented by the files of a folder: one for each command
SPREAD = {"src/cli/commands.h"}
# a provider's types: each is made by the file that implements it
TYPE = re.compile(r"\w+_type$")
DECLARATION = re.compile(r"^(?!using|template|extern|friend|return|typedef|#)[\w:][\w:<>,*& ]* [*&]?(\w+)\(", re.M)


def declared(header):
    """The names of the functions that a header declares without defining them, outside of classes."""
    text = re.sub(r"//.*", "", header.read_text())
    for match in DECLARATION.finditer(text):
        end = re.compile(r"[;{]").search(text, match.end())
        before = text[text.rfind("\n\n", 0, match.start()):match.start()].strip()
        if end and end[0] == ";" and not match[0].startswith("inline") and not before.endswith(">"):
            yield match[1]


def breaches():
    seen = 0
    for folder in ("src", "state"):
        for header in sorted((SOURCE / folder).rglob("*.h")):
            name = str(header.relative_to(SOURCE))
            own = header.with_suffix(".cpp")
            text = own.read_text() if own.exists() else ""
            for function in declared(header):
                seen += 1
                if name not in SPREAD and not TYPE.match(function) and not re.search(rf"^\w[^=;]*?\b{function}\(", text, re.M):
                    yield f"{name}: {function}() is not in {own.relative_to(SOURCE)}"
    if seen < 500:
        yield f"only {seen} declarations were seen: has the layout changed?"


found = list(breaches())
print("\n".join(found))
sys.exit(1 if found else 0)
