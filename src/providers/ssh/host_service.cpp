#include "embedded/scripts.h"
#include "providers/ssh/explain.h"

#include "core/secrecy.h"
#include "providers/ssh/host.h"
#include "providers/ssh/shell_functions.h"
#include "providers/ssh/systemd.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy::ssh {

namespace {
std::string unit_of(const Value& config) {
    const std::string name = config.text("name");
    return name.find('.') == std::string::npos ? name + ".service" : name;
}

class HostService final : public SshType {
  public:
    HostService() {
        name = "host.service";
        summary = "A systemd service on a host: running, enabled, and restarted when needed.";
        doc = "A service that was stopped or disabled by hand is started and enabled again (or the "
              "reverse, if the spec says so). A running service is restarted when a value of "
              "`restart_on` changes: put the `sha256` of its configuration there.\n\n"
              "If a service ends within three seconds of its start, apply fails and shows the last "
              "lines of its journal. A one-shot service counts as running if it has run "
              "successfully. A missing unit counts as stopped and disabled.\n\n"
              "Destroy restores the state that the service had before the first change: a service "
              "that was already running keeps running.";
        example = "ssh:\n"
                  "  type: host.service\n"
                  "  host: ${node[\"node1\"].connection}\n"
                  "  name: ssh\n"
                  "  restart_on: {config: \"${sshd_config.sha256}\"}\n";
        schema = {host_attribute(),
                  {.name = "name",
                   .type = TypeKind::string,
                   .doc = "Name of the unit; \".service\" may be omitted.",
                   .required = true,
                   .replaces = true},
                  {.name = "running",
                   .type = TypeKind::boolean,
                   .doc = "Whether the service runs.",
                   .default_value = Value(true),
                   .verb = "start"},
                  {.name = "enabled",
                   .type = TypeKind::boolean,
                   .doc = "Whether the service starts at boot.",
                   .default_value = Value(true)},
                  {.name = "restart_on",
                   .type = map_of(TypeKind::any),
                   .doc = "The service is restarted when one of these values changes.",
                   .default_value = Value::map({})}};
        adopts = true;
        remove_may_leave = true;
    }

    void check(const Value& config, Diagnostics& diagnostics) const override {
        const Value& unit = config["name"];
        if (unit.is_string() && !is_unit_name(unit.as_string()))
            diagnostics.add("this is not the name of a systemd unit", unit.loc())
                .with_hint("letters, digits and : _ . @ - are allowed");
    }

    std::vector<std::string> claims(const Value& config) const override {
        return claim(config, "service " + unit_of(config), {"name"});
    }

    std::string probe(const ReadRequest& request) const override {
        return print_memory(request.identity) + fmt::format("systemctl show -p {} -- {}\n",
                                                            kUnitProperties,
                                                            shell_quote(unit_of(request.config)));
    }

    Observation parse(const ReadRequest& request, const ProbeResult& result) const override {
        if (result.status != 0) {
            Error error = explain_failure("the host", "reading " + unit_of(request.config),
                                          result.status, result.err);
            return Observation::failed(std::move(error));
        }
        const std::vector<std::string> all = lines(result.out);
        const Value& config = request.config;
        if (property(all, "LoadState") == "not-found") {
            if (config.flag("running", true) || config.flag("enabled", true))
                return Observation::absent();
            return Observation::present(
                Value::map({{"name", config["name"]}, {"running", false}, {"enabled", false}}));
        }
        return Observation::present(
            Value::map({{"name", config["name"]},
                        {"running", unit_runs(all, config.flag("running", true))},
                        {"enabled", unit_enabled(all, config["enabled"])}}));
    }

    std::vector<Command> commands(const Change& change) const override {
        if (change.kind == Change::Kind::remove) return {take_back(change)};
        const Value& after = change.after;
        const bool create = change.kind == Change::Kind::create;
        const auto touched = [&](std::string_view what) {
            return create || std::find(change.changed.begin(), change.changed.end(), what) !=
                                 change.changed.end();
        };
        std::string script =
            fmt::format("u={}\n", shell_quote(unit_of(after))) + open_memory(change.identity);
        // Record the original state only, not a state that we set.
        if (create || !change.before.has("host"))
            script += "[ -e \"$memory\" ] || { was=$(systemctl show -p ActiveState,UnitFileState "
                      "-- \"$u\"); hadeploy_note \"$was\"; }\n";
        // A unit that systemd does not know may come from a new init script.
        script += "case $(systemctl show -p LoadState,NeedDaemonReload -- \"$u\") in "
                  "*=not-found*|*NeedDaemonReload=yes*) systemctl daemon-reload ;; esac\n";
        if (touched("enabled"))
            script += after.flag("enabled", true)
                          ? "[ \"$(systemctl is-enabled -- \"$u\" 2>/dev/null)\" != masked ] || "
                            "systemctl -q unmask -- \"$u\"\nsystemctl -q enable -- \"$u\"\n"
                          : "systemctl -q disable -- \"$u\"\n";
        std::string_view action;
        if (after.flag("running", true)) {
            if (touched("running")) action = "start";
            if (!create && touched("restart_on")) action = "restart";
        } else if (touched("running")) {
            action = "stop";
        }
        if (!action.empty())
            script +=
                std::string(scripts::seconds) + std::string(scripts::host_service_functions) +
                fmt::format("systemctl {0} -- \"$u\" || {{ look; give_up 'does not {0}'; }}\n",
                            action);
        if (action == "start" || action == "restart") script += scripts::host_service_stays_up;
        return {{.script = script,
                 .step = fmt::format("{} {}",
                                     action == "restart" ? "restarting"
                                     : action == "stop"  ? "stopping"
                                     : action == "start" ? "starting"
                                                         : "setting up",
                                     named(after, "name"))}};
    }

  private:
    static Command take_back(const Change& change) {
        return {.script = fmt::format("u={}\n", shell_quote(unit_of(change.before))) +
                          open_memory(change.identity) +
                          std::string(scripts::host_service_restore) +
                          forget_memory(change.identity),
                .step = "restoring " + named(change.before, "name")};
    }
};
} // namespace

std::unique_ptr<ResourceType> make_host_service() {
    return std::make_unique<HostService>();
}

} // namespace hadeploy::ssh
