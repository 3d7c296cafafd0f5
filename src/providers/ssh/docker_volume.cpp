#include "core/secrecy.h"
#include "providers/ssh/docker_object.h"
#include "providers/ssh/docker_types.h"
#include "providers/ssh/host.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy::ssh::docker {

namespace {
/// Whether the files of the volume are elsewhere, so that they stay when the volume is removed: a
/// remote file system, or a directory of the host. A file system in memory holds no data.
bool is_elsewhere(const Value& volume) {
    if (volume.text("driver") != "local") return false;
    const Value& options = volume["options"];
    const std::string type = options.text("type"), flags = "," + options.text("o") + ",";
    return type.starts_with("nfs") || type == "cifs" || type == "tmpfs" ||
           flags.find(",bind,") != flags.npos || flags.find(",rbind,") != flags.npos;
}

class DockerVolume final : public ObjectType {
  public:
    DockerVolume();
    void check(const Value& config, Diagnostics& diagnostics) const override {
        check_labels(config, diagnostics);
        if (config.text("name").size() == 1)
            diagnostics
                .add("the name of a volume has at least two characters", config["name"].loc())
                .with_hint("choose a longer name");
    }
    std::optional<DataLoss> held_data(const Value& volume) const override {
        if (is_elsewhere(volume)) return {};
        return DataLoss{fmt::format("the Docker volume {} on {} and all files in it",
                                    named(volume, "name"), named(volume["host"], "address"))};
    }

  protected:
    nlohmann::json body(const Value& config, const nlohmann::json& labels,
                        Change::Kind /*kind*/) const override {
        return {{"Name", config.text("name")},
                {"Driver", config.text("driver")},
                {"DriverOpts", json_map(config["options"])},
                {"Labels", labels}};
    }
    Value attributes_of(const nlohmann::json& object, const ReadRequest& request) const override {
        const nlohmann::json none;
        return Value::map({{"name", name_of(object)},
                           {"driver", object.value("Driver", "")},
                           {"options", seen_map(object.value("Options", none), request, "options")},
                           {"labels", seen_map(object.value("Labels", none), request, "labels")},
                           {"mountpoint", object.value("Mountpoint", "")}});
    }
};

DockerVolume::DockerVolume() {
    name = "docker.volume";
    noun = "volume";
    listed = "/volumes?";
    path = "/volumes/";
    in_use = "a container still uses the volume";
    has_imported_ids = true;
    import_id = "the volume's name (`docker volume ls`)";
    summary = "A Docker volume of one host.";
    doc = "Docker cannot change a volume, so every change replaces it. A volume with `driver: "
          "local` holds data, unless its options mount a remote file system, a directory or "
          "memory: its removal is a loss of data, which has to be confirmed. A replacement "
          "does not copy the files.\n\n"
          "A swarm does not manage volumes: each node needs its own (`for_each` over the hosts), "
          "and a service that moves to another node finds that node's volume.\n\n"
          "A volume of the same name that hadeploy did not create is an error, unless it is "
          "imported. Labels of an imported volume stay as they are.\n\n"
          "Destroy removes the volume with its data. Docker refuses this while a container, even "
          "a stopped one, uses it.";
    example = "uploads:\n"
              "  type: docker.volume\n"
              "  host: ${node[\"node1\"].connection}\n"
              "  name: uploads\n"
              "  options: {type: nfs, o: \"addr=10.77.0.5,rw\", device: \":/export/data\"}\n"
              "  labels: {team: web}\n";
    Attribute labels = labels_attribute();
    labels.replaces = true;
    schema = {
        host_attribute(),
        {.name = "name",
         .type = TypeKind::name,
         .doc = "Name of the volume.",
         .required = true,
         .replaces = true},
        {.name = "driver",
         .type = TypeKind::line,
         .doc = "The driver: `local`, or that of a plugin.",
         .replaces = true,
         .default_value = Value("local")},
        {.name = "options",
         .type = map_of(TypeKind::string),
         .doc = "Options of the driver. For `local` those of mount: `type`, `o`, `device`.",
         .replaces = true,
         .default_value = Value::map({})},
        labels,
        {.name = "mountpoint",
         .type = TypeKind::string,
         .doc = "The directory of the files on the host.",
         .computed = true},
    };
    bound_steps();
}
} // namespace

std::unique_ptr<SshType> docker_volume_type() {
    return std::make_unique<DockerVolume>();
}

} // namespace hadeploy::ssh::docker
