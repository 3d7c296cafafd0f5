#!/usr/bin/env python3
"""Who may include whom: the table of ARCHITECTURE.md, checked against every source file.

Exits with 1 and one line a breach. The linker sees only what is called; a header may be included
where it has no business without that.
"""
import pathlib
import re
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[2]
DOOR = {"planner/provider.h", "planner/resource_type.h", "planner/schema.h"}
# folder -> what it may include beside itself and what the build embeds: folders, or single headers
ALLOWED = {
    "src/core": set(),
    "src/planner": {"core"},
    "state": {"core"},
    "src/engine": {"core", "planner", "state"},
    "src/providers/libvirt": {"core"} | DOOR,
    "src/providers/ssh": {"core"} | DOOR,
    "src/providers/local": {"core"} | DOOR,
    "src/providers/aws-ec2": {"core"} | DOOR,
    "src/chaos": {"core", "planner", "engine"},
    "src/cli": {"core", "planner", "state", "engine", "chaos", "providers/libvirt/libvirt.h",
                "providers/local/local.h", "providers/ssh/ssh.h"},
}


def folder_of(include):
    parts = include.split("/")
    return "/".join(parts[:2]) if parts[0] == "providers" else parts[0]


def breaches():
    seen = 0
    for folder, allowed in ALLOWED.items():
        own = folder.removeprefix("src/")
        for file in sorted((SOURCE / folder).rglob("*")):
            if file.suffix not in (".cpp", ".h"):
                continue
            for number, line in enumerate(file.read_text().splitlines(), 1):
                match = re.match(r'#include "([^"]+)"', line)
                if not match:
                    continue
                seen += 1
                include = match[1]
                if folder_of(include) not in allowed | {own, "embedded"} and include not in allowed:
                    yield f"{file.relative_to(SOURCE)}:{number}: {folder} may not include {include}"
    if seen < 100:
        yield f"only {seen} includes were seen: has the layout changed?"


if __name__ == "__main__":
    found = list(breaches())
    print("\n".join(found))
    sys.exit(1 if found else 0)
