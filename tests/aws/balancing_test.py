#!/usr/bin/env python3
"""Load balancers, target groups and targets on moto, with what AWS does otherwise (load_balancing.py).

usage: balancing_test.py HADEPLOY [unittest options]
"""
import json
import re
import subprocess
import threading
import time
import unittest

from emulator import ensure_moto, lost_after_effect, some

ensure_moto()
import project  # noqa: E402
from load_balancing import refused  # noqa: E402
from project import HADEPLOY, NETWORK, NODES, REGION, TARGETS, Project  # noqa: E402

GROUP = """
  group:
    type: aws.target_group
    name: web
    port: 80
    vpc: ${network.id}
    health_check: {path: /ping, interval: 5s, timeout: 2s, healthy_threshold: 2, unhealthy_threshold: 2}
    deregistration_delay: 30s
    stickiness: {type: lb_cookie, duration: 1h}
"""
FRONT = """
  front:
    type: aws.load_balancer
    name: front
    subnets: ["${subnet[\\"a\\"].id}", "${subnet[\\"b\\"].id}"]
    security_groups: ["${web.id}"]
    tags: {Name: front}
    listeners:
      - {port: 80, protocol: HTTP, target_group: "${group.id}"}
      - {port: 8080, protocol: HTTP, redirect: {}}
    depends_on: [internet]
"""
ALL = NETWORK + GROUP + FRONT + NODES + TARGETS
OUTPUTS = """
outputs:
  front: ${front.dns_name}
  zone: ${front.zone_id}
  arn: ${front.id}
"""
CREATES = ["CreateTargetGroup", "CreateLoadBalancer", "CreateListener", "RegisterTargets"]


def setUpModule():
    global moto, proxy
    moto, proxy = project.start()


class Balanced(Project):
    def health(self):
        """States by target, as AWS would describe them."""
        described = self.client("elbv2", proxy.url).describe_target_health(TargetGroupArn=self.id("group"))
        return {t["Target"]["Id"]: t["TargetHealth"]["State"] for t in described["TargetHealthDescriptions"]}

    def attributes(self, kind):
        if kind == "group":
            got = self.elb.describe_target_group_attributes(TargetGroupArn=self.id("group"))
        else:
            got = self.elb.describe_load_balancer_attributes(LoadBalancerArn=self.id("front"))
        return {a["Key"]: a["Value"] for a in got["Attributes"]}

    def listeners(self):
        """By port: the target group, or "redirect"."""
        got = self.elb.describe_listeners(LoadBalancerArn=self.id("front"))["Listeners"]
        return {one["Port"]: one["DefaultActions"][0].get("TargetGroupArn", "redirect") for one in got}

    def changes(self):
        return [c for c in proxy.calls if not c.startswith(("Describe", "Get"))]

    def whole_and_single(self):
        self.unchanged()
        self.assertEqual((len(self.balancers()), len(self.groups()), len(self.instances())), (1, 1, 2))
        self.assertEqual(self.listeners(), {80: self.id("group"), 8080: "redirect"})
        self.assertEqual(sorted(self.health().values()), ["healthy", "healthy"])


