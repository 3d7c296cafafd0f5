#pragma once

#include "core/error.h"
#include "core/value.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <yaml-cpp/yaml.h>

/// Compose files of version 3, as `docker stack deploy` reads them: the parts of them that have to
/// be known before they are deployed. (Docker's own schema: docker/cli, cli/compose/schema/data.)
namespace hadeploy::ssh::docker {

/// A compose file and the local files that it names; those go along to the host.
struct Compose {
    struct File {
        std::string path, text; ///< the path is relative to the compose file
    };
    std::string shown; ///< how messages name the file: "stack.yml", "content"
    std::string text;
    YAML::Node root;
    std::vector<File> files;

    /// What docker gets. Compose files have no `version` nowadays, but up to Docker 24 a stack
    /// without one is taken for the format of 2014; and a named config needs 3.5.
    [[nodiscard]] std::string sent() const;
    /// A second compose file, which gives the configs and secrets that have a `file:` names with a
    /// digest of their contents: a swarm never changes one that is there. "" when there is none.
    [[nodiscard]] std::string names(const std::string& stack, const Value& variables) const;
};

/// The compose file of a docker.stack's `compose` or `content`.
/// @throws Error(spec) when it or a file that it names cannot be read, or is no compose file
Compose read_compose(const Value& config);

/// Adds what `docker stack deploy` would refuse, silently change, or take for nothing.
void check_compose(const Compose& compose, const Value& variables, Loc place,
                   Diagnostics& diagnostics);

/// Adds a warning for each key that `docker stack deploy` ignores.
void warn_of_ignored(const Compose& compose, const Value& variables, Loc place,
                     Diagnostics& warnings);

/// `map[key]`, also of what `<<` merges into the map. Undefined when there is none.
YAML::Node member(const YAML::Node& map, const std::string& key);
/// The keys and values of a map, those that `<<` merges into it included.
std::vector<std::pair<YAML::Node, YAML::Node>> entries(const YAML::Node& map);
std::vector<std::string> keys_of(const YAML::Node& map);

/// `text` with ${NAME}, ${NAME:-default}, ${NAME-default} and $NAME replaced as docker does.
/// @param missing  called for each that has no value, with the name and what the file says of it
///   ("" or the text of ${NAME:?text}); the result is then without it. May be empty.
/// @throws Error(spec) for a $ that begins none of these and is not written $$
using Missing = std::function<void(const std::string& name, const std::string& message)>;
std::string substituted(const std::string& text, const Value& variables,
                        const Missing& missing = {});

/// The ports of every node that the services publish: "5000" or "53/udp". Without those that docker
/// chooses, ranges, and ports of single nodes (mode: host).
std::vector<std::string> published_ports(const Compose& compose, const Value& variables);

/// What the compose file calls external and has to be there: "network proxy", "secret key".
std::vector<std::string> externals(const Compose& compose, const Value& variables);

} // namespace hadeploy::ssh::docker
