#!/usr/bin/env python3
"""File systems on moto, with what AWS does otherwise (file_systems.py).

usage: efs_test.py HADEPLOY [unittest options]
"""
import json
import unittest

from emulator import ensure_moto, lost_after_effect, some

ensure_moto()
import project  # noqa: E402
from file_systems import failed  # noqa: E402
from project import NETWORK, REGION, Project  # noqa: E402

FILES = """
  nfs:
    type: aws.security_group
    name: nfs
    vpc: ${network.id}
    ingress: [{ports: "2049", peers: ["${web.id}"]}]
  files:
    type: aws.efs
    subnets: ["${subnet[\\"a\\"].id}", "${subnet[\\"b\\"].id}"]
    security_groups: ["${nfs.id}"]
    tags: {Name: shared}
"""
OUTPUTS = """
outputs:
  mounts: ${files.mount_targets}
"""


def setUpModule():
    global moto, proxy
    moto, proxy = project.start()


class Shared(Project):
    def setUp(self):
        super().setUp()
        self.spec(NETWORK + FILES, rest=OUTPUTS)

    def systems(self):
        return self.efs.describe_file_systems()["FileSystems"]

    def mounts(self):
        return {m["AvailabilityZoneName"]: m for m in
                self.efs.describe_mount_targets(FileSystemId=self.id("files"))["MountTargets"]}

    def groups_of(self, mount):
        return self.efs.describe_mount_target_security_groups(MountTargetId=mount["MountTargetId"])["SecurityGroups"]

    def changes(self):
        return [c for c in proxy.calls if not c.startswith(("Describe", "Get"))]

    def whole_and_single(self):
        self.unchanged()
        self.assertEqual(len(self.systems()), 1)
        self.assertEqual(sorted(self.mounts()), ["eu-central-1a", "eu-central-1b"])
        self.assertEqual([self.groups_of(m) for m in self.mounts().values()], [[self.id("nfs")]] * 2)


class LifeTest(Shared):
    def setUp(self):
        super().setUp()
        proxy.files.creating = 2
        self.apply()

    def test_all_is_as_the_spec_says(self):
        self.whole_and_single()
        one = self.systems()[0]
        self.assertEqual((one["Encrypted"], one["PerformanceMode"]), (True, "generalPurpose"))
        tags = {t["Key"]: t["Value"] for t in one["Tags"]}
        self.assertEqual((tags["Name"], tags["team"], tags["hadeploy:identity"]), ("shared", "ops", one["CreationToken"]))
        self.assertEqual(json.loads(self.run_it("output", "--json"))["mounts"],
                         {zone: m["IpAddress"] for zone, m in self.mounts().items()})
        # they were available when the step ended
        self.assertFalse(any(proxy.files.is_young(m["MountTargetId"]) for m in self.mounts().values()))

    def test_nothing_to_change_in_few_calls(self):
        proxy.calls.clear()
        self.unchanged()
        self.assertEqual([c for c in proxy.calls if "FileSystem" in c or "Mount" in c or "Interface" in c],
                         ["DescribeFileSystems", "DescribeMountTargets", "DescribeNetworkInterfaces"])

    def test_drift_is_found_and_repaired(self):
        files, mounts = self.id("files"), self.mounts()
        self.efs.delete_mount_target(MountTargetId=mounts["eu-central-1a"]["MountTargetId"])
        self.efs.modify_mount_target_security_groups(MountTargetId=mounts["eu-central-1b"]["MountTargetId"],
                                                     SecurityGroups=[self.id("web")])
        self.efs.tag_resource(ResourceId=files, Tags=[{"Key": "Name", "Value": "other"}, {"Key": "mine", "Value": "1"}])
        self.differs("update files")
        self.apply()
        self.whole_and_single()
        tags = {t["Key"]: t["Value"] for t in self.systems()[0]["Tags"]}
        self.assertEqual((self.id("files"), tags["Name"], tags["mine"]), (files, "shared", "1"))

    def test_changes_in_place(self):
        files = self.id("files")
        proxy.files.deleting = 3
        proxy.calls.clear()
        other = FILES.replace("  nfs:", "  third:\n    type: aws.subnet\n    vpc: ${network.id}\n    cidr: 10.20.3.0/24\n"
                              "    availability_zone: eu-central-1b\n  nfs:").replace('subnet[\\"b\\"]', "third")
        self.spec(NETWORK + other.replace('["${nfs.id}"]\n    tags: {Name: shared}',
                                          '["${web.id}"]\n    throughput_mode: elastic'), rest=OUTPUTS)
        self.apply()
        self.assertEqual(self.id("files"), files)
        self.assertEqual([c for c in self.changes() if "Subnet" not in c],
                         ["UpdateFileSystem", "DeleteMountTarget", "CreateMountTarget",
                          "ModifyMountTargetSecurityGroups", "UntagResource"])
        self.assertEqual(self.mounts()["eu-central-1b"]["SubnetId"], self.id("third"))
        self.assertEqual([self.groups_of(m) for m in self.mounts().values()], [[self.id("web")]] * 2)
        self.unchanged()

    def test_destroy_asks_and_waits_for_the_mount_targets(self):
        proxy.files.deleting = 3
        text = self.run_it("destroy", "--auto-approve", code=1)
        self.assertIn(f"the file system {self.id('files')} and all files in it", text)
        self.assertEqual(len(self.systems()), 1)
        proxy.calls.clear()
        self.run_it("destroy", "--auto-approve", "--allow-data-loss")
        self.assertEqual(proxy.count("DeleteMountTarget"), 2)
        self.assertGreater(proxy.count("DeleteFileSystem"), 1)
        self.assertEqual(self.ours(), [])

    def test_one_that_is_gone_is_made_again(self):
        for mount in self.mounts().values():
            self.efs.delete_mount_target(MountTargetId=mount["MountTargetId"])
        self.efs.delete_file_system(FileSystemId=self.id("files"))
        self.differs("create files")
        self.apply()
        self.whole_and_single()

    def test_an_existing_one_is_imported_and_then_managed(self):
        files = self.id("files")
        self.run_it("state", "rm", "files")
        self.run_it("import", "files", files)
        self.whole_and_single()
        self.assertEqual(self.id("files"), files)


