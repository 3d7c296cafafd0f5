#!/usr/bin/env python3
"""Checks that the .cpp files of one CMake target can be compiled as parts of one file.

In a unity build (HADEPLOY_UNITY) names of an anonymous namespace, static functions and macros of a file
are visible in the files after it. So each name of that kind belongs to one file of its target. Prints one
line for each name that does not, and exits with 1.
"""
import includes
import pathlib
import re
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[2]
# targets made of several folders; every other folder with .cpp files is a target of its own
TARGETS = {
    "hadeploy_planner": ["src/planner/lang", "src/planner/spec", "src/planner/graph", "src/planner/plan"],
    "hadeploy_cli": ["src/cli", "src/cli/commands", "src/cli/docs", "src/cli/render"],
}

# namespaces of tests' headers, whose names the tests use without them
USED = {"", "hadeploy::", "hadeploy::test::", "hadeploy::chaos::test::", "hadeploy::libvirt::test::",
        "hadeploy::histories::", "hadeploy::svc::test::", "testing::"}

TOKEN = re.compile(r"""
    (?P<skip>\s+|//[^\n]*|/\*.*?\*/)
  | (?P<directive>^[ \t]*\#(?:\\\n|[^\n])*)
  | (?P<text>(?:u8|[uUL])?R"(?P<mark>[^(]*)\(.*?\)(?P=mark)"|(?:u8|[uUL])?"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
  | (?P<number>\d[\w.']*)
  | (?P<word>\w+)
  | (?P<sign>::|->|.)
""", re.X | re.S | re.M)
CLOSING = {"(": ")", "{": "}", "[": "]", "<": ">"}


class Scan:
    """The names that a file declares outside of functions and classes.

    `names` are those that only a .cpp file itself may use, or with `every` all names of a header: for each
    name its line and its namespace. `aliases` are names that may have the same meaning in several files.
    """

    def __init__(self, text, every=False):
        self.tokens, self.names, self.aliases, self.at, self.space = [], {}, {}, 0, []
        line = 1
        for match in TOKEN.finditer(text):
            kind = match.lastgroup
            if kind == "directive" and not every:
                self.macro(match[0], line)
            elif kind not in ("skip", "directive"):
                self.tokens.append((match[0], "text" if kind == "mark" else kind, line))
            line += match[0].count("\n")
        self.scope(every)

    def macro(self, directive, line):
        macro = re.match(r"\s*#\s*(define|undef)\s+(\w+)", directive)
        if macro and macro[1] == "define":
            self.names.setdefault(macro[2], (line, "#"))
        elif macro:
            self.names.pop(macro[2], None)

    def note(self, name, line):
        self.names.setdefault(name, (line, "::".join([*self.space, ""])))

    def peek(self, ahead=0):
        at = self.at + ahead
        return self.tokens[at][0] if at < len(self.tokens) else ""

    def group(self):
        """Skips a group from its opening bracket to its end."""
        stack = []
        while self.at < len(self.tokens):
            token = self.peek()
            if token in CLOSING and (token != "<" or not stack or stack[-1] == ">"):
                stack.append(CLOSING[token])
            elif stack and token == stack[-1]:
                stack.pop()
            self.at += 1
            if not stack:
                return

    def scope(self, internal):
        while self.at < len(self.tokens) and self.peek() != "}":
            self.declaration(internal)
        self.at += 1

    def declaration(self, internal):
        token = self.peek()
        if token == "inline" and self.peek(1) == "namespace":
            self.at += 1
            token = "namespace"
        if token == "namespace":
            self.namespace(internal)
        elif token == "extern" and self.peek(1).startswith('"') and self.peek(2) == "{":
            self.at += 3
            self.scope(internal)
        elif token == "using":
            self.using()
        elif token == "template":
            self.at += 1
            self.group()
            if self.peek() == "requires":
                self.at += 1
            self.declaration(internal)
        elif token == "[":  # an attribute
            self.group()
        elif token == ";":
            self.at += 1
        else:
            self.entity(internal)

    def namespace(self, internal):
        start = self.at
        while self.peek() not in ("{", ";", ""):
            self.at += 1
        words = [token for token, _, _ in self.tokens[start:self.at]]
        if self.peek() == ";":
            self.aliases[words[1]] = self.tokens[start][2], " ".join(words)
            self.at += 1
            return
        self.at += 1
        names = [word for word in words if word not in ("inline", "namespace", "::")]
        self.space += names
        self.scope(internal or not names)
        del self.space[len(self.space) - len(names):]

    def using(self):
        start = self.at
        while self.peek() not in (";", ""):
            self.at += 1
        words = [token for token, _, _ in self.tokens[start:self.at]]
        if words[1] != "namespace":
            self.aliases[words[1] if "=" in words else words[-1]] = self.tokens[start][2], " ".join(words)
        self.at += 1

    def entity(self, internal):
        """A class, function or variable. `before` holds the tokens of the declaration up to its name."""
        before = []
        while self.at < len(self.tokens):
            token, kind, line = self.tokens[self.at]
            if token == "[" and self.peek(1) == "[" or token == "<" and before and before[-1][1] == "word":
                self.group()
            elif token in ("alignas", "decltype", "requires", "noexcept") and self.peek(1) == "(":
                self.at += 1
                self.group()
                if token == "decltype":
                    before.append(("auto", "word", line))
            elif token == "operator":
                before.append((token, kind, line))
                self.at += 1
                while self.peek() != "(":
                    self.at += 1
                if self.peek(1) == ")" and self.peek(2) == "(":
                    self.at += 2
                break
            elif token in "(=;{[:" and token != "":
                break
            else:
                before.append((token, kind, line))
                self.at += 1
        words = [word for word, _, _ in before]
        is_type = any(word in ("class", "struct", "union", "enum") for word in words) and self.peek() in "{:;"
        at_name = len(before) - 1
        if is_type and words and words[-1] == "final":
            at_name -= 1
        own = internal or "static" in words or is_type and self.peek() != ";"
        if "extern" in words:
            own = False
        elif self.peek() != "(" and not is_type and "inline" not in words \
                and ("constexpr" in words or "const" in words and "*" not in words):
            own = True
        if before and own and "operator" not in words and (at_name == 0 or words[at_name - 1] != "::"):
            name, kind, line = before[at_name]
            if kind == "word" and not re.fullmatch(r"[A-Z_0-9]{3,}", name):
                self.note(name, line)
        self.body(own and not is_type)

    def body(self, own):
        """Skips the rest of a declaration; notes the names after commas."""
        function = self.peek() == "("
        while self.at < len(self.tokens):
            token = self.peek()
            if token == ";":
                self.at += 1
                return
            if token == ":" and function:  # initializers of a constructor
                self.at += 1
                while True:
                    while self.peek() not in ("(", "{", "", "<"):
                        self.at += 1
                    self.group()
                    if self.peek() in ("(", "{") and self.tokens[self.at - 1][0] == ">":
                        self.group()
                    if self.peek() != ",":
                        break
                continue
            if token == "," and own:
                self.note(self.peek(1), self.tokens[self.at][2])
                self.at += 2
            elif token == "{":
                self.group()
                if function:
                    return
            elif token in ("(", "["):
                self.group()
            elif token == "=":
                function = False
                self.at += 1
            elif token == "}":
                return
            else:
                self.at += 1


