#!/usr/bin/env python3
"""Phrases that plain technical English does without, in comments, messages, help and documentation.

Code itself is not read: of sources only comments and string literals count. Each line that has a phrase is
printed with the plain form. A line that has to keep one (a quotation, another tool's output) ends with the
comment `phrases: keep`.

usage: phrases.py [--count | FILE...]

  --count  print how often each phrase occurs in each folder, and exit with 0
"""
import collections
import pathlib
import re
import sys
import tokenize

SOURCE = pathlib.Path(__file__).resolve().parents[2]
PLACES = ["src", "state", "services", "docs", "modules", "examples", "templates", "scripts", "tests", "bench", "cmake", "README.md",
          "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "CMakeLists.txt", ".github",
          ".githooks"]
# Not written here, or compared byte by byte with what is checked where it comes from.
SKIPPED = re.compile(r"(^|/)(node_modules|__pycache__|\.hadeploy|corpus|versions|compose)/|package-lock\.json|"
                     r"docs/(reference|commands)\.md|docs/hadeploy\.1|tests/cli/catalogue/[^/]+/expected|"
                     r"tests/lint/phrases\.py")
KINDS = {".cpp": "c", ".h": "c", ".c": "c", ".mjs": "c", ".py": "python", ".sh": "shell", ".md": "text", ".txt": "shell",
         ".yaml": "shell", ".yml": "shell", ".cmake": "shell", ".html": "text", ".json": "shell", ".sql": "text",
         "": "shell"}

# phrase -> plain form. Case does not matter; a space also matches the break of a line.
PHRASES = {
    r"whoever|whomever": "name the person or the program: the user, the caller",
    r"anew": "again",
    r"(is|are|be|was|were|being|been) told": "report, print, or name who receives the message",
    r"(goes|go|went|going) on( with)?\b(?! (the|a|each|every) )": "continue",
    r"(takes|take|took|taking|taken) along": "include",
    r"(of|by|in|for|from|to|at|on|with) (whatever|whichever|whatsoever)": "name the thing",
    r"what is (wanted|there|meant|known|left|seen|made|shown|told|asked|recorded|written|missing|wrong|secret|new|ours)":
        "name the thing: the configuration, the objects, the errors",
    r"(makes?|made|making) whole|(is|are) whole": "complete, repair",
    r"the world": "the real state, the infrastructure",
    r"no more(?=[.,;:)\"'`]|$)": "no longer",
    r"(sees?|saw) to it": "ensure",
    r"(it|this|that) is so": "say what holds",
    r"to be written": "arguments",
    r"shall": "must, will",
    r"(goes|go|going|gone) by\b": "use, follow, be decided by",
    r"(comes?|came) (of|out of)\b": "result from, be read from",
    r"all that (is|are|was|has|can|it|they)\b": "all + noun",
    r"(is|are) let (in|out|go|be)\b": "accept, release",
    r"in (the|its|their) place of\b": "instead of",
    r"(gets?|got) to (see|know|it)\b": "receive, learn",
    r"taken (up|for)\b": "resume, be read as",
    r"set right|put right|made good": "repair, correct",
    r"(is|are|was) (nobody|somebody)'s": "no user's, another user's",
    r"as it (is|was|were) (written|meant|told|wanted)": "as written",
    r"thereof|therein|thereby|hereby|wherein|whence|thence|hither|lest|withal": "plain words",
    r"\bnought\b|\baught\b|\bnaught\b": "nothing",
    r"just (what|the same|those|this)\b": "exactly",
    r"a wish\b|the wish\b|wishes\b|wished\b": "the desired state, the configuration",
    r"looks? (like )?as (if|though)": "appears",
    r"in one go\b": "at once",
    r"(takes?|took|taking|taken) (it |them )?away\b": "remove",
    r"(takes?|took|taking|taken) back\b": "undo, revert",
    r"(answers?|responses?) of another form|in another form": "a malformed response, an unsupported format",
    r"(is|are) there (twice|already)": "is defined twice, already exists",
    r"each in another": "each in a different",
    r"could not make the": "could not create the",
    r"(reason|request|objects?) a (line|host|request|interval)": "per line, per host",
    r"(is|are) well(?=[.,;:)\"'`]|$| again| when| before| after)": "is healthy",
    r"also (if|after|when)\b": "even if, even after",
    r"(objects?|status(es)?|codes?|routes?) of (JSON|HTTP|IPv[46])": "JSON object, HTTP status, IPv6 route",
}
PATTERNS = {phrase: re.compile(rf"(?<!\w)(?:{phrase})(?!\w)".replace(" ", r"\s+"), re.I | re.M) for phrase in PHRASES}


def blank(text):
    return re.sub(r"[^\n]", " ", text)


# A comment, a raw string, a string or a character; all else is code.
C_TOKENS = re.compile(r'//[^\n]*|/\*.*?\*/|R"(?P<d>\w*)\((?:.*?)\)(?P=d)"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\'', re.S)
MARGIN = re.compile(r"^[ \t]*(?://[/!]?|#|\*)[ \t<]*", re.M)


