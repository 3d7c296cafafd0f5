#!/usr/bin/env python3
"""Launch templates and autoscaling groups on moto, with what AWS does otherwise (scaling.py).

usage: scaling_test.py HADEPLOY [unittest options]
"""
import re
import signal
import subprocess
import threading
import time
import unittest

from emulator import ensure_moto, lost_after_effect, refusal, some

ensure_moto()
import project  # noqa: E402
from project import HADEPLOY, REGION, Project  # noqa: E402
from scaling import refused  # noqa: E402

TEMPLATE = """
  template:
    type: aws.launch_template
    name: web
    image: ami-12c6146b
    instance_type: t3.micro
    security_groups: [GROUP]
    key: demo
    user_data: "#!/bin/sh"
    root_volume: {size: 12 GiB, type: gp3, iops: 4000}
    tags: {Name: template}
"""
TARGETS = """
  targets: {type: aws.target_group, name: web, port: 80, vpc: VPC}
"""
FLEET = """
  fleet:
    type: aws.autoscaling_group
    name: fleet
    launch_template: ${template.id}
    version: ${template.version}
    subnets: [SUBNET_A, SUBNET_B]
    min: 2
    max: 4
    target_groups: ["${targets.id}"]
    health_check: ELB
    health_check_grace: 1m
    refresh: {min_healthy: 50, warmup: 10s}
    tags: {Name: node}
"""
ALL = TEMPLATE + TARGETS + FLEET


def setUpModule():
    global moto, proxy
    moto, proxy = project.start()


class Scaled(Project):
    """Uses moto's default network, so that no test has to create one."""

    def setUp(self):
        super().setUp()
        subnets = {one["AvailabilityZone"][-1]: one for one in self.ec2.describe_subnets()["Subnets"]}
        self.a, self.b = subnets["a"]["SubnetId"], subnets["b"]["SubnetId"]
        self.web = self.ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]
        self.places = {"SUBNET_A": self.a, "SUBNET_B": self.b, "GROUP": self.web, "VPC": subnets["a"]["VpcId"]}

    def spec(self, resources, settings="", rest=""):
        for name, its in self.places.items():
            resources = resources.replace(name, its)
        super().spec(resources, settings, rest)

    def group(self):
        """The group as AWS would describe it."""
        groups = self.client("autoscaling", proxy.url).describe_auto_scaling_groups()["AutoScalingGroups"]
        self.assertEqual(len(groups), 1)
        return groups[0]

    def templates(self):
        return self.ec2.describe_launch_templates()["LaunchTemplates"]

    def data(self, version):
        return self.ec2.describe_launch_template_versions(
            LaunchTemplateId=self.id("template"), Versions=[version])["LaunchTemplateVersions"][0]["LaunchTemplateData"]

    def versions(self):
        """The template versions of the group's instances."""
        return sorted(one["LaunchTemplate"]["Version"] for one in self.group()["Instances"])

    def changes(self):
        return [c for c in proxy.calls if not c.startswith(("Describe", "Get"))]

    def whole_and_single(self, version="1", instances=2):
        self.unchanged()
        self.assertEqual(len(self.templates()), 1)
        template, group = self.templates()[0], self.group()
        self.assertEqual((str(template["DefaultVersionNumber"]), str(template["LatestVersionNumber"])), (version, version))
        self.assertEqual((group["LaunchTemplate"]["Version"], self.versions()), (version, [version] * instances))
        self.assertEqual(len(self.instances()), instances)


