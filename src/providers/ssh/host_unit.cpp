#include "core/secrecy.h"
#include "embedded/scripts.h"
#include "providers/ssh/explain.h"
#include "providers/ssh/host.h"
#include "providers/ssh/place.h"
#include "providers/ssh/systemd.h"
#include "providers/ssh/unit_file.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy::ssh {

namespace {
/// Content that differs from every unit file: systemd may still use the previous file.
constexpr std::string_view kNotApplied = "(not in use yet: an earlier run was interrupted)";
/// The probe prints the file after this line.
constexpr std::string_view kContent = "\ncontent\n";

bool is_drop_in(const Value& config) {
    return config["drop_in"].is_string();
}

/// Where the administrator's units are.
std::string unit_path(const Value& config) {
    const std::string unit = "/etc/systemd/system/" + config.text("name");
    return is_drop_in(config) ? fmt::format("{}.d/{}.conf", unit, config.text("drop_in")) : unit;
}

class HostUnit final : public SshType {
  public:
    HostUnit();
    void check(const Value& config, Diagnostics& diagnostics) const override;
    std::vector<std::string> claims(const Value& config) const override;
    std::string probe(const ReadRequest& request) const override;
    Observation parse(const ReadRequest& request, const ProbeResult& result) const override;
    std::vector<Command> commands(const Change& change) const override;

