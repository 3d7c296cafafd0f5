#include "providers/ssh/host_path.h"

#include "core/secrecy.h"
#include "provider_api/files.h"
#include "providers/ssh/place.h"

#include <fmt/format.h>

namespace hadeploy::ssh {

namespace {
class HostDirectory final : public SshType, public HoldsFiles {
  public:
    HostDirectory() {
        name = "host.directory";
        summary = "A directory on a host, with its owner and mode.";
        doc = "Missing parent directories are created with mode 0755 and owner root. Drift in "
              "existence, owner, group or mode is repaired; the contents are not managed. An "
              "existing directory is adopted. As with host.file, hadeploy refuses to follow "
              "symbolic links that a user could have created in the path. It also refuses a "
              "non-empty directory inside a user's directory that belongs to a different user.\n\n"
              "Destroy removes the directory if it is empty. With `force` it removes the contents "
              "too, unless something is mounted below the directory. With `keep` the directory "
              "stays.";
        example = "files:\n"
                  "  type: host.directory\n"
                  "  host: ${node[\"node1\"].connection}\n"
                  "  path: /srv/data\n"
                  "  mode: \"0750\"\n";
        schema = {host_attribute(),
                  {.name = "path",
                   .type = TypeKind::path,
                   .doc = "Path of the directory on the host.",
                   .required = true,
                   .replaces = true},
                  {.name = "owner",
                   .type = TypeKind::account,
                   .doc = "The owner, by name or number.",
                   .default_value = Value("root")},
                  {.name = "group",
                   .type = TypeKind::account,
                   .doc = "The owning group, by name or number.",
                   .default_value = Value("root")},
                  {.name = "mode",
                   .type = TypeKind::mode,
                   .doc = "Permissions, as a quoted octal number.",
                   .default_value = Value("0755")},
                  {.name = "force",
                   .type = TypeKind::boolean,
                   .doc = "Whether destroy removes the directory with all its contents.",
                   .operational = true,
                   .default_value = Value(false)},
                  {.name = "keep",
                   .type = TypeKind::boolean,
                   .doc = "Whether destroy leaves the directory on the host.",
                   .operational = true,
                   .default_value = Value(false)}};
        adopts = true;
        verified = {"owner", "group", "mode"};
    }

    std::vector<std::string> claims(const Value& config) const override {
        return claim(config, config.text("path"), {"path"});
    }
    std::string contains(const Value& config) const override {
        const std::vector<std::string> all = claims(config);
        return all.empty() ? "" : all.front() + "/";
    }
    bool removes_contents(const Value& config) const override {
        return config.flag("force") && !config.flag("keep");
    }

    bool is_left(const Value& config) const override { return config.flag("keep"); }

    std::optional<DataLoss> held_data(const Value& directory) const override {
        if (!directory.flag("force") || directory.flag("keep")) return {};
        return DataLoss{fmt::format("the directory {} on {} and everything in it",
                                    named(directory, "path"), named(directory["host"], "address"))};
    }

    FilesAt files(const Value& directory) const override { return {directory.text("path")}; }

    std::string probe(const ReadRequest& request) const override {
        return probe_path(request.config.text("path"), "-d",
                          fmt::format("if hadeploy_occupied \"./$n\" . {}; then echo occupied; fi",
                                      shell_quote(request.config.text("owner"))));
    }

    Observation parse(const ReadRequest& request, const ProbeResult& result) const override {
        const std::string path = request.config.text("path");
        if (Answer(result.out).has("link"))
            return Observation::failed(
                Error(ErrorKind::conflict, fmt::format("{} is a symbolic link, not a directory",
                                                       named(request.config, "path")))
                    .with_hint("use the path of its target"));
        if (Answer(result.out).has("occupied")) // make_directory() would refuse it
            return Observation::failed(
                Error(ErrorKind::conflict,
                      fmt::format("{} is not empty and has a different owner than its parent "
                                  "directory, whose owner may have replaced it",
                                  path))
                    .with_hint("remove the directory, or set its owner by hand"));
        return parse_path(request.config, "a directory", result);
    }

    std::vector<Command> commands(const Change& change) const override {
        if (change.kind == Change::Kind::remove) return remove(change.before);
        const Value& after = change.after;
        const std::string path = after.text("path");
        return {{.script = make_directory(path, owner_of(after), after.text("mode")),
                 .step = "creating " + named(after, "path")}};
    }

  private:
    static std::vector<Command> remove(const Value& directory) {
        if (directory.flag("keep")) return {};
        const std::string path = directory.text("path");
        return {{.script = remove_directory(path, directory.flag("force")),
                 .step = "removing " + named(directory, "path")}};
    }
};
} // namespace

std::unique_ptr<ResourceType> make_host_directory() {
    return std::make_unique<HostDirectory>();
}

} // namespace hadeploy::ssh
