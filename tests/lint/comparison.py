#!/usr/bin/env python3
"""Checks that every test in docs/comparison.md exists: the file, and a case or function of that name."""
import pathlib
import re
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[2]


def missing(row):
    for reference in re.split(r";\s*", row):
        match = re.match(r"`([^`]+)`(?::\s*(.+))?$", reference.strip())
        if not match:
            yield f"no test: {reference}"
            continue
        name, case = match.groups()
        path = SOURCE / "tests" / ("cli/" + name if name.startswith("catalogue/") else name)
        if name.startswith("catalogue/"):
            if not path.is_dir():
                yield f"no such case: {name}"
        elif not path.is_file():
            yield f"no such file: {name}"
        elif case:
            text = re.sub(r'"\s*\n\s*"', "", path.read_text())
            if case.strip().strip("`") not in text:
                yield f"{name} has no case: {case}"


def main():
    problems = []
    for number, line in enumerate((SOURCE / "docs" / "comparison.md").read_text().splitlines(), 1):
        cells = [c.strip() for c in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) != 4 or cells[0] in ("OpenTofu", "---"):
            continue
        verdict, test = cells[2], cells[3]
        if re.match(r"(same|better)", verdict) and not test:
            problems.append(f"{number}: says {verdict.split(':')[0]} and names no test")
        if test:
            problems += [f"{number}: {p}" for p in missing(test)]
    print("\n".join(problems) or "comparison: every test that is named is there")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
