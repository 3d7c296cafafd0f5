#!/usr/bin/env python3
"""`hadeploy logs` and `exec`: the real program against real sshds with a fake Docker (fake_swarm.py says what that does
not cover).

usage: services_test.py HADEPLOY
"""
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import fake_swarm
from fake_swarm import SwarmProject
from terminal import talk

PROGRAM = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else "hadeploy"


def at(second):
    return f"2026-11-21T12:00:{second:02}.000000000Z"


class ServicesTest(SwarmProject):
    def setUp(self):
        super().setUp()
        self.write_spec()
        self.hadeploy("apply", "--auto-approve")
        hosts = self.connections()
        node = {"peers": hosts, "role": "manager"}
        self.record(
            ("app", "docker.stack", {"hosts": {"node1": hosts["node1"], "node2": hosts["node2"]}, "name": "shop",
                                     "services": {"web": {}, "database": {}}}),
            ("site", "docker.compose", {"host": hosts["node3"], "name": "site", "services": {"front": {}}}),
            *((f'swarm["{name}"]', "docker.node", node | {"host": hosts[name]}) for name in hosts))
        self.log("shop_web", f"{at(1)} shop_web.1@node1     | started\n",
                 f"{at(2)} shop_web.10@node3    | \x1b[31mred\x1b[0m \x1b]0;title\x07 a\tb\n")
        self.log("shop_database", f"{at(3)} shop_database.1@node2    | ready | as before\n")
        self.log("site-front-1", f"{at(4)} GET /\n")
        self.change_cluster(containers={
            "node2": [self.container("c2", "shop_database.1.task", "running", service="shop_database")],
            "node3": [self.container("c1", "shop_web.1.old", "exited", service="shop_web"),
                      self.container("c3", "shop_web.2.task", "running", service="shop_web"),
                      {"id": "f1", "name": "site-front-1", "state": "running", "status": "Up", "image": "i",
                       "labels": {"com.docker.compose.project": "site", "com.docker.compose.service": "front"}}]})
        self.calls()

    def container(self, name, task, state, service):
        return {"id": name, "name": task, "state": state, "status": "Up 5 minutes", "image": "i",
                "labels": {"com.docker.swarm.service.name": service, "com.docker.swarm.task.name": task}}

    def log(self, name, *lines):
        with open(self.shared / "logs" / name, "a") as file:
            file.writelines(lines)

    def tearDown(self):
        for file in (self.shared / "logs").iterdir():
            file.unlink()

    def test_logs_of_all_services(self):
        self.assertEqual(self.hadeploy("logs"), r"""shop_database.1@node2 | ready | as before
shop_web.1@node1      | started
shop_web.10@node3     | red \x1B]0;title\x07 a    b
site-front-1@node3    | GET /
""")

    def test_logs_of_one(self):
        for name in ("web", "shop_web", "app/web"):
            self.assertEqual(self.hadeploy("logs", name, "--tail", "1"),
                             "shop_web.10@node3 | red \\x1B]0;title\\x07 a    b\n")
        self.assertIn("--tail=1 shop_web", self.calls()[-1])
        self.assertEqual(self.hadeploy("logs", "web.1"), "shop_web.1@node1 | started\n")
        self.assertEqual(self.hadeploy("logs", "web@node1", "--timestamps"),
                         f"{at(1)} shop_web.1@node1 | started\n")
        self.assertEqual(self.hadeploy("logs", "front", "--since", at(4)), "site-front-1@node3 | GET /\n")
        self.assertEqual(self.hadeploy("logs", "front.1"), "site-front-1@node3 | GET /\n")
        self.assertEqual(self.hadeploy("logs", "web", "--since", at(3)), "")
        line = json.loads(self.hadeploy("logs", "database", "--json"))
        self.assertEqual([line[k] for k in ("@message", "type", "service", "task", "node", "time")],
                         ["ready | as before", "log", "shop_database", "shop_database.1", "node2", at(3)])

    def test_mistakes(self):
        self.assertEqual(self.hadeploy("logs", "wbe", status=64),
                         'error: there is no service "wbe"\n  hint: did you mean "web"?\n')
        self.assertIn("there are: database, web, front", self.hadeploy("exec", "xyzzy", "ls", status=64))
        self.assertIn("--since needs a time", self.hadeploy("logs", "--since", "$(reboot)", status=64))
        self.hadeploy("logs", "--tail", "-1", status=64)
        self.record(("copy", "docker.stack", {"hosts": self.connections(), "name": "copy", "services": {"web": {}}}))
        self.assertIn("there are: shop_web, copy_web", self.hadeploy("logs", "web", status=64))
        self.record(("other", "docker.stack", {"hosts": self.connections(), "name": "copy", "services": {"web": {}}}))
        self.assertIn("there are: copy/web, other/web", self.hadeploy("logs", "copy_web", status=64))
        self.assertIn("no such task or service: copy_web", self.hadeploy("logs", "other/web", status=1))

    def test_status_of_a_task_that_never_starts(self):
        def task(number, state, desired, error=""):
            return {"ID": f"t{number}", "ServiceID": "s1", "Slot": 1, "NodeID": "id-node2", "DesiredState": desired,
                    "Status": {"State": state, "Err": error, "Timestamp": at(number)}}
        service = {"ID": "s1", "Spec": {"Name": "shop_web", "Mode": {"Replicated": {"Replicas": 1}}}}
        self.change_cluster(services={"shop_web": service}, tasks=[
            task(1, "failed", "shutdown", "of last week"), task(3, "starting", "running"),
            task(2, "failed", "shutdown", "task: non-zero exit (137): unhealthy container")])
        self.assertIn("! shop_web has 0 of 1 tasks: shop_web.1 on node2 is starting; last error: task: non-zero exit "
                      "(137): unhealthy container; see `hadeploy logs shop_web`\n", self.hadeploy("status", status=1))

    def test_logs_while_managers_are_down(self):
        self.stop_node("node1")
        said = self.hadeploy("logs", "database")
        self.assertIn("note: ", said)
        self.assertIn("| ready", said)
        self.assertEqual(self.hadeploy("logs", "database", stderr=subprocess.DEVNULL),
                         "shop_database.1@node2 | ready | as before\n")
        (self.shared / "no-quorum").touch()
        said = self.hadeploy("logs", "web", status=1)
        self.assertIn("The swarm does not have a leader.", said)
        self.stop_node("node2")
        self.assertEqual(self.hadeploy("logs", "web", status=69).count("error:"), 2)

    def test_a_log_that_is_incomplete(self):
        (self.shared / "incomplete").touch()
        said = self.hadeploy("logs", "web", status=1)
        self.assertIn("| started\n", said)
        self.assertIn("note: the log of shop_web may be incomplete: error from daemon in stream: "
                      "incomplete log stream: node id-node3 is not available\n", said)

    def follow(self, *words):
        process = subprocess.Popen([PROGRAM, "logs", "--follow", *words], cwd=self.project, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)

        def end():
            process.kill()
            process.communicate()
        self.addCleanup(end)
        return process

    def follower(self, node):
        """The process that follows a log on a node, by its command line."""
        names = []
        for entry in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                text = entry.read_bytes()
            except OSError:
                continue
            if f"{self.nodes[node].path}".encode() not in text and b"--follow" in text and b"docker\0" in text \
                    and b"logs\0" in text and b"perl" not in text:
                names.append(entry.parent.name)
        return names

    def wait_for(self, condition):
        for _ in range(600):
            if condition():
                return
            time.sleep(0.05)
        raise AssertionError("this never happened")

    def test_follow_until_ctrl_c(self):
        process = self.follow("web", "--tail", "1")
        self.assertIn("red", process.stdout.readline())
        self.log("shop_web", f"{at(5)} shop_web.1@node1     | new\n")
        self.assertEqual(process.stdout.readline(), "shop_web.1@node1  | new\n")
        self.assertTrue(self.follower("node1"))
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(60), 130)
        self.assertEqual(process.stdout.read(), "")
        self.wait_for(lambda: not self.follower("node1"))  # nothing is left on the node

    def test_follow_when_hadeploy_is_killed(self):
        process = self.follow("web")
        process.stdout.readline()
        process.kill()
        self.wait_for(lambda: not self.follower("node1"))

    def test_follow_several(self):
        process = self.follow()
        lines = {process.stdout.readline().split("|")[1] for _ in range(4)}
        self.assertIn(" GET /\n", lines)
        self.log("site-front-1", f"{at(6)} GET /two\n")
        self.assertEqual(process.stdout.readline(), "site-front-1@node3    | GET /two\n")
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(60), 130)

    def test_follow_survives_the_loss_of_a_manager(self):
        process = self.follow("web")
        self.assertIn("started", process.stdout.readline())
        self.assertIn("red", process.stdout.readline())
        self.stop_node("node1")
        self.log("shop_web", f"{at(5)} shop_web.1@node1     | during\n")
        self.assertEqual(process.stdout.readline(), "shop_web.1@node1  | during\n")
        self.assertIn(f"node2: service logs --no-task-ids --timestamps --follow --since={at(1)} shop_web",
                      self.calls())

    def test_the_reader_ends_first(self):
        process = self.follow("web")
        process.stdout.readline()
        process.stdout.close()
        self.log("shop_web", f"{at(5)} shop_web.1@node1     | new\n")
        self.assertEqual(process.wait(60), 0)
        process.stdout = None

    def test_exec(self):
        self.assertEqual(self.hadeploy("exec", "web", "--", "printf", "%s;", "a  b", "$HOME", "'", "--json",
                                       stderr=subprocess.DEVNULL), "a  b;$HOME;';--json;")
        self.assertEqual(self.hadeploy("exec", "web", "true"), "node3 c3 -i\n")
        self.assertEqual(self.hadeploy("exec", "--", "web", "--", "true"), "node3 c3 -i\n")
        self.hadeploy("exec", "database", "sh", "-c", "exit 7", status=7)
        self.assertEqual(self.hadeploy("exec", "front.1", "cat", stdin=None, input="in\n", stderr=subprocess.DEVNULL),
                         "in\n")
        self.assertEqual(self.hadeploy("exec", "web.2@node3", "echo", "x", stderr=subprocess.DEVNULL), "x\n")
        for name in ("web.1", "web@node1"):
            self.assertIn(f"no container of shop_{name} runs", self.hadeploy("exec", name, "true", status=1))
        self.stop_node("node1")
        self.hadeploy("exec", "web", "true")
        self.stop_node("node3")
        self.assertIn("node3: ", self.hadeploy("exec", "web", "true", status=1))

    def test_exec_with_a_terminal(self):
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.path), "TERM": "dumb"}
        status, text = talk([PROGRAM, "exec", "web"], [(b"# ", b"[ -t 0 ] && exit 9\n")],
                            environment | {"PS1": "# "}, self.project)
        self.assertIn(b"node3 c3 -it", text)
        self.assertEqual(status, 9)


if __name__ == "__main__":
    fake_swarm.main(PROGRAM)
