// A Docker API with a swarm of three managers, on a unix socket. It holds more than the
// docker-reader lets through (environment, mounts, labels), marked by a canary.
import { rmSync } from "node:fs";
import { createServer } from "node:http";

export const kCanary = "never-to-be-seen-canary";
const kStack = "ha-demo";

function node(index, overrides = {}) {
    return {
        ID: `node${index}id00000000000000000`, Version: { Index: 10 },
        Spec: { Role: "manager", Availability: "active", Labels: { secret: kCanary } },
        Description: {
            Hostname: `node${index}`, Engine: { EngineVersion: "20.10.24" },
            Resources: { NanoCPUs: 2e9, MemoryBytes: 1 << 30 }, TLSInfo: { TrustRoot: kCanary },
        },
        Status: { State: "ready", Addr: `10.77.0.1${index}` },
        ManagerStatus: { Leader: index === 1, Reachability: "reachable", Addr: `10.77.0.1${index}:2377` },
        ...overrides,
    };
}

function service(name, replicas, port) {
    return {
        ID: `${name}-service-id`,
        Spec: {
            Name: `${kStack}_${name}`, Labels: { "com.docker.stack.namespace": kStack, other: kCanary },
            Mode: replicas === null ? { Global: {} } : { Replicated: { Replicas: replicas } },
            TaskTemplate: { ContainerSpec: { Image: `hadeploy/${name}:0123456789ab`, Env: [`SECRET=${kCanary}`] } },
        },
        Endpoint: { Ports: port ? [{ PublishedPort: port, TargetPort: port, Protocol: "tcp" }] : [] },
    };
}

let serial = 0;

export function task(serviceName, slot, on, overrides = {}) {
    const id = `${serviceName.slice(0, 4)}${String(++serial).padStart(21, "0")}`;
    const { Status = {}, ...rest } = overrides;
    return {
        ID: id, ServiceID: `${serviceName}-service-id`, NodeID: on ? `node${on}id00000000000000000` : "", Slot: slot,
        CreatedAt: new Date(Date.now() - 200e3).toISOString(), DesiredState: "running",
        Spec: { ContainerSpec: { Env: [`SECRET=${kCanary}`] } },
        Status: {
            Timestamp: new Date(Date.now() - 187e3).toISOString(), State: "running", Message: "started",
            ContainerStatus: { ContainerID: `c0ffee${String(serial).padStart(10, "0")}`, PID: 4711 }, ...Status,
        },
        ...rest,
    };
}

/// The demo as it stands after an apply.
export function steadySwarm() {
    return {
        nodes: [node(1), node(2), node(3)],
        services: [service("web", 3, 5000), service("database", 1), service("logger", 1),
            service("visualizer", 1, 8080), service("docker-reader", null)],
        tasks: [task("web", 1, 1), task("web", 2, 2), task("web", 3, 3), task("database", 1, 2),
            task("logger", 1, 3), task("visualizer", 1, 1), task("docker-reader", 0, 1),
            task("docker-reader", 0, 2), task("docker-reader", 0, 3)],
    };
}

/// node2 is drained: its tasks end, others start elsewhere, one of them fails.
export function drainNode2(swarm) {
    swarm.nodes[1].Spec.Availability = "drain";
    const now = new Date().toISOString();
    for (const one of swarm.tasks)
        if (one.NodeID === swarm.nodes[1].ID)
            Object.assign(one, { DesiredState: "shutdown", Status: { ...one.Status, State: "shutdown", Timestamp: now } });
    swarm.tasks.push(task("web", 2, 1, { Status: { State: "starting", Timestamp: now, Message: "starting" } }));
    swarm.tasks.push(task("database", 1, 3, { DesiredState: "shutdown", Status: {
        State: "failed", Timestamp: now, Message: "started",
        Err: "task: non-zero exit (1): dockerexec: unhealthy container" } }));
    swarm.tasks.push(task("database", 1, 1, { Status: { Timestamp: now } }));
    swarm.tasks.push(task("web", 4, 0, { Status: { State: "pending", Timestamp: now,
        Message: "no suitable node (insufficient resources on 3 nodes)" } }));
    swarm.services[0].Spec.Mode.Replicated.Replicas = 4;
}

/// node3 is powered off: its tasks are listed as running, but are lost.
export function killNode3(swarm) {
    Object.assign(swarm.nodes[2], { Status: { State: "down", Message: "heartbeat failure", Addr: "10.77.0.13" },
        ManagerStatus: { Leader: false, Reachability: "unreachable" } });
    for (const one of swarm.tasks)
        if (one.NodeID === swarm.nodes[2].ID) one.DesiredState = "shutdown";
    swarm.tasks.push(task("logger", 1, 1));
}

/// Serves `swarm`, which may be changed at any time. `swarm.down` makes every list fail.
export function serve(path, swarm) {
    rmSync(path, { force: true });
    const server = createServer((request, response) => {
        const lists = { "/nodes": swarm.nodes, "/services": swarm.services, "/tasks": swarm.tasks };
        response.setHeader("Content-Type", "application/json");
        if (request.url === "/_ping") return response.end("OK");
        if (swarm.down || !lists[request.url]) {
            response.statusCode = 503;
            return response.end(JSON.stringify({ message: swarm.down ?? "unknown" }));
        }
        return response.end(JSON.stringify(lists[request.url]));
    });
    return new Promise((resolve) => { server.listen(path, () => resolve(server)); });
}
