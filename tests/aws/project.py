"""A project with AWS resources on moto, for the tests in this folder.

A test calls ensure_moto() of emulator.py before it imports this module.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import boto3
from emulator import Moto, Proxy

HADEPLOY = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else "hadeploy"
REGION = "eu-central-1"

NETWORK = """
  network: {type: aws.vpc, cidr: 10.20.0.0/16, dns_hostnames: true, tags: {Name: demo}}
  internet: {type: aws.internet_gateway, vpc: "${network.id}"}
  subnet:
    type: aws.subnet
    for_each: {a: 10.20.1.0/24, b: 10.20.2.0/24}
    vpc: ${network.id}
    availability_zone: eu-central-1${each.key}
    cidr: ${each.value}
    public_ip: true
  routes:
    type: aws.route_table
    vpc: ${network.id}
    routes: {0.0.0.0/0: "${internet.id}"}
    subnets: ["${subnet[\\"a\\"].id}", "${subnet[\\"b\\"].id}"]
  web:
    type: aws.security_group
    name: web
    vpc: ${network.id}
    ingress:
      - {ports: "80", peers: [0.0.0.0/0]}
      - {ports: "8000-8100", peers: [10.1.2.3/8, self, 2001:DB8::0/32], description: inside}
    egress: [{protocol: all, peers: [0.0.0.0/0]}]
"""

# Two instances in NETWORK, and their membership in the target group `group` behind the balancer `front`.
NODES = """
  node:
    type: aws.instance
    for_each: [a, b]
    image: ami-12c6146b
    instance_type: t3.micro
    subnet: ${subnet[each.key].id}
    security_groups: ["${web.id}"]
"""
TARGETS = """
  target:
    type: aws.target
    for_each: [a, b]
    target_group: ${group.id}
    target: ${node[each.key].id}
    port: 80
    depends_on: [front]
"""


def start():
    """Starts moto and the proxy for a module of tests."""
    global moto, proxy
    moto = Moto()
    unittest.addModuleCleanup(moto.stop)
    proxy = Proxy(moto)
    return moto, proxy


class Project(unittest.TestCase):
    def setUp(self):
        moto.reset()
        proxy.clear()
        directory = tempfile.TemporaryDirectory(prefix="hadeploy-aws-test-")
        self.addCleanup(directory.cleanup)
        self.path = pathlib.Path(directory.name)
        self.ec2, self.elb, self.efs = self.client("ec2"), self.client("elbv2"), self.client("efs")
        self.classic, self.rds = self.client("elb"), self.client("rds")
        self.scaling = self.client("autoscaling")
        self.theirs = self.vpcs()

    @staticmethod
    def client(service, url=None):
        """A client of moto, without the proxy."""
        return boto3.client(service, region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x",
                            endpoint_url=url or f"http://127.0.0.1:{moto.port}")

    def vpcs(self):
        return {v["VpcId"] for v in self.ec2.describe_vpcs()["Vpcs"]}

    def spec(self, resources, settings="", rest=""):
        (self.path / "hadeploy.yaml").write_text(
            f"name: demo\nproviders: {{aws: {{tags: {{team: ops}}{settings}}}}}\n"
            f"resources:\n{resources}\n{rest}")

    def environment(self):
        return {"PATH": os.environ["PATH"], "HOME": str(self.path), "AWS_ACCESS_KEY_ID": "AKIAX",
                "AWS_SECRET_ACCESS_KEY": "s", "AWS_REGION": REGION, "AWS_ENDPOINT_URL": proxy.url,
                "AWS_EC2_METADATA_DISABLED": "true"}

    def run_it(self, *words, code=0, **env):
        done = subprocess.run([HADEPLOY, *words], cwd=self.path, capture_output=True, text=True, timeout=300,
                              stdin=subprocess.DEVNULL, env={**self.environment(), **env})
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertEqual(proxy.wrong, [])
        return done.stdout + done.stderr

    def apply(self, *words, code=0):
        return self.run_it("apply", "--auto-approve", *words, code=code)

    def unchanged(self):
        self.run_it("plan", "--detailed-exitcode")

    def differs(self, *expected):
        """The plan has exactly these steps, "update web"."""
        text = self.run_it("plan", "--json", "--detailed-exitcode", code=2)
        steps = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
        plan = next(s for s in steps if "steps" in s)
        self.assertEqual(sorted(f"{s['action']} {s['address']}" for s in plan["steps"]), sorted(expected), text)

    def recorded(self, address):
        return json.loads(self.run_it("state", "show", address, "--json"))["attributes"]

    def id(self, address):
        return self.recorded(address)["id"]

    def ours(self):
        """Everything with our tag. (moto keeps the tags of objects that are gone, so it is not asked for tags.)"""
        tagged = [{"Name": "tag-key", "Values": ["hadeploy:identity"]}]
        found = [i["InstanceId"] for i in self.instances()]
        for kind, key, name in (("vpcs", "Vpcs", "VpcId"), ("subnets", "Subnets", "SubnetId"),
                                ("internet_gateways", "InternetGateways", "InternetGatewayId"),
                                ("route_tables", "RouteTables", "RouteTableId"),
                                ("security_groups", "SecurityGroups", "GroupId"), ("volumes", "Volumes", "VolumeId"),
                                ("addresses", "Addresses", "AllocationId"), ("key_pairs", "KeyPairs", "KeyPairId")):
            found += [one[name] for one in getattr(self.ec2, f"describe_{kind}")(Filters=tagged)[key]]
        found += [t["LaunchTemplateId"] for t in self.ec2.describe_launch_templates(Filters=tagged)["LaunchTemplates"]]
        found += [g["AutoScalingGroupName"] for g in self.scaling_groups()]
        found += [arn for arn in self.balancers() + self.groups() if "hadeploy:identity" in self.tags(arn)]
        found += [b["LoadBalancerName"] for b in self.classic.describe_load_balancers()["LoadBalancerDescriptions"]]
        found += [d["DBInstanceIdentifier"] for d in self.rds.describe_db_instances()["DBInstances"]]
        found += [g["DBSubnetGroupName"] for g in self.rds.describe_db_subnet_groups()["DBSubnetGroups"]]
        found += [g["DBParameterGroupName"] for g in self.rds.describe_db_parameter_groups()["DBParameterGroups"]
                  if not g["DBParameterGroupName"].startswith("default.")]
        return sorted(found + [one["FileSystemId"] for one in self.efs.describe_file_systems()["FileSystems"]])

    def scaling_groups(self):
        return self.scaling.describe_auto_scaling_groups()["AutoScalingGroups"]

    def balancers(self):
        return [b["LoadBalancerArn"] for b in self.elb.describe_load_balancers()["LoadBalancers"]]

    def groups(self):
        return [g["TargetGroupArn"] for g in self.elb.describe_target_groups()["TargetGroups"]]

    def tags(self, arn):
        described = self.elb.describe_tags(ResourceArns=[arn])["TagDescriptions"][0]
        return {t["Key"]: t["Value"] for t in described["Tags"]}

    def instances(self):
        return [i for r in self.ec2.describe_instances()["Reservations"] for i in r["Instances"]
                if i["State"]["Name"] not in ("terminated", "shutting-down")]