class LifeTest(Balanced):
    def setUp(self):
        super().setUp()
        self.spec(ALL, rest=OUTPUTS)
        proxy.balancing.provisioning = proxy.balancing.checking = 2
        self.apply()

    def test_all_is_as_the_spec_says(self):
        self.whole_and_single()  # at the end of apply all targets were healthy
        group = self.elb.describe_target_groups()["TargetGroups"][0]
        self.assertEqual((group["TargetGroupName"], group["Protocol"], group["Port"], group["VpcId"],
                          group["HealthCheckPath"], group["HealthCheckIntervalSeconds"],
                          group["HealthCheckTimeoutSeconds"], group["HealthyThresholdCount"]),
                         ("web", "HTTP", 80, self.id("network"), "/ping", 5, 2, 2))
        attributes = self.attributes("group")
        self.assertEqual(attributes["deregistration_delay.timeout_seconds"], "30")
        self.assertEqual((attributes["stickiness.enabled"], attributes["stickiness.type"],
                          attributes["stickiness.lb_cookie.duration_seconds"]), ("true", "lb_cookie", "3600"))
        for address in ("group", "front"):
            tags = self.tags(self.id(address))
            self.assertEqual((tags["team"], tags["hadeploy:project"], tags["hadeploy:address"]),
                             ("ops", "demo", address))
        balancer = self.elb.describe_load_balancers()["LoadBalancers"][0]
        self.assertEqual({z["SubnetId"] for z in balancer["AvailabilityZones"]},
                         {self.id('subnet["a"]'), self.id('subnet["b"]')})
        self.assertEqual(balancer["SecurityGroups"], [self.id("web")])
        outputs = json.loads(self.run_it("output", "--json"))
        self.assertEqual(outputs, {"front": balancer["DNSName"], "zone": balancer["CanonicalHostedZoneId"],
                                   "arn": balancer["LoadBalancerArn"]})
        redirect = next(one for one in self.elb.describe_listeners(LoadBalancerArn=self.id("front"))["Listeners"]
                        if one["Port"] == 8080)["DefaultActions"][0]["RedirectConfig"]
        self.assertEqual((redirect["Protocol"], redirect["Port"], redirect["StatusCode"]), ("HTTPS", "443", "HTTP_301"))

    def test_nothing_to_change_in_few_calls(self):
        proxy.calls.clear()
        self.unchanged()
        # groups, tags, attributes; balancers, tags, attributes, listeners; the health of both targets
        self.assertEqual(proxy.count("DescribeTags"), 2)
        self.assertEqual(proxy.count("DescribeTargetHealth"), 1)
        self.assertLessEqual(proxy.count(), 20, proxy.calls)
        self.assertTrue(all(c.startswith(("Describe", "Get")) for c in proxy.calls))

    def test_drift_is_found_and_repaired(self):
        group, front, node = self.id("group"), self.id("front"), self.id('node["a"]')
        self.elb.modify_target_group(TargetGroupArn=group, HealthCheckPath="/other")
        self.elb.modify_target_group_attributes(TargetGroupArn=group, Attributes=[
            {"Key": "deregistration_delay.timeout_seconds", "Value": "20"}, {"Key": "stickiness.enabled", "Value": "false"}])
        self.elb.deregister_targets(TargetGroupArn=group, Targets=[{"Id": node, "Port": 80}])
        listeners = {one["Port"]: one["ListenerArn"]
                     for one in self.elb.describe_listeners(LoadBalancerArn=front)["Listeners"]}
        self.elb.delete_listener(ListenerArn=listeners[8080])
        self.elb.modify_listener(ListenerArn=listeners[80], DefaultActions=[
            {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}])
        self.elb.create_listener(LoadBalancerArn=front, Port=81, Protocol="HTTP",
                                 DefaultActions=[{"Type": "forward", "TargetGroupArn": group}])
        self.elb.modify_load_balancer_attributes(LoadBalancerArn=front, Attributes=[
            {"Key": "idle_timeout.timeout_seconds", "Value": "90"}])  # not in the spec
        self.elb.add_tags(ResourceArns=[front], Tags=[{"Key": "mine", "Value": "1"}, {"Key": "team", "Value": "other"}])
        self.differs("update group", "update front", 'create target["a"]')
        self.apply()
        self.whole_and_single()
        self.assertEqual(self.attributes("group")["deregistration_delay.timeout_seconds"], "30")
        self.assertEqual(self.attributes("front")["idle_timeout.timeout_seconds"], "90")
        self.assertEqual((self.tags(front)["team"], self.tags(front)["mine"]), ("ops", "1"))
        self.assertEqual(self.id("front"), front)

    def test_objects_that_are_gone_are_made_again(self):
        old = self.id("front")
        self.elb.delete_load_balancer(LoadBalancerArn=old)
        self.differs("create front")
        self.apply()
        self.assertNotEqual(self.id("front"), old)
        self.whole_and_single()

    def test_listeners_and_attributes_change_in_place(self):
        group, front = self.id("group"), self.id("front")
        proxy.calls.clear()
        self.spec(NETWORK + GROUP.replace("/ping", "/health").replace("30s", "10s") +
                  FRONT.replace("port: 8080", "port: 8081").replace("    depends_on", "    idle_timeout: 2m\n    depends_on")
                  + NODES + TARGETS, rest=OUTPUTS)
        plan = self.run_it("plan")
        self.assertIn("/health", plan)
        for chosen in ("matcher", "traffic-port", "unhealthy_threshold"):  # by AWS, or unchanged
            self.assertNotRegex(plan, rf"(?m)^ *[-~] *{chosen}")
        self.apply()
        self.assertEqual((self.id("group"), self.id("front")), (group, front))
        self.assertEqual(self.changes(), ["ModifyTargetGroup", "ModifyTargetGroupAttributes",
                                          "ModifyLoadBalancerAttributes", "CreateListener", "DeleteListener"])
        self.assertEqual(self.listeners(), {80: group, 8081: "redirect"})
        self.assertEqual(self.attributes("front")["idle_timeout.timeout_seconds"], "120")
        self.unchanged()
        proxy.calls.clear()
        self.spec(NETWORK + GROUP.replace("/ping", "/health").replace("30s", "10s") +
                  FRONT.replace('target_group: "${group.id}"', "redirect: {port: \"8443\", permanent: false}")
                  .replace("    tags: {Name: front}\n", "") + NODES + TARGETS)
        self.apply()
        self.assertEqual(self.changes(), ["ModifyListener", "CreateListener", "DeleteListener", "RemoveTags"])
        self.assertNotIn("Name", self.tags(front))
        self.unchanged()

    def test_a_group_is_replaced_with_the_new_one_first(self):
        old, front = self.id("group"), self.id("front")
        self.spec(ALL.replace("name: web\n    port: 80", "name: web\n    port: 8000"), rest=OUTPUTS)
        proxy.calls.clear()
        in_use = some(2, ["DeleteTargetGroup"], lambda f: refused("ResourceInUse", "a listener uses it"))
        proxy.faults = [in_use]
        self.apply()
        order = self.changes()
        self.assertLess(order.index("CreateTargetGroup"), order.index("ModifyListener"))
        self.assertLess(order.index("ModifyListener"), order.index("DeleteTargetGroup"))
        self.assertEqual(proxy.count("DeleteTargetGroup"), 3)
        self.assertNotEqual(self.id("group"), old)
        self.assertEqual(self.id("front"), front)
        names = [g["TargetGroupName"] for g in self.elb.describe_target_groups()["TargetGroups"]]
        self.assertRegex(names[0], r"^web-[0-9a-f]{6}$")
        self.whole_and_single()
        # the name is free again
        self.spec(ALL, rest=OUTPUTS)
        self.apply()
        names = [g["TargetGroupName"] for g in self.elb.describe_target_groups()["TargetGroups"]]
        self.assertEqual(names, ["web"])
        self.whole_and_single()

    def test_destroy_drains_targets_before_it_ends_them(self):
        proxy.balancing.drain = 3
        early = []

        def watch(action, params, forward):
            if action == "TerminateInstances" and proxy.balancing.is_draining():
                early.append(params)
        proxy.faults = [watch]
        self.run_it("destroy", "--auto-approve", "--allow-data-loss")
        self.assertEqual(early, [])
        self.assertEqual(proxy.count("DeregisterTargets"), 2)
        self.assertEqual((self.balancers(), self.groups(), self.ours()), ([], [], []))

    def test_a_target_that_is_removed_drains_first(self):
        proxy.balancing.drain = 3
        start = time.time()
        self.spec(ALL.replace("for_each: [a, b]\n    target_group", "for_each: [a]\n    target_group"), rest=OUTPUTS)
        self.apply()
        self.assertGreater(time.time() - start, 3)
        self.assertEqual(len(self.health()), 1)
        self.unchanged()
        # one that drains is registered again
        self.spec(ALL, rest=OUTPUTS)
        self.client("elbv2", proxy.url).deregister_targets(TargetGroupArn=self.id("group"),
                                                           Targets=[{"Id": self.id('node["a"]'), "Port": 80}])
        proxy.balancing.drain = 60
        self.apply()
        self.whole_and_single()


