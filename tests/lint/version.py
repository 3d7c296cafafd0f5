#!/usr/bin/env python3
"""CHANGELOG.md, CMakeLists.txt and the manual page agree on the version.

The newest heading of the changelog is `## [Unreleased]` or `## [VERSION] - DATE`, and no release of it is
newer than project(VERSION). With HADEPLOY given, its --version says the same.

usage: version.py [HADEPLOY]
"""
import pathlib
import re
import subprocess
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[2]


def numbers(version):
    return tuple(int(n) for n in version.split("."))


def problems(cmake, changelog, manual, shown=None):
    version = re.search(r"project\(hadeploy VERSION (\d+\.\d+\.\d+)\b", cmake)
    if not version:
        return ["CMakeLists.txt: project() has no VERSION of three numbers"]
    version = version[1]
    found = []
    headings = re.findall(r"^## (.*)$", changelog, re.M)
    releases = []
    for heading in headings:
        release = re.fullmatch(r"\[(\d+\.\d+\.\d+)\] - \d{4}-\d\d-\d\d", heading)
        if release:
            releases.append(release[1])
        elif heading != "[Unreleased]" or heading is not headings[0]:
            found.append(f"CHANGELOG.md: the heading `{heading}` is neither [Unreleased], first, nor [VERSION] - DATE")
    if not headings:
        found.append("CHANGELOG.md: there is no heading of a version")
    if releases != sorted(releases, key=numbers, reverse=True):
        found.append("CHANGELOG.md: the newest release comes first")
    elif headings and headings[0] != "[Unreleased]" and releases and releases[0] != version:
        found.append(f"CHANGELOG.md: the newest release is {releases[0]}, CMakeLists.txt says {version}")
    elif releases and numbers(releases[0]) > numbers(version):
        found.append(f"CHANGELOG.md: {releases[0]} is newer than CMakeLists.txt's {version}")
    if f'"hadeploy {version}"' not in manual:
        found.append(f"docs/hadeploy.1: its header does not name hadeploy {version}")
    if shown is not None and shown != f"hadeploy {version}\n":
        found.append(f"--version shows {shown!r}, CMakeLists.txt says {version}")
    return found


def check_itself():
    cmake = "project(hadeploy VERSION 1.2.0 LANGUAGES CXX)"
    manual = '.TH HADEPLOY 1 "" "hadeploy 1.2.0"'
    good = "# Changelog\n## [Unreleased]\n## [1.2.0] - 2026-11-30\n## [1.1.0] - 2026-01-01\n"
    assert not problems(cmake, good, manual, "hadeploy 1.2.0\n")
    assert not problems(cmake, good.replace("## [Unreleased]\n", ""), manual)
    for bad in (good.replace("[1.2.0]", "[1.10.0]"), good.replace("2026-11-30", "soon"), "# Changelog\n",
                good.replace("## [Unreleased]\n", "").replace("[1.2.0]", "[1.1.1]"),
                good.replace("[1.1.0]", "[1.3.0]")):
        assert problems(cmake, bad, manual), bad
    assert problems(cmake, good, manual.replace("1.2.0", "1.1.0"))
    assert problems(cmake, good, manual, "hadeploy 1.1.0\n")


def main():
    check_itself()
    shown = subprocess.run([sys.argv[1], "--version"], text=True, capture_output=True).stdout if sys.argv[1:] else None
    found = problems(*((SOURCE / name).read_text() for name in ("CMakeLists.txt", "CHANGELOG.md", "docs/hadeploy.1")),
                     shown)
    print("\n".join(found) or "version: CMakeLists.txt, the changelog and the manual page agree")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
