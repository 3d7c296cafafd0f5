#!/usr/bin/env python3
"""Whether `hadeploy validate` and Docker say the same of compose files: run by hand, against a real
docker client. The files in good/ are changed at random, one place at a time, and each is given to
both.

usage: oracle.py HADEPLOY DOCKER [VARIATIONS [SEED]]

Needs a docker client with `docker stack config` (25 or later; no daemon) and PyYAML. Shows where the
two differ, but for what hadeploy refuses on purpose (STRICTER); the exit status tells whether there
was any such place.
"""
import collections
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile

import yaml

GOOD = pathlib.Path(__file__).resolve().parent / "good"
BATCH = 200
VARIABLES = {"REGISTRY": "r", "TAG": "1"}

# What `docker stack config` does not look at, and the swarm, the daemon or a reader would.
STRICTER = {
    "a value that Docker changes": r"which Docker changes to",
    "a service without an image": r"has no image",
    "a name that is not defined": r"which is not defined",
    "a variable without a value": r"has no value",
    "a config or secret from nowhere": r"has no `file`",
    "replicas of a global service": r"so it cannot have `deploy",
    "a disabled health check": r"is disabled",
    "a word that the swarm does not know": r"which is not one of",
    "a number that is none for cpus": r"which is not a string with a number",
    "options of another kind of volume": r"has options of the type|of the type tmpfs has",
    "a file without services": r"has no `services`",
    "a date in the place of text": r" is \d{4}-\d\d-\d\d, which is not",
    "a likely slip where Docker ignores keys": r"did you mean",
    "a word that Docker before 28 reads as true or false": r" is (yes|no|on|off), which is not",
    "a size that Docker before 23 does not read": r"which is not a size",
    "files that the nodes do not have": r"a relative path",
    "an address of a port without brackets": r"which is not a port",
}

SCALARS = ["1", "1.5", "-1", '"1"', '"2.5"', "true", "yes", '"true"', "null", '""', "abc", "0x10",
           "2024-01-02", "1e3", '"80:80"', "80:80", "512M", '"0.5"', "10s", "1m", "a b", "[]", "{}",
           "[a]", "[1]", "{a: b}", "{a: 1}", "[{a: b}]", "[a, a]", "on", "'a:b:c:d'", "3.8", "on-failure", "1Gi", "1.2.3M", "'80:80:80:80'", "no"]
KEYS = ["profiles", "extends", "pull_policy", "scale", "mem_limit", "name", "x-more", "labels",
        "driver", "external", "file", "mode", "replicas", "test", "source", "target", "type",
        "subnet", "gateway", "condition", "platform", "hostnme", "cpus", "memory", "driver_opts"]


def places(node, found):
    """Every (container, index or key) below a node."""
    if isinstance(node, yaml.MappingNode):
        for i, (_, value) in enumerate(node.value):
            found.append((node, i))
            places(value, found)
    elif isinstance(node, yaml.SequenceNode):
        for i, value in enumerate(node.value):
            found.append((node, i))
            places(value, found)
    return found


def changed(text, chance):
    root = yaml.compose(text)
    node, at = chance.choice(places(root, []))
    kind = chance.choice(["value", "value", "value", "key", "more", "less"])
    scalar = yaml.compose(chance.choice(SCALARS))
    if isinstance(node, yaml.SequenceNode):
        if kind == "less":
            del node.value[at]
        elif kind == "more":
            node.value.append(node.value[at])
        else:
            node.value[at] = scalar
    else:
        key, value = node.value[at]
        if kind == "less":
            del node.value[at]
        elif kind == "key":
            node.value[at] = (yaml.compose(key.value + "s" if key.value else "a"), value)
        elif kind == "more":
            name = chance.choice(KEYS)
            if all(k.value != name for k, _ in node.value):
                node.value.append((yaml.compose(name), scalar))
        else:
            node.value[at] = (key, scalar)
    return yaml.serialize(root)


def docker_says(docker, path):
    done = subprocess.run([docker, "stack", "config", "-c", path], capture_output=True, text=True,
                          env=os.environ | VARIABLES, check=False)
    lines = [line for line in done.stderr.splitlines() if "level=warning" not in line] + ["refused"]
    return "" if done.returncode == 0 else lines[0]


def hadeploy_says(hadeploy, directory, names):
    """Of each name, what is said of it."""
    values = ", ".join(f'{k}: "{v}"' for k, v in VARIABLES.items())
    spec = "name: oracle\nresources:\n"
    for i, name in enumerate(names):
        spec += (f"  s{i}: {{type: docker.stack, hosts: {{a: {{address: 10.{i // 250}.{i % 250}.1}}}}, "
                 f"name: s, compose: {name}, variables: {{{values}}}}}\n")
    (directory / "hadeploy.yaml").write_text(spec)
    done = subprocess.run([hadeploy, "validate"], cwd=directory, capture_output=True, text=True,
                          check=False)
    said = collections.defaultdict(list)
    number = {name: i for i, name in enumerate(names)}
    for line in done.stderr.splitlines():
        if not (match := re.match(r"hadeploy\.yaml:(\d+):\d+: error: (.*)", line)):
            continue
        said[names[int(match[1]) - 3]].append(match[2])
    assert done.returncode in (0, 65) and (said or done.returncode == 0), done.stderr[:2000]
    return {name: said.get(name, []) for name in number}


def main():
    hadeploy, docker = (os.path.abspath(p) for p in sys.argv[1:3])
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 1000
    chance = random.Random(int(sys.argv[4]) if len(sys.argv) > 4 else 1)
    # Docker 26 does not know yet what is in newer.yml.
    texts = [p.read_text() for p in sorted(GOOD.glob("*.yml")) if p.name != "newer.yml"]
    tally, differences = collections.Counter(), []
    with tempfile.TemporaryDirectory() as temporary:
        directory = pathlib.Path(temporary)
        for begin in range(0, count, BATCH):
            names = [f"v{i}.yml" for i in range(begin, min(begin + BATCH, count))]
            for name in names:
                text = changed(chance.choice(texts), chance)
                (directory / name).write_text(text)
            ours = hadeploy_says(hadeploy, directory, names)
            for name in names:
                theirs, own = docker_says(docker, directory / name), ours[name]
                on_purpose = [what for what, pattern in STRICTER.items()
                              if any(re.search(pattern, line) for line in own)]
                if bool(theirs) == bool(own):
                    tally["refused by both" if theirs else "accepted by both"] += 1
                elif own and on_purpose:
                    tally[f"refused on purpose: {on_purpose[0]}"] += 1
                else:
                    tally["differ"] += 1
                    differences.append((name, theirs, own, (directory / name).read_text()))
    for name, theirs, own, text in differences[:40]:
        print(f"--- {name}\nDocker:   {theirs or 'accepts'}\nhadeploy: {own or 'accepts'}")
        if os.environ.get("SHOW"):
            print(text)
    for what, times in tally.most_common():
        print(f"{times:6}  {what}")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