def prose_of_c(text):
    out, end = [], 0
    for token in C_TOKENS.finditer(text):
        out += [blank(text[end:token.start()]), token[0]]
        end = token.end()
    return "".join([*out, blank(text[end:])])


def prose_of_python(path, text):
    lines = [[" "] * len(line) for line in text.split("\n")]
    source = text.split("\n")
    with open(path, "rb") as file:
        for token in tokenize.tokenize(file.readline):
            if token.type not in (tokenize.COMMENT, tokenize.STRING):
                continue
            (row, column), (last, stop) = token.start, token.end
            for number in range(row, last + 1):
                begin = column if number == row else 0
                end = stop if number == last else len(source[number - 1])
                lines[number - 1][begin:end] = source[number - 1][begin:end]
    return "\n".join("".join(line) for line in lines)


def prose_of_shell(text):
    """Comments, and what is in quotes."""
    tokens = re.compile(r"(?<![\w$\\{])#[^\n]*|\"(?:\\.|[^\"\\])*\"|'[^']*'")
    out, end = [], 0
    for token in tokens.finditer(text):
        out += [blank(text[end:token.start()]), token[0]]
        end = token.end()
    return "".join([*out, blank(text[end:])])


def prose(path):
    """The text of a file with all that is not prose blanked out, lines kept; None for a file of another kind."""
    kind = KINDS.get(path.suffix)
    if kind is None:
        return None
    try:
        text = path.read_text()
    except UnicodeDecodeError:
        return None
    if kind == "c":
        text = prose_of_c(text)
    elif kind == "python":
        try:
            text = prose_of_python(path, text)
        except (tokenize.TokenError, SyntaxError, IndentationError):
            return None
    elif kind == "shell":
        # Of YAML and the like all is prose: descriptions, messages, comments.
        text = text if path.suffix in (".yaml", ".yml", ".txt", ".json") else prose_of_shell(text)
    # Margins and the quotes between adjacent literals, so that a phrase is found across a line break.
    return MARGIN.sub(lambda m: " " * len(m[0]), re.sub(r"\"(\s*\n\s*)\"", lambda m: " " + m[1] + " ", text))


def is_checked(file):
    path = file.relative_to(SOURCE)
    return (any(path.is_relative_to(place) for place in PLACES) and file.is_file() and not file.is_symlink()
            and not SKIPPED.search(str(path)))


def files():
    for place in PLACES:
        path = SOURCE / place
        yield from filter(is_checked, [path] if path.is_file() else sorted(path.rglob("*")))


def findings(file):
    """(line number, phrase, words) of each."""
    text = prose(file)
    if text is None:
        return
    lines = file.read_text().split("\n")
    for phrase, pattern in PATTERNS.items():
        for match in pattern.finditer(text):
            number = text.count("\n", 0, match.start()) + 1
            if "phrases: keep" not in lines[number - 1]:
                yield number, phrase, " ".join(match[0].split())


def folder_of(file):
    parts = file.relative_to(SOURCE).parts
    if len(parts) == 1:
        return parts[0]
    return "/".join(parts[:3 if parts[:2] == ("src", "providers") else 2 if parts[0] in ("src", "tests") else 1]
                    [:len(parts) - 1])


def count():
    by_phrase, by_folder = collections.defaultdict(collections.Counter), collections.Counter()
    for file in files():
        for _, phrase, _ in findings(file):
            by_phrase[phrase][folder_of(file)] += 1
            by_folder[folder_of(file)] += 1
    for phrase, folders in sorted(by_phrase.items(), key=lambda item: -item[1].total()):
        print(f"{folders.total():5}  {phrase}")
        print("       " + ", ".join(f"{folder} {n}" for folder, n in folders.most_common(8)))
    print("\n" + "\n".join(f"{n:5}  {folder}" for folder, n in by_folder.most_common()))
    print(f"{by_folder.total():5}  in all")


def check_itself():
    def found(text, of):
        return [phrase for phrase, pattern in PATTERNS.items() if pattern.search(of(text))]

    assert found("// whoever\n// comes", prose_of_c) and found('f("made anew");', prose_of_c)
    assert not found("int whoever = anew(1); char c = '\"'; f(whoever);", prose_of_c)
    assert found('R"(\nthe world)"', prose_of_c) and not found("the(world)", prose_of_c)
    assert found('echo "whoever" # x', prose_of_shell) and not found("whoever=1; ${#anew}", prose_of_shell)
    assert found("It is\n  told.", str) and found("wanted no more.", str) and not found("no more than five", str)


def main():
    check_itself()
    if sys.argv[1:] == ["--count"]:
        count()
        return 0
    given = [file for file in map(pathlib.Path.resolve, map(pathlib.Path, sys.argv[1:])) if is_checked(file)]
    total = 0
    for file in given if sys.argv[1:] else files():
        for number, phrase, words in sorted(findings(file)):
            total += 1
            print(f"{file.relative_to(SOURCE)}:{number}: \"{words}\": {PHRASES[phrase]}")
    return 1 if total else 0


if __name__ == "__main__":
    sys.exit(main())
