#!/usr/bin/env python3
"""The provider for AWS on moto, from the first plan to destroy, checked from outside by boto3.

usage: moto_test.py HADEPLOY [unittest options]
"""
import json
import re
import subprocess
import threading
import time
import unittest

from emulator import ensure_moto, lost_after_effect, refusal, some

ensure_moto()
import project  # noqa: E402
from project import HADEPLOY, NETWORK, REGION, Project  # noqa: E402

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ8xQ0eSxQ3bWcG0yPzO0S1k3bqTzv7m2m0wq1lQm1Xr"

MACHINES = """
  login: {type: aws.key_pair, name: demo, public_key: "%s me@here"}
  node:
    type: aws.instance
    for_each: {a: 10.20.1.10, b: 10.20.2.10}
    image: ${data.image.id}
    instance_type: t3.micro
    subnet: ${subnet[each.key].id}
    private_address: ${each.value}
    security_groups: ["${web.id}"]
    key: ${login.name}
    user_data: "#!/bin/sh"
    root_volume: {size: 12 GiB, type: gp3}
    tags: {Name: "node-${each.key}"}
  disk: {type: aws.volume, availability_zone: eu-central-1a, size: 5 GiB, instance: "${node[\\"a\\"].id}", device: /dev/sdf}
  front: {type: aws.eip, instance: "${node[\\"b\\"].id}"}
""" % KEY
DATA = """
data:
  zones: {type: aws.zones}
  me: {type: aws.caller_identity}
  image: {type: aws.image, owner: "099720109477", name: "ubuntu/images/hvm-ssd/ubuntu-trusty-14.04-amd64-*"}
"""
OUTPUTS = """
outputs:
  zones: ${data.zones.names}
  account: ${data.me.account}
  login: ${node["a"].connection.address}
  front: ${front.address}
"""


def setUpModule():
    global moto, proxy
    moto, proxy = project.start()


