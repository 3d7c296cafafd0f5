#!/usr/bin/env python3
"""Databases and their groups on moto, with what AWS does otherwise (databases.py).

usage: databases_test.py HADEPLOY [unittest options]
"""
import json
import shutil
import signal
import subprocess
import threading
import unittest

from emulator import ensure_moto, lost_after_effect, some

ensure_moto()
import project  # noqa: E402
from load_balancing import refused  # noqa: E402
from project import HADEPLOY, REGION, Project  # noqa: E402

PASSWORD = "Tr0ub4dor-and-3"
DATABASE = """
  network: {type: aws.vpc, cidr: 10.20.0.0/16}
  subnet:
    type: aws.subnet
    for_each: {a: 10.20.1.0/24, b: 10.20.2.0/24}
    vpc: ${network.id}
    availability_zone: eu-central-1${each.key}
    cidr: ${each.value}
  guard: {type: aws.security_group, name: guard, vpc: "${network.id}"}
  places:
    type: aws.db_subnet_group
    name: data
    subnets: ["${subnet[\\"a\\"].id}", "${subnet[\\"b\\"].id}"]
  settings:
    type: aws.db_parameter_group
    name: app
    family: postgres16
    parameters: {max_connections: "200", work_mem: "8192"}
  app:
    type: aws.db_instance
    name: app
    engine: postgres
    engine_version: "16"
    instance_class: db.t4g.micro
    storage: 20 GiB
    subnet_group: ${places.id}
    parameter_group: ${settings.id}
    security_groups: ["${guard.id}"]
    username: app
    password: ${var.password}
    tags: {Name: app}
    on_destroy: {snapshot: app-final}
"""
REST = f"""
variables:
  password: {{type: string, secret: true, default: {PASSWORD}}}
outputs:
  where: ${{app.endpoint}}
  version: ${{app.actual_version}}
  pending: ${{app.pending}}
"""
CREATES = ["CreateDBSubnetGroup", "CreateDBParameterGroup", "ModifyDBParameterGroup", "CreateDBInstance"]


def setUpModule():
    global moto, proxy
    moto, proxy = project.start()


class Data(Project):
    def setUp(self):
        super().setUp()
        self.write()

    def write(self, *changes):
        """The spec, with some parts replaced."""
        text = DATABASE
        for old, new in changes:
            self.assertIn(old, text)
            text = text.replace(old, new)
        self.spec(text, rest=REST)

    def database(self):
        return self.client("rds", proxy.url).describe_db_instances()["DBInstances"][0]

    def group(self):
        return self.rds.describe_db_subnet_groups()["DBSubnetGroups"][0]

    def rds_tags(self, arn):
        return {t["Key"]: t["Value"] for t in self.rds.list_tags_for_resource(ResourceName=arn)["TagList"]}

    def parameters(self):
        return proxy.databases.parameters.get(self.id("settings"), {})

    def snapshots(self):
        return sorted(s["DBSnapshotIdentifier"] for s in self.rds.describe_db_snapshots(SnapshotType="manual")["DBSnapshots"])

    def outputs(self):
        return json.loads(self.run_it("output", "--json"))

    def changes(self):
        return [c for c in proxy.calls if not c.startswith(("Describe", "Get", "List"))]

    def destroy(self, *words, code=0):
        return self.run_it("destroy", "--auto-approve", *words, code=code)

    def whole_and_single(self):
        self.unchanged()
        self.assertEqual([d["DBInstanceIdentifier"] for d in self.rds.describe_db_instances()["DBInstances"]], ["app"])
        self.assertEqual(len(self.rds.describe_db_subnet_groups()["DBSubnetGroups"]), 1)
        self.assertEqual(self.parameters(), {"max_connections": "200", "work_mem": "8192"})


