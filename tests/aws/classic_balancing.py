"""What AWS does with classic load balancers, and moto does not: zones of subnets, one name for one load balancer,
registrations that are checked and drain, names that do not exist. The proxy of emulator.py asks it.

Not covered: moto knows neither the protocol of instances nor the ID of the hosted zone; AWS's own times, health checks
of real instances, certificates that exist.
"""
import time

import boto3
from load_balancing import refused, values


def text(action, inside=""):
    return 200, f"<{action}Response><{action}Result>{inside}</{action}Result></{action}Response>".encode()


class ClassicBalancing:
    version = "2012-06-01"

    def __init__(self, moto_port):
        access = {"region_name": "eu-central-1", "aws_access_key_id": "x", "aws_secret_access_key": "x",
                  "endpoint_url": f"http://127.0.0.1:{moto_port}"}
        self.elb, self.ec2 = boto3.client("elb", **access), boto3.client("ec2", **access)
        self.clear()

    def clear(self):
        self.checking = self.drain = 0.0  # seconds
        self.created, self.registered, self.draining = {}, {}, {}

    def balancers(self):
        return {b["LoadBalancerName"]: b for b in self.elb.describe_load_balancers()["LoadBalancerDescriptions"]}

    def answer(self, action, params, forward):
        name = params.get("LoadBalancerName")
        if name and action not in ("CreateLoadBalancer", "DeleteLoadBalancer") and name not in self.balancers():
            return refused("LoadBalancerNotFound", f"There is no ACTIVE Load Balancer named '{name}'")
        rule = getattr(self, action, None)
        return forward() if rule is None else rule(params, forward)

    def CreateLoadBalancer(self, params, forward):
        subnets = values(params, "Subnets.member.")
        zones = {s["AvailabilityZone"] for s in self.ec2.describe_subnets(SubnetIds=subnets)["Subnets"]}
        if len(zones) < len(subnets):
            return refused("InvalidConfigurationRequest", "subnets of one zone")
        settings = {k: v for k, v in params.items() if not k.startswith("Tags.")}
        if params["LoadBalancerName"] not in self.balancers():
            self.created[params["LoadBalancerName"]] = settings, forward()
        before, answer = self.created[params["LoadBalancerName"]]
        return answer if before == settings else refused("DuplicateLoadBalancerName", "it has other settings")

    def here(self, name):
        return {i["InstanceId"] for i in self.balancers()[name]["Instances"]}

    def RegisterInstancesWithLoadBalancer(self, params, forward):
        name, instance = params["LoadBalancerName"], params["Instances.member.1.InstanceId"]
        self.draining.pop((name, instance), None)
        if instance in self.here(name):
            return text("RegisterInstancesWithLoadBalancer")
        self.registered[name, instance] = time.time()
        return forward()

    def DeregisterInstancesFromLoadBalancer(self, params, forward):
        name, instance = params["LoadBalancerName"], params["Instances.member.1.InstanceId"]
        if instance in self.here(name):
            self.draining[name, instance] = time.time() + self.drain
        return forward()

    def is_draining(self):
        return any(end > time.time() for end in self.draining.values())

    def DescribeInstanceHealth(self, params, _):
        name, asked = params["LoadBalancerName"], values(params, "Instances.member.")
        states = ""
        for instance in asked or sorted(self.here(name)):
            state, why = "InService", "N/A"
            if self.draining.get((name, instance), 0) > time.time():
                why = "Instance deregistration currently in progress."
            elif instance not in self.here(name):
                if not any(r["Instances"] for r in self.ec2.describe_instances()["Reservations"]
                           for i in r["Instances"] if i["InstanceId"] == instance):
                    return refused("InvalidInstance", f"Could not find EC2 instance {instance}.")
                state, why = "OutOfService", "Instance is not currently registered with the LoadBalancer."
            elif time.time() - self.registered.get((name, instance), 0) < self.checking:
                state, why = "OutOfService", "Instance registration is still in progress."
            states += (f"<member><InstanceId>{instance}</InstanceId><State>{state}</State><ReasonCode>N/A</ReasonCode>"
                       f"<Description>{why}</Description></member>")
        return text("DescribeInstanceHealth", f"<InstanceStates>{states}</InstanceStates>")
