#!/usr/bin/env python3
"""Checks the includes of every source file against the rules in ARCHITECTURE.md.

Prints one line for each violation and exits with 1. The linker would only detect violations that call a
function.
"""
import pathlib
import re
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[2]
# The stages of the planner in the order of the data flow; each may include the earlier ones.
STAGES = ["planner/yaml", "planner/lang", "planner/spec", "planner/graph", "planner/plan"]
# folder -> allowed includes, besides itself and embedded files: folders, or single headers
ALLOWED = {
    "src/core": set(),
    "src/provider_api": {"core", "planner/yaml"},
    **{f"src/{stage}": {"core", "provider_api", *STAGES[:i]} for i, stage in enumerate(STAGES)},
    "state": {"core"},
    "src/engine": {"core", "provider_api", "state", *STAGES},
    "src/providers/libvirt": {"core", "provider_api"},
    "src/providers/ssh": {"core", "provider_api"},
    "src/providers/local": {"core", "provider_api"},
    "src/providers/aws-ec2": {"core", "provider_api"},
    "src/chaos": {"core", "provider_api", "engine", *STAGES},
    "src/bench": {"core", "provider_api", "chaos", *STAGES},
    "src/cli": {"core", "provider_api", "state", "engine", "chaos", "bench", "providers/aws-ec2/aws.h",
                "providers/libvirt/libvirt.h",
                "providers/local/local.h", "providers/ssh/ssh.h", *STAGES},
}


# header -> what to include instead, outside of its own folder
INTERNAL = {"core/curl.h": "core/http.h"}


def folder_of(include):
    parts = include.split("/")
    return "/".join(parts[:2]) if parts[0] in ("planner", "providers") else parts[0]


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
                if include in INTERNAL and folder_of(include) != own:
                    yield f"{file.relative_to(SOURCE)}:{number}: include {INTERNAL[include]} instead of {include}"
    if seen < 100:
        yield f"only {seen} includes were seen: has the layout changed?"


if __name__ == "__main__":
    found = list(breaches())
    print("\n".join(found))
    sys.exit(1 if found else 0)