class LifeTest(Scaled):
    def setUp(self):
        super().setUp()
        self.spec(ALL)
        self.apply()

    def test_all_is_as_the_spec_says(self):
        self.whole_and_single()
        group = self.group()
        self.assertEqual({one["LifecycleState"] for one in group["Instances"]}, {"InService"})
        self.assertEqual((group["MinSize"], group["MaxSize"], group["DesiredCapacity"], group["HealthCheckType"],
                          group["HealthCheckGracePeriod"], group["TargetGroupARNs"]),
                         (2, 4, 2, "ELB", 60, [self.id("targets")]))
        self.assertEqual(sorted(group["VPCZoneIdentifier"].split(",")),
                         sorted([self.a, self.b]))
        tags = {t["Key"]: (t["Value"], t["PropagateAtLaunch"]) for t in group["Tags"]}
        self.assertEqual((tags["Name"], tags["team"], tags["hadeploy:project"], tags["hadeploy:address"]),
                         (("node", True), ("ops", True), ("demo", True), ("fleet", True)))
        self.assertFalse(tags["hadeploy:identity"][1])
        data = self.data("1")
        self.assertEqual((data["ImageId"], data["InstanceType"], data["KeyName"], data["SecurityGroupIds"],
                          data["MetadataOptions"]["HttpTokens"]),
                         ("ami-12c6146b", "t3.micro", "demo", [self.web], "required"))
        disk = data["BlockDeviceMappings"][0]["Ebs"]
        self.assertEqual((disk["VolumeSize"], disk["VolumeType"], disk["Iops"]), (12, "gp3", 4000))
        state = self.recorded("fleet")
        self.assertEqual((state["desired"], state["instances"]),
                         (2, sorted(i["InstanceId"] for i in self.instances())))
        self.assertEqual(self.recorded("template")["version"], "1")

    def test_nothing_to_change_in_few_calls(self):
        proxy.calls.clear()
        self.unchanged()
        self.assertEqual(sorted(c for c in proxy.calls if "Template" in c or "Scaling" in c or "Refresh" in c),
                         ["DescribeAutoScalingGroups", "DescribeLaunchTemplateVersions", "DescribeLaunchTemplates"])

    def test_drift_is_found_and_repaired(self):
        targets = self.id("targets")
        self.scaling.update_auto_scaling_group(AutoScalingGroupName="fleet", MinSize=1, MaxSize=9, DesiredCapacity=3,
                                               HealthCheckType="EC2", HealthCheckGracePeriod=10,
                                               VPCZoneIdentifier=self.a)
        self.scaling.detach_load_balancer_target_groups(AutoScalingGroupName="fleet", TargetGroupARNs=[targets])
        self.scaling.suspend_processes(AutoScalingGroupName="fleet", ScalingProcesses=["AZRebalance"])
        described = {"ResourceId": "fleet", "ResourceType": "auto-scaling-group"}
        self.scaling.create_or_update_tags(Tags=[
            {**described, "Key": "Name", "Value": "node", "PropagateAtLaunch": False},
            {**described, "Key": "team", "Value": "other", "PropagateAtLaunch": True},
            {**described, "Key": "mine", "Value": "1", "PropagateAtLaunch": False}])
        self.ec2.create_tags(Resources=[self.id("template")], Tags=[{"Key": "Name", "Value": "other"}])
        self.differs("update fleet", "update template")
        self.apply()
        self.whole_and_single(instances=3)  # the spec does not set the number
        group = self.group()
        self.assertEqual((group["MinSize"], group["MaxSize"], group["HealthCheckType"], group["HealthCheckGracePeriod"],
                          group["TargetGroupARNs"], group["SuspendedProcesses"]), (2, 4, "ELB", 60, [targets], []))
        tags = {t["Key"]: (t["Value"], t["PropagateAtLaunch"]) for t in group["Tags"]}
        self.assertEqual((tags["Name"], tags["team"], tags["mine"]),
                         (("node", True), ("ops", True), ("1", False)))

    def test_versions_of_others_are_drift(self):
        template = self.id("template")
        # a later version that is not the default: $Latest would start it
        self.ec2.create_launch_template_version(LaunchTemplateId=template, SourceVersion="1", LaunchTemplateData={
            "ImageId": "ami-12c6146b", "InstanceType": "t3.large"})
        self.differs("update template", "update fleet")
        text = self.run_it("plan", "--detailed-exitcode", code=2)
        self.assertRegex(text, "instance_type: t3.large -> t3.micro")
        self.apply()
        self.whole_and_single("3")
        # a different default version, with the attributes of the spec and one more
        data = self.data("3")
        self.ec2.create_launch_template_version(LaunchTemplateId=template,
                                                LaunchTemplateData={**data, "EbsOptimized": True})
        self.ec2.modify_launch_template(LaunchTemplateId=template, DefaultVersion="4")
        self.differs("update template", "update fleet")
        self.apply()
        self.whole_and_single("5")
        # an earlier default version
        self.ec2.modify_launch_template(LaunchTemplateId=template, DefaultVersion="2")
        self.differs("update template", "update fleet")
        proxy.calls.clear()
        self.apply()
        self.assertEqual(self.changes(), ["ModifyLaunchTemplate"])
        self.whole_and_single("5")

    def test_another_version_replaces_the_instances(self):
        old, group = {i["InstanceId"] for i in self.instances()}, self.group()["AutoScalingGroupARN"]
        proxy.scaling.pace = 1
        proxy.calls.clear()
        self.spec(ALL.replace("t3.micro", "t3.small").replace("    key: demo\n", "").replace("min: 2", "min: 3"))
        text = self.apply()
        self.assertEqual(self.changes(), ["CreateLaunchTemplateVersion", "ModifyLaunchTemplate",
                                          "UpdateAutoScalingGroup", "StartInstanceRefresh"])
        self.assertEqual(proxy.scaling.refreshes["fleet"][0]["asked"],
                         {"Preferences.SkipMatching": "true", "Preferences.MinHealthyPercentage": "50",
                          "Preferences.InstanceWarmup": "10"})
        self.assertRegex(text, r"replacing instances: \d+% complete")
        self.whole_and_single("2", instances=3)
        self.assertEqual(self.group()["AutoScalingGroupARN"], group)
        self.assertEqual(old & {i["InstanceId"] for i in self.instances()}, set())
        self.assertNotIn("KeyName", self.data("2"))
        # the earlier data again: a new version, not the first one
        self.spec(ALL)
        self.apply()
        self.whole_and_single("3", instances=3)

    def test_instances_stay_if_the_spec_says_so(self):
        old = {i["InstanceId"] for i in self.instances()}
        self.spec(ALL.replace("t3.micro", "t3.small").replace("max: 4", "max: 4\n    template_change: keep"))
        self.apply()
        self.unchanged()
        self.assertEqual({i["InstanceId"] for i in self.instances()}, old)
        self.assertEqual((self.group()["LaunchTemplate"]["Version"], self.versions()), ("2", ["1", "1"]))
        # a later change of the spec replaces them
        self.spec(ALL.replace("t3.micro", "t3.small"))
        self.differs("update fleet")
        self.apply()
        self.whole_and_single("2")

    def test_sizes_and_processes_change_in_place(self):
        proxy.calls.clear()
        self.spec(ALL.replace("max: 4", "max: 5\n    desired: 4\n    suspended: [AZRebalance, Launch]")
                  .replace('["${targets.id}"]', "[]").replace("    tags: {Name: node}\n", ""))
        self.apply()
        self.assertEqual(self.changes(), ["UpdateAutoScalingGroup", "DetachLoadBalancerTargetGroups",
                                          "SuspendProcesses", "DeleteTags"])
        self.unchanged()
        self.assertEqual(len(self.instances()), 4)
        self.assertEqual(sorted(p["ProcessName"] for p in self.group()["SuspendedProcesses"]), ["AZRebalance", "Launch"])
        self.scaling.set_desired_capacity(AutoScalingGroupName="fleet", DesiredCapacity=3)
        self.differs("update fleet")  # now the spec sets the number

    def test_a_group_that_is_gone_is_made_again(self):
        self.scaling.delete_auto_scaling_group(AutoScalingGroupName="fleet", ForceDelete=True)
        self.differs("create fleet")
        self.apply()
        self.ec2.delete_launch_template(LaunchTemplateId=self.id("template"))
        self.differs("create template", "update fleet")
        self.apply()
        self.whole_and_single()

    def test_destroy_lets_instances_end_first(self):
        proxy.scaling.ending = 3
        self.scaling.suspend_processes(AutoScalingGroupName="fleet", ScalingProcesses=["Terminate"])
        proxy.calls.clear()
        self.run_it("destroy", "--auto-approve", "--allow-data-loss")
        order = [c for c in self.changes() if "Scaling" in c or "Template" in c or "Processes" in c]
        self.assertEqual(order[:3], ["ResumeProcesses", "UpdateAutoScalingGroup", "DeleteAutoScalingGroup"])
        self.assertEqual(order.count("UpdateAutoScalingGroup"), 1)
        self.assertGreater(order.count("DeleteAutoScalingGroup"), 1)
        self.assertEqual(order[-1], "DeleteLaunchTemplate")
        self.assertEqual(self.ours(), [])

    def test_destroy_can_end_all_at_once(self):
        proxy.scaling.ending = 60
        self.spec(ALL.replace("max: 4", "max: 4\n    force_destroy: true"))
        self.apply()
        proxy.calls.clear()
        self.run_it("destroy", "--auto-approve", "--allow-data-loss")
        self.assertEqual([c for c in self.changes() if "Scaling" in c], ["DeleteAutoScalingGroup"])
        self.assertEqual(self.ours(), [])


