#!/usr/bin/env python3
"""The terminal session in the README, docs/first-plan.svg: real output of commands that need no infrastructure.

usage: recording_test.py HADEPLOY

The commands run on a pseudo terminal. HADEPLOY_ACCEPT=1 writes the picture instead of comparing it. Its lines appear
one after another; a viewer without animations shows them all.
"""
import fcntl
import html
import os
import pathlib
import pty
import re
import shutil
import struct
import sys
import termios

PICTURE = pathlib.Path(__file__).resolve().parents[2] / "docs/first-plan.svg"
PLACE = pathlib.Path("/tmp/hadeploy-recording")  # plans show paths, so it is always the same
COMMANDS = [("init web", "."), ("plan", "web")]
COLUMNS, WIDTH, HEIGHT, MARGIN = 100, 8.4, 19, 20
CLASSES = {"1": "bold", "2": "dim", "31": "red", "32": "green", "33": "yellow", "34": "blue", "36": "cyan"}
STYLE = """
  rect { fill: #10151f; }
  text { font: 14px ui-monospace, "DejaVu Sans Mono", "Liberation Mono", Menlo, monospace; fill: #d5dbe7; white-space: pre; }
  .prompt, .green { fill: #6fd49a; } .bold { font-weight: 700; } .dim { fill: #97a3b8; } .red { fill: #ff8a84; }
  .yellow { fill: #edc06a; } .blue { fill: #8fb2ff; } .cyan { fill: #6ccfe0; }
  .line { animation: appear 1ms backwards; }
  @keyframes appear { from { opacity: 0; } }
  @media (prefers-reduced-motion: reduce) { .line { animation: none; } }
"""


def output_of(program, words, directory):
    """What a terminal shows at the end: progress that the program has erased is not part of it."""
    pid, terminal = pty.fork()
    if pid == 0:
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 40, COLUMNS, 0, 0))
        os.chdir(directory)
        os.execve(program, [program, *words], {"TERM": "xterm-256color", "HOME": str(PLACE), "LC_ALL": "C.UTF-8",
                                               "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
    seen = b""
    try:
        while more := os.read(terminal, 65536):
            seen += more
    except OSError:  # the end
        pass
    os.close(terminal)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert status == 0, f"{words}: exit code {status}: {seen}"
    lines = []
    for line in seen.decode().split("\r\n"):
        erased = re.match(r"\x1b\[(\d+)A\r\x1b\[J", line)  # to the beginning of earlier lines, and clear from there
        if erased:
            del lines[len(lines) - int(erased[1]):]
            line = line[erased.end():]
        assert not re.search(r"\x1b\[[\d;]*[^\d;m]|\r", line), f"an unknown control sequence: {line!r}"
        lines.append(line)
    return lines


def runs_of(line):
    """(text, classes) for each part of a line, in rows of the terminal's width."""
    rows, column, classes = [[]], 0, []
    for part in re.split(r"(\x1b\[[\d;]*m)", line):
        if part.startswith("\x1b"):
            for code in part[2:-1].split(";"):
                classes = [] if code in ("", "0") else classes + [CLASSES[code]]
            continue
        while part:
            if column == COLUMNS:
                rows.append([])
                column = 0
            fits = part[:COLUMNS - column]
            rows[-1].append((column, fits, list(classes)))
            column += len(fits)
            part = part[len(fits):]
    return rows


def picture_of(session):
    """An SVG of [(seconds, row)]."""
    width, height = COLUMNS * WIDTH + 2 * MARGIN, len(session) * HEIGHT + 2 * MARGIN
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" xml:space="preserve" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
           f'height="{height:g}" role="img" aria-label="Terminal: hadeploy init creates a project, hadeploy plan shows '
           'what apply would create">', f"<style>{STYLE}</style>", '<rect width="100%" height="100%" rx="10"/>']
    for number, (seconds, row) in enumerate(session):
        spans = "".join(
            f'<tspan x="{MARGIN + column * WIDTH:g}" textLength="{len(text) * WIDTH:g}"'
            + (f' class="{" ".join(classes)}"' if classes else "") + f">{html.escape(text, quote=False)}</tspan>"
            for column, text, classes in row)
        if spans:
            y = MARGIN + (number + 0.75) * HEIGHT
            out.append(f'<text class="line" y="{y:g}" style="animation-delay: {seconds:.2f}s">{spans}</text>')
    return "\n".join(out) + "\n</svg>\n"


def record(program):
    """The rows, each with the second at which it appears: the times are for reading, not measured."""
    shutil.rmtree(PLACE, ignore_errors=True)
    PLACE.mkdir()
    session, now = [], 0.5
    try:
        for words, directory in COMMANDS:
            if session and directory != ".":
                session.append((now, [(0, "$ ", ["prompt"]), (2, f"cd {directory}", ["bold"])]))
                now += 0.7
            session.append((now, [(0, "$ ", ["prompt"]), (2, f"hadeploy {words}", ["bold"])]))
            now += 0.8
            for line in output_of(program, words.split(), PLACE / directory):
                for row in runs_of(line):
                    session.append((now, row))
                    now += 0.06
            now += 1.5
    finally:
        shutil.rmtree(PLACE)
    while session and not session[-1][1]:
        session.pop()
    return session


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    picture = picture_of(record(os.path.abspath(sys.argv[1])))
    if os.environ.get("HADEPLOY_ACCEPT"):
        PICTURE.write_text(picture)
    elif not PICTURE.exists() or PICTURE.read_text() != picture:
        sys.exit(f"{PICTURE} differs from the output of the commands: see it after HADEPLOY_ACCEPT=1 {sys.argv[0]} ...")


if __name__ == "__main__":
    main()
