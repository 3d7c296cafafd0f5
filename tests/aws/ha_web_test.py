#!/usr/bin/env python3
"""examples/aws-ha-web on moto: the plan of the whole system, and the life of its part in AWS, from the first plan to
destroy, checked from outside by boto3. Its hosts are in ha_web_machines_test.py.

usage: ha_web_test.py HADEPLOY [unittest options]
"""
import base64
import collections
import json
import subprocess
import unittest

from emulator import ensure_moto

ensure_moto()
import project  # noqa: E402
from project import REGION  # noqa: E402
from web_system import HELLO, WebProject, only_aws  # noqa: E402


def setUpModule():
    global moto, proxy
    moto, proxy = project.start()
    if not HELLO.exists():
        raise unittest.SkipTest("needs the images of the build")


class WholeTest(WebProject):
    def test_the_plan_creates_everything_and_shows_no_secret(self):
        self.assertIn("The spec is valid", self.run_it("validate"))
        text = self.run_it("plan", "--json")
        plan = json.loads(text.splitlines()[-1])
        self.assertEqual({action for action, count in plan["counts"].items() if count}, {"create"})
        self.assertEqual(plan["warnings"], [])
        types = collections.Counter(step["type"] for step in plan["steps"])
        for name, count in {"aws.instance": 2, "aws.target": 2, "aws.subnet": 2, "aws.security_group": 3, "aws.efs": 1,
                            "aws.db_instance": 1, "host.mount": 2, "host.git": 1, "docker.compose": 2,
                            "mysql.database": 1, "mysql.user": 1}.items():
            self.assertEqual(types[name], count, name)
        self.assertEqual(self.secrets_in(text, self.run_it("plan")), set())

    def test_secrets_are_new_each_time_and_never_replaced(self):
        again = subprocess.run([self.path / "new-secrets"], env=self.environment(), capture_output=True, text=True,
                               timeout=60, check=False)
        self.assertEqual(again.returncode, 1)
        self.assertIn("secrets.yaml exists", again.stderr)
        before = self.secrets()
        (self.path / "secrets.yaml").unlink()
        subprocess.run([self.path / "new-secrets", "a", "b", "c"], env=self.environment(), check=True,
                       capture_output=True, timeout=60)
        self.assertTrue((self.path / "secrets.yaml").read_text().startswith("$ANSIBLE_VAULT;1.1;AES256\n"))
        after = self.secrets()
        self.assertEqual(sorted(after["host_keys"]), ["a", "b", "c"])
        for name in before.keys() - {"host_keys"}:
            self.assertNotEqual(before[name], after[name])