class RefreshTest(Scaled):
    def setUp(self):
        super().setUp()
        self.spec(ALL)
        self.apply()

    def start(self):
        return subprocess.Popen([HADEPLOY, "apply", "--auto-approve"], cwd=self.path, env=self.environment(),
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True)

    def test_a_refresh_that_fails_is_an_error_and_is_repeated(self):
        def fails(action, params, forward):
            if action != "DescribeInstanceRefreshes" or "fleet" not in proxy.scaling.refreshes:
                return None
            proxy.scaling.refreshes["fleet"][0].update(Status="Failed", StatusReason="too few healthy instances")
            return None
        proxy.faults = [fails]
        proxy.scaling.pace = 60
        self.spec(ALL.replace("t3.micro", "t3.small"))
        self.assertIn("the instance refresh has the status Failed (too few healthy instances)", self.apply(code=1))
        proxy.faults = []
        proxy.scaling.pace = 0
        self.differs("update fleet")
        self.apply()
        self.whole_and_single("2")

    def start_of_a_rollout(self):
        """An apply that waits for a refresh that does not advance."""
        proxy.scaling.pace = 600
        self.spec(ALL.replace("t3.micro", "t3.small"))
        waiting = threading.Event()
        proxy.faults = [lambda action, params, forward: waiting.set()
                        if proxy.count("StartInstanceRefresh") and proxy.count("DescribeInstanceRefreshes") > 2 else None]
        process = self.start()
        self.assertTrue(waiting.wait(60))
        return process

    def test_a_killed_run_is_continued_without_another_refresh(self):
        process = self.start_of_a_rollout()
        process.send_signal(signal.SIGKILL)
        process.communicate()
        proxy.faults = []
        proxy.scaling.pace = 0
        proxy.scaling.refreshes["fleet"][0]["next"] = time.time() + 2
        self.differs("update fleet")
        self.apply()
        self.assertEqual(proxy.count("StartInstanceRefresh"), 1)
        self.whole_and_single("2")

    def test_a_later_version_takes_the_place_of_one_that_is_being_rolled_out(self):
        process = self.start_of_a_rollout()
        process.terminate()
        self.assertIn("stopped replacing instances", process.communicate(timeout=60)[0])
        proxy.faults = []
        proxy.scaling.pace = 0
        self.spec(ALL.replace("t3.micro", "t3.large"))
        self.apply()
        self.assertEqual([one["Status"] for one in proxy.scaling.refreshes["fleet"]], ["Successful", "Cancelled"])
        self.whole_and_single("3")


