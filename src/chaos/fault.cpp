#include "chaos/fault.h"

#include <fmt/format.h>
#include <map>

namespace hadeploy::chaos {

const std::vector<FaultKind>& fault_kinds() {
    using enum FaultKind;
    static const std::vector<FaultKind> all{drain,       kill,         pause,     reboot,
                                            partition,   latency,      loss,      fill_disk,
                                            stop_docker, kill_service, kill_brick};
    return all;
}

std::string_view name_of(FaultKind kind) {
    switch (kind) {
    case FaultKind::drain: return "drain";
    case FaultKind::kill: return "kill";
    case FaultKind::pause: return "pause";
    case FaultKind::reboot: return "reboot";
    case FaultKind::partition: return "partition";
    case FaultKind::latency: return "latency";
    case FaultKind::loss: return "loss";
    case FaultKind::fill_disk: return "fill-disk";
    case FaultKind::stop_docker: return "stop-docker";
    case FaultKind::kill_service: return "kill-service";
    case FaultKind::kill_brick: return "kill-brick";
    }
    return "";
}

std::string_view help_of(FaultKind kind) {
    switch (kind) {
    case FaultKind::drain: return "Drain this node, so that its tasks move to other nodes";
    case FaultKind::kill: return "Power off this node immediately";
    case FaultKind::pause: return "Suspend the virtual machine of this node";
    case FaultKind::reboot: return "Power off this node, and power it on again";
    case FaultKind::partition: return "Drop the packets between this node and the others";
    case FaultKind::latency: return "Delay the packets from this node to the others";
    case FaultKind::loss: return "Drop some of the packets from this node to the others";
    case FaultKind::fill_disk: return "Fill a disk of this node";
    case FaultKind::stop_docker: return "Stop Docker and its containers on this node";
    case FaultKind::kill_service: return "Kill the processes of a service's task on this node";
    case FaultKind::kill_brick: return "Kill the processes of the Gluster bricks on this node";
    }
    return "";
}

namespace {

Schema make_options(FaultKind kind) {
    switch (kind) {
    case FaultKind::drain:
        return {{.name = "handover",
                 .type = TypeKind::duration,
                 .doc = "How long to wait for services that are updated start-first to move "
                        "before the drain; 0s drains immediately.",
                 .default_value = Value("5m"),
                 .min = 0,
                 .max = 3'600'000}};
    case FaultKind::partition:
        return {{.name = "way",
                 .type = TypeKind::string,
                 .doc = "The packets that are dropped: `both`, only those from the other nodes "
                        "(`in`), or only those to them (`out`).",
                 .default_value = Value("both"),
                 .one_of = {"both", "in", "out"}}};
    case FaultKind::latency:
        return {{.name = "delay",
                 .type = TypeKind::duration,
                 .doc = "Delay of each packet to another node.",
                 .default_value = Value("100ms"),
                 .min = 1,
                 .max = 60'000},
                {.name = "jitter",
                 .type = TypeKind::duration,
                 .doc = "Random part of the delay, added or subtracted.",
                 .default_value = Value(0),
                 .min = 0,
                 .max = 60'000}};
    case FaultKind::loss:
        return {{.name = "percent",
                 .type = TypeKind::integer,
                 .doc = "The share of the packets to other nodes that is lost.",
                 .default_value = Value(10),
                 .min = 1,
                 .max = 100}};
    case FaultKind::fill_disk:
        return {{.name = "path",
                 .type = TypeKind::path,
                 .doc = "A directory on the file system to fill.",
                 .default_value = Value("/var")},
                {.name = "size",
                 .type = TypeKind::bytes,
                 .doc = "Size of the file. By default it takes all free space but 16 MiB.",
                 .min = 1}};
    case FaultKind::kill_service:
        return {{.name = "service",
                 .type = TypeKind::name,
                 .doc = "Name of the service in the swarm, such as `ha-demo_web`.",
                 .required = true}};
    default: return {};
    }
}

} // namespace

const Schema& options_of(FaultKind kind) {
    static const std::map<FaultKind, Schema> all = [] {
        std::map<FaultKind, Schema> out;
        for (const FaultKind each : fault_kinds()) out[each] = make_options(each);
        return out;
    }();
    return all.at(kind);
}

bool is_power(FaultKind kind) {
    return kind == FaultKind::kill || kind == FaultKind::pause || kind == FaultKind::reboot;
}

bool stops_manager(FaultKind kind) {
    // a drained manager keeps its vote, but its drain may reveal that others are down
    return is_power(kind) || kind == FaultKind::drain || kind == FaultKind::partition ||
           kind == FaultKind::stop_docker;
}

bool stops_bricks(FaultKind kind) {
    return is_power(kind) || kind == FaultKind::partition || kind == FaultKind::kill_brick;
}

bool moves_tasks(FaultKind kind) {
    return stops_manager(kind) && kind != FaultKind::reboot;
}

std::string Fault::label() const {
    return fmt::format("{} of {}", name_of(kind), node);
}

} // namespace hadeploy::chaos