class WaitTest(Balanced):
    def test_without_wait_the_health_is_not_waited_for(self):
        proxy.balancing.checking = 60
        self.spec(ALL.replace("    port: 80\n    depends_on", "    port: 80\n    wait: false\n    depends_on"))
        self.apply()
        self.assertEqual(set(self.health().values()), {"initial"})
        proxy.balancing.checking = 0
        self.unchanged()

    def test_a_group_without_a_listener_checks_nothing(self):
        self.spec(NETWORK + GROUP + NODES + TARGETS.replace("    depends_on: [front]\n", ""))
        self.apply()
        self.assertEqual(set(self.health().values()), {"unused"})
        self.unchanged()

    def test_progress_names_what_is_waited_for_and_a_stop_ends_it(self):
        proxy.balancing.checking = 600
        self.spec(ALL)
        asked = threading.Event()
        proxy.faults = [lambda action, params, forward: asked.set() if action == "DescribeTargetHealth" and
                        proxy.count("RegisterTargets") == 2 and proxy.count("DescribeTargetHealth") > 4 else None]
        process = subprocess.Popen([HADEPLOY, "apply", "--auto-approve"], cwd=self.path, env=self.environment(),
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True)
        self.assertTrue(asked.wait(120))
        process.terminate()
        text = process.communicate(timeout=60)[0]
        self.assertIn("stopped waiting for the target, which is initial (Target registration is in progress)", text)
        proxy.balancing.checking = 0
        proxy.faults = []
        self.apply()
        self.whole_and_single()


