#pragma once

#include "providers/libvirt/connection.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace hadeploy::libvirt {

/// The objects that one read finds at a libvirt daemon. Each kind is listed on first use, once for
/// all requests.
class Inventory {
  public:
    /// @param project  the spec's name, which identifies our objects
    explicit Inventory(const Connection& connection, std::string project = {})
        : connection_(connection), project_(std::move(project)) {}

    struct Domain {
        std::string name, uuid;
        int state = VIR_DOMAIN_NOSTATE; ///< virDomainState
        std::int64_t memory_kib = 0;    ///< current memory, at most the maximum
        std::int64_t vcpus = 0;
        bool autostart = false;
        DomainHandle handle;
    };
    struct Network {
        std::string name, uuid;
        bool active = false;
        NetworkHandle handle;
    };
    struct Pool {
        std::string name, uuid;
        bool active = false;
        PoolHandle handle;
    };

    const std::vector<Domain>& domains();
    const std::vector<Network>& networks();
    const std::vector<Pool>& pools();
    /// nullptr if there is none.
    const Domain* domain(std::string_view name);
    const Network* network(std::string_view name);
    const Pool* pool(std::string_view name);
    /// Names of the volumes on disk in a pool; nullptr if the pool does not exist, is inactive or
    /// has lost its directory (which makes the pool inactive).
    const std::vector<std::string>* volumes(const std::string& pool_name);
    /// The active definition of the network.
    const std::string& network_xml(const Network& network);
    [[nodiscard]] const Connection& connection() const { return connection_; }
    [[nodiscard]] const std::string& project() const { return project_; }

  private:
    const Connection& connection_;
    std::string project_;
    std::optional<std::vector<Domain>> domains_;
    std::optional<std::vector<Network>> networks_;
    std::optional<std::vector<Pool>> pools_;
    std::map<std::string, std::optional<std::vector<std::string>>> volumes_;
    std::map<std::string, std::string> network_xml_;
};

/// Rescans the pool's directory, to find files that were changed without libvirt. False if the
/// directory is gone; libvirt has then stopped the pool.
bool refresh(virStoragePoolPtr pool, std::string_view name);

std::vector<std::string> volume_names(virStoragePoolPtr pool, std::string_view name);

/// Name of a file that belongs to one object: "node1-1a2b3c4d.qcow2". The name contains a part of
/// the identity because files carry no metadata. So a foreign file is not mistaken for ours, and
/// new content never gets the path of old content that overlays still use.
std::string own_file(std::string_view name, std::string_view identity, std::string_view suffix);
/// Whether the file has a name from own_file(), with any suffix.
bool is_own_file(std::string_view file, std::string_view name, std::string_view identity);

} // namespace hadeploy::libvirt
