#include "providers/ssh/host.h"

#include "core/secrecy.h"

#include <fmt/format.h>

namespace hadeploy::ssh {

namespace {
class HostGroup final : public SshType {
  public:
    HostGroup() {
        name = "host.group";
        summary = "A group of users on a host.";
        doc = "A missing group is created; an existing one is adopted. If its GID differs from "
              "`gid`, the GID is changed. Files that belong to the old GID are not changed.\n\n"
              "Destroy removes the group if hadeploy created it.";
        example = "operators:\n"
                  "  type: host.group\n"
                  "  host: ${node[\"node1\"].connection}\n"
                  "  name: operators\n";
        Attribute gid{.name = "gid",
                      .type = TypeKind::integer,
                      .doc = "The GID. Default: chosen by the system."};
        gid.min = 0;
        schema = {host_attribute(),
                  {.name = "name",
                   .type = TypeKind::account,
                   .doc = "Name of the group.",
                   .required = true,
                   .replaces = true},
                  gid,
                  {.name = "system",
                   .type = TypeKind::boolean,
                   .doc = "Whether to choose a GID from the range for system groups.",
                   .operational = true,
                   .default_value = Value(false)}};
        adopts = true;
        remove_may_leave = true;
    }

    std::vector<std::string> claims(const Value& config) const override {
        return claim(config, "group " + config.text("name"), {"name"});
    }

    std::string probe(const ReadRequest& request) const override {
        return fmt::format("getent group {}\n", shell_quote(request.config.text("name")));
    }

    Observation parse(const ReadRequest& request, const ProbeResult& result) const override {
        if (result.status == 2) return Observation::absent(); // getent: no such entry
        if (result.status != 0)
            return cannot_look("group " + named(request.config, "name"), result);
        const std::string fields = result.out.substr(result.out.find(':') + 1);
        const std::string gid = fields.substr(fields.find(':') + 1);
        return Observation::present(Value::map(
            {{"name", request.config["name"]},
             {"gid", static_cast<std::int64_t>(std::strtoll(gid.c_str(), nullptr, 10))}}));
    }

    std::vector<Command> commands(const Change& change) const override {
        const bool remove = change.kind == Change::Kind::remove;
        const Value& config = remove ? change.before : change.after;
        std::string script =
            fmt::format("g={}\n", shell_quote(config.text("name"))) + open_memory(change.identity);
        if (remove) {
            script +=
                "if [ -e \"$memory\" ] && getent group \"$g\" >/dev/null; then groupdel \"$g\"; "
                "fi\n" +
                forget_memory(change.identity);
            return {{.script = script, .step = "removing group " + named(config, "name")}};
        }
        const std::string gid =
            config["gid"].is_integer() ? fmt::format("-g {} ", config.integer("gid")) : "";
        script += fmt::format("if getent group \"$g\" >/dev/null; then {0}\n"
                              "else hadeploy_note created; groupadd {1}{2}\"$g\"; fi\n",
                              gid.empty() ? ":" : fmt::format("groupmod {}\"$g\"", gid), gid,
                              config.flag("system") ? "-r " : "");
        return {{.script = script, .step = "creating group " + named(config, "name")}};
    }
};
} // namespace

std::unique_ptr<ResourceType> make_host_group() {
    return std::make_unique<HostGroup>();
}

} // namespace hadeploy::ssh
