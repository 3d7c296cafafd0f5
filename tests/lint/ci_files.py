#!/usr/bin/env python3
"""The CI files, issue templates and the development container hold together.

Each is checked against the JSON Schema that check-jsonschema bundles (installed with pip into BUILD/lint-venv),
its shell commands by shellcheck, and the scripts that they call exist with the options that they are given.
Exits with 77, which CTest reports as skipped, where check-jsonschema cannot be installed or shellcheck is missing.

usage: ci_files.py BUILD
"""
import json
import pathlib
import re
import shutil
import subprocess
import sys

import yaml

SOURCE = pathlib.Path(__file__).resolve().parents[2]
PACKAGE = "check-jsonschema==0.39.0"
SCHEMAS = {
    ".github/workflows/ci.yml": "github-workflows",
    ".gitlab-ci.yml": "gitlab-ci",
    **{f"examples/ci/github/{name}.yml": "github-workflows" for name in ("plan", "apply", "drift")},
    "examples/ci/gitlab/.gitlab-ci.yml": "gitlab-ci",
    ".github/ISSUE_TEMPLATE/bug.yml": "github-issue-forms",
    ".github/ISSUE_TEMPLATE/feature.yml": "github-issue-forms",
    ".github/ISSUE_TEMPLATE/config.yml": "github-issue-config",
}


def run(*argv, **more):
    return subprocess.run([str(a) for a in argv], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          **more)


def checker(build):
    """The program check-jsonschema of a virtual environment in the build directory; None where pip cannot get it."""
    venv = build / "lint-venv"
    program = venv / "bin" / "check-jsonschema"
    if program.exists() and run(program, "--version").stdout.split()[-1:] == [PACKAGE.split("==")[1]]:
        return program
    for step in (("python3", "-m", "venv", "--clear", venv), (venv / "bin" / "pip", "install", "--quiet", PACKAGE)):
        done = run(*step)
        if done.returncode != 0:
            print(done.stdout)
            return None
    return program


def commands():
    """(place, script) of each shell command in the files."""
    for file in (file for file, schema in SCHEMAS.items() if schema == "github-workflows"):
        for name, job in yaml.safe_load((SOURCE / file).read_text())["jobs"].items():
            for step in job["steps"]:
                if "run" in step:
                    yield f"{file}, job {name}", step["run"]
    for file in (file for file, schema in SCHEMAS.items() if schema == "gitlab-ci"):
        for name, job in yaml.safe_load((SOURCE / file).read_text()).items():
            if isinstance(job, dict) and "script" in job:
                yield f"{file}, job {name}", "\n".join(job["script"])
    yield ".devcontainer/devcontainer.json", container()["postCreateCommand"]
    for line in (SOURCE / ".devcontainer/Dockerfile").read_text().splitlines():
        if line.startswith("RUN "):
            yield ".devcontainer/Dockerfile", line[4:]


def container():
    return json.loads((SOURCE / ".devcontainer/devcontainer.json").read_text())


def problems_of(script):
    done = run("shellcheck", "--shell=bash", "-", input=script)
    if done.returncode != 0:
        yield done.stdout
    for name, arguments in re.findall(r"(?:\b|-)(scripts/[\w-]+|install-deps)\b([^&|;\n]*)", script):
        file = SOURCE / (name if "/" in name else f"scripts/{name}")
        if not file.is_file() or not file.stat().st_mode & 0o100:
            yield f"there is no executable {name}"
            continue
        usage = run(file, "--help").stdout
        for option in re.findall(r"(?<!\S)--[a-z-]+", arguments):
            if option not in usage:
                yield f"{name} has no option {option}"


def check_itself():
    assert list(problems_of("scripts/test --all -LE 'vm|lab'")) == []
    assert list(problems_of("sudo scripts/test --shrt")) == ["scripts/test has no option --shrt"]
    assert list(problems_of("scripts/tset")) == ["there is no executable scripts/tset"]
    assert list(problems_of("hadeploy-install-deps --biuld && true")) == ["install-deps has no option --biuld"]
    assert "SC2086" in "".join(problems_of("echo $1"))


def main():
    if shutil.which("shellcheck") is None:
        print("SKIPPED: needs shellcheck")
        return 77
    check_itself()
    seen = list(commands())
    problems = [f"{place}: {problem}" for place, script in seen for problem in problems_of(script)]
    tested = [place for place, script in seen if "scripts/test" in script]
    problems += [f"{file}: no job runs scripts/test" for file in (".github/workflows/ci.yml", ".gitlab-ci.yml")
                 if not any(place.startswith(file) for place in tested)]
    if not (SOURCE / ".devcontainer" / container()["build"]["dockerfile"]).is_file():
        problems.append(".devcontainer/devcontainer.json: there is no such dockerfile")
    if problems:
        print("\n".join(problems))
        return 1
    program = checker(pathlib.Path(sys.argv[1]).resolve())
    if program is None:
        print(f"SKIPPED: {PACKAGE} cannot be installed with pip")
        return 77
    failed = False
    for name, schema in SCHEMAS.items():
        done = run(program, "--builtin-schema", f"vendor.{schema}", SOURCE / name)
        if done.returncode != 0:
            failed = True
            print(f"{name}: {done.stdout}")
    broken = yaml.safe_load((SOURCE / ".github/workflows/ci.yml").read_text())
    del broken["jobs"]["test"]["runs-on"]
    done = run(program, "--builtin-schema", "vendor.github-workflows", "-", input=json.dumps(broken))
    if done.returncode == 0:
        failed = True
        print("a workflow without runs-on is accepted: nothing was checked")
    print(f"ci_files: {len(seen)} commands, {len(SCHEMAS)} schemas")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
