"""What AWS does with file systems (EFS), and moto does not: states that take time, mount targets that a zone still
has, UpdateFileSystem. The proxy of emulator.py asks it, and checks requests against botocore's model of the service.

Not covered: mounting, limits of throughput, files that a removed file system had.
"""
import json
import re
import time
import urllib.parse

import botocore.session
import botocore.validate


def failed(status, code, message="it was refused"):
    return status, json.dumps({"ErrorCode": code, "Message": message}).encode()


class RestOracle:
    """Names the action of a request, and what its model does not allow."""

    def __init__(self):
        model = botocore.session.get_session().get_service_model("efs")
        self.operations = []
        for name in model.operation_names:
            operation = model.operation_model(name)
            pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", operation.http["requestUri"])
            self.operations.append((operation.http["method"], re.compile(pattern + "$"), operation))

    def parse(self, method, path, query, body):
        for its_method, pattern, operation in self.operations:
            match = pattern.match(path)
            if its_method != method or match is None or operation.deprecated:
                continue
            places = {"uri": match.groupdict(), "querystring": urllib.parse.parse_qs(query),
                      None: json.loads(body) if body else {}}
            params, shape = {}, operation.input_shape
            for member, its in shape.members.items():
                place = places[its.serialization.get("location")]
                value = place.pop(its.serialization.get("name", member), None)
                if value is None:
                    continue
                if its.serialization.get("location") == "querystring" and its.type_name != "list":
                    value = int(value[0]) if its.type_name == "integer" else value[0]
                params[member] = value
            wrong = [f"{operation.name} has no {key}" for place in places.values() for key in place]
            report = botocore.validate.ParamValidator().validate(params, shape)
            return operation.name, params, wrong + ([report.generate_report()] if report.has_errors() else [])
        return f"{method} {path}", {}, [f"there is no {method} {path}"]


class FileSystems:
    def __init__(self):
        self.oracle = RestOracle()
        self.clear()

    def clear(self):
        self.creating = self.deleting = 0.0  # seconds
        self.born, self.modes, self.leaving = {}, {}, {}

    def answer(self, action, params, forward):
        rule = getattr(self, action, None)
        return forward() if rule is None else rule(params, forward)

    def is_young(self, its):
        return time.time() - self.born.get(its, 0) < self.creating

    def going(self):
        return [mount for mount, end in self.leaving.values() if end > time.time()]

    def CreateFileSystem(self, _, forward):
        status, body = forward()
        if status == 201:
            self.born[json.loads(body)["FileSystemId"]] = time.time()
        return status, body

    def DescribeFileSystems(self, _, forward):
        status, body = forward()
        answer = json.loads(body)
        for one in answer.get("FileSystems", []):
            its = one["FileSystemId"]
            one["ThroughputMode"] = self.modes.get(its, one["ThroughputMode"])
            if self.is_young(its):
                one["LifeCycleState"] = "creating"
        return status, json.dumps(answer).encode()

    def UpdateFileSystem(self, params, _):
        self.modes[params["FileSystemId"]] = params["ThroughputMode"]
        return 202, json.dumps({"FileSystemId": params["FileSystemId"]}).encode()

    def DeleteFileSystem(self, params, forward):
        if any(mount["FileSystemId"] == params["FileSystemId"] for mount in self.going()):
            return failed(409, "FileSystemInUse", "it has mount targets")
        return forward()

    def CreateMountTarget(self, params, forward):
        if self.is_young(params["FileSystemId"]):
            return failed(409, "IncorrectFileSystemLifeCycleState", "it is creating")
        status, body = forward()
        if status == 200:
            mount = json.loads(body)
            if mount["AvailabilityZoneName"] in {one["AvailabilityZoneName"] for one in self.going()}:
                raise AssertionError("a zone has one mount target")
            self.born[mount["MountTargetId"]] = time.time()
        return status, body

    def DescribeMountTargets(self, params, forward):
        status, body = forward()
        answer = json.loads(body)
        for one in answer.get("MountTargets", []):
            if self.is_young(one["MountTargetId"]):
                one["LifeCycleState"] = "creating"
            self.leaving.setdefault(one["MountTargetId"], (one, 0))
        if status == 200:
            answer["MountTargets"] += [{**mount, "LifeCycleState": "deleting"} for mount in self.going()
                                       if mount["FileSystemId"] == params["FileSystemId"]]
        return status, json.dumps(answer).encode()

    def DeleteMountTarget(self, params, forward):
        status, body = forward()
        its = params["MountTargetId"]
        if status < 300 and its in self.leaving:
            self.leaving[its] = self.leaving[its][0], time.time() + self.deleting
        return status, body
