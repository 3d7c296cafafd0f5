#pragma once

#include "core/value.h"
#include "provider_api/schema.h"

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace hadeploy::chaos {

enum class FaultKind {
    drain,        ///< the swarm moves the tasks off the node
    kill,         ///< power off immediately
    pause,        ///< the machine stands still; its memory and connections stay
    reboot,       ///< power off and on again
    partition,    ///< no packets between the node and the other nodes
    latency,      ///< packets to the other nodes are delayed
    loss,         ///< packets to the other nodes are lost at random
    fill_disk,    ///< a file takes the free space of a file system
    stop_docker,  ///< the Docker daemon and its containers stop
    kill_service, ///< the processes of one task of a service are killed
    kill_brick,   ///< the brick processes of the node are killed
};

/// All kinds, in the order of the enumeration.
const std::vector<FaultKind>& fault_kinds();

/// "drain", "fill-disk", ...: as on the command line
std::string_view name_of(FaultKind kind);

/// What it does, for the help of the command line: "Power off this node".
std::string_view help_of(FaultKind kind);

/// The schema of Fault::options; empty if the kind has none.
const Schema& options_of(FaultKind kind);

/// Whether the fault switches or suspends the machine, which only its libvirt host can do.
bool is_power(FaultKind kind);
/// Whether the node's manager does not answer the other managers while the fault lasts.
bool stops_manager(FaultKind kind);
/// Whether the node's bricks do not answer the other nodes while the fault lasts.
bool stops_bricks(FaultKind kind);

/// Whether the swarm starts the node's tasks elsewhere while the fault lasts.
bool moves_tasks(FaultKind kind);

/// A failure to inject and its target.
struct Fault {
    FaultKind kind = FaultKind::drain;
    std::string node;               ///< name of the node in the swarm
    Value options = Value::map({}); ///< by kind, normalized with options_of()

    /// "drain of node2"
    [[nodiscard]] std::string label() const;
};

/// Injects faults. Every fault has an undo, which is armed before the fault begins. The undo
/// survives the end of this process, because it runs on the node or, for power faults, on the
/// libvirt host of the machine.
class Injector {
  public:
    using Time = std::chrono::steady_clock::time_point;

    virtual ~Injector() = default;
    /// Arms the undo, then injects the fault.
    /// @param undo_after  the armed undo ends the fault no later than this time after the injection
    /// @return  the best estimate of the time at which the fault began
    /// @throws Error if the undo cannot be armed (the fault is then not injected) or the fault
    /// fails
    virtual Time inject(const Fault& fault, std::chrono::milliseconds undo_after) = 0;
    /// Ends the fault and disarms its undo. Can be called again, and without an earlier inject().
    virtual void undo(const Fault& fault) = 0;
};

} // namespace hadeploy::chaos
