#pragma once

#include "core/value.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

/// The request that creates a docker.container.
namespace hadeploy::ssh::docker {

/// An entry of `ports`: [[ADDRESS:]PORT:]CONTAINER_PORT[/PROTOCOL].
struct PublishedPort {
    std::string address;   ///< "" for all addresses
    std::string port;      ///< "" if Docker chooses it
    std::string container; ///< "80/tcp"
    /// The part of a claim: "8080" or "53/udp"; "" for a port that Docker chooses or of one address
    [[nodiscard]] std::string claimed() const;
};
/// @returns nullopt if the text has a different form
std::optional<PublishedPort> parse_published(std::string_view text);

/// Whether the text is an entry of `volumes`: SOURCE:TARGET[:OPTIONS], where the source is an
/// absolute path or the name of a volume.
bool is_container_mount(std::string_view text);

/// The body of the request, without labels of hadeploy.
nlohmann::json container_body(const Value& config);

/// SHA-256 of the settings of a container. Empty and false ones do not count, so that a new version
/// of hadeploy with more of them does not recreate every container.
std::string container_digest(const Value& config);

} // namespace hadeploy::ssh::docker
