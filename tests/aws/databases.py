"""What AWS does with databases (RDS), and moto does not: states that take time, changes that wait for the maintenance
window, versions and classes that a region has, rules about snapshots, names and groups in use, parameters of families.
The proxy of emulator.py asks it.

Not covered: what a database does, AWS's own times, restarts, failovers, moto's lack of tags in requests other than
creates of databases and groups.
"""
import time
import xml.etree.ElementTree as ElementTree

import boto3
from load_balancing import refused, values

VERSIONS = {"postgres": ["15.7", "16.3", "16.4", "17.2"], "mysql": ["8.0.39", "8.4.3"], "mariadb": ["11.4.4"]}
CLASSES = ["db.t4g.micro", "db.t4g.small"]
PARAMETERS = {"max_connections": "static", "shared_buffers": "static", "work_mem": "dynamic",
              "log_min_duration_statement": "dynamic"}
DEFERRED = {"DBInstanceClass": "DBInstanceClass", "AllocatedStorage": "AllocatedStorage", "MultiAZ": "MultiAZ",
            "EngineVersion": "EngineVersion", "DBPortNumber": "Port", "StorageType": "StorageType", "Iops": "Iops",
            "StorageThroughput": "StorageThroughput"}


def plain(body):
    """The answer without namespaces."""
    tree = ElementTree.fromstring(body)
    for one in tree.iter():
        one.tag = one.tag.rsplit("}", 1)[-1]
    return tree


def text(action, inside=""):
    return 200, f"<{action}Response><{action}Result>{inside}</{action}Result></{action}Response>".encode()