class LifeTest(Project):
    def setUp(self):
        super().setUp()
        self.spec(NETWORK + MACHINES, rest=DATA + OUTPUTS)
        self.apply()

    def test_all_is_as_the_spec_says(self):
        by_name = {t["Value"]: i for i in self.instances() for t in i["Tags"] if t["Key"] == "Name"}
        self.assertEqual(sorted(by_name), ["node-a", "node-b"])
        a = by_name["node-a"]
        self.assertEqual((a["InstanceType"], a["PrivateIpAddress"], a["KeyName"], a["SubnetId"]),
                         ("t3.micro", "10.20.1.10", "demo", self.id('subnet["a"]')))
        self.assertEqual([g["GroupId"] for g in a["SecurityGroups"]], [self.id("web")])
        tags = {t["Key"]: t["Value"] for t in a["Tags"]}
        self.assertEqual((tags["team"], tags["hadeploy:project"], tags["hadeploy:address"]),
                         ("ops", "demo", 'node["a"]'))
        group = self.ec2.describe_security_groups(GroupIds=[self.id("web")])["SecurityGroups"][0]
        self.assertEqual(sorted((p["FromPort"], p["ToPort"]) for p in group["IpPermissions"]),
                         [(80, 80), (8000, 8100)])
        table = self.ec2.describe_route_tables(RouteTableIds=[self.id("routes")])["RouteTables"][0]
        self.assertIn(("0.0.0.0/0", self.id("internet")),
                      [(r["DestinationCidrBlock"], r.get("GatewayId")) for r in table["Routes"]])
        self.assertEqual(len(table["Associations"]), 2)
        volume = self.ec2.describe_volumes(VolumeIds=[self.id("disk")])["Volumes"][0]
        self.assertEqual(volume["Attachments"][0]["InstanceId"], a["InstanceId"])
        address = self.ec2.describe_addresses()["Addresses"][0]
        self.assertEqual(address["InstanceId"], by_name["node-b"]["InstanceId"])
        outputs = json.loads(self.run_it("output", "--json"))
        self.assertEqual(outputs["front"], address["PublicIp"])
        self.assertIn("eu-central-1a", outputs["zones"])
        self.assertEqual(outputs["account"], "123456789012")

    def test_a_known_host_key_is_part_of_the_connection(self):
        outputs = OUTPUTS + '  key: ${node["a"].connection.host_key}\n'
        self.spec(NETWORK + MACHINES.replace("    user_data:", "    host_key: ssh-ed25519 AAAA\n    user_data:"),
                  rest=DATA + outputs)
        before = self.ec2.describe_instances()
        self.apply()
        self.assertEqual(json.loads(self.run_it("output", "--json"))["key"], "ssh-ed25519 AAAA")
        self.assertEqual(self.ec2.describe_instances()["Reservations"], before["Reservations"])
        self.unchanged()

    def test_nothing_to_change_in_few_calls(self):
        proxy.calls.clear()
        self.unchanged()
        # one call for each of the nine types, two attributes of the VPC, and the data sources
        self.assertLessEqual(proxy.count(), 15, proxy.calls)
        self.assertTrue(all(c.startswith(("Describe", "Get")) for c in proxy.calls))

    def test_drift_is_found_and_repaired(self):
        node, group, vpc = self.id('node["a"]'), self.id("web"), self.id("network")
        self.ec2.stop_instances(InstanceIds=[node])
        self.differs('update node["a"]')
        self.apply()
        self.assertEqual({i["State"]["Name"] for i in self.instances()}, {"running"})

        self.ec2.authorize_security_group_ingress(GroupId=group, IpProtocol="tcp", FromPort=22, ToPort=22,
                                                  CidrIp="0.0.0.0/0")
        self.ec2.revoke_security_group_ingress(GroupId=group, IpProtocol="tcp", FromPort=80, ToPort=80,
                                               CidrIp="0.0.0.0/0")
        self.ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": False})
        self.ec2.modify_subnet_attribute(SubnetId=self.id('subnet["b"]'), MapPublicIpOnLaunch={"Value": False})
        self.ec2.delete_route(RouteTableId=self.id("routes"), DestinationCidrBlock="0.0.0.0/0")
        self.ec2.create_tags(Resources=[vpc], Tags=[{"Key": "Name", "Value": "other"}, {"Key": "mine", "Value": "1"}])
        self.ec2.delete_tags(Resources=[node], Tags=[{"Key": "team"}])
        address = self.ec2.describe_addresses()["Addresses"][0]
        self.ec2.disassociate_address(AssociationId=address["AssociationId"])
        self.differs("update web", "update network", 'update subnet["b"]', "update routes", 'update node["a"]',
                     "update front")
        self.apply()
        self.unchanged()
        rules = self.ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["IpPermissions"]
        self.assertEqual(sorted(p["FromPort"] for p in rules), [80, 8000])
        tags = {t["Key"]: t["Value"] for t in self.ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["Tags"]}
        self.assertEqual((tags["Name"], tags["mine"], tags["team"]), ("demo", "1", "ops"))

    def test_changes_in_place_and_replacements(self):
        node, group = self.id('node["a"]'), self.id("web")
        self.spec(NETWORK.replace("- {ports: \"80\"", "- {ports: \"443\"") +
                  MACHINES.replace("t3.micro", "t3.small").replace("size: 5 GiB", "size: 7 GiB"),
                  rest=DATA + OUTPUTS)
        proxy.calls.clear()
        self.apply()
        self.assertEqual((self.id('node["a"]'), self.id("web")), (node, group))
        self.assertEqual({i["InstanceType"] for i in self.instances()}, {"t3.small"})
        changes = [c for c in proxy.calls if "SecurityGroup" in c and not c.startswith("Describe")]
        self.assertEqual(changes, ["AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress"])
        self.assertEqual(self.ec2.describe_volumes(VolumeIds=[self.id("disk")])["Volumes"][0]["Size"], 7)
        self.assertEqual(proxy.count("ModifyVolume"), 1)  # root volumes, which are not read back, have not changed
        self.unchanged()

        # another name of the group: the new one first, then its users, then the old one goes
        self.spec(NETWORK.replace("name: web", "name: web2") +
                  MACHINES.replace("t3.micro", "t3.small").replace("size: 5 GiB", "size: 7 GiB"),
                  rest=DATA + OUTPUTS)
        self.apply()
        self.assertNotEqual(self.id("web"), group)
        self.assertEqual(self.id('node["a"]'), node)
        names = [g["GroupName"] for g in self.ec2.describe_security_groups()["SecurityGroups"]]
        self.assertIn("web2", names)
        self.assertNotIn("web", names)
        self.unchanged()

    def test_only_the_root_volume_grows(self):
        self.spec(NETWORK + MACHINES.replace("size: 12 GiB", "size: 14 GiB"), rest=DATA + OUTPUTS)
        self.apply()
        node = self.id('node["a"]')
        attached = {a["Device"]: v["Size"] for v in self.ec2.describe_volumes()["Volumes"] for a in v["Attachments"]
                    if a["InstanceId"] == node}
        self.assertEqual(sorted(attached.values()), [5, 14], attached)
        self.assertEqual(attached["/dev/sdf"], 5)
        self.unchanged()

    def test_destroy_leaves_nothing(self):
        self.assertEqual(len(self.ours()), 13)
        self.run_it("destroy", "--auto-approve", code=1)  # the volume's data would be lost
        self.run_it("destroy", "--auto-approve", "--allow-data-loss")
        self.assertEqual(self.ours(), [])
        self.assertEqual(self.vpcs(), self.theirs)
        self.assertEqual(self.ec2.describe_addresses()["Addresses"], [])
        self.assertEqual(self.ec2.describe_key_pairs()["KeyPairs"], [])
        self.assertEqual(self.run_it("state", "list"), "")


