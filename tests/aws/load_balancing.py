"""What AWS does with load balancers, and moto does not: names that are in use, zones of subnets, protection,
listeners and groups in use, limits of DescribeTags, and states that take time. The proxy of emulator.py asks it.

Not covered: moto knows one port for each target of a group, and one page of target groups; AWS's own times, health
checks of real targets, certificates that exist, and addresses and interfaces that a removed balancer keeps for minutes.
"""
import time
import xml.etree.ElementTree as ElementTree

import boto3

SPACE = "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"
ElementTree.register_namespace("", SPACE)


def refused(code, message="it was refused", status=400):
    return status, (f'<ErrorResponse xmlns="{SPACE}"><Error><Type>Sender</Type><Code>{code}</Code>'
                    f"<Message>{message}</Message></Error><RequestId>r</RequestId></ErrorResponse>").encode()


def values(params, prefix):
    return [value for key, value in params.items() if key.startswith(prefix)]


class LoadBalancing:
    version = "2015-12-01"

    def __init__(self, moto_port):
        access = {"region_name": "eu-central-1", "aws_access_key_id": "x", "aws_secret_access_key": "x",
                  "endpoint_url": f"http://127.0.0.1:{moto_port}"}
        self.elb, self.ec2 = boto3.client("elbv2", **access), boto3.client("ec2", **access)
        self.clear()

    def clear(self):
        self.provisioning = self.checking = self.drain = 0.0  # seconds
        self.created, self.registered, self.draining, self.born = {}, {}, {}, {}

    def answer(self, action, params, forward):
        rule = getattr(self, action, None)
        return forward() if rule is None else rule(params, forward)

    def balancers(self):
        return self.elb.describe_load_balancers()["LoadBalancers"]

    def listeners(self, arn):
        return self.elb.describe_listeners(LoadBalancerArn=arn)["Listeners"]

    def users(self, group):
        """The balancers whose listeners forward to a group."""
        return [b["LoadBalancerArn"] for b in self.balancers()
                if any(a.get("TargetGroupArn") == group for one in self.listeners(b["LoadBalancerArn"])
                       for a in one["DefaultActions"])]

    def once(self, action, params, forward, taken, duplicate):
        """The same name with the same settings gives the same object, without other tags."""
        settings = {k: v for k, v in params.items() if not k.startswith("Tags.")}
        if not taken:
            self.created[action, params["Name"]] = settings, forward()
        before, answer = self.created.get((action, params["Name"]), (None, None))
        return answer if before == settings else refused(duplicate, "it exists with other settings")

    def CreateLoadBalancer(self, params, forward):
        subnets = values(params, "Subnets.member.")
        zones = {s["AvailabilityZone"] for s in self.ec2.describe_subnets(SubnetIds=subnets)["Subnets"]}
        least = 2 if params["Type"] == "application" else 1
        if len(zones) < max(least, len(subnets)):
            return refused("InvalidConfigurationRequest", "too few availability zones")
        taken = params["Name"] in {b["LoadBalancerName"] for b in self.balancers()}
        self.born.setdefault(params["Name"], time.time())
        return self.once("CreateLoadBalancer", params, forward, taken, "DuplicateLoadBalancerName")

    def CreateTargetGroup(self, params, forward):
        taken = params["Name"] in {g["TargetGroupName"] for g in self.elb.describe_target_groups()["TargetGroups"]}
        return self.once("CreateTargetGroup", params, forward, taken, "DuplicateTargetGroupName")

    def CreateListener(self, params, forward):
        arn = params["LoadBalancerArn"]
        if params["Port"] in {str(one["Port"]) for one in self.listeners(arn)}:
            return refused("DuplicateListener", "a listener already exists on this port")
        group = params.get("DefaultActions.member.1.TargetGroupArn")
        if group and set(self.users(group)) - {arn}:
            return refused("TargetGroupAssociationLimit", "the group has another load balancer")
        return forward()

    def DeleteLoadBalancer(self, params, forward):
        arn = params["LoadBalancerArn"]
        if arn not in {b["LoadBalancerArn"] for b in self.balancers()}:
            return forward()
        attributes = self.elb.describe_load_balancer_attributes(LoadBalancerArn=arn)
        if {"Key": "deletion_protection.enabled", "Value": "true"} in attributes["Attributes"]:
            return refused("OperationNotPermitted", "deletion protection is enabled")
        return forward()

    def DescribeLoadBalancers(self, _, forward):
        status, body = forward()
        if status != 200:
            return status, body
        tree = ElementTree.fromstring(body)
        for one in tree.iter(f"{{{SPACE}}}member"):
            name = one.findtext(f"{{{SPACE}}}LoadBalancerName")
            if name and time.time() - self.born.get(name, 0) < self.provisioning:
                one.find(f"{{{SPACE}}}State/{{{SPACE}}}Code").text = "provisioning"
        return status, ElementTree.tostring(tree)

    def DescribeTags(self, params, forward):
        arns = values(params, "ResourceArns.member.")
        if len(arns) > 20:
            return refused("ValidationError", "at most 20 resources")
        there = {b["LoadBalancerArn"] for b in self.balancers()}
        there |= {g["TargetGroupArn"] for g in self.elb.describe_target_groups()["TargetGroups"]}
        for arn in set(arns) - there:
            return refused("TargetGroupNotFound" if ":targetgroup/" in arn else "LoadBalancerNotFound", arn)
        return forward()

    @staticmethod
    def place(params):
        return params["TargetGroupArn"], params["Targets.member.1.Id"], params["Targets.member.1.Port"]

    def RegisterTargets(self, params, forward):
        self.draining.pop(self.place(params), None)
        self.registered.setdefault(self.place(params), time.time())
        return forward()

    def DeregisterTargets(self, params, forward):
        used = bool(self.users(params["TargetGroupArn"]))
        if self.registered.pop(self.place(params), None) is not None and used:
            self.draining[self.place(params)] = time.time() + self.drain
        status, body = forward()
        if status != 200 and b"InvalidTarget" in body:  # AWS accepts what is not registered
            return 200, f'<DeregisterTargetsResponse xmlns="{SPACE}"><DeregisterTargetsResult/>' \
                        "</DeregisterTargetsResponse>".encode()
        return status, body

    def is_draining(self):
        return any(end > time.time() for end in self.draining.values())

    def health(self, place, used):
        if not used:
            return "unused", "Target.NotInUse", "the group has no listener"
        age = time.time() - self.registered.get(place, 0)
        if age < self.checking / 2:
            return "initial", "Elb.RegistrationInProgress", "Target registration is in progress"
        if age < self.checking:
            return "unhealthy", "Target.ResponseCodeMismatch", "Health checks failed with these codes: [502]"
        return "healthy", "", ""

    def DescribeTargetHealth(self, params, forward):
        status, body = forward()
        if status != 200:
            return status, body
        group, used = params["TargetGroupArn"], bool(self.users(params["TargetGroupArn"]))
        tree = ElementTree.fromstring(body)
        targets = tree.find(f".//{{{SPACE}}}TargetHealthDescriptions")
        for one in targets.findall(f"{{{SPACE}}}member"):
            target = [one.findtext(f"{{{SPACE}}}Target/{{{SPACE}}}{part}") for part in ("Id", "Port")]
            self.put(one, target, self.health((group, *target), used))
        for (its, *target), end in self.draining.items():
            if its == group and end > time.time():
                self.put(ElementTree.SubElement(targets, f"{{{SPACE}}}member"), target,
                         ("draining", "Target.DeregistrationInProgress", "Target deregistration is in progress"))
        return status, ElementTree.tostring(tree)

    @staticmethod
    def put(one, target, health):
        one.clear()
        for name, parts in (("Target", zip(("Id", "Port"), target)),
                            ("TargetHealth", zip(("State", "Reason", "Description"), health))):
            element = ElementTree.SubElement(one, f"{{{SPACE}}}{name}")
            for key, text in parts:
                if text:
                    ElementTree.SubElement(element, f"{{{SPACE}}}{key}").text = text