class LifeTest(Data):
    def setUp(self):
        super().setUp()
        self.said = self.apply()

    def test_all_is_as_the_spec_says(self):
        self.assertNotIn(PASSWORD, self.said)
        for file in (self.path / ".hadeploy").rglob("*"):
            if file.is_file():
                self.assertNotIn(PASSWORD.encode(), file.read_bytes(), file)
        self.assertNotIn(PASSWORD, self.run_it("state", "show", "app", "--json"))
        self.whole_and_single()
        one = self.database()
        self.assertEqual((one["Engine"], one["EngineVersion"], one["DBInstanceClass"], one["AllocatedStorage"],
                          one["StorageType"], one["StorageEncrypted"], one["MultiAZ"], one["PubliclyAccessible"],
                          one["BackupRetentionPeriod"], one["MasterUsername"], one["CopyTagsToSnapshot"]),
                         ("postgres", "16.4", "db.t4g.micro", 20, "gp3", True, False, False, 7, "app", True))
        self.assertEqual([g["VpcSecurityGroupId"] for g in one["VpcSecurityGroups"]], [self.id("guard")])
        self.assertEqual((one["DBSubnetGroup"]["DBSubnetGroupName"], one["DBParameterGroups"][0]["DBParameterGroupName"]),
                         ("data", "app"))
        self.assertEqual({s["SubnetIdentifier"] for s in self.group()["Subnets"]},
                         {self.id('subnet["a"]'), self.id('subnet["b"]')})
        for arn, address in ((one["DBInstanceArn"], "app"), (self.group()["DBSubnetGroupArn"], "places")):
            tags = self.rds_tags(arn)
            self.assertEqual((tags["team"], tags["hadeploy:address"]), ("ops", address))
        endpoint = f"{one['Endpoint']['Address']}:{one['Endpoint']['Port']}"
        self.assertEqual(self.outputs(), {"where": endpoint, "version": "16.4", "pending": []})
        self.assertEqual(self.recorded("app")["port"], 5432)
        proxy.calls.clear()
        self.unchanged()
        self.assertEqual(sorted(c for c in proxy.calls if "DB" in c or "Tags" in c),
                         ["DescribeDBInstances", "DescribeDBParameterGroups", "DescribeDBParameters",
                          "DescribeDBSubnetGroups", "ListTagsForResource", "ListTagsForResource"])

    def test_drift_is_found_and_repaired(self):
        self.rds.modify_db_instance(
            DBInstanceIdentifier="app", DBInstanceClass="db.t4g.small", MultiAZ=True, BackupRetentionPeriod=1,
            DeletionProtection=True, PubliclyAccessible=True, AutoMinorVersionUpgrade=False, CopyTagsToSnapshot=False,
            StorageType="gp2", VpcSecurityGroupIds=[self.ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]])
        arn = self.database()["DBInstanceArn"]
        self.rds.add_tags_to_resource(ResourceName=arn, Tags=[{"Key": "Name", "Value": "x"}, {"Key": "mine", "Value": "1"}])
        self.client("rds", proxy.url).modify_db_subnet_group(
            DBSubnetGroupName="data", DBSubnetGroupDescription="theirs", SubnetIds=[self.id('subnet["a"]')])
        self.rds.remove_tags_from_resource(ResourceName=self.group()["DBSubnetGroupArn"], TagKeys=["team"])
        proxy.databases.parameters["app"] = {"max_connections": "9", "log_min_duration_statement": "1"}
        self.differs("update app", "update places", "update settings")
        self.write(("    on_destroy", "    apply_immediately: true\n    on_destroy"))
        self.apply()
        self.whole_and_single()
        one = self.database()
        self.assertEqual((one["DBInstanceClass"], one["MultiAZ"], one["BackupRetentionPeriod"], one["DeletionProtection"],
                          one["PubliclyAccessible"], one["AutoMinorVersionUpgrade"], one["CopyTagsToSnapshot"],
                          one["StorageType"]), ("db.t4g.micro", False, 7, False, False, True, True, "gp3"))
        self.assertEqual([g["VpcSecurityGroupId"] for g in one["VpcSecurityGroups"]], [self.id("guard")])
        tags = self.rds_tags(arn)
        self.assertEqual((tags["Name"], tags["mine"], self.rds_tags(self.group()["DBSubnetGroupArn"])["team"]),
                         ("app", "1", "ops"))
        self.assertEqual((len(self.group()["Subnets"]), self.group()["DBSubnetGroupDescription"]),
                         (2, "managed by hadeploy"))

    def test_storage_and_versions_of_aws_are_no_drift_and_states_are_named(self):
        self.write(("storage: 20 GiB", "storage: 20 GiB\n    max_storage: 100 GiB"))
        self.apply()
        self.rds.modify_db_instance(DBInstanceIdentifier="app", AllocatedStorage=60)  # it was nearly full
        self.unchanged()
        self.write(("storage: 20 GiB", "storage: 20 GiB\n    max_storage: 100 GiB"), ('"16"', '"16.3"'))
        self.unchanged()  # 16.4 by an upgrade of AWS
        self.write(("storage: 20 GiB", "storage: 80 GiB\n    max_storage: 100 GiB"))
        self.differs("update app")
        self.write()
        self.assertIn("the storage of a database cannot shrink", self.apply(code=1))
        self.write(("storage: 20 GiB", "storage: 60 GiB"), ("db.t4g.micro", "db.t4g.small"))
        proxy.databases.states["app"] = "inaccessible-encryption-credentials"
        proxy.calls.clear()
        text = self.apply(code=1)
        self.assertIn("the database app is inaccessible-encryption-credentials", text)
        self.assertIn("enable the KMS key that encrypts it", text)
        self.assertEqual(proxy.count("ModifyDBInstance"), 0)

    def test_changes_wait_for_the_maintenance_window(self):
        self.write(("db.t4g.micro", "db.t4g.small"), ("storage: 20 GiB", "storage: 30 GiB"),
                   ("    on_destroy", "    backup_retention: 3d\n    on_destroy"))
        self.apply()
        self.assertEqual((self.database()["DBInstanceClass"], self.database()["BackupRetentionPeriod"]), ("db.t4g.micro", 3))
        self.assertEqual(self.outputs()["pending"], ["instance_class", "storage"])
        self.unchanged()
        proxy.databases.maintain("app")
        self.assertIn("Only outputs change", self.run_it("plan"))
        self.assertEqual(self.database()["DBInstanceClass"], "db.t4g.small")

    def test_changes_at_once_are_waited_for(self):
        proxy.databases.modifying = 1
        self.write(("db.t4g.micro", "db.t4g.small"), ("    on_destroy", "    apply_immediately: true\n    on_destroy"))
        proxy.calls.clear()
        self.apply()
        self.assertEqual(self.changes(), ["ModifyDBInstance"])
        self.assertEqual((proxy.databases.state("app"), self.database()["DBInstanceClass"]), ("available", "db.t4g.small"))
        # the next one waits until AWS takes changes
        proxy.databases.states["app"] = "backing-up"
        looks = []

        def ends(action, params, forward):
            looks.append(action)
            if looks.count("DescribeDBInstances") > 3:
                proxy.databases.states.clear()
        proxy.faults = [ends]
        self.apply_password("Another-pass-1")
        self.assertEqual(proxy.count("ModifyDBInstance"), 2)
        self.unchanged()

    def apply_password(self, password):
        (self.path / "hadeploy.yaml").write_text((self.path / "hadeploy.yaml").read_text().replace(PASSWORD, password))
        self.assertNotIn(password, self.apply())

    def test_a_major_upgrade_has_to_be_allowed(self):
        seventeen = (('"16"', '"17"'), ("postgres16", "postgres17"))
        self.write(*seventeen)
        self.assertIn("from 16.4 to \"17\" is a major upgrade", self.apply(code=1))
        self.assertEqual(proxy.count("ModifyDBInstance"), 0)
        self.write(*seventeen, ("    on_destroy", "    allow_major_upgrade: true\n    apply_immediately: true\n    on_destroy"))
        proxy.calls.clear()
        self.apply()
        one = self.database()
        self.assertEqual((one["EngineVersion"], one["DBParameterGroups"][0]["DBParameterGroupName"]),
                         ("17.2", self.id("settings")))
        self.assertRegex(self.id("settings"), r"^app-[0-9a-f]{6}$")  # the new one came first
        self.assertLess(self.changes().index("ModifyDBInstance"), self.changes().index("DeleteDBParameterGroup"))
        self.whole_and_single()

    def test_destroy_asks_makes_a_snapshot_and_waits(self):
        proxy.databases.deleting = 1
        text = self.destroy(code=1)
        self.assertIn("the database app and its automated backups (the snapshot app-final will keep its present data)", text)
        self.write(("    on_destroy", "    deletion_protection: true\n    on_destroy"))
        self.apply()
        proxy.calls.clear()
        proxy.faults = [some(1, ["DeleteDBInstance"], lost_after_effect)]
        self.destroy("--allow-data-loss")
        self.assertEqual((self.ours(), self.snapshots()), ([], ["app-final"]))
        self.assertGreater(proxy.count("DescribeDBInstances"), 2)
        # a second database cannot overwrite the snapshot of the first one
        proxy.databases.deleting = 0
        self.apply()
        self.destroy("--allow-data-loss")
        self.assertEqual((self.ours(), len(self.snapshots())), ([], 2))
        self.assertRegex(self.snapshots()[1], r"^app-final-[0-9a-z]{6}$")

    def test_a_replacement_that_loses_the_data_has_to_be_confirmed(self):
        self.write(("on_destroy: {snapshot: app-final}", "on_destroy: {skip_snapshot: true}"))
        self.apply()
        self.write(("on_destroy: {snapshot: app-final}", "on_destroy: {skip_snapshot: true}"), ("username: app", "username: boss"))
        self.assertIn("the database app, all data in it, and its automated backups", self.apply(code=1))
        self.assertEqual(proxy.count("DeleteDBInstance"), 0)
        self.apply("--allow-data-loss")
        self.assertEqual((self.database()["MasterUsername"], self.snapshots()), ("boss", []))
        self.unchanged()

    def test_one_that_is_gone_is_made_again_and_one_that_exists_imported(self):
        self.run_it("state", "rm", "app")
        self.rds.remove_tags_from_resource(ResourceName=self.database()["DBInstanceArn"], TagKeys=["hadeploy:identity"])
        self.assertIn("the database app", self.run_it("plan", code=1))
        for address, its in (("app", "app"), ("places", "data"), ("settings", "app")):
            if address != "app":
                self.run_it("state", "rm", address)
            self.run_it("import", address, its)
        self.whole_and_single()
        self.rds.delete_db_instance(DBInstanceIdentifier="app", SkipFinalSnapshot=True)
        self.differs("create app")
        self.apply()
        self.whole_and_single()


