#pragma once

#include "cli/services/docker_hosts.h"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace hadeploy::cli {

/// An image on a host.
struct HostImage {
    std::string id;                      ///< "sha256:..."
    std::vector<std::string> tags;       ///< "nginx:1.27"; empty for an image without a name
    std::vector<std::string> names;      ///< repositories of tags and digests: "nginx"
    std::vector<std::string> digests;    ///< "nginx@sha256:..."
    std::int64_t size = 0;               ///< bytes
    std::vector<std::string> users;      ///< addresses of recorded resources
    std::vector<std::string> containers; ///< IDs, including stopped containers

    [[nodiscard]] bool used() const { return !users.empty() || !containers.empty(); }
    /// The first tag, else the first digest, else "<none>", as in Docker.
    [[nodiscard]] std::string shown() const;
};

struct HostContainer {
    std::string id, name, image, state; ///< state: "running", "exited", ...
    std::string stack;                  ///< the stack of its task; "" if it is no task
};

/// The images and containers of a host.
struct Inventory {
    DockerHost host;
    std::vector<HostImage> images;         ///< by name
    std::vector<HostContainer> containers; ///< by name
    std::optional<Error> unread = {};      ///< why nothing is known
};

/// Reads all Docker hosts of the state at the same time.
/// @throws Interrupted
std::vector<Inventory> read_inventories(const Context& context, const PriorState& prior);

/// The part of a reference before tag and digest: "registry:5000/shop/web" of
/// "registry:5000/shop/web:3@sha256:...".
std::string repository_of(const std::string& reference);

/// What `clean` would remove from a host: objects that hadeploy made and that nothing uses.
struct Leftovers {
    std::vector<HostContainer> containers;
    std::vector<HostImage> images;
    [[nodiscard]] bool empty() const { return containers.empty() && images.empty(); }
};
/// Stopped containers of the recorded stacks, and unused images. An image is one of hadeploy's if
/// all its names are names of an image in the state or begin with `hadeploy/`, or if it has no name
/// and one of these containers ran it.
Leftovers leftovers(const Inventory& inventory, const PriorState& prior);

} // namespace hadeploy::cli