class WaitTest(Scaled):
    def test_the_end_of_apply_is_when_instances_are_in_service(self):
        proxy.scaling.starting = 2
        self.spec(ALL)
        self.assertIn("waiting for instances: 0 of 2 are in service", self.apply())
        self.assertEqual({one["LifecycleState"] for one in self.group()["Instances"]}, {"InService"})

    def test_progress_names_why_instances_do_not_start(self):
        proxy.scaling.problem = "You have requested more vCPU capacity than your current limit"
        self.spec(ALL.replace("max: 4", "max: 4\n    timeout: 3s"))
        text = re.sub(r"\s+", " ", self.apply(code=1))
        self.assertIn("waiting for instances: 0 of 2 are in service (AWS: You have requested more vCPU capacity", text)
        self.assertIn("the autoscaling group is not ready after 3s", text)
        proxy.scaling.problem = ""
        self.apply()
        self.whole_and_single()

    def test_without_wait_instances_are_not_waited_for(self):
        proxy.scaling.starting = 600
        self.spec(ALL.replace("max: 4", "max: 4\n    wait: false"))
        self.apply()
        self.assertEqual({one["LifecycleState"] for one in self.group()["Instances"]}, {"Pending"})


class ImportTest(Scaled):
    def test_existing_objects_are_imported_and_then_managed(self):
        self.spec(ALL)
        self.apply()
        ids = {address: self.id(address) for address in ("template", "fleet")}
        for address in ids:
            self.run_it("state", "rm", address)
        for address, its in ids.items():
            self.run_it("import", address, its)
        self.whole_and_single()
        self.assertEqual({address: self.id(address) for address in ids}, ids)

    def test_what_differs_is_changed_after_an_import(self):
        self.spec(TARGETS)
        self.apply()
        template = self.ec2.create_launch_template(LaunchTemplateName="web", LaunchTemplateData={
            "ImageId": "ami-12c6146b", "InstanceType": "t3.nano"})["LaunchTemplate"]["LaunchTemplateId"]
        self.scaling.create_auto_scaling_group(
            AutoScalingGroupName="fleet", MinSize=1, MaxSize=1, VPCZoneIdentifier=self.a,
            LaunchTemplate={"LaunchTemplateId": template, "Version": "$Latest"})
        self.spec(ALL)
        self.run_it("import", "template", template)
        self.apply("--target", "template")  # so that its version is known
        self.run_it("import", "fleet", "fleet")
        self.apply()
        self.assertEqual(self.id("template"), template)
        self.whole_and_single("2")

    def test_names_of_others_are_a_conflict(self):
        self.spec(TEMPLATE + TARGETS)
        self.apply()
        self.scaling.create_auto_scaling_group(
            AutoScalingGroupName="fleet", MinSize=0, MaxSize=1, VPCZoneIdentifier=self.a,
            LaunchTemplate={"LaunchTemplateId": self.id("template"), "Version": "1"})
        self.spec(ALL)
        self.assertIn("belongs to somebody else: the autoscaling group fleet", self.apply(code=1))
        self.spec(TEMPLATE.replace("  template:", "  other:").replace("name: web", "name: theirs"))
        self.ec2.create_launch_template(LaunchTemplateName="theirs", LaunchTemplateData={"ImageId": "ami-12c6146b"})
        self.assertIn("belongs to somebody else: the launch template lt-", self.apply(code=1))