class LifeTest(WebProject):
    def setUp(self):
        super().setUp()
        self.edit_module(only_aws)
        self.said = self.apply()

    def output(self):
        return json.loads(self.run_it("output", "--json"))

    def test_all_is_as_the_spec_says(self):
        self.unchanged()
        zones = {i["Placement"]["AvailabilityZone"]: i for i in self.instances()}
        self.assertEqual(sorted(zones), [REGION + "a", REGION + "b"])
        keys = self.secrets()
        for zone, host in ((REGION + "a", "web-a"), (REGION + "b", "web-b")):
            node = zones[zone]
            data = self.ec2.describe_instance_attribute(InstanceId=node["InstanceId"], Attribute="userData")
            config = base64.b64decode(data["UserData"]["Value"]).decode()
            self.assertTrue(config.startswith("#cloud-config\n"))
            self.assertEqual(json.loads(config.split("\n", 1)[1])["ssh_keys"],
                             {f"ed25519_{part}": key for part, key in keys["host_keys"][host].items()})
        (pair,) = self.ec2.describe_key_pairs(IncludePublicKey=True)["KeyPairs"]
        self.assertEqual(pair["PublicKey"].split()[1], keys["login_key"]["public"].split()[1])
        (front,) = self.elb.describe_load_balancers()["LoadBalancers"]
        self.assertEqual({z["ZoneName"] for z in front["AvailabilityZones"]}, set(zones))
        health = self.elb.describe_target_health(TargetGroupArn=self.groups()[0])["TargetHealthDescriptions"]
        self.assertEqual({t["Target"]["Id"] for t in health}, {i["InstanceId"] for i in zones.values()})
        (database,) = self.rds.describe_db_instances()["DBInstances"]
        self.assertEqual((database["Engine"], database["MultiAZ"], database["PubliclyAccessible"],
                          database["StorageEncrypted"]), ("mariadb", True, False, True))
        self.assertEqual(self.open_ports(), {(80, "0.0.0.0/0"), (22, "192.0.2.0/24")})

    def open_ports(self):
        """Ports and the addresses outside of the network that may connect to them."""
        ours = [g for g in self.ec2.describe_security_groups()["SecurityGroups"] if g["VpcId"] == self.id("network")]
        return {(p.get("FromPort"), r["CidrIp"]) for g in ours for p in g["IpPermissions"] for r in p["IpRanges"]}

    def test_the_outputs(self):
        addresses = {t["Value"]: i["PublicIpAddress"] for i in self.instances() for t in i["Tags"] if t["Key"] == "Name"}
        (files,) = self.efs.describe_file_systems()["FileSystems"]
        self.assertEqual(self.output(), {
            "efs": f"{files['FileSystemId']}.efs.{REGION}.amazonaws.com", **addresses,
            "web-db": self.rds.describe_db_instances()["DBInstances"][0]["Endpoint"]["Address"],
            "web-lb": self.elb.describe_load_balancers()["LoadBalancers"][0]["DNSName"]})

    def test_no_secret_is_shown_or_recorded_in_clear_text(self):
        shown = self.run_it("state", "pull") + self.run_it("show") + self.run_it("plan", "--json")
        self.assertEqual(self.secrets_in(self.said, shown, *self.files_of_state()), set())

    def test_a_refresh_takes_few_requests(self):
        proxy.calls.clear()
        self.unchanged()
        counts = collections.Counter(proxy.calls)
        self.assertTrue(all(name.startswith(("Describe", "Get", "List")) for name in counts), counts)
        # one for each of thirteen types and two data sources; the others are attributes, tags and parts of single objects
        self.assertLessEqual(proxy.count(), 25, counts)
        print(f"refresh: {proxy.count()} requests: {dict(counts)}", flush=True)

    def test_drift_is_found_and_repaired(self):
        node = self.id('node["web-b"]')
        self.ec2.stop_instances(InstanceIds=[node])
        self.ec2.revoke_security_group_ingress(GroupId=self.id("public"), IpProtocol="tcp", FromPort=80, ToPort=80,
                                               CidrIp="0.0.0.0/0")
        self.ec2.delete_route(RouteTableId=self.id("routes"), DestinationCidrBlock="0.0.0.0/0")
        self.elb.modify_target_group(TargetGroupArn=self.id("group"), HealthCheckPath="/")
        self.elb.deregister_targets(TargetGroupArn=self.id("group"),
                                    Targets=[{"Id": self.id('node["web-a"]'), "Port": 80}])
        mount = self.efs.describe_mount_targets(FileSystemId=self.id("files"))["MountTargets"][0]
        self.efs.delete_mount_target(MountTargetId=mount["MountTargetId"])
        self.rds.modify_db_instance(DBInstanceIdentifier="ha-web", BackupRetentionPeriod=1, ApplyImmediately=True)
        self.differs('update node["web-b"]', "update public", "update routes", "update group",
                     'create target["web-a"]', "update files", "update database")
        self.apply()
        self.unchanged()
        self.test_all_is_as_the_spec_says()

    def test_an_instance_that_is_gone_is_made_again_and_gets_requests(self):
        old = self.id('node["web-b"]')
        self.elb.deregister_targets(TargetGroupArn=self.id("group"), Targets=[{"Id": old, "Port": 80}])
        self.ec2.terminate_instances(InstanceIds=[old])
        self.apply()
        self.assertNotEqual(self.id('node["web-b"]'), old)
        self.test_all_is_as_the_spec_says()

    def test_destroy_leaves_nothing(self):
        refused = self.run_it("destroy", "--auto-approve", code=1)
        for what in ("the database ha-web", "all files in it"):
            self.assertIn(what, refused)
        self.destroy()
        self.nothing_is_left()
        self.assertEqual(self.ec2.describe_key_pairs()["KeyPairs"], [])
        self.assertEqual(self.rds.describe_db_snapshots()["DBSnapshots"], [])


if __name__ == "__main__":
    unittest.main()
