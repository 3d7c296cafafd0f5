"""A program on a terminal of its own, as a person has it."""
import os
import pty


def talk(argv, answers, environment, directory="."):
    """Gives each answer once the last line that is shown has its prompt: [(prompt, answer)].
    The exit status, and all that was shown."""
    pid, fd = pty.fork()
    if pid == 0:
        os.chdir(directory)
        os.execve(argv[0], list(map(str, argv)), environment)
    shown = b""
    for prompt, answer in answers:
        before = len(shown)  # what was shown until the answer before is no prompt for this one
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