class RefusalTest(Balanced):
    def test_one_subnet_is_refused_by_validate(self):
        self.spec(NETWORK + FRONT.replace(', "${subnet[\\"b\\"].id}"', "").replace("target_group: \"${group.id}\"", "redirect: {}"))
        text = self.run_it("validate", code=65)
        self.assertIn("an application load balancer needs subnets in at least two availability zones", text)

    def test_subnets_of_one_zone_are_refused_by_the_plan(self):
        one_zone = NETWORK.replace("eu-central-1${each.key}", "eu-central-1a")
        self.spec(one_zone + GROUP)
        self.apply()
        self.spec(one_zone + GROUP + FRONT)
        self.assertIn("are in too few availability zones: 2 in eu-central-1a", self.run_it("plan", code=1))

    def test_new_subnets_of_one_zone_are_refused_before_the_request(self):
        self.spec(NETWORK.replace("eu-central-1${each.key}", "eu-central-1a") + GROUP + FRONT)
        self.assertIn("are in too few availability zones: 2 in eu-central-1a", self.apply(code=1))
        self.assertEqual(proxy.count("CreateLoadBalancer"), 0)

    def test_a_network_load_balancer_may_have_one_subnet(self):
        self.spec(NETWORK + GROUP.replace("port: 80", "port: 80\n    protocol: TCP").replace("path: /ping, ", "")
                  .replace("    stickiness: {type: lb_cookie, duration: 1h}\n", "") +
                  FRONT.replace(', "${subnet[\\"b\\"].id}"', "").replace("HTTP, target", "TCP, target")
                  .replace("name: front", "name: front\n    balancer_type: network")
                  .replace("      - {port: 8080, protocol: HTTP, redirect: {}}\n", ""))
        self.apply()
        self.unchanged()

    def test_two_groups_of_a_project_can_have_one_name(self):
        self.spec(NETWORK + GROUP + GROUP.replace("  group:", "  other:"))
        self.apply()
        names = sorted(g["TargetGroupName"] for g in self.elb.describe_target_groups()["TargetGroups"])
        self.assertEqual(names[0], "web")
        self.assertRegex(names[1], r"^web-[0-9a-f]{6}$")
        self.assertNotEqual(self.id("group"), self.id("other"))
        self.unchanged()

    def test_names_of_others_are_a_conflict(self):
        vpc = self.ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
        theirs = self.elb.create_target_group(Name="web", Protocol="HTTP", Port=80, VpcId=vpc)
        self.spec(NETWORK + GROUP)
        self.assertIn("belongs to somebody else: the target group " + theirs["TargetGroups"][0]["TargetGroupArn"],
                      self.apply(code=1))

    def test_protection_has_to_be_given_up(self):
        self.spec(NETWORK + GROUP + FRONT.replace("name: front", "name: front\n    deletion_protection: true"))
        self.apply()
        self.assertIn("the load balancer front, which is protected against deletion",
                      self.run_it("destroy", "--auto-approve", code=1))
        self.assertEqual(len(self.balancers()), 1)
        self.run_it("destroy", "--auto-approve", "--allow-data-loss")
        self.assertEqual(self.ours(), [])

    def test_refusals_say_what_to_do(self):
        self.spec(NETWORK + GROUP + FRONT)
        for action, code, expected in (
                ("CreateTargetGroup", "AccessDenied",
                 "missing permission: elasticloadbalancing:CreateTargetGroup in eu-central-1"),
                ("CreateTargetGroup", "TooManyTargetGroups", "request a higher quota from AWS"),
                ("CreateLoadBalancer", "InvalidSubnet", "needs an aws.internet_gateway in its VPC"),
                ("CreateListener", "TargetGroupAssociationLimit", "a target group can serve only one load balancer")):
            with self.subTest(code):
                proxy.faults = [some(9, [action], lambda f, code=code: refused(code, "no", 403))]
                self.assertIn(expected, re.sub(r"\s+", " ", self.apply(code=1)))


