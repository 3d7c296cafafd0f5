#!/usr/bin/env python3
"""Checks that the files, folders and names in the documentation exist.

- In every page: paths in backticks that begin with a folder of the repository, names of source files, and the
  targets of links with their headings.
- In ARCHITECTURE.md and CONTRIBUTING.md also functions, types and members in backticks, and the source tree,
  which has to list every folder of src/ down to the second level.

Words in capitals (NAME) and `*` stand for any name.
"""
import pathlib
import re
import subprocess
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[2]
CODE = (".h", ".cpp", ".sh", ".py", ".def", ".cmake", ".txt", ".json", ".yml", ".mjs")
BARE_FILE = re.compile(r"[\w.-]+\.(?:h|cpp|sh|py|def)")
NAME = re.compile(r"(?:\w+::)*~?\w+\(\)|(?:\w+::)+\w+|\b(?:[A-Z][a-z]+){2,}\b")
FOREIGN = {"embedded/scripts.h"}  # made by the build


def repository():
    done = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=SOURCE,
                          capture_output=True, text=True)
    if done.returncode == 0:
        return {file for file in done.stdout.splitlines() if (SOURCE / file).exists()}
    return {str(path.relative_to(SOURCE)) for path in SOURCE.rglob("*")
            if path.is_file() and not {"build", ".git", "node_modules"} & set(path.relative_to(SOURCE).parts)}


FILES = repository()
FOLDERS = {str(parent) for file in FILES for parent in pathlib.PurePath(file).parents}
TOPS = {folder for folder in FOLDERS if "/" not in folder and folder != "."}
PAGES = sorted(file for file in FILES if file.endswith(".md"))


def exists(path):
    path = path.rstrip("/").removeprefix("./")
    if path in FILES or path in FOLDERS:
        return True
    pattern = re.sub(r"\b[A-Z]{2,}\b|\\\*", "[^/]*", re.escape(path))
    return "[^/]*" in pattern and any(re.fullmatch(pattern, known) for known in FILES | FOLDERS)


def anchors(page):
    """The anchors of the page's headings, as GitHub makes them."""
    text = re.sub(r"```.*?```", "", (SOURCE / page).read_text(), flags=re.S)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
            for heading in re.findall(r"(?m)^#+ (.+)$", text)}


def missing_link(page, target):
    path, _, anchor = target.partition("#")
    file = (SOURCE / page).parent / path if path else SOURCE / page
    if not file.exists():
        return True
    relative = str(file.resolve().relative_to(SOURCE))
    return bool(anchor) and relative.endswith(".md") and anchor not in anchors(relative)


def missing_path(page, code):
    """Whether a text in backticks is a path of the repository that does not exist."""
    words = code.split()
    path = words[0].rstrip(":,") if words else ""
    if path in FOREIGN or "${" in path:
        return False
    if "/" in path and (path.split("/")[0] in TOPS or re.fullmatch(r"[a-z_]+(/[\w.-]+)+\.(h|cpp|sh)", path)):
        # sources include headers by their path below src/, and docs/comparison.md names tests
        starts = ("", "src/", "tests/", str(pathlib.PurePath(page).parent) + "/")
        return not any(exists(start + path) for start in starts)
    if len(words) == 1 and BARE_FILE.fullmatch(path):
        return not any(exists(str(pathlib.PurePath(file).parent / path)) for file in FILES)
    return False


def all_code():
    return "\n".join((SOURCE / file).read_text(errors="replace") for file in sorted(FILES)
                     if file.endswith(CODE) and file.split("/")[0] in ("src", "state", "tests", "cmake", "CMakeLists.txt")
                     and "/catalogue/" not in file and "/corpus/" not in file and file != "tests/lint/names.py")


def missing_names(code, words):
    """Names of a text in backticks that no source contains."""
    for name in [code] if re.fullmatch(r"[A-Z][a-z]\w+", code) else NAME.findall(code):
        if any(part not in words for part in re.findall(r"\w+", name)):
            yield name


def tree_errors():
    text = (SOURCE / "ARCHITECTURE.md").read_text()
    block = re.search(r"## Source tree\n\n```\n(.*?)```", text, re.S)[1]
    parents, listed = {}, set()
    for line in block.splitlines():
        names = re.match(r"( *)((?:[\w.-]+/,? ?)+)", line)
        if not names:
            continue
        level = len(names[1]) // 2
        for name in names[2].replace(",", " ").split():
            path = parents.get(level - 1, "") + name
            parents[level] = path
            listed.add(path.rstrip("/"))
            if not (SOURCE / path).is_dir():
                yield f"ARCHITECTURE.md: the source tree lists {path}, which does not exist"
    for folder in sorted(FOLDERS):
        if re.fullmatch(r"src/[\w-]+(/[\w-]+)?", folder) and folder not in listed and "/scripts" not in folder:
            yield f"ARCHITECTURE.md: the source tree does not list {folder}/"


def errors():
    words = set(re.findall(r"\w+", all_code()))
    for page in PAGES:
        text = re.sub(r"```.*?```", lambda m: "\n" * m[0].count("\n"), (SOURCE / page).read_text(), flags=re.S)
        for match in re.finditer(r"`((?:[^`\n]|\n(?!\s*\n))+)`|\]\(([^)\s]+)\)", text):
            place, code, target = f"{page}:{text.count(chr(10), 0, match.start()) + 1}", match[1], match[2]
            if target:
                if not re.match(r"\w+:", target) and missing_link(page, target):
                    yield f"{place}: the link {target} leads nowhere"
            elif missing_path(page, code):
                yield f"{place}: there is no {code}"
            elif page in ("ARCHITECTURE.md", "CONTRIBUTING.md"):
                for name in missing_names(code, words):
                    yield f"{place}: no source contains {name}"
    yield from tree_errors()


def check_itself():
    for path in ("src/no/such.h", "no_such.cpp", "core/no_such.h", "docs/nothing/", "tests/no_NAME.cpp"):
        assert missing_path("README.md", path), path
    for path in ("src/core/http.h", "core/http.h", "http.h", "tests/NAME/", "NAME.sh", "src/cli/commands"):
        assert not missing_path("README.md", path), path
    assert missing_link("README.md", "docs/chaos.md#no-such") and not missing_link("README.md", "docs/chaos.md#limits")
    assert list(missing_names("NoSuchThing and noSuch()", set())) == ["NoSuchThing", "noSuch()"]


check_itself()
found = list(errors())
print("\n".join(found))
sys.exit(1 if found else 0)