class GoneTest(Project):
    def test_what_is_gone_is_made_again_as_another_object(self):
        # on moto the private address of a terminated instance stays in use
        self.spec(NETWORK + MACHINES.replace("    private_address: ${each.value}\n", ""), rest=DATA + OUTPUTS)
        self.apply()
        old = self.id('node["b"]')
        self.ec2.terminate_instances(InstanceIds=[old])
        self.differs('create node["b"]', "update front")
        self.apply()
        self.assertNotEqual(self.id('node["b"]'), old)
        self.assertEqual(len(self.instances()), 2)
        self.unchanged()


class ImportTest(Project):
    def test_an_existing_network_is_imported_and_then_managed(self):
        vpc = self.ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
        self.spec("  old: {type: aws.vpc, cidr: 10.9.0.0/16}")
        self.run_it("import", "old", vpc)
        self.apply()
        self.assertEqual(self.id("old"), vpc)
        self.unchanged()
        self.run_it("destroy", "--auto-approve")
        self.assertNotIn(vpc, self.vpcs())

    def test_names_of_others_are_a_conflict(self):
        self.ec2.import_key_pair(KeyName="demo", PublicKeyMaterial=KEY.encode())
        self.spec(f'  login: {{type: aws.key_pair, name: demo, public_key: "{KEY}"}}')
        self.assertIn("belongs to somebody else: the key pair key-", self.apply(code=1))


