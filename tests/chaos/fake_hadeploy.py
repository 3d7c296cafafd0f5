#!/usr/bin/env python3
"""Answers as hadeploy does for a cluster of three nodes, whose state is the file cluster.json of the project.

node1 leads the swarm. Each drill is a line of calls.log; a drill ends as cluster.json says in `results`, by its
number: "passed" (also the default), "failed", "refused", "hang" or "busy" (status needs time afterwards).
"""
import json
import pathlib
import signal
import sys
import time

EXITS = {"passed": 0, "failed": 3, "interrupted": 130}


def series(failed, gap):
    return {"sent": 1000, "failed": failed, "longest_gap_ms": gap}


def report(number, verdict):
    return {"verdict": verdict, "interrupted": verdict == "interrupted", "failed_requests": 3 * number,
            "reads": series(number, 1000.0 * number), "writes": series(2 * number, 1500.0),
            "faults": [{"detect_ms": None, "reschedule_ms": 20000.0, "last_failed_read_ms": 1234.5,
                        "last_failed_write_ms": None}],
            "steady_ms": 30000.0, "final_read": {"lost": ["x"] if verdict == "failed" else []}}


def status(cluster):
    for node in cluster.get("nodes", ("node1", "node2", "node3")):
        print(f"ready    {node} (manager{', leader' if node == 'node1' else ''}, active)")
    print("\n 2/2     ha-demo_web\n")
    print("! 1 resource differs from the spec: see `hadeploy plan`")
    if cluster.get("ill", 0) > 0:
        cluster["ill"] -= 1
        print("! ha-demo_web has 1 of 2 tasks")
    return 1


def chaos(cluster, project, words):
    with open(project / "calls.log", "a", encoding="utf-8") as log:
        log.write(" ".join(words[:words.index("--report")] if "--report" in words else words) + "\n")
    if words[0] == "halt":
        return 0
    if words[0] == "--kill-service" and "--report" not in words:
        cluster["database"] = "node3"
        return 0
    cluster["drills"] = cluster.get("drills", 0) + 1
    result = cluster.get("results", {}).get(str(cluster["drills"]), "passed")
    if result == "refused":
        print("error: it is refused", file=sys.stderr)
        return 1
    if result == "busy":
        cluster["ill"], result = 2, "passed"
    if result == "hang":
        def stop(*_):
            raise KeyboardInterrupt
        signal.signal(signal.SIGINT, stop)
        (project / "cluster.json").write_text(json.dumps(cluster))
        try:
            (project / "hangs").touch()
            time.sleep(60)
        except KeyboardInterrupt:
            result = "interrupted"
    for option, content in (("--report", json.dumps(report(cluster["drills"], result))), ("--html", "<p>"),
                            ("--junit", "<testsuites/>")):
        pathlib.Path(words[words.index(option) + 1]).write_text(content)
    print(f"{result.upper()}  {words[0]}")
    return EXITS[result]


def main():
    project = pathlib.Path(sys.argv[sys.argv.index("--chdir") + 1])
    words = [w for w in sys.argv[1:] if w not in ("--chdir", str(project), "--no-color", "--var", "a=b")]
    cluster = json.loads((project / "cluster.json").read_text())
    try:
        if words[0] == "output":
            print(json.dumps({"node1": cluster["url"], "node2": cluster["url"]}))
            return 0
        return status(cluster) if words[0] == "status" else chaos(cluster, project, words[1:])
    finally:
        (project / "cluster.json").write_text(json.dumps(cluster))


if __name__ == "__main__":
    sys.exit(main())