def target_of(file):
    """The target of a .cpp file; None for a program of one file."""
    folder = file.parent.relative_to(SOURCE).as_posix()
    if file.name == "main.cpp" or folder in ("tests/fuzz", "tests/sweep"):
        return None
    return next((target for target, folders in TARGETS.items() if folder in folders), folder)


def folder_of(file):
    """The folder of a file as in includes.ALLOWED, without "src/"."""
    path = file.relative_to(SOURCE).as_posix()
    return "/".join(path.split("/")[:2]) if path.startswith("tests/") else includes.folder_of(path.removeprefix("src/"))


def headers():
    """What headers declare: (folder, name) -> (place, namespace)."""
    out = {}
    for top in ("src", "state", "tests"):
        for file in sorted((SOURCE / top).rglob("*.h")):
            for name, (line, space) in Scan(file.read_text(), every=True).names.items():
                out[folder_of(file), name] = f"{file.relative_to(SOURCE)}:{line}", space
    return out


def hidden(declared, file, name, space):
    """The place of a header's declaration that a name of the file hides from other files, or None."""
    own = folder_of(file)
    tests = own.startswith("tests/")
    planner = includes.STAGES if own.startswith("planner/") else []
    allowed = ["tests/support"] if tests else includes.ALLOWED.get(own if own == "state" else f"src/{own}", ())
    for folder in {own, *planner, *allowed}:
        place, outer = declared.get((folder, name), ("", None))
        if outer is not None and space.startswith(outer) or tests and outer in USED:
            return place
    return None


def problems():
    declared, seen, meanings = headers(), {}, {}
    files = [file for top in ("src", "state", "services", "tests") for file in (SOURCE / top).rglob("*.cpp")]
    for file in sorted(files):
        target, scan = target_of(file), Scan(file.read_text())
        if target is None:
            continue
        for name, (line, space) in scan.names.items():
            place = f"{file.relative_to(SOURCE)}:{line}"
            seen.setdefault((target, name), []).append(place)
            if header := hidden(declared, file, name, space):
                yield f"{place}: {name} is also declared in {header}"
        for name, (line, text) in scan.aliases.items():
            meanings.setdefault((target, name), {}).setdefault(text, f"{file.relative_to(SOURCE)}:{line}")
    for (target, name), texts in meanings.items():
        places = [*texts.values(), *seen.pop((target, name), [])]
        if len(places) > 1:
            yield f"{places[1]}: {name} has another meaning in " + ", ".join(places[:1] + places[2:])
    for (_, name), places in seen.items():
        if len(places) > 1:
            yield f"{places[1]}: {name} is also a name of " + ", ".join(places[:1] + places[2:])
    if len(seen) < 1000:
        yield f"only {len(seen)} names were seen: has the layout changed?"


if __name__ == "__main__":
    found = list(problems())
    print("\n".join(found))
    sys.exit(1 if found else 0)