class FaultTest(Project):
    def setUp(self):
        super().setUp()
        self.spec(NETWORK + MACHINES, rest=DATA + OUTPUTS)

    def whole_and_single(self):
        self.unchanged()
        self.assertEqual(len(self.instances()), 2)
        self.assertEqual(len(self.vpcs() - self.theirs), 1)
        self.assertEqual(len(self.ec2.describe_addresses()["Addresses"]), 1)

    def test_lost_answers_make_nothing_twice(self):
        lost = ["CreateVpc", "CreateSubnet", "RunInstances", "AllocateAddress", "CreateSecurityGroup",
                "CreateInternetGateway", "CreateRouteTable", "CreateVolume", "ImportKeyPair", "AttachVolume",
                "AttachInternetGateway", "AuthorizeSecurityGroupIngress"]
        proxy.faults = [some(1, [action], lost_after_effect) for action in lost]
        self.apply()
        self.whole_and_single()

    def test_throttling_resets_and_pages_of_proxies_are_waited_out(self):
        proxy.faults = [some(3, ["DescribeInstances", "RunInstances"], lambda f: refusal("RequestLimitExceeded", status=503)),
                        some(2, ["DescribeSubnets", "ModifyVpcAttribute"], lambda f: (500, b"<html>oops")),
                        some(2, ["DescribeVpcs"], lambda f: "lost")]
        self.apply()
        self.whole_and_single()

    def test_a_group_in_use_is_removed_when_it_is_free(self):
        self.apply()
        proxy.faults = [some(3, ["DeleteSecurityGroup"],
                             lambda f: refusal("DependencyViolation", "resource sg has a dependent object"))]
        self.run_it("destroy", "--auto-approve", "--allow-data-loss")
        self.assertEqual(self.ours(), [])

    def test_objects_that_are_not_visible_yet_are_waited_for(self):
        empty = {"DescribeVpcs": "vpcSet", "DescribeInstances": "reservationSet"}
        proxy.faults = [some(3, [action], lambda f, body=f"<{action}Response><{name}/></{action}Response>":
                             (200, body.encode())) for action, name in empty.items()]
        self.apply()
        proxy.faults = []
        self.whole_and_single()

    def test_missing_permissions_and_quotas_name_what_to_do(self):
        def fails(action, code, *expected):
            proxy.faults = [some(9, [action], lambda f: refusal(code, "You have reached your limit", 403))]
            text = self.apply(code=1)
            for words in expected:
                self.assertIn(words, text)
        fails("CreateVpc", "UnauthorizedOperation", "missing permission: ec2:CreateVpc in eu-central-1",
              "grant ec2:CreateVpc to arn:aws:")
        fails("CreateVpc", "VpcLimitExceeded", "You have reached your limit", "request a higher quota from AWS")
        proxy.faults = [some(9, ["CreateVpc"], lambda f: refusal("TagLimitExceeded", "too many tags"))]
        self.assertNotIn("quota", self.apply(code=1))
        fails("CreateVpc", "AuthFailure", "AWS rejected the credentials from AWS_ACCESS_KEY_ID")
        fails("CreateVpc", "ExpiredToken", "the credentials from AWS_ACCESS_KEY_ID have expired")
        proxy.faults = []
        self.apply()
        self.whole_and_single()

    def test_answers_of_another_form_make_nothing_again(self):
        self.apply()
        for body, what in ((b"<html><body>log in</body></html>", "the response is <html>, not <DescribeInstancesResponse>"),
                           (b"", "the response is empty"),
                           (b"<DescribeInstancesResponse><reservationSet>", "the response is not valid XML, or is truncated"),
                           (b"<DescribeInstancesResponse/>", "the response has no <reservationSet>")):
            with self.subTest(what):
                proxy.faults = [some(99, ["DescribeInstances"], lambda f, body=body: (200, body))]
                self.assertIn(f"ec2:DescribeInstances in {REGION}: {what}", self.run_it("plan", code=1))
        proxy.faults = []
        self.whole_and_single()

    def test_an_object_whose_id_was_not_in_the_answer_is_found_again(self):
        def without_id(forward):
            status, body = forward()
            return status, re.sub(rb"<vpcId>[^<]*</vpcId>", b"", body)
        proxy.faults = [some(1, ["CreateVpc"], without_id)]
        self.assertIn("AWS accepted the request for the VPC, but the response has no ID", self.apply(code=1))
        self.assertEqual(len(self.vpcs() - self.theirs), 1)
        self.apply()
        self.whole_and_single()

    def test_a_stop_ends_waiting_and_the_next_apply_continues(self):
        starting = threading.Event()

        def pending(action, params, forward):
            if action != "DescribeInstances":
                return None
            status, body = forward()
            if b"<instanceId>" in body:
                starting.set()
            return status, re.sub(rb"<code>16</code>\s*<name>running</name>",
                                  b"<code>0</code><name>pending</name>", body)
        proxy.faults = [pending]
        process = subprocess.Popen([HADEPLOY, "apply", "--auto-approve"], cwd=self.path, env=self.environment(),
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True)
        self.assertTrue(starting.wait(120))
        start = time.time()
        process.terminate()
        text = process.communicate(timeout=60)[0]
        self.assertLess(time.time() - start, 15, text)
        self.assertEqual(process.returncode, 130)
        self.assertIn("error: stopped waiting", text)
        proxy.faults = []
        self.apply()
        self.whole_and_single()

    def test_an_address_where_nothing_listens_is_given_up_soon(self):
        start = time.time()
        text = self.run_it("plan", code=69, AWS_ENDPOINT_URL="http://127.0.0.1:1")
        self.assertLess(time.time() - start, 20)
        self.assertIn("AWS is not responding (127.0.0.1:1: ", text)
        self.assertIn("no response from 127.0.0.1:1: ", text)

    def test_another_region_or_account_is_refused(self):
        self.apply()
        text = self.run_it("plan", code=1, AWS_REGION="us-east-1")
        self.assertIn("the object is in eu-central-1, but the region is now us-east-1", text)
        self.assertIn("no AWS region is set", self.run_it("plan", code=1, AWS_REGION=""))
        text = self.run_it("plan", code=1, AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")
        self.assertIn("there are no AWS credentials", text)


class ScaleTest(Project):
    def fleet(self, count, more=""):
        self.spec(NETWORK + f"""
  node:
    type: aws.instance
    count: {count}
    image: ami-12c6146b
    instance_type: t3.micro
    subnet: ${{subnet["a"].id}}
    security_groups: ["${{web.id}}"]
{more}""")

    def test_all_status_checks_are_waited_for_with_one_request_a_poll(self):
        self.fleet(20, "    wait_for: checks\n")
        asked = []

        def checks(action, params, forward):
            """First an instance is unknown; then a check of one of them has not ended."""
            if action != "DescribeInstanceStatus":
                return None
            asked.append(sum(key.startswith("InstanceId.") for key in params))
            if len(asked) == 1:
                return refusal("InvalidInstanceID.NotFound", "The instance ID does not exist")
            status, body = forward()
            if len(asked) > 4:
                return status, body
            return status, re.sub(rb"(<instanceStatus>(?:(?!</instanceStatus>).)*?<status>)ok", rb"\1initializing", body,
                                  count=1, flags=re.DOTALL)
        proxy.faults = [checks]
        self.assertIn("waiting for the status checks: instance initializing", self.apply("--parallelism", "20"))
        self.assertEqual(len(self.instances()), 20)
        self.assertGreaterEqual(len(asked), 5)
        self.assertEqual(max(asked), 20)
        self.assertLess(len(asked), 40)
        asked.clear()
        self.unchanged()
        self.fleet(20)
        self.unchanged()  # it only controls how a change is made
        self.fleet(21)
        self.apply()
        self.assertEqual(asked, [])

    def test_a_missing_permission_for_the_status_checks(self):
        self.fleet(1, "    wait_for: checks\n")
        proxy.faults = [some(99, ["DescribeInstanceStatus"], lambda f: refusal("UnauthorizedOperation", "no", 403))]
        self.assertIn("missing permission: ec2:DescribeInstanceStatus", self.apply(code=1))
        proxy.faults = []
        self.apply()
        self.assertEqual(len(self.instances()), 1)

    def test_a_hundred_instances_are_read_in_one_call(self):
        self.fleet(100)
        first_seen = {}

        def pending(action, params, forward):
            """Each instance starts for five seconds."""
            if action != "DescribeInstances":
                return None
            status, body = forward()
            parts = re.split(rb"(?=<instanceId>i-)", body)
            for n, part in enumerate(parts):
                instance = re.match(rb"<instanceId>(i-\w+)", part)
                if instance and time.time() - first_seen.setdefault(instance[1], time.time()) < 5:
                    parts[n] = re.sub(rb"<code>16</code>\s*<name>running</name>",
                                      b"<code>0</code><name>pending</name>", part)
            return status, b"".join(parts)
        proxy.faults = [pending]
        start = time.time()
        self.apply("--parallelism", "10")
        # one after the other they would take 500 s, and ten at a time 50 s
        self.assertLess(time.time() - start, 120)
        self.assertEqual(len(self.instances()), 100)
        self.assertLess(proxy.count("DescribeInstances"), 60)
        proxy.faults = []
        proxy.calls.clear()
        self.unchanged()
        self.assertEqual(proxy.count("DescribeInstances"), 1)
        self.assertLessEqual(proxy.count(), 10, proxy.calls)


class TemplateTest(Project):
    """The project that `hadeploy init --template aws` writes."""

    def ubuntu_for_debian(self, spec):
        """moto has images of Canonical's account, but none of Debian's."""
        text = spec.read_text()
        debian = 'owner: "136693071363", name: "debian-13-amd64-*"'
        self.assertIn(debian, text)
        spec.write_text(text.replace(
            debian, 'owner: "099720109477", name: "ubuntu/images/hvm-ssd/ubuntu-trusty-14.04-amd64-*"'))

    def test_it_is_checked_and_planned(self):
        self.run_it("init", "--template", "aws")
        self.assertIn("AWS accepts them: arn:aws:", self.run_it("doctor"))
        spec = self.path / "hadeploy.yaml"
        self.ubuntu_for_debian(spec)
        self.assertRegex(self.run_it("plan"), r"Plan: 14 to create")

    def test_credentials_that_aws_rejects(self):
        self.run_it("init", "--template", "aws")
        proxy.faults = [some(9, ["GetCallerIdentity"], lambda f: refusal("InvalidClientTokenId", status=403))]
        text = self.run_it("doctor", code=1)
        self.assertIn("AWS rejected the credentials from AWS_ACCESS_KEY_ID", text)


if __name__ == "__main__":
    unittest.main()
