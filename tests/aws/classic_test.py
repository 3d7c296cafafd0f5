#!/usr/bin/env python3
"""Classic load balancers and rules of security groups on moto, with what AWS does otherwise (classic_balancing.py).

usage: classic_test.py HADEPLOY [unittest options]
"""
import json
import shutil
import signal
import subprocess
import threading
import unittest

from emulator import ensure_moto, lost_after_effect, refusal, some

ensure_moto()
import project  # noqa: E402
from load_balancing import refused  # noqa: E402
from project import HADEPLOY, NETWORK, REGION, Project  # noqa: E402

FRONT = """
  front:
    type: aws.classic_load_balancer
    name: front
    subnets: ["${subnet[\\"a\\"].id}", "${subnet[\\"b\\"].id}"]
    security_groups: ["${web.id}"]
    tags: {Name: front}
    listeners: [{port: 80, protocol: HTTP, instance_port: 8080}, {port: 22, protocol: TCP, instance_port: 22}]
    health_check: {protocol: HTTP, port: 8080, path: /ping, interval: 5s, timeout: 2s, healthy_threshold: 2}
    draining: 30s
    depends_on: [internet]
"""
TARGETS = """
  node:
    type: aws.instance
    for_each: [a, b]
    image: ami-12c6146b
    instance_type: t3.micro
    subnet: ${subnet[each.key].id}
    security_groups: ["${web.id}"]
  target:
    type: aws.classic_target
    for_each: [a, b]
    balancer: ${front.id}
    instance: ${node[each.key].id}
"""
RULES = """
  network: {type: aws.vpc, cidr: 10.20.0.0/16}
  web: {type: aws.security_group, name: web, vpc: "${network.id}"}
  http:
    type: aws.security_group_rule
    for_each: {office: 198.51.100.7/24, home: 203.0.113.0/24}
    group: ${web.id}
    ports: "80"
    peer: ${each.value}
    description: ${each.key}
  among:
    type: aws.security_group_rule
    group: ${web.id}
    protocol: all
    peer: self
    tags: {Name: among}
"""
ALL = NETWORK + FRONT + TARGETS


def setUpModule():
    global moto, proxy
    moto, proxy = project.start()


class Classic(Project):
    def balancer(self):
        (one,) = self.classic.describe_load_balancers()["LoadBalancerDescriptions"]
        return one

    def classic_tags(self):
        (one,) = self.classic.describe_tags(LoadBalancerNames=["front"])["TagDescriptions"]
        return {t["Key"]: t["Value"] for t in one["Tags"]}

    def attributes(self):
        return self.classic.describe_load_balancer_attributes(LoadBalancerName="front")["LoadBalancerAttributes"]

    def changes(self):
        return [c for c in proxy.calls if not c.startswith(("Describe", "Get"))]

    def whole_and_single(self):
        self.unchanged()
        self.assertEqual(sorted(i["InstanceId"] for i in self.balancer()["Instances"]),
                         sorted([self.id('node["a"]'), self.id('node["b"]')]))
        self.assertEqual(len(self.instances()), 2)


