#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace hadeploy {

/// A port that a resource publishes, on one machine or on machines of a cluster.
struct PortUse {
    enum class On {
        machine,       ///< on the machine `place`
        every_machine, ///< on every machine of the cluster to which `place` belongs
        some_machines, ///< `tasks` times, on machines of that cluster
    };
    std::string port;  ///< "80" or "53/udp"
    std::string owner; ///< the part of the resource that publishes it: "web"; "" for all of it
    std::string place; ///< a machine
    On on = On::machine;
    std::int64_t tasks = 1; ///< how often it is published; of every_machine: on each of them
    /// With some_machines: the name of the only machine that can have the tasks; "": any.
    std::string member = {};
    /// What the resource claims instead, so that a clash is reported once; "" for nothing.
    std::string claim = {};
};

/// What a resource knows about the machines of its cluster.
struct ClusterMembers {
    std::vector<std::string> places; ///< machines of the cluster
    bool all = false;                ///< whether the cluster has no others
    std::string place = {};          ///< the machine of this resource, if it is one member
    std::string name = {};           ///< the name of that member in the cluster
};

} // namespace hadeploy
