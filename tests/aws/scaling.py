"""What AWS does with autoscaling groups, and moto does not: names in use, instances that take time to start and to
terminate, the template version of each instance, instance refreshes. The proxy of emulator.py asks it.

Not covered: AWS's own health checks and choice of zones, scaling policies, lifecycle hooks, quotas.
"""
import time
import uuid
import xml.etree.ElementTree as ElementTree

import boto3

SPACE = "http://autoscaling.amazonaws.com/doc/2011-01-01/"


def tag(name):
    return f"{{{SPACE}}}{name}"


def refused(code, message="it was refused", status=400):
    return status, (f'<ErrorResponse xmlns="{SPACE}"><Error><Type>Sender</Type><Code>{code}</Code>'
                    f"<Message>{message}</Message></Error><RequestId>r</RequestId></ErrorResponse>").encode()


def answered(action, result):
    return 200, f'<{action}Response xmlns="{SPACE}"><{action}Result>{result}</{action}Result></{action}Response>'.encode()


class Scaling:
    version = "2011-01-01"

    def __init__(self, moto_port):
        access = {"region_name": "eu-central-1", "aws_access_key_id": "x", "aws_secret_access_key": "x",
                  "endpoint_url": f"http://127.0.0.1:{moto_port}"}
        self.groups, self.ec2 = boto3.client("autoscaling", **access), boto3.client("ec2", **access)
        self.clear()

    def clear(self):
        self.starting = self.ending = self.pace = 0.0  # seconds, of one instance; of one replacement
        self.problem = ""  # of launches
        self.launched, self.members, self.leaving, self.refreshes = {}, {}, {}, {}

    def answer(self, action, params, forward):
        rule = getattr(self, action, None)
        return forward() if rule is None else rule(params, forward)

    def described(self):
        return {g["AutoScalingGroupName"]: g for g in self.groups.describe_auto_scaling_groups()["AutoScalingGroups"]}

    def use(self, group):
        """The template and the version from which the group would launch an instance now."""
        its = group["LaunchTemplate"]
        numbers = self.ec2.describe_launch_templates(LaunchTemplateIds=[its["LaunchTemplateId"]])["LaunchTemplates"][0]
        wanted = its.get("Version", "$Default")
        return its["LaunchTemplateId"], {"$Default": str(numbers["DefaultVersionNumber"]),
                                         "$Latest": str(numbers["LatestVersionNumber"])}.get(wanted, wanted)

    def note(self):
        """Records the version and the start of each new instance, and the instances that have left."""
        for name, group in self.described().items():
            now = {one["InstanceId"] for one in group["Instances"]}
            for one in now - self.launched.keys():
                self.launched[one] = (*self.use(group), time.time())
            for one in self.members.get(name, set()) - now:
                self.leaving[one] = name, time.time() + self.ending
            self.members[name] = now

    def going(self, name):
        return [one for one, (its, end) in self.leaving.items() if its == name and end > time.time()]

    def advance(self):
        """Replaces an outdated instance of each group that is refreshed."""
        self.note()
        for name, group in self.described().items():
            latest = self.refreshes.get(name, [{}])[0]
            if latest.get("Status") != "InProgress" or time.time() < latest["next"]:
                continue
            old = [one for one in sorted(self.members[name]) if self.launched[one][:2] != self.use(group)]
            if old:
                self.ec2.terminate_instances(InstanceIds=old[:1])  # moto starts another one
                latest["next"] = time.time() + self.pace
                latest["PercentageComplete"] = 100 - 100 * len(old) // max(len(self.members[name]), 1)
            else:
                latest.update(Status="Successful", PercentageComplete=100)
            self.note()

    def CreateAutoScalingGroup(self, params, forward):
        if params["AutoScalingGroupName"] in self.described():
            return refused("AlreadyExists", "AutoScalingGroup by this name already exists")
        answer = forward()
        self.note()
        return answer

    def UpdateAutoScalingGroup(self, _, forward):
        self.note()
        answer = forward()
        self.note()
        return answer

    def DeleteAutoScalingGroup(self, params, forward):
        self.note()
        name = params["AutoScalingGroupName"]
        if params.get("ForceDelete") != "true" and (self.members.get(name) or self.going(name)):
            return refused("ResourceInUse", "You cannot delete an AutoScalingGroup while there are instances in it")
        return forward()

    def DescribeAutoScalingGroups(self, _, forward):
        self.advance()
        status, body = forward()
        if status != 200:
            return status, body
        tree = ElementTree.fromstring(body)
        for group in tree.find(f".//{tag('AutoScalingGroups')}"):
            instances = group.find(tag("Instances"))
            for one in instances if instances is not None else ():
                template, version, since = self.launched[one.findtext(tag("InstanceId"))]
                one.find(f"{tag('LaunchTemplate')}/{tag('LaunchTemplateId')}").text = template
                one.find(f"{tag('LaunchTemplate')}/{tag('Version')}").text = version
                if self.problem or time.time() - since < self.starting:
                    one.find(tag("LifecycleState")).text = "Pending"
            for gone in self.going(group.findtext(tag("AutoScalingGroupName"))):
                if instances is None:
                    instances = ElementTree.SubElement(group, tag("Instances"))
                one = ElementTree.SubElement(instances, tag("member"))
                for key, value in (("InstanceId", gone), ("LifecycleState", "Terminating"), ("HealthStatus", "Healthy")):
                    ElementTree.SubElement(one, tag(key)).text = value
        return status, ElementTree.tostring(tree, default_namespace=SPACE)

    def StartInstanceRefresh(self, params, _):
        self.advance()
        every = self.refreshes.setdefault(params["AutoScalingGroupName"], [])
        if every and every[0]["Status"] in ("InProgress", "Pending"):
            return refused("InstanceRefreshInProgress", "An Instance Refresh is already in progress")
        every.insert(0, {"InstanceRefreshId": str(uuid.uuid4()), "Status": "InProgress", "PercentageComplete": 0,
                         "next": time.time() + self.pace,
                         "asked": {k: v for k, v in params.items() if k.startswith("Preferences.")}})
        return answered("StartInstanceRefresh",
                        f"<InstanceRefreshId>{every[0]['InstanceRefreshId']}</InstanceRefreshId>")

    def CancelInstanceRefresh(self, params, _):
        every = self.refreshes.get(params["AutoScalingGroupName"], [{}])
        if every[0].get("Status") != "InProgress":
            return refused("ActiveInstanceRefreshNotFound", "No in progress instance refresh was found")
        every[0]["Status"] = "Cancelled"
        return answered("CancelInstanceRefresh", "")

    def DescribeInstanceRefreshes(self, params, _):
        self.advance()
        shown = "".join("<member>" + "".join(f"<{k}>{v}</{k}>" for k, v in one.items() if k not in ("next", "asked")) +
                        "</member>" for one in self.refreshes.get(params["AutoScalingGroupName"], []))
        return answered("DescribeInstanceRefreshes", f"<InstanceRefreshes>{shown}</InstanceRefreshes>")

    def DescribeScalingActivities(self, _, __):
        shown = (f"<member><StatusCode>Failed</StatusCode><StatusMessage>{self.problem}</StatusMessage></member>"
                 if self.problem else "<member><StatusCode>Successful</StatusCode></member>")
        return answered("DescribeScalingActivities", f"<Activities>{shown}</Activities>")
