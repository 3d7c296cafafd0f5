#!/usr/bin/env python3
"""What a machine cannot run is reported as skipped, never as passed.

- A C++ case that depends on the machine is in a suite `TEST_SUITE("NAME" * doctest::skip(CONDITION))`, and a
  CMakeLists.txt registers that suite as a test of its own (hadeploy_suites, SUITES).
- A C++ case does not return early because of the user it runs as.
- A Python test with unittest's skips ends with skips.main().
"""
import pathlib
import re
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[2]
RETURNS = re.compile(r"if \([^;]*?((geteuid|getuid|possible)\(\)|\"unshare\")[^;]*?\)\s*(\{\s*)?(MESSAGE\([^;]*;\s*)?return;")


def problems_of_cpp(text, registered):
    for match in re.finditer(r'TEST_SUITE\(\s*"([^"]*)"\s*\*\s*doctest::skip\((.)', text):
        if match[1] not in registered:
            yield f'no CMakeLists.txt registers the suite "{match[1]}"'
    for match in re.finditer(r'TEST_CASE\((?:\s*"(?:\\.|[^"\\])*")+\s*\*\s*doctest::skip\((?!\))', text):
        yield "doctest::skip(CONDITION) belongs to a TEST_SUITE"
    if RETURNS.search(text) or re.search(r'MESSAGE\("(left out|skip)', text, re.I):
        yield "a case returns early and counts as passed; use a TEST_SUITE with doctest::skip(CONDITION)"


def problems_of_python(text):
    if re.search(r"@unittest\.skip|\.skipTest\(", text) and "skips.main()" not in text:
        yield "a test with skips ends with skips.main()"
    if re.search(r"SKIP[^\n]*\n\s*(sys\.exit\(0\)|return 0|return$)", text):
        yield "a test that cannot run exits with 77"


def check_itself():
    assert not list(problems_of_cpp('TEST_SUITE("a" * doctest::skip(!f())) {', {"a"}))
    assert list(problems_of_cpp('TEST_SUITE("b" * doctest::skip(!f())) {', {"a"}))
    assert list(problems_of_cpp('TEST_CASE("x"\n "y" *\n doctest::skip(f())) {', set()))
    assert not list(problems_of_cpp('TEST_CASE("x" * doctest::skip()) {', set()))
    assert list(problems_of_cpp("if (::geteuid() != 0) return;", set()))
    assert list(problems_of_cpp('if (!Lab::possible()) {\n MESSAGE("no");\n return;\n}', set()))
    assert list(problems_of_cpp('MESSAGE("left out: needs root");', set()))
    assert list(problems_of_cpp('if (run_process({.argv = {"unshare", "-m"}}).status != 0) return;', set()))
    assert list(problems_of_python("self.skipTest(1)\nunittest.main()"))
    assert not list(problems_of_python("self.skipTest(1)\nskips.main()"))


def main():
    check_itself()
    suites = set()
    for file in (SOURCE / "tests").rglob("CMakeLists.txt"):
        for call in re.findall(r"(?:hadeploy_suites|SUITES)\b([^)]*)\)", file.read_text()):
            suites |= set(re.findall(r'"([^"]+)"', call))
    problems, seen = [], 0
    for file in sorted((SOURCE / "tests").rglob("*")):
        if file == pathlib.Path(__file__).resolve() or file.suffix not in (".cpp", ".h", ".py") or not file.is_file():
            continue
        seen += 1
        text = file.read_text(errors="replace")
        found = problems_of_python(text) if file.suffix == ".py" else problems_of_cpp(text, suites)
        problems += [f"{file.relative_to(SOURCE)}: {problem}" for problem in found]
    if seen < 100:
        problems.append(f"only {seen} files were found")
    print("\n".join(problems) or f"skips: {seen} files, {len(suites)} suites that depend on the machine")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