class FaultTest(Shared):
    def test_lost_answers_make_nothing_twice(self):
        proxy.faults = [some(1, [action], lost_after_effect) for action in ("CreateFileSystem", "CreateMountTarget")]
        self.apply()
        self.whole_and_single()
        proxy.faults = [some(1, [action], lost_after_effect) for action in ("DeleteMountTarget", "DeleteFileSystem")]
        self.run_it("destroy", "--auto-approve", "--allow-data-loss")
        self.assertEqual(self.ours(), [])

    def test_throttling_and_pages_of_proxies_are_waited_out(self):
        proxy.faults = [some(2, ["DescribeFileSystems", "CreateFileSystem"], lambda f: failed(429, "ThrottlingException")),
                        some(1, ["DescribeMountTargets", "CreateMountTarget"], lambda f: (503, b"<html>oops"))]
        self.apply()
        self.whole_and_single()

    def test_answers_of_another_form_make_nothing_again(self):
        self.apply()
        for action, body, what in (("DescribeFileSystems", b"{}", "the response has no FileSystems"),
                                   ("DescribeFileSystems", b"<html>", "the response is not valid JSON, or is truncated"),
                                   ("DescribeFileSystems", b"", "the response has no FileSystems"),
                                   ("DescribeFileSystems", b"[]", "the response is not a JSON object"),
                                   ("DescribeMountTargets", b"{}", "the response has no MountTargets")):
            with self.subTest(body):
                proxy.faults = [some(99, [action], lambda f, body=body: (200, body))]
                self.assertIn(f"elasticfilesystem:{action} in {REGION}: {what}", self.run_it("plan", code=1))
        proxy.faults = []
        self.whole_and_single()

    def test_a_missing_permission_is_named(self):
        proxy.faults = [some(9, ["CreateFileSystem"], lambda f: failed(403, "AccessDeniedException"))]
        self.assertIn("missing permission: elasticfilesystem:CreateFileSystem in eu-central-1", self.apply(code=1))
        proxy.faults = [some(9, ["CreateFileSystem"], lambda f: failed(403, "FileSystemLimitExceeded"))]
        self.assertIn("request a higher quota from AWS", self.apply(code=1))

    def test_two_subnets_of_one_zone_are_refused(self):
        one_zone = NETWORK.replace("eu-central-1${each.key}", "eu-central-1a")
        text = "the subnets of the file system are in too few availability zones: 2 in eu-central-1a"
        self.spec(one_zone)
        self.apply()
        self.spec(one_zone + FILES)
        self.assertIn(text, self.run_it("plan", code=1))
        # new ones are known only in apply
        self.spec(one_zone + "  other: {type: aws.subnet, vpc: \"${network.id}\", cidr: 10.20.9.0/24, "
                  "availability_zone: eu-central-1a}\n" + FILES.replace('subnet[\\"b\\"]', "other"))
        self.assertIn(text, self.apply(code=1))
        self.assertEqual(proxy.count("CreateFileSystem"), 0)


if __name__ == "__main__":
    unittest.main()
