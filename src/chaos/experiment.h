#pragma once

#include "chaos/fault.h"
#include "chaos/settings.h"
#include "core/error.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

/// Experiment files in the format of chaostoolkit: a steady-state hypothesis, a method, rollbacks.
namespace hadeploy::chaos {

/// A probe or an action of an experiment.
struct Activity {
    enum class Kind { probe, action };
    Kind kind = Kind::probe;
    std::string name;
    Loc loc;
    Value provider;  ///< in canonical form: `type` http, tcp, process or hadeploy, and its keys
    Value tolerance; ///< of a probe; null: none
    Ms before{0}, after{0};     ///< pauses
    bool background = false;    ///< the method continues immediately
    std::optional<Fault> fault; ///< of an action of the type hadeploy
    Loc node_loc;               ///< of the fault's node
    std::optional<Ms> hold;     ///< how long the fault stays; none: as in the settings
};

struct Experiment {
    std::string title, description;
    std::string hypothesis;       ///< its title
    std::vector<Activity> probes; ///< of the hypothesis; each has a tolerance
    std::vector<Activity> method, rollbacks;
};

/// The value of an environment variable; nullopt if it is not set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

/// Reads an experiment from YAML or JSON. At most one fault is allowed on each node, because
/// the effects of two could not be separated.
/// @param file  its index in `sources`
/// @throws Error(spec): every problem, with its place
Experiment read_experiment(const Sources& sources, std::uint16_t file, const Environment& env);

/// Adds an error for each fault on a node that is not one of `nodes`.
void check_nodes(const Experiment& experiment, const std::vector<std::string>& nodes,
                 Diagnostics& diagnostics);

} // namespace hadeploy::chaos