class RefusalTest(Data):
    def test_what_the_region_lacks_is_found_by_the_plan(self):
        self.write(('"16"', '"9.6"'))
        text = self.run_it("plan", code=1)
        self.assertIn('RDS does not offer postgres "9.6" in eu-central-1', text)
        self.assertIn("it offers 15, 16, 17", text)
        self.write(("db.t4g.micro", "db.x9.huge"))
        self.assertIn('RDS does not offer "db.x9.huge" for postgres in eu-central-1', self.run_it("plan", code=1))
        proxy.faults = [some(9, ["DescribeOrderableDBInstanceOptions"], lambda f: refused("AccessDenied"))]
        self.run_it("plan")  # the create tells

    def test_subnets_of_one_zone_are_refused(self):
        self.write(("eu-central-1${each.key}", "eu-central-1a"))
        self.assertIn("the subnets of the DB subnet group are in too few availability zones", self.apply(code=1))
        self.assertEqual(proxy.count("CreateDBSubnetGroup"), 0)

    def test_an_unknown_parameter_is_refused(self):
        self.write(("work_mem", "no_such"))
        self.assertIn('the family postgres16 has no parameter "no_such"', self.apply(code=1))
        self.assertEqual(proxy.count("ModifyDBParameterGroup"), 0)

    def test_a_missing_permission_and_a_quota_are_named(self):
        proxy.faults = [some(9, ["CreateDBInstance"], lambda f: refused("AccessDenied", status=403))]
        self.assertIn("missing permission: rds:CreateDBInstance in eu-central-1", self.apply(code=1))
        proxy.faults = [some(9, ["CreateDBInstance"], lambda f: refused("InstanceQuotaExceeded"))]
        self.assertIn("higher quota", self.apply(code=1))
        proxy.faults = []
        proxy.databases.states["app"] = "incompatible-network"
        self.assertIn("the database app is incompatible-network", self.apply(code=1))


