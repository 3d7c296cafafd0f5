#pragma once

#include "providers/libvirt/connection.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace hadeploy::libvirt {

/// What one read sees of a libvirt daemon. Each kind is listed when it is first asked for, and then
/// once for all requests.
class Inventory {
  public:
    /// @param project  the spec's name: whose objects are ours
    explicit Inventory(const Connection& connection, std::string project = {})
        : connection_(connection), project_(std::move(project)) {}

    struct Domain {
        std::string name, uuid;
        int state = VIR_DOMAIN_NOSTATE; ///< virDomainState
        std::int64_t memory_kib = 0;    ///< what the guest has now, within its maximum
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
    /// By name; nullptr if there is none.
    const Domain* domain(std::string_view name);
    const Network* network(std::string_view name);
    const Pool* pool(std::string_view name);
    /// Names of a pool's volumes as they are on disk now; nullptr when they cannot be seen because
    /// there is no such pool, it is not active or its directory is gone (it is inactive then).
    const std::vector<std::string>* volumes(const std::string& pool_name);
    /// The network's definition as it is in force.
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

/// The pool's directory read again, so that files that came or went by other means are seen. False
/// when it is gone; libvirt has stopped the pool then.
bool refresh(virStoragePoolPtr pool, std::string_view name);

std::vector<std::string> volume_names(virStoragePoolPtr pool, std::string_view name);

/// Name of a file that belongs to one object: "node1-1a2b3c4d.qcow2". The part of the identity
/// says whose it is (files carry no metadata), so that no file of anybody else is ever taken for
/// ours, and content that was replaced never keeps its path under the overlays that stand on it.
std::string own_file(std::string_view name, std::string_view identity, std::string_view suffix);
/// Whether own_file() gave a file its name, with any suffix.
bool is_own_file(std::string_view file, std::string_view name, std::string_view identity);

} // namespace hadeploy::libvirt
