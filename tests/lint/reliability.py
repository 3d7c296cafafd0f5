#!/usr/bin/env python3
"""Checks that everything named in docs/reliability.md exists, and that its numbers are correct."""
import importlib.util
import pathlib
import re
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[2]


def sweep_spec():
    sys.dont_write_bytecode = True
    file = importlib.util.spec_from_file_location("sweep", SOURCE / "tests" / "sweep" / "sweep.py")
    sweep = importlib.util.module_from_spec(file)
    file.loader.exec_module(sweep)
    return sweep.spec()


def main():
    text = (SOURCE / "docs" / "reliability.md").read_text()
    named = set(re.findall(r"(?<!build/ci/)\b(?:tests|scripts|state)/[\w/.-]*\w", text))
    problems = [f"there is no {name}" for name in sorted(named)
                if not (SOURCE / name).exists()]
    counts = {r"(\d+) cases, the directories": len(list(SOURCE.glob("tests/cli/catalogue/*/expected"))),
              r"A project of (\d+) resources": len(re.findall(r"\btype: (?:local|random)\.", sweep_spec()))}
    for said, count in counts.items():
        found = re.search(said, text)
        if not found or int(found[1]) != count:
            problems.append(f"it says {found[0] if found else 'nothing of ' + said}: it is {count}")
    print("\n".join(problems) or f"reliability: {len(named)} files, {len(counts)} numbers")
    return 1 if problems or len(named) < 20 else 0


if __name__ == "__main__":
    sys.exit(main())