class FaultTest(Data):
    def test_lost_answers_make_nothing_twice(self):
        proxy.faults = [some(1, [action], lost_after_effect) for action in CREATES]
        proxy.databases.creating = 2
        self.apply()
        self.assertEqual(proxy.databases.state("app"), "available")  # it was waited for
        self.whole_and_single()
        proxy.faults = [some(1, [action], lost_after_effect)
                        for action in ("DeleteDBInstance", "DeleteDBSubnetGroup", "DeleteDBParameterGroup")]
        self.destroy("--allow-data-loss")
        self.assertEqual((self.ours(), self.snapshots()), ([], ["app-final"]))

    def test_throttling_and_pages_of_proxies_are_waited_out(self):
        proxy.faults = [some(1, ["DescribeDBInstances", "CreateDBInstance"], lambda f: refused("Throttling")),
                        some(1, ["DescribeDBSubnetGroups"], lambda f: (503, b"<html>oops"))]
        self.apply()
        self.whole_and_single()
        for action, body, what in (
                ("DescribeDBInstances", b"<DescribeDBInstancesResponse/>", "the response has no <DBInstances>"),
                ("ListTagsForResource", b"<ListTagsForResourceResponse/>", "the response has no <TagList>"),
                ("DescribeDBParameters", b"<html/>", "the response is <html>, not <DescribeDBParametersResponse>")):
            with self.subTest(action):
                proxy.faults = [some(99, [action], lambda f, body=body: (200, body))]
                self.assertIn(f"rds:{action} in {REGION}: {what}", self.run_it("plan", code=1))

    def test_a_killed_run_is_continued(self):
        for action in ("ModifyDBParameterGroup", "CreateDBInstance"):
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

    def test_many_databases_are_read_with_few_requests(self):
        self.spec("""
  many:
    type: aws.db_instance
    for_each: """ + json.dumps([f"d{n}" for n in range(12)]) + """
    name: many-${each.key}
    engine: mysql
    instance_class: db.t4g.micro
    storage: 20 GiB
    username: app
    password: ${var.password}
    on_destroy: {skip_snapshot: true}
""", rest=REST[:REST.index("outputs:")])
        self.apply()
        proxy.calls.clear()
        self.unchanged()
        self.assertEqual([c for c in proxy.calls if "DB" in c], ["DescribeDBInstances"])


if __name__ == "__main__":
    unittest.main()
