#!/usr/bin/env python3
"""The order of calls of a rolling deployment behind a target group, on moto with draining and health checks
(load_balancing.py). A script that reports to the test stands for the app.

usage: deploy_test.py HADEPLOY [unittest options]
"""
import http.server
import threading
import unittest

from emulator import ensure_moto

ensure_moto()
import project  # noqa: E402
from project import NETWORK, NODES, TARGETS, Project  # noqa: E402

RESOURCES = NETWORK + """
  group: {type: aws.target_group, name: web, port: 80, vpc: "${network.id}", deregistration_delay: 1s}
  front:
    type: aws.load_balancer
    name: front
    subnets: ["${subnet[\\"a\\"].id}", "${subnet[\\"b\\"].id}"]
    security_groups: ["${web.id}"]
    listeners: [{port: 80, protocol: HTTP, target_group: "${group.id}"}]
    depends_on: [internet]
""" + NODES + """
  app:
    type: local.exec
    for_each: [a, b]
    serial: true
    environment: {VERSION: @VERSION, NODE: "${node[each.key].id}"}
    create: curl -sf "http://127.0.0.1:@PORT/$NODE/$VERSION"
""" + TARGETS + """    lifecycle: {replace_triggered_by: ['app[each.key]']}
"""


def setUpModule():
    global moto, proxy
    moto, proxy = project.start()


class DeployTest(Project):
    def setUp(self):
        super().setUp()
        self.events = []
        test = self

        class Swap(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                node, version = self.path.strip("/").split("/")
                test.events.append(f"swap {node} {version}")
                test.serving.append(test.healthy())
                self.send_response(500 if version == "broken" else 200)
                self.end_headers()

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Swap)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        self.serving = []  # at each swap: the instances that get requests
        self.write("v1")
        self.apply()
        proxy.balancing.drain = proxy.balancing.checking = 1
        self.a, self.b = (self.id(f'node["{key}"]') for key in "ab")

        def watch(action, params, _):
            if action in ("RegisterTargets", "DeregisterTargets"):
                self.events.append(f"{action[:-7].lower()} {params['Targets.member.1.Id']}")
        proxy.faults = [watch]

    def write(self, version):
        self.spec(RESOURCES.replace("@VERSION", version).replace("@PORT", str(self.server.server_port)))

    def healthy(self):
        """The targets that get requests, or still complete some."""
        elb = self.client("elbv2", proxy.url)
        groups = elb.describe_target_groups()["TargetGroups"]
        found = elb.describe_target_health(TargetGroupArn=groups[0]["TargetGroupArn"])["TargetHealthDescriptions"] \
            if groups else []
        return {t["Target"]["Id"] for t in found if t["TargetHealth"]["State"] in ("healthy", "draining")}

    def deploy(self, version, code=0):
        self.events.clear()
        self.serving.clear()
        self.write(version)
        return self.apply(code=code)

    def rolled(self, node, version):
        return [f"deregister {node}", f"swap {node} {version}", f"register {node}"]

    def test_one_instance_after_the_other(self):
        self.deploy("v2")
        self.assertEqual(self.events, self.rolled(self.a, "v2") + self.rolled(self.b, "v2"))
        self.assertEqual(self.serving, [{self.b}, {self.a}])  # drained before, healthy again before the next
        self.assertEqual(self.healthy(), {self.a, self.b})
        self.unchanged()

    def test_a_failure_stops_the_deployment(self):
        said = self.deploy("broken", code=1)
        self.assertIn('app["a"]', said)
        self.assertEqual(self.events, [f"deregister {self.a}", f"swap {self.a} broken"])
        self.assertEqual(self.healthy(), {self.b})
        self.deploy("v1")  # back to the old version
        self.assertEqual(self.events, [f"swap {self.a} v1", f"register {self.a}"])
        self.assertEqual(self.healthy(), {self.a, self.b})
        self.unchanged()
        self.deploy("v2")
        self.assertEqual(self.events, self.rolled(self.a, "v2") + self.rolled(self.b, "v2"))


if __name__ == "__main__":
    unittest.main()