  private:
    static std::string settle(const Change& change);
};

HostUnit::HostUnit() {
    name = "host.unit";
    summary = "A systemd unit on a host, such as a service or a timer, or a drop-in for one.";
    doc =
        "Writes the file below /etc/systemd/system, makes systemd read it, enables and starts the "
        "unit, and restarts it when the file changes. Before anything is changed, `systemd-analyze "
        "verify` on the host checks the file: settings that systemd would ignore are errors, too. "
        "Apply fails if a service ends within three seconds of its start, as with host.service.\n\n"
        "With `drop_in`, the file is NAME.d/DROP_IN.conf, which changes settings of an existing "
        "unit. That unit is restarted if it runs. A drop-in cannot set `running` and `enabled`; "
        "use a host.service for them.\n\n"
        "Drift that is repaired: a changed or missing file, and a unit whose state differs from "
        "`running` or `enabled`. For a service that a timer starts, set `running` and `enabled` to "
        "false.\n\n"
        "Destroy stops and disables the unit and removes the file. A file that hadeploy replaced "
        "is restored, and if its unit ran before, the unit is started again. An adopted file that "
        "hadeploy never changed stays.";
    example = "backup:\n"
              "  type: host.unit\n"
              "  host: ${node[\"node1\"].connection}\n"
              "  name: backup.timer\n"
              "  content: |\n"
              "    [Timer]\n"
              "    OnCalendar=daily\n"
              "    Persistent=true\n"
              "    [Install]\n"
              "    WantedBy=timers.target\n";
    schema = {
        host_attribute(),
        {.name = "name",
         .type = TypeKind::line,
         .doc = "Name of the unit with its suffix: app.service, backup.timer.",
         .required = true,
         .replaces = true},
        {.name = "content", .type = TypeKind::string, .doc = "The unit file.", .required = true},
        {.name = "drop_in",
         .type = TypeKind::name,
         .doc = "Name of a drop-in of the unit, without \".conf\". Files are applied in the "
                "order of their names.",
         .replaces = true},
        {.name = "running",
         .type = TypeKind::boolean,
         .doc = "Whether the unit runs.",
         .default_value = Value(true),
         .verb = "start"},
        {.name = "enabled",
         .type = TypeKind::boolean,
         .doc = "Whether the unit is started at boot.",
         .default_value = Value(true)},
        {.name = "on_change",
         .type = TypeKind::string,
         .doc = "What happens to the running unit when the file changes: `restart`, `reload` "
                "(a restart if the unit cannot reload), or `nothing`.",
         .operational = true,
         .default_value = Value("restart"),
         .one_of = {"restart", "reload", "nothing"}},
        {.name = "restart_on",
         .type = map_of(TypeKind::any),
         .doc = "When one of these values changes, the unit is treated as if the file had changed: "
                "see `on_change`.",
         .default_value = Value::map({})}};
    adopts = true;
    remove_may_leave = true;
    verified = {"content"};
}

void HostUnit::check(const Value& config, Diagnostics& diagnostics) const {
    const Value &unit = config["name"], &content = config["content"];
    if (content.contains_secret())
        diagnostics
            .add("a unit file cannot contain a secret: every user of the host can read it",
                 content.loc())
            .with_hint("put it into a host.file with mode \"0600\", and name that file with "
                       "EnvironmentFile= or LoadCredential=");
    const bool named_well =
        unit.is_string() && is_unit_name(unit.as_string()) && !unit_kind(unit.as_string()).empty();
    if (unit.is_string() && !named_well)
        diagnostics
            .add(fmt::format("{} is not the name of a unit that can be a file", quoted(unit)),
                 unit.loc())
            .with_hint("it ends with .service, .timer, .socket, .path, .mount, .automount, .swap, "
                       ".target or .slice, and has letters, digits and : _ . @ -");
    if (content.is_string() && !content.contains_secret() && named_well &&
        !config["drop_in"].is_unknown())
        check_unit_file(content, is_drop_in(config) ? "" : unit.as_string(), diagnostics);
    const bool template_unit = named_well && unit.as_string().find("@.") != std::string::npos;
    for (const char* state : {"running", "enabled"}) {
        if (is_drop_in(config) && config[state].is_bool() && !config.flag(state))
            diagnostics.add(fmt::format("a drop-in cannot set `{}`", state), config[state].loc())
                .with_hint("use a host.service for the unit");
        else if (template_unit && !is_drop_in(config) && config.flag(state, true))
            diagnostics
                .add(fmt::format("{} is a template, so `{}` has to be false", quoted(unit), state),
                     config[state].loc().known() ? config[state].loc() : unit.loc())
                .with_hint("use a host.service for each instance: NAME@INSTANCE.service");
    }
}

std::vector<std::string> HostUnit::claims(const Value& config) const {
    std::vector<std::string> all = claim(config, unit_path(config), {"name", "drop_in"});
    if (!all.empty() && !is_drop_in(config))
        for (std::string& one : claim(config, "service " + config.text("name"), {"name"}))
            all.push_back(std::move(one)); // as host.service
    return all;
}

std::string HostUnit::probe(const ReadRequest& request) const {
    return print_memory(request.identity) +
           fmt::format("systemctl show -p {} -- {} || exit\nf={}\necho\n"
                       "if [ -f \"$f\" ]; then echo content; cat \"$f\"\n"
                       "elif [ -L \"$f\" ]; then echo content; echo \"(a link to $(readlink "
                       "\"$f\"))\"; fi\n",
                       kUnitProperties, shell_quote(request.config.text("name")),
                       shell_quote(unit_path(request.config)));
}

Observation HostUnit::parse(const ReadRequest& request, const ProbeResult& result) const {
    const Value& config = request.config;
    if (result.status != 0)
        return Observation::failed(explain_failure("the host", "reading " + named(config, "name"),
                                                   result.status, result.err));
    const std::size_t at = result.out.find(kContent);
    if (at == std::string::npos) return Observation::absent();
    const std::vector<std::string> all = lines(result.out.substr(0, at));
    std::string content = result.out.substr(at + kContent.size());
    const std::string wanted = config.text("content");
    if (content == wanted + "\n") content = wanted;
    if (std::find(all.begin(), all.end(), "memory pending") != all.end()) content = kNotApplied;
    Value seen = Value::map({{"name", config["name"]}, {"content", content}});
    if (is_drop_in(config))
        return Observation::present(seen.with("drop_in", config["drop_in"])
                                        .with("running", config["running"])
                                        .with("enabled", config["enabled"]));
    return Observation::present(seen.with("running", unit_runs(all, config.flag("running", true)))
                                    .with("enabled", unit_enabled(all, config["enabled"])));
}

/// The script lines that bring the unit into the desired state after its file was written.
std::string HostUnit::settle(const Change& change) {
    const Value& after = change.after;
    const bool create = change.kind == Change::Kind::create;
    const auto touched = [&](std::string_view what) {
        return create || std::find(change.changed.begin(), change.changed.end(), what) !=
                             change.changed.end();
    };
    const bool renewed = touched("content") || touched("restart_on");
    const std::string on_change = after.text("on_change", "restart");
    const std::string_view again = on_change == "restart"  ? "restart"
                                   : on_change == "reload" ? "reload-or-restart"
                                                           : "";
    const auto run = [](std::string_view action) {
        return fmt::format("systemctl {0} -- \"$u\" || {{ look; give_up 'does not {0}'; }}\n",
                           action);
    };
    std::string script =
        std::string(scripts::seconds) + std::string(scripts::host_service_functions);
    if (is_drop_in(after)) {
        if (renewed && !again.empty())
            script += fmt::format("if systemctl -q is-active -- \"$u\"; then\n{}{}fi\n", run(again),
                                  scripts::host_service_stays_up);
        return script;
    }
    if (touched("enabled") || touched("content"))
        script += after.flag("enabled", true) ? "systemctl -q reenable -- \"$u\"\n"
                                              : "systemctl -q disable -- \"$u\"\n";
    if (!after.flag("running", true)) return touched("running") ? script + run("stop") : script;
    const bool restart = renewed && !again.empty();
    if (restart) script += run(again);
    if (!restart && (touched("running") || touched("content"))) script += run("start");
    return script + std::string(scripts::host_service_stays_up);
}

std::vector<Command> HostUnit::commands(const Change& change) const {
    const bool remove = change.kind == Change::Kind::remove;
    const Value& config = remove ? change.before : change.after;
    const std::string path = unit_path(config);
    const std::string begin =
        fmt::format("u={} drop_in={} directory={} n={} id={}\n", shell_quote(config.text("name")),
                    shell_quote(config.text("drop_in")), shell_quote(directory_of(path)),
                    shell_quote(name_of(path)), shell_quote(change.identity)) +
        open_memory(change.identity);
    if (remove)
        return {{.script = begin +
                           fmt::format("on_change={}\n",
                                       shell_quote(config.text("on_change", "restart"))) +
                           std::string(scripts::host_unit_remove) + forget_memory(change.identity),
                 .step = "removing " + named(config, "name")}};
    Command command{.script = begin, .step = "setting up " + named(config, "name")};
    const bool writes =
        change.kind == Change::Kind::create ||
        std::find(change.changed.begin(), change.changed.end(), "content") != change.changed.end();
    if (writes) {
        command.script += scripts::host_unit_write;
        command.input = config.text("content");
        if (!command.input.ends_with('\n')) command.input += '\n';
    }
    command.script += settle(change);
    if (writes) command.script += "sed -i '/^pending$/d' \"$memory\"\n";
    return {command};
}
} // namespace

std::unique_ptr<ResourceType> make_host_unit() {
    return std::make_unique<HostUnit>();
}

} // namespace hadeploy::ssh