class Databases:
    version = "2014-10-31"

    def __init__(self, moto_port):
        access = {"region_name": "eu-central-1", "aws_access_key_id": "x", "aws_secret_access_key": "x",
                  "endpoint_url": f"http://127.0.0.1:{moto_port}"}
        self.rds, self.ec2 = boto3.client("rds", **access), boto3.client("ec2", **access)
        self.clear()

    def clear(self):
        self.creating = self.modifying = self.deleting = 0.0  # seconds
        self.born, self.changed, self.leaving, self.pending, self.states, self.parameters = {}, {}, {}, {}, {}, {}

    def answer(self, action, params, forward):
        rule = getattr(self, action, None)
        return forward() if rule is None else rule(params, forward)

    def databases(self):
        return {d["DBInstanceIdentifier"]: d for d in self.rds.describe_db_instances()["DBInstances"]}

    def going(self):
        return {name: one for name, (one, end) in self.leaving.items() if end > time.time()}

    def state(self, name):
        for state, since, lasts in (("creating", self.born, self.creating), ("modifying", self.changed, self.modifying)):
            if time.time() - since.get(name, 0) < lasts:
                return state
        return self.states.get(name, "available")

    @staticmethod
    def whole(params):
        """The latest version that begins with the one in a request."""
        its = params.get("EngineVersion", "")
        fits = [v for v in VERSIONS[params["Engine"]] if v == its or its == "" or v.startswith(its + ".")]
        return {**params, "EngineVersion": fits[-1]} if fits else None

    def CreateDBInstance(self, params, forward):
        name, group = params["DBInstanceIdentifier"], params.get("DBSubnetGroupName")
        if name in self.going() or name in self.databases():
            return refused("DBInstanceAlreadyExists", "DB instance already exists")
        if self.whole(params) is None or params["DBInstanceClass"] not in CLASSES:
            return refused("InvalidParameterCombination", "this combination is not offered")
        if group and group not in {g["DBSubnetGroupName"] for g in self.rds.describe_db_subnet_groups()["DBSubnetGroups"]}:
            return refused("DBSubnetGroupNotFoundFault", "no such group")
        status, body = forward(self.whole(params))
        if status == 200:
            self.born[name] = time.time()
        return status, body

    def DescribeDBInstances(self, params, forward):
        status, body = forward()
        if status != 200:
            return status, body
        tree = plain(body)
        listed = tree.find(".//DBInstances")
        for one in listed.findall("DBInstance"):
            name = one.findtext("DBInstanceIdentifier")
            one.find("DBInstanceStatus").text = state = self.state(name)
            endpoint, pending = one.find("Endpoint"), one.find("PendingModifiedValues")
            if state == "creating" and endpoint is not None:
                one.remove(endpoint)
            if pending is None:
                pending = ElementTree.SubElement(one, "PendingModifiedValues")
            for key, value in self.pending.get(name, {}).items():
                ElementTree.SubElement(pending, DEFERRED[key]).text = value
        wanted = values(params, "Filters.Filter.1.Values.Value.")
        for name, one in self.going().items():
            if not wanted or name in wanted:
                one.find("DBInstanceStatus").text = "deleting"
                listed.append(one)
        return status, ElementTree.tostring(tree)

    def ModifyDBInstance(self, params, forward):
        name = params["DBInstanceIdentifier"]
        if name not in self.databases():
            return forward()
        if self.state(name) not in ("available", "storage-full", "incompatible-parameters"):
            return refused("InvalidDBInstanceState", f"it is {self.state(name)}")
        now = self.databases()[name]
        if "EngineVersion" in params:
            whole = self.whole({**params, "Engine": now["Engine"]})["EngineVersion"]
            if whole.split(".")[0] != now["EngineVersion"].split(".")[0] and params.get("AllowMajorVersionUpgrade") != "true":
                return refused("InvalidParameterCombination", "AllowMajorVersionUpgrade must be present")
            params = {**params, "EngineVersion": whole}
        if int(params.get("AllocatedStorage", 10 ** 6)) < now["AllocatedStorage"]:
            return refused("InvalidParameterValue", "storage cannot shrink")
        if params.get("ApplyImmediately") == "true":
            self.changed[name] = time.time()
            self.states.pop(name, None)
            return forward({**params, **self.pending.pop(name, {})})
        waits = {k: v for k, v in params.items() if k in DEFERRED and v.lower() != str(now.get(k, "")).lower()}
        self.pending[name] = {**self.pending.get(name, {}), **waits}
        return forward({k: v for k, v in params.items() if k not in waits})

    def maintain(self, name):
        """The maintenance window."""
        renamed = {"MultiAZ": lambda v: v == "true", "AllocatedStorage": int, "DBPortNumber": int, "Iops": int,
                   "StorageThroughput": int}
        self.rds.modify_db_instance(DBInstanceIdentifier=name, **{
            k: renamed.get(k, str)(v) for k, v in self.pending.pop(name).items()})

    def DeleteDBInstance(self, params, forward):
        name, snapshot = params["DBInstanceIdentifier"], params.get("FinalDBSnapshotIdentifier")
        if name in self.going() or (name in self.databases() and self.state(name) == "creating"):
            return refused("InvalidDBInstanceState", "it is creating or deleting")
        if (params.get("SkipFinalSnapshot") == "true") == bool(snapshot):
            return refused("InvalidParameterCombination", "FinalDBSnapshotIdentifier is required")
        if snapshot and self.state(name) == "failed":
            return refused("InvalidDBInstanceState", "no snapshot of a failed one")
        if snapshot in {s["DBSnapshotIdentifier"] for s in self.rds.describe_db_snapshots()["DBSnapshots"]}:
            return refused("DBSnapshotAlreadyExists", "the snapshot exists")
        listed = plain(self.DescribeDBInstances({}, lambda: self.described(forward))[1]).find(".//DBInstances")
        status, body = forward()
        if status == 200:
            one = next(d for d in listed if d.findtext("DBInstanceIdentifier") == name)
            self.leaving[name] = one, time.time() + self.deleting
        return status, body

    @staticmethod
    def described(forward):
        return forward({"Action": "DescribeDBInstances", "Version": Databases.version})

    def DescribeDBEngineVersions(self, params, _):
        inside = "".join(f"<DBEngineVersion><EngineVersion>{v}</EngineVersion></DBEngineVersion>"
                         for v in VERSIONS[params["Engine"]])
        return text("DescribeDBEngineVersions", f"<DBEngineVersions>{inside}</DBEngineVersions>")

    def DescribeOrderableDBInstanceOptions(self, params, _):
        inside = "<OrderableDBInstanceOption/>" if params["DBInstanceClass"] in CLASSES else ""
        return text("DescribeOrderableDBInstanceOptions",
                    f"<OrderableDBInstanceOptions>{inside}</OrderableDBInstanceOptions>")

    def zones(self, params):
        subnets = values(params, "SubnetIds.SubnetIdentifier.")
        return {s["AvailabilityZone"] for s in self.ec2.describe_subnets(SubnetIds=subnets)["Subnets"]}

    def CreateDBSubnetGroup(self, params, forward):
        if len(self.zones(params)) < 2:
            return refused("DBSubnetGroupDoesNotCoverEnoughAZs", "too few zones")
        if params["DBSubnetGroupName"] in {
                g["DBSubnetGroupName"] for g in self.rds.describe_db_subnet_groups()["DBSubnetGroups"]}:
            return refused("DBSubnetGroupAlreadyExists", "it exists")
        return forward()

    def ModifyDBSubnetGroup(self, params, _):
        """That of moto loses the group."""
        (old,) = self.rds.describe_db_subnet_groups(DBSubnetGroupName=params["DBSubnetGroupName"])["DBSubnetGroups"]
        tags = self.rds.list_tags_for_resource(ResourceName=old["DBSubnetGroupArn"])["TagList"]
        self.rds.delete_db_subnet_group(DBSubnetGroupName=old["DBSubnetGroupName"])
        self.rds.create_db_subnet_group(
            DBSubnetGroupName=old["DBSubnetGroupName"], DBSubnetGroupDescription=params["DBSubnetGroupDescription"],
            SubnetIds=values(params, "SubnetIds.SubnetIdentifier."), Tags=tags)
        return text("ModifyDBSubnetGroup")

    def in_use(self, element, name):
        described = [self.databases().values(), []]
        groups = {d.get("DBSubnetGroup", {}).get("DBSubnetGroupName") for d in described[0]}
        groups |= {g["DBParameterGroupName"] for d in described[0] for g in d["DBParameterGroups"]}
        return name in groups | {e.text for one in self.going().values() for e in one.iter(element)}

    def DeleteDBSubnetGroup(self, params, forward):
        if self.in_use("DBSubnetGroupName", params["DBSubnetGroupName"]):
            return refused("InvalidDBSubnetGroupStateFault", "a database uses it")
        return forward()

    def DeleteDBParameterGroup(self, params, forward):
        if self.in_use("DBParameterGroupName", params["DBParameterGroupName"]):
            return refused("InvalidDBParameterGroupState", "a database uses it")
        return forward()

    @staticmethod
    def given(params):
        """Name, value and how it applies, of each parameter in a request."""
        numbers = {key.split(".")[2] for key in params if key.startswith("Parameters.Parameter.")}
        return [[params.get(f"Parameters.Parameter.{n}.{part}") for part in ("ParameterName", "ParameterValue",
                                                                            "ApplyMethod")] for n in numbers]

    def ModifyDBParameterGroup(self, params, _):
        given = self.given(params)
        if len(given) > 20:
            return refused("InvalidParameterValue", "at most 20 parameters")
        for name, value, how in given:
            if name not in PARAMETERS:
                return refused("InvalidParameterValue", f"could not find {name}")
            if PARAMETERS[name] == "static" and how == "immediate":
                return refused("InvalidParameterCombination", "cannot use immediate for static parameter")
            self.parameters.setdefault(params["DBParameterGroupName"], {})[name] = value
        return text("ModifyDBParameterGroup")

    def ResetDBParameterGroup(self, params, _):
        for name, _, _ in self.given(params):
            self.parameters[params["DBParameterGroupName"]].pop(name)
        return text("ResetDBParameterGroup")

    def DescribeDBParameters(self, params, _):
        set_here = self.parameters.get(params["DBParameterGroupName"], {})
        if params.get("Source") == "user":
            names, marker = sorted(set_here), ""
        else:  # in two pages
            half = len(PARAMETERS) // 2
            names = list(PARAMETERS)[half:] if "Marker" in params else list(PARAMETERS)[:half]
            marker = "" if "Marker" in params else "<Marker>more</Marker>"
        inside = "".join(f"<Parameter><ParameterName>{n}</ParameterName><ApplyType>{PARAMETERS[n]}</ApplyType>"
                         f"<ParameterValue>{set_here.get(n, '')}</ParameterValue></Parameter>" for n in names)
        return text("DescribeDBParameters", f"<Parameters>{inside}</Parameters>{marker}")
