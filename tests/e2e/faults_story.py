"""SIGKILL and Ctrl-C of `hadeploy chaos` in the middle of each fault, on the cluster of ha_demo_test.py.

HADEPLOY_E2E_FAULTS="kill pause" selects faults.
"""
import json
import os
import signal
import subprocess
import time

import kills
from cluster import wait_until

FAULTS = {"drain": [], "kill": [], "pause": [], "reboot": [], "partition": [], "latency": [], "loss": [],
          "fill-disk": [], "stop-docker": [], "kill-service": ["--service", "ha-demo_docker-reader"],
          "kill-brick": []}


class FaultsStory:
    """Tests of ha_demo_test.HaDemo."""

    def active_faults(self):
        done = self.project.hadeploy("chaos", "list", "--json", check=False)
        return [(f["node"], f["kind"]) for f in json.loads(done.stdout.splitlines()[-1])["faults"]]

    def in_the_middle_of(self, fault, stop):
        """Ends a drill during its fault. Returns its exit status."""
        argv = self.project.command("chaos", f"--{fault}", "node2", *FAULTS[fault], "--hold", "600")
        drill = subprocess.Popen([str(a) for a in argv], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                 text=True)
        try:
            for line in drill.stdout:
                if f"{fault} of node2 begins" in line:
                    break
            else:
                self.fail(f"{fault} did not begin")
            time.sleep(5)
            kills.kill(self.project, stop)
            print(drill.communicate(timeout=600)[0][-2000:])
            return drill.returncode
        finally:
            drill.kill()
            drill.wait()

    def test_09d_faults_end_whatever_happens_to_hadeploy(self):
        ident = self.write("faults")
        for fault in os.environ.get("HADEPLOY_E2E_FAULTS", " ".join(FAULTS)).split():
            for stop in (signal.SIGKILL, signal.SIGINT):
                with self.subTest(fault=fault, stop=stop):
                    wait_until("the app works", self.app_is_well, 400)
                    status = self.in_the_middle_of(fault, stop)
                    if stop == signal.SIGKILL:
                        self.assertEqual(self.active_faults(), [("node2", fault)])
                        done = self.project.hadeploy("chaos", "halt")
                        self.assertEqual(done.stdout, f"ended: {fault} of node2\n")
                    else:
                        self.assertEqual(status, 130)
                    wait_until("no fault is left", lambda: self.active_faults() == [], 120)
                    wait_until("the app works without a human", self.app_is_well, 400)
                    wait_until("the write is there", lambda: self.written(ident), 120)