class LifeTest(Classic):
    def setUp(self):
        super().setUp()
        self.spec(ALL, rest="outputs: {front: \"${front.dns_name}\"}\n")
        self.apply()

    def test_all_is_as_the_spec_says(self):
        self.whole_and_single()
        one = self.balancer()
        listeners = {li["Listener"]["LoadBalancerPort"]: (li["Listener"]["Protocol"], li["Listener"]["InstancePort"])
                     for li in one["ListenerDescriptions"]}
        self.assertEqual(listeners, {80: ("HTTP", 8080), 22: ("TCP", 22)})
        self.assertEqual((one["Scheme"], set(one["Subnets"]), one["SecurityGroups"]),
                         ("internet-facing", {self.id('subnet["a"]'), self.id('subnet["b"]')}, [self.id("web")]))
        check = one["HealthCheck"]
        self.assertEqual((check["Target"], check["Interval"], check["Timeout"], check["HealthyThreshold"],
                          check["UnhealthyThreshold"]), ("HTTP:8080/ping", 5, 2, 2, 2))
        attributes = self.attributes()
        self.assertEqual((attributes["CrossZoneLoadBalancing"]["Enabled"], attributes["ConnectionDraining"]["Enabled"],
                          attributes["ConnectionDraining"]["Timeout"]), (True, True, 30))
        tags = self.classic_tags()
        self.assertEqual((tags["Name"], tags["team"], tags["hadeploy:address"]), ("front", "ops", "front"))
        self.assertEqual(json.loads(self.run_it("output", "--json"))["front"], one["DNSName"])
        proxy.calls.clear()
        self.unchanged()
        self.assertEqual(sorted(c for c in proxy.calls if "Balancer" in c or "Tags" in c or "Health" in c),
                         ["DescribeInstanceHealth", "DescribeLoadBalancerAttributes", "DescribeLoadBalancers", "DescribeTags"])

    def test_drift_is_found_and_repaired(self):
        node = self.id('node["a"]')
        self.classic.delete_load_balancer_listeners(LoadBalancerName="front", LoadBalancerPorts=[22])
        self.classic.create_load_balancer_listeners(LoadBalancerName="front", Listeners=[
            {"Protocol": "TCP", "LoadBalancerPort": 81, "InstancePort": 81}])
        self.classic.configure_health_check(LoadBalancerName="front", HealthCheck={
            "Target": "TCP:1", "Interval": 30, "Timeout": 5, "HealthyThreshold": 10, "UnhealthyThreshold": 2})
        self.classic.modify_load_balancer_attributes(LoadBalancerName="front", LoadBalancerAttributes={
            "CrossZoneLoadBalancing": {"Enabled": False}, "ConnectionDraining": {"Enabled": False},
            "ConnectionSettings": {"IdleTimeout": 9}})
        self.classic.detach_load_balancer_from_subnets(LoadBalancerName="front", Subnets=[self.id('subnet["b"]')])
        self.classic.apply_security_groups_to_load_balancer(LoadBalancerName="front", SecurityGroups=[
            g["GroupId"] for g in self.ec2.describe_security_groups()["SecurityGroups"] if g["GroupName"] == "default"][:1])
        self.classic.add_tags(LoadBalancerNames=["front"], Tags=[{"Key": "team", "Value": "x"}, {"Key": "mine", "Value": "1"}])
        self.classic.deregister_instances_from_load_balancer(LoadBalancerName="front", Instances=[{"InstanceId": node}])
        self.differs("update front", 'create target["a"]')
        self.apply()
        self.whole_and_single()
        self.assertEqual(self.balancer()["HealthCheck"]["Target"], "HTTP:8080/ping")
        self.assertEqual((self.classic_tags()["team"], self.classic_tags()["mine"]), ("ops", "1"))

    def test_changes_in_place(self):
        proxy.calls.clear()
        self.spec(NETWORK + FRONT.replace("instance_port: 8080", "instance_port: 9090").replace("port: 22, ", "port: 23, ")
                  .replace("draining: 30s", "draining: 0s").replace("    tags: {Name: front}\n", "") + TARGETS)
        self.apply()
        self.assertEqual(self.changes(), ["ModifyLoadBalancerAttributes", "CreateLoadBalancerListeners",
                                          "DeleteLoadBalancerListeners", "CreateLoadBalancerListeners",
                                          "DeleteLoadBalancerListeners", "RemoveTags"])
        self.assertFalse(self.attributes()["ConnectionDraining"]["Enabled"])
        self.whole_and_single()

    def test_an_instance_drains_before_it_ends(self):
        proxy.classic.drain = 2
        early = []

        def watch(action, params, forward):
            if action == "TerminateInstances" and proxy.classic.is_draining():
                early.append(params)
        proxy.faults = [watch]
        old = self.id('node["a"]')
        self.spec(ALL.replace("instance_type: t3.micro", "instance_type: t3.micro\n    private_address: "
                              "\"10.20.${each.key == 'a' ? 1 : 2}.99\""))
        self.apply("--allow-data-loss")
        self.assertNotEqual(self.id('node["a"]'), old)
        self.assertEqual((early, proxy.count("TerminateInstances")), ([], 2))
        self.whole_and_single()
        self.run_it("destroy", "--auto-approve", "--allow-data-loss")
        self.assertEqual((early, self.ours()), ([], []))

    def test_what_exists_is_imported_or_adopted(self):
        node = self.id('node["a"]')
        for address, its in (("front", "front"), ('target["a"]', f"front/{node}")):
            self.run_it("state", "rm", address)
            self.run_it("import", address, its)
        self.run_it("state", "rm", 'target["b"]')
        proxy.calls.clear()
        self.apply()
        self.assertEqual(self.changes(), [])
        self.whole_and_single()
        self.classic.delete_load_balancer(LoadBalancerName="front")
        self.differs("create front", 'create target["a"]', 'create target["b"]')
        self.apply()
        self.whole_and_single()


