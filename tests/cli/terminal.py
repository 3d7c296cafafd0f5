"""Runs a program on a pseudo terminal."""
import os
import pty
import re
import select
import signal
import struct
import fcntl
import termios
import time

MOST_SECONDS = 60


def talk(argv, answers, environment, directory="."):
    """Sends each answer when the last line shows its prompt: [(prompt, answer)].
    The exit status, and all output."""
    pid, fd = pty.fork()
    if pid == 0:
        os.chdir(directory)
        os.execve(argv[0], list(map(str, argv)), environment)
    shown = b""
    for prompt, answer in answers:
        before = len(shown)  # text before the last answer is not a prompt for this one
        while prompt not in shown[before:].rpartition(b"\n")[2]:
            shown += os.read(fd, 1000)
        os.write(fd, answer)
    try:
        while more := os.read(fd, 1000):
            shown += more
    except OSError:
        pass  # the terminal's end
    os.close(fd)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown


class Terminal:
    """A program on a pseudo terminal, controlled while it runs."""

    def __init__(self, argv, environment, directory=".", rows=24, columns=100):
        self.shown = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(directory)
            os.execve(argv[0], list(map(str, argv)), environment)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def _more(self, deadline):
        ready, _, _ = select.select([self.fd], [], [], max(0, deadline - time.monotonic()))
        if not ready:
            raise AssertionError(f"nothing more was shown after:\n{self.screen()}")
        try:
            more = os.read(self.fd, 65536)
        except OSError:  # the terminal's end
            more = b""
        self.shown += more
        return more

    def until(self, text):
        """Waits until `text` is on the screen."""
        self.until_true(lambda: text in self.screen(), text)

    def until_true(self, condition, what):
        deadline = time.monotonic() + MOST_SECONDS
        while not condition():
            if not self._more(deadline):
                raise AssertionError(f"{what!r} never was on the screen:\n{self.screen()}")

    def until_raw(self):
        """Waits until the program reads single keys, so that Ctrl-C is no signal."""
        deadline = time.monotonic() + MOST_SECONDS
        while termios.tcgetattr(self.fd)[3] & termios.ICANON:
            if time.monotonic() > deadline:
                raise AssertionError(f"the terminal still reads lines:\n{self.screen()}")
            time.sleep(0.01)

    def send(self, keys):
        os.write(self.fd, keys)

    def end(self):
        """Waits for the end and returns the exit code."""
        deadline = time.monotonic() + MOST_SECONDS
        while self._more(deadline):
            pass
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def kill(self):
        try:
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def screen(self):
        """The text of the screen, including scrolled lines, without erased text."""
        lines, row, column = [""], 0, 0
        for piece in re.findall(r"\x1b\[[?0-9;]*[A-Za-z]|[^\x1b]|\x1b", self.shown.decode(errors="replace")):
            if piece == "\n":
                row += 1
                lines += [""] * (row + 1 - len(lines))
            elif piece == "\r":
                column = 0
            elif piece == "\b":
                column = max(0, column - 1)
            elif piece.startswith("\x1b[") and piece.endswith("A"):
                row = max(0, row - int(piece[2:-1] or 1))
            elif piece.startswith("\x1b[") and piece.endswith("C"):
                column += int(piece[2:-1] or 1)
            elif piece.startswith("\x1b[") and piece.endswith("J"):
                lines = lines[:row] + [lines[row][:column]]
            elif piece.startswith("\x1b[") and piece.endswith("K"):
                lines[row] = lines[row][:column]
            elif len(piece) == 1 and piece >= " ":
                lines[row] = lines[row][:column].ljust(column) + piece + lines[row][column + 1:]
                column += 1
        return "\n".join(lines)
