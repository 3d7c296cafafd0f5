#include "providers/ssh/host_path.h"

#include <fmt/format.h>

namespace hadeploy::ssh {

namespace {
class HostDirectory final : public SshType {
  public:
    HostDirectory() {
        name = "host.directory";
        summary = "A directory on a host, with its owner and mode.";
        doc = "Missing parents are made too (mode 0755, root). A directory that was removed, or "
              "whose owner, group or mode was changed, is repaired; what is in it is nobody's "
              "business. One that is already there is taken over.\n\n"
              "Destroy removes it when it is empty, with `force` also when it is not; with `keep` "
              "it stays.";
        example = "data:\n"
                  "  type: host.directory\n"
                  "  host: ${node[\"node1\"].connection}\n"
                  "  path: /srv/data\n"
                  "  mode: \"0750\"\n";
        schema = {host_attribute(),
                  {.name = "path",
                   .type = TypeKind::path,
                   .doc = "Where it is on the host.",
                   .required = true,
                   .replaces = true},
                  {.name = "owner",
                   .type = TypeKind::account,
                   .doc = "Name of the user who owns it.",
                   .fallback = Value("root")},
                  {.name = "group",
                   .type = TypeKind::account,
                   .doc = "Name of the owning group.",
                   .fallback = Value("root")},
                  {.name = "mode",
                   .type = TypeKind::mode,
                   .doc = "Permissions, a quoted octal.",
                   .fallback = Value("0755")},
                  {.name = "force",
                   .type = TypeKind::boolean,
                   .doc = "Destroy removes it with all that is in it.",
                   .steering = true,
                   .fallback = Value(false)},
                  {.name = "keep",
                   .type = TypeKind::boolean,
                   .doc = "Destroy leaves it there.",
                   .steering = true,
                   .fallback = Value(false)}};
        adopts = true;
    }

    std::vector<std::string> claims(const Value& config) const override {
        return claim(config, config.text("path"), {"path"});
    }
    std::string takes_along(const Value& config) const override {
        const std::vector<std::string> all = claims(config);
        return config.flag("force") && !all.empty() ? all.front() + "/" : "";
    }

    std::optional<DataLoss> held_data(const Value& directory) const override {
        if (!directory.flag("force") || directory.flag("keep")) return {};
        return DataLoss{fmt::format("the directory {} on {} and all that is in it",
                                    directory.text("path"), directory["host"].text("address"))};
    }

    std::string probe(const ReadRequest& request) const override {
        return probe_path(request.config.text("path"), "-d");
    }

    Observation parse(const ReadRequest& request, const ProbeResult& result) const override {
        const std::string path = request.config.text("path");
        if (Answer(result.out).has("link"))
            return Observation::failed(
                Error(ErrorKind::conflict,
                      fmt::format("{} is a symbolic link, not a directory", path))
                    .with_hint("use the path that it leads to"));
        return parse_path(path, "a directory", result);
    }

    std::vector<Command> commands(const Change& change) const override {
        if (change.kind == Change::Kind::remove) return remove(change.before);
        const std::string path = change.after.text("path");
        return {
            {.script = fmt::format("mkdir -p -- {}", shell_quote(path)), .step = "making " + path},
            set_owner_and_mode(change.after)};
    }

  private:
    static std::vector<Command> remove(const Value& directory) {
        if (directory.flag("keep")) return {};
        const std::string path = directory.text("path");
        return {
            {.script = fmt::format("[ ! -d {1} ] || {0} -- {1}",
                                   directory.flag("force") ? "rm -rf --one-file-system" : "rmdir",
                                   shell_quote(path)),
             .step = "removing " + path}};
    }
};
} // namespace

std::unique_ptr<ResourceType> make_host_directory() {
    return std::make_unique<HostDirectory>();
}

} // namespace hadeploy::ssh