class FaultTest(Scaled):
    def setUp(self):
        super().setUp()
        self.spec(ALL)

    def test_lost_answers_make_nothing_twice(self):
        def lose(*actions):
            proxy.faults = [some(1, [action], lost_after_effect) for action in actions]
        lose("CreateLaunchTemplate", "CreateAutoScalingGroup")
        self.apply()
        self.whole_and_single()
        proxy.scaling.pace = 1  # otherwise the first refresh would end before the request is repeated
        lose("CreateLaunchTemplateVersion", "ModifyLaunchTemplate", "UpdateAutoScalingGroup", "StartInstanceRefresh")
        self.spec(ALL.replace("t3.micro", "t3.small"))
        self.apply()
        self.whole_and_single("2")
        self.assertEqual(len(proxy.scaling.refreshes["fleet"]), 1)
        lose("DeleteAutoScalingGroup", "DeleteLaunchTemplate", "UpdateAutoScalingGroup")
        self.run_it("destroy", "--auto-approve", "--allow-data-loss")
        self.assertEqual(self.ours(), [])

    def test_refusals_say_what_to_do(self):
        for action, answer, expected in (
                ("CreateLaunchTemplate", refusal("UnauthorizedOperation", "no", 403),
                 f"missing permission: ec2:CreateLaunchTemplate in {REGION}"),
                ("CreateAutoScalingGroup", refused("AccessDenied", "no", 403),
                 f"missing permission: autoscaling:CreateAutoScalingGroup in {REGION}"),
                ("CreateAutoScalingGroup", refused("LimitExceeded"), "request a higher quota from AWS")):
            with self.subTest(action):
                proxy.faults = [some(9, [action], lambda f, answer=answer: answer)]
                self.assertIn(expected, re.sub(r"\s+", " ", self.apply(code=1)))

    def test_answers_of_another_form_make_nothing_again(self):
        self.apply()
        for action, body, what in (
                ("DescribeAutoScalingGroups", b"<DescribeAutoScalingGroupsResponse/>",
                 "autoscaling:DescribeAutoScalingGroups in eu-central-1: the response has no <AutoScalingGroups>"),
                ("DescribeLaunchTemplateVersions",
                 b"<DescribeLaunchTemplateVersionsResponse><launchTemplateVersionSet/></DescribeLaunchTemplateVersionsResponse>",
                 "ec2:DescribeLaunchTemplateVersions in eu-central-1: the response has no versions of lt-")):
            with self.subTest(action):
                proxy.faults = [some(99, [action], lambda f, body=body: (200, body))]
                self.assertIn(what, self.run_it("plan", code=1))
        proxy.faults = []
        self.whole_and_single()


if __name__ == "__main__":
    unittest.main()
