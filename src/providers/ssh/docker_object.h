#pragma once

#include "providers/ssh/docker_script.h"
#include "providers/ssh/ssh_type.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Shared by the types docker.network, docker.volume, docker.secret, docker.config and
/// docker.container.
namespace hadeploy::ssh::docker {

/// Label of an object with the identity of its resource.
inline constexpr std::string_view kIdentityLabel = "hadeploy.identity";

/// A type of objects of the Docker API, on one host (`host`) or in a swarm (`hosts`). Its objects
/// carry kIdentityLabel. They are created from a JSON body that is sent on standard input, so a
/// body may contain secrets.
class ObjectType : public SshType {
  public:
    std::vector<std::string> claims(const Value& config) const override;
    std::vector<std::string> needs(const Value& config) const override;
    std::string probe(const ReadRequest& request) const override;
    Observation parse(const ReadRequest& request, const ProbeResult& result) const override;
    std::vector<Command> commands(const Change& change) const override;

  protected:
    std::string noun;              ///< "network"; the type is docker.NOUN
    std::string listed;            ///< path of list requests: "/networks?"
    std::string path;              ///< "/networks/", before "create" or the ID
    std::string in_use;            ///< message if something uses the object: "... the network"
    bool has_imported_ids = false; ///< the identity may be the ID of an imported object

    /// The name of the object in Docker; "" while it is not known.
    [[nodiscard]] virtual std::string object_name(const Value& config) const {
        return config.text("name");
    }
    /// The paths that the probe reads: the first two list the objects.
    [[nodiscard]] virtual std::vector<std::string> paths(const ReadRequest& request) const;
    /// The body of the request that creates or updates the object. The labels are those of the
    /// resource and its identity.
    [[nodiscard]] virtual nlohmann::json body(const Value& config, const nlohmann::json& labels,
                                              Change::Kind kind) const = 0;
    /// The attributes of an object in a list.
    [[nodiscard]] virtual Value attributes_of(const nlohmann::json& object,
                                              const ReadRequest& request) const = 0;

    /// A script that finds the object, then creates, updates or removes it.
    [[nodiscard]] std::string change_script(std::string_view action, const Value& config,
                                            const std::string& identity) const;
    /// Whether the object belongs to the resource.
    [[nodiscard]] bool is_ours(const nlohmann::json& object, const std::string& identity) const;
};

/// The objects in the replies to list requests, each once.
std::vector<nlohmann::json> objects_in(const std::vector<Reply>& replies);
/// The name of an object in a list, or the ID; "" if it has none.
std::string name_of(const nlohmann::json& object);
std::string id_of(const nlohmann::json& object);

/// Where the objects of a config are: "10.77.0.11:22" or "the swarm of 10.77.0.11:22"; "" while it
/// is not known.
std::string realm_of(const Value& config);

/// The attribute `hosts` of an object that belongs to a swarm.
Attribute managers_of_swarm();
/// The attribute `labels`.
Attribute labels_attribute();
/// Reports labels that hadeploy uses itself.
void check_labels(const Value& config, Diagnostics& diagnostics);
/// A map of strings as JSON.
nlohmann::json json_map(const Value& map);
/// The entries of a map in Docker's JSON whose keys the config or the record has. Docker and its
/// plugins add further ones.
Value seen_map(const nlohmann::json& object, const ReadRequest& request,
               std::string_view attribute);

} // namespace hadeploy::ssh::docker