class ImportTest(Balanced):
    def test_existing_objects_are_imported_and_then_managed(self):
        self.spec(ALL)
        self.apply()
        ids = {address: self.id(address) for address in ("group", "front", 'target["a"]')}
        for address in ids:
            self.run_it("state", "rm", address)
        for address, its in ids.items():
            self.run_it("import", address, its)
        self.whole_and_single()
        self.assertEqual({address: self.id(address) for address in ids}, ids)

    def test_an_existing_registration_is_adopted(self):
        self.spec(ALL)
        self.apply()
        self.run_it("state", "rm", 'target["a"]')
        proxy.calls.clear()
        self.apply()
        self.assertEqual(proxy.count("RegisterTargets"), 0)
        self.whole_and_single()


class FaultTest(Balanced):
    def setUp(self):
        super().setUp()
        self.spec(ALL)

    def test_lost_answers_make_nothing_twice(self):
        proxy.faults = [some(1, [action], lost_after_effect) for action in CREATES]
        self.apply()
        self.whole_and_single()
        proxy.faults = [some(1, [action], lost_after_effect)
                        for action in ("DeregisterTargets", "DeleteTargetGroup", "DeleteLoadBalancer")]
        self.run_it("destroy", "--auto-approve", "--allow-data-loss")
        self.assertEqual(self.ours(), [])

    def test_throttling_and_pages_of_proxies_are_waited_out(self):
        proxy.faults = [some(2, ["DescribeLoadBalancers", "CreateTargetGroup"], lambda f: refused("Throttling")),
                        some(1, ["DescribeTargetGroups", "CreateListener"], lambda f: (500, b"<html>oops"))]
        self.apply()
        self.whole_and_single()

    def test_answers_of_another_form_make_nothing_again(self):
        self.apply()
        for action, body, what in (
                ("DescribeTargetGroups", b"<DescribeTargetGroupsResponse/>", "the response has no <TargetGroups>"),
                ("DescribeTags", b"<DescribeTagsResponse><DescribeTagsResult><TagDescriptions/></DescribeTagsResult>"
                 b"</DescribeTagsResponse>", "the response has no tags of arn:"),
                ("DescribeTargetHealth", b"<html/>", "the response is <html>, not <DescribeTargetHealthResponse>"),
                ("DescribeListeners", b"<DescribeListenersResponse/>", "the response has no <Listeners>")):
            with self.subTest(action):
                proxy.faults = [some(99, [action], lambda f, body=body: (200, body))]
                self.assertIn(f"elasticloadbalancing:{action} in {REGION}: {what}", self.run_it("plan", code=1))
        proxy.faults = []
        self.whole_and_single()

    def test_an_object_that_vanishes_while_it_is_read_is_no_error(self):
        self.apply()
        vpc = self.id("network")

        def vanishes(forward):
            answer = forward()
            for arn in theirs:
                self.elb.delete_target_group(TargetGroupArn=arn)
            theirs.clear()
            return answer
        theirs = [self.elb.create_target_group(Name="theirs", Protocol="HTTP", Port=1, VpcId=vpc)["TargetGroups"][0]
                  ["TargetGroupArn"]]
        self.run_it("state", "rm", "group")  # so that the tags of all groups are asked for
        proxy.faults = [some(1, ["DescribeTargetGroups"], vanishes)]
        self.run_it("plan")
        self.assertEqual(theirs, [])

    def test_many_groups_are_read_with_few_requests(self):
        self.spec(NETWORK + GROUP.replace("name: web", "name: web-${each.key}")
                  .replace("type: aws.target_group", "type: aws.target_group\n    for_each: " +
                           json.dumps([f"g{n}" for n in range(25)])))
        self.apply()
        proxy.calls.clear()
        self.unchanged()
        self.assertEqual((proxy.count("DescribeTargetGroups"), proxy.count("DescribeTags")), (1, 2))


if __name__ == "__main__":
    unittest.main()