class FaultTest(Classic):
    CREATES = ["CreateLoadBalancer", "ConfigureHealthCheck", "RegisterInstancesWithLoadBalancer"]

    def setUp(self):
        super().setUp()
        self.spec(ALL)

    def test_lost_answers_make_nothing_twice(self):
        proxy.classic.checking = 600
        looks = []

        def in_service(action, params, forward):
            looks.append(action)
            if looks.count("DescribeInstanceHealth") == 5:
                proxy.classic.checking = 0
        proxy.faults = [in_service] + [some(1, [action], lost_after_effect) for action in self.CREATES]
        self.apply()  # until all are in service
        self.assertGreaterEqual(proxy.count("DescribeInstanceHealth"), 5)
        self.whole_and_single()
        for action, body, what in (
                ("DescribeLoadBalancers", b"<DescribeLoadBalancersResponse/>", "the response has no <LoadBalancerDescriptions>"),
                ("DescribeLoadBalancerAttributes", b"<DescribeLoadBalancerAttributesResponse/>",
                 "the response has no <LoadBalancerAttributes>"),
                ("DescribeInstanceHealth", b"<DescribeInstanceHealthResponse/>", "the response has no <InstanceStates>")):
            with self.subTest(action):
                proxy.faults = [some(99, [action], lambda f, body=body: (200, body))]
                self.assertIn(f"elasticloadbalancing:{action} in {REGION}: {what}", self.run_it("plan", code=1))
        proxy.faults = [some(1, ["DeleteLoadBalancer", "DeregisterInstancesFromLoadBalancer"], lost_after_effect)]
        self.run_it("destroy", "--auto-approve", "--allow-data-loss")
        self.assertEqual(self.ours(), [])

    def test_a_killed_run_is_continued(self):
        for action in self.CREATES[1:]:
            with self.subTest(action=action):
                moto.reset()
                proxy.clear()
                shutil.rmtree(self.path / ".hadeploy", ignore_errors=True)
                killed = threading.Event()

                def kill(forward):
                    answer = forward()
                    process.send_signal(signal.SIGKILL)
                    killed.set()
                    return answer
                proxy.faults = [some(1, [action], kill)]
                process = subprocess.Popen([HADEPLOY, "apply", "--auto-approve"], cwd=self.path,
                                           env=self.environment(), stdout=subprocess.DEVNULL,
                                           stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
                process.wait(timeout=120)
                self.assertTrue(killed.is_set())
                proxy.faults = []
                self.apply()
                self.whole_and_single()

    def test_a_name_of_another_owner_is_refused(self):
        self.spec(NETWORK)
        self.apply()
        self.classic.create_load_balancer(LoadBalancerName="front", Subnets=[self.id('subnet["a"]')], Listeners=[
            {"Protocol": "TCP", "LoadBalancerPort": 1, "InstancePort": 1}])
        self.spec(ALL)
        self.assertIn("the classic load balancer front", self.run_it("plan", code=1))
        proxy.faults = [some(9, ["CreateLoadBalancer"], lambda f: refused("TooManyLoadBalancers"))]
        self.classic.delete_load_balancer(LoadBalancerName="front")
        self.assertIn("higher quota", self.apply(code=1))


class RulesTest(Classic):
    def setUp(self):
        super().setUp()
        self.spec(RULES)

    def rules(self):
        """The incoming rules of the group, by ID."""
        got = self.ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [self.id("web")]}])
        return {r["SecurityGroupRuleId"]: r for r in got["SecurityGroupRules"] if not r["IsEgress"]}

    def test_rules_are_made_once_with_tags_and_repaired(self):
        proxy.faults = [some(2, ["AuthorizeSecurityGroupIngress"], lost_after_effect)]
        self.apply()
        self.unchanged()
        proxy.calls.clear()
        self.unchanged()
        self.assertEqual(proxy.count("DescribeSecurityGroupRules"), 1)
        office = self.id('http["office"]')
        self.assertEqual(set(self.rules()), {office, self.id('http["home"]'), self.id("among")})
        one = self.rules()[office]
        tags = {t["Key"]: t["Value"] for t in one["Tags"]}
        self.assertEqual((one["CidrIpv4"], one["FromPort"], one["ToPort"], one["Description"], tags["team"]),
                         ("198.51.100.0/24", 80, 80, "office", "ops"))
        group = {"GroupId": self.id("web")}
        self.ec2.revoke_security_group_ingress(**group, SecurityGroupRuleIds=[self.id("among")])
        self.ec2.modify_security_group_rules(**group, SecurityGroupRules=[{"SecurityGroupRuleId": office, "SecurityGroupRule": {
            "IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "CidrIpv4": "198.51.100.0/24", "Description": "theirs"}}])
        self.ec2.delete_tags(Resources=[self.id('http["home"]')], Tags=[{"Key": "team"}])
        self.ec2.authorize_security_group_ingress(**group, IpProtocol="tcp", FromPort=1, ToPort=1, CidrIp="10.0.0.0/8")
        self.differs('update http["office"]', 'update http["home"]', "create among")
        self.apply()
        self.unchanged()
        self.assertEqual((len(self.rules()), self.rules()[office]["Description"]), (4, "office"))  # one is not ours
        self.run_it("destroy", "--auto-approve")
        self.assertEqual(self.ours(), [])

    def test_another_rule_comes_before_the_old_one_goes(self):
        self.apply()
        proxy.calls.clear()
        self.spec(RULES.replace('ports: "80"', 'ports: "443"').replace("203.0.113.0/24", "203.0.113.0/25"))
        self.apply()
        order = self.changes()
        self.assertEqual(sorted(order), 2 * ["AuthorizeSecurityGroupIngress"] + 2 * ["RevokeSecurityGroupIngress"])
        self.assertEqual(order[0], "AuthorizeSecurityGroupIngress")
        self.assertEqual(sorted(r["FromPort"] for r in self.rules().values()), [-1, 443, 443])
        self.unchanged()
        office = self.id('http["office"]')
        self.run_it("state", "rm", 'http["office"]')
        self.assertIn(f"the rule {office} of the group", self.run_it("plan", code=1))
        self.run_it("import", 'http["office"]', office)
        self.unchanged()

    def test_a_group_that_lists_its_rules_has_no_others(self):
        listing = RULES.replace('vpc: "${network.id}"}', 'vpc: "${network.id}", ingress: []}')
        self.spec(listing)
        for command in (["validate"], ["plan"]):
            self.assertIn("among is a part of web, which lists all its parts in `ingress`", self.run_it(*command, code=65))
        self.assertEqual(proxy.count("CreateSecurityGroup"), 0)
        self.spec(RULES)
        self.apply()
        self.spec(listing)
        self.assertIn("which lists all its parts in `ingress`", self.run_it("plan", code=65))
        # by its ID alone
        self.spec(listing.replace("group: ${web.id}", f"group: {self.id('web')}"))
        self.assertIn("which lists all its parts in `ingress`", self.run_it("plan", code=65))
        self.spec(RULES.replace('vpc: "${network.id}"}', 'vpc: "${network.id}", egress: []}'))
        self.apply()
        self.unchanged()
        proxy.faults = [some(9, ["RevokeSecurityGroupIngress"], lambda f: refusal("UnauthorizedOperation", status=403))]
        self.spec(RULES.replace("home: 203.0.113.0/24", "").replace("/24, }", "/24}"))
        self.assertIn("missing permission: ec2:RevokeSecurityGroupIngress", self.apply(code=1))


if __name__ == "__main__":
    unittest.main()
