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

/// Compose files of version 3, as read by `docker stack deploy`: the parts that must be known
/// before deployment. (Docker's schema: docker/cli, cli/compose/schema/data.)
namespace hadeploy::ssh::docker {

/// A compose file and the local files that it names, which are sent to the host.
struct Compose {
    struct File {
        std::string path, text; ///< the path is relative to the compose file
    };
    std::string shown; ///< the name in messages: "stack.yml", "content"
    std::string text;
    YAML::Node root;
    std::vector<File> files;

    /// The text that is sent to Docker, with a suitable `version`. Current compose files have no
    /// `version`, but Docker up to 24 reads a stack without `version` in the format of 2014, and a
    /// named config needs 3.5.
    [[nodiscard]] std::string sent() const;
    /// A second compose file, which appends a digest of the content to the names of configs and
    /// secrets with `file:`, because a swarm cannot change an existing config or secret. "" if
    /// there are none.
    [[nodiscard]] std::string names(const std::string& stack, const Value& variables) const;
};

/// The compose file in `compose` or `content` of a docker.stack.
/// @throws Error(spec) if the compose file or a file that it names cannot be read, or the text is
/// not a compose file
Compose read_compose(const Value& config);

/// SHA-256 of a compose file, the files that it names, and the variables.
std::string compose_digest(const Compose& compose, const Value& variables);

/// `map[key]`, including keys that `<<` merges into the map. Undefined if there is none.
YAML::Node member(const YAML::Node& map, const std::string& key);
/// The keys and values of a map, including those that `<<` merges into it.
std::vector<std::pair<YAML::Node, YAML::Node>> entries(const YAML::Node& map);
std::vector<std::string> keys_of(const YAML::Node& map);

/// `text` with ${NAME}, ${NAME:-default}, ${NAME-default} and $NAME replaced as in Docker.
/// @param missing  called for each variable without a value, with the name of the variable and the
/// message of ${NAME:?message} (otherwise ""); the variable is then replaced by an empty string.
/// May be empty.
/// @throws Error(spec) for a $ that starts none of these and is not written $$
using Missing = std::function<void(const std::string& name, const std::string& message)>;
std::string substituted(const std::string& text, const Value& variables,
                        const Missing& missing = {});

/// External objects of the compose file, which must exist: "network proxy", "secret key".
std::vector<std::string> externals(const Compose& compose, const Value& variables);

} // namespace hadeploy::ssh::docker
