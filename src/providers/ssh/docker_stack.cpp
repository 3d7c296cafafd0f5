#include "core/hash.h"
#include "embedded/scripts.h"
#include "providers/ssh/compose.h"
#include "providers/ssh/compose_check.h"
#include "providers/ssh/compose_ports.h"
#include "providers/ssh/docker_script.h"
#include "providers/ssh/docker_types.h"
#include "providers/ssh/host.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <string>

namespace hadeploy::ssh::docker {

namespace {
using Json = nlohmann::json;

/// The content of the config object that marks a stack as created by hadeploy.
constexpr std::string_view kNote = "This stack was made by hadeploy.\n";
constexpr std::string_view kNamespace = "com.docker.stack.namespace";

/// Adds every setting in `json` by its path: "Container.Image", "Resources.Limits.NanoCPUs". An
/// environment variable may be a secret, so only a digest of its value is added.
void add_settings(const Json& json, const std::string& path, Value::Map& out) {
    const auto below = [&](const std::string& key) {
        return path.empty() ? key : path + "." + key;
    };
    if (json.is_object()) {
        for (const auto& [key, value] : json.items()) {
            const bool shell = path.empty() && key == "TaskTemplate";
            add_settings(value, shell ? path : below(key == "ContainerSpec" ? "Container" : key),
                         out);
        }
    } else if (json.is_array() && path.ends_with(".Env")) {
        for (const Json& variable : json) {
            const std::string text = variable.is_string() ? variable.get<std::string>() : "";
            const std::size_t equals = std::min(text.find('='), text.size());
            out.push_back({below(text.substr(0, equals)),
                           "sha256:" + sha256_hex(text.substr(equals)).substr(0, 12)});
        }
    } else if (!json.is_null()) {
        out.push_back({path, json.is_string() ? json.get<std::string>() : json.dump()});
    }
}

/// The part of a service that must stay as it was deployed. A manual restart (`docker service
/// update --force`) only increments a counter, which a later deploy does not reset, so it is not
/// drift.
/// @param recorded  the record of the service; older versions of hadeploy recorded a digest of the
/// settings as `spec`
Value service_state(Json spec, const Value& recorded) {
    if (spec.contains("TaskTemplate") && spec["TaskTemplate"].is_object())
        spec["TaskTemplate"].erase("ForceUpdate");
    const bool replicated = spec.contains("/Mode/Replicated"_json_pointer);
    Value state =
        Value::map({{"mode", replicated ? "replicated" : "global"},
                    {"image", spec.value("/TaskTemplate/ContainerSpec/Image"_json_pointer, "")}});
    if (replicated)
        state = state.with("replicas",
                           spec.value("/Mode/Replicated/Replicas"_json_pointer, std::int64_t{1}));
    // separate attributes, so that a plan can show the change
    if (replicated) spec["Mode"] = "replicated";
    if (const std::string digest = sha256_hex(spec.dump()).substr(0, 16);
        recorded.text("spec") == digest)
        return state.with("spec", digest);
    for (const char* apart : {"Name", "Mode"}) spec.erase(apart);
    if (spec.contains("/TaskTemplate/ContainerSpec"_json_pointer))
        spec["TaskTemplate"]["ContainerSpec"].erase("Image");
    Value::Map settings;
    add_settings(spec, "", settings);
    return state.with("settings", Value::map(std::move(settings)));
}

/// The variables at the beginning of every script of a stack: its name, and filters of list
/// requests for its objects and for the config object that identifies its owner.
std::string preamble(const Value& config, const std::string& identity) {
    const std::string stack = config.text("name");
    return functions() +
           fmt::format("stack={}\nidentity={}\nby_stack={}\nby_identity={}\n", shell_quote(stack),
                       shell_quote(identity),
                       shell_quote(filter("label", fmt::format("{}={}", kNamespace, stack))),
                       shell_quote(filter("label", "hadeploy.identity=" + identity)));
}

bool variable_name(std::string_view name) {
    const auto word = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
               (c >= '0' && c <= '9');
    };
    return !name.empty() && !(name[0] >= '0' && name[0] <= '9') &&
           std::all_of(name.begin(), name.end(), word);
}

/// Whether the desired number of tasks of a service run. Jobs end, and older Docker versions do not
/// count tasks, so both count as running.
bool all_tasks_run(const Json& service) {
    const Json mode = service.value("/Spec/Mode"_json_pointer, Json::object());
    if (mode.contains("ReplicatedJob") || mode.contains("GlobalJob")) return true;
    const auto count = [&](const char* kind) {
        return service.value("ServiceStatus", Json::object()).value(kind, std::int64_t{0});
    };
    return count("RunningTasks") >= count("DesiredTasks");
}

class DockerStack final : public SshType {
  public:
    DockerStack();
    void check(const Value& config, Diagnostics& diagnostics) const override;
    static void warn_of_ignored_keys(const Value& config, Diagnostics& warnings);
    Value derive(const Value& config) const override;
    std::vector<std::string> claims(const Value& config) const override;
    std::vector<PortUse> ports(const Value& config) const override;
    ClusterMembers members(const Value& config) const override;
    std::vector<std::string> needs(const Value& config) const override {
        std::vector<std::string> out;
        for (const Value& host : connections(config["hosts"]))
            for (const std::string_view what : {"swarm membership of", "Docker on"})
                out.push_back(fmt::format("{} {}", what, place_of(host)));
        return out;
    }
    std::string probe(const ReadRequest& request) const override {
        return preamble(request.config, request.identity) +
               std::string(scripts::docker_stack_probe);
    }
    Observation parse(const ReadRequest& request, const ProbeResult& result) const override;
    std::vector<Command> commands(const Change& change) const override;
};

DockerStack::DockerStack() {
    name = "docker.stack";
    summary = "The services of a compose file, run by a swarm.";
    warnings = {
        {"ignored_key", "A key of the compose file that a swarm ignores.", warn_of_ignored_keys}};
    doc = "Does what `docker stack deploy` does, through the first of `hosts` that responds. "
          "Files that the compose file names for configs, secrets and env_file are sent too. "
          "${VARIABLES} in the compose file are replaced by `variables`. It needs the swarm and "
          "the images: list them in `depends_on`. The name of a config or secret with a `file` "
          "includes a digest of the content, so the content can change. If it has its own `name`, "
          "it cannot change.\n\n"
          "Apply waits until every service runs what was deployed: all tasks run, and tasks with "
          "a `healthcheck` are healthy (without one, a task counts as soon as its program runs). "
          "A job, or a task that is not restarted, must have ended successfully. If this does not "
          "happen, or if the swarm rolls an update back, apply shows the states and errors of the "
          "tasks; `hadeploy status` shows them later. An "
          "update with `failure_action: rollback` that is not complete after `wait` is rolled "
          "back, even if its tasks do not fail but never become healthy. The service then runs "
          "its previous version again, and apply fails.\n\n"
          "Anything that Docker would reject is an error of the spec, reported with its line in "
          "the compose file: keys that a stack does not support, values of the wrong type, a "
          "variable without a value, an undefined network. A value that Docker would change is "
          "also an error, such as 1.10 for a string, which becomes 1.1. So is a value whose "
          "meaning changed in Docker 28, such as `yes` without quotes. `validate`, and a plan "
          "that deploys the stack, warn about settings that a swarm ignores: `build`, "
          "`container_name`, `depends_on`, `links`, `network_mode`, `privileged`, `devices`, "
          "`restart`, `security_opt`, `tmpfs` and the like, and an address before a published "
          "port. A file without `version`, or with \"3\", is sent with the lowest version that "
          "supports its keys, at least 3.8.\n\n"
          "A port that a machine would publish twice is an error of the plan, for example with two "
          "tasks of a service with `mode: host` on one machine. The plan knows all machines of a "
          "swarm from the `peers` of its docker.node. Ports that a stack of others publishes and "
          "missing external networks are detected before anything is changed.\n\n"
          "Drift that is repaired by deploying again: a service of the stack that was scaled, "
          "updated, removed or added by hand.\n\n"
          "A stack of the same name that hadeploy did not create is an error. (hadeploy marks its "
          "stacks with a config object, `hadeploy.stack.NAME`, that is part of the stack.)\n\n"
          "Destroy removes the stack; apply waits until its tasks and networks are gone.";
    example = "app:\n"
              "  type: docker.stack\n"
              "  hosts: ${var.hosts}\n"
              "  name: app\n"
              "  compose: stack.yml\n"
              "  variables: {WEB_PORT: \"5000\"}\n";
    schema = {
        {.name = "hosts",
         .type = map_of(TypeKind::connection),
         .doc = "Managers of the swarm. hadeploy uses the first one that responds.",
         .required = true,
         .operational = true,
         .min = 1},
        {.name = "name",
         .type = TypeKind::name,
         .doc = "The stack's name; its services are called NAME_SERVICE.",
         .required = true,
         .replaces = true},
        {.name = "compose",
         .type = TypeKind::local_path,
         .doc = "Path of a compose file (version 3), relative to the directory of the spec or "
                "module.",
         .operational = true}, // the content counts, not the path: see sha256
        {.name = "content",
         .type = TypeKind::string,
         .doc = "The content of a compose file, instead of `compose`.",
         .operational = true},
        {.name = "variables",
         .type = map_of(TypeKind::string),
         .doc = "Values for ${NAME} in the compose file.",
         .operational = true,
         .default_value = Value::map({})},
        {.name = "wait",
         .type = TypeKind::duration,
         .doc = "How long to wait until all tasks of the services run. 0s: do not wait.",
         .operational = true,
         .default_value = Value(300'000)},
        {.name = "prune",
         .type = TypeKind::boolean,
         .doc = "Whether to remove services that are no longer in the compose file.",
         .operational = true,
         .default_value = Value(true)},
        {.name = "resolve_image",
         .type = TypeKind::string,
         .doc = "Whether to query a registry for the digests of images. Use `never` for images "
                "that are already on the nodes.",
         .operational = true,
         .default_value = Value("never"),
         .one_of = {"never", "changed", "always"}},
        {.name = "sha256",
         .type = TypeKind::string,
         .doc = "SHA-256 of the compose file, the files that it names, and the variables.",
         .computed = true},
        {.name = "services",
         .type = map_of(TypeKind::any),
         .doc = "The deployed services: for each its mode, replicas, image, and all other "
                "`settings` by path.",
         .computed = true,
         .tracked = true},
        {.name = "well",
         .type = TypeKind::boolean,
         .doc = "Whether all tasks of the services run. Machines of the swarm are replaced and "
                "restarted one at a time; the next one waits until all tasks run again.",
         .computed = true,
         .open = true},
    };
    bound_steps();
}

namespace {
/// Whether the message or hint contains the value of a secret variable.
bool mentions_secret(const Error& error, const Value& variables) {
    if (!variables.is_map()) return false;
    return std::any_of(variables.as_map().begin(), variables.as_map().end(), [&](const Entry& e) {
        if (!e.value.secret() || !e.value.is_string() || e.value.as_string().empty()) return false;
        return error.message.find(e.value.as_string()) != std::string::npos ||
               error.hint.find(e.value.as_string()) != std::string::npos;
    });
}

/// The error for a secret value: only its location, without the cause.
Error without_cause(const Error& error) {
    const std::string place = error.message.substr(0, error.message.find(": "));
    return Error(error.kind, place + ": a stack cannot have this", error.loc)
        .with_hint("details are not shown, because they may contain part of a secret");
}

/// Adds the problems that `check` finds in the compose file, without revealing secrets.
void add_compose_problems(const Value& config, decltype(check_compose) check,
                          Diagnostics& diagnostics) {
    const Value& text = config["content"].is_null() ? config["compose"] : config["content"];
    if (!text.is_string() || config["variables"].is_unknown()) return;
    Diagnostics found;
    try {
        check(read_compose(config), config["variables"], text.loc(), found);
    } catch (const Error&) { // reported by derive()
    }
    for (const Error& error : found.list()) {
        const bool secret = text.secret() || mentions_secret(error, config["variables"]);
        diagnostics.add(secret ? without_cause(error) : error);
    }
}
} // namespace

void DockerStack::check(const Value& config, Diagnostics& diagnostics) const {
    const Value &compose = config["compose"], &content = config["content"];
    if (compose.is_null() && content.is_null())
        diagnostics.add("a docker.stack needs `compose` (a path) or `content`", config.loc());
    if (!compose.is_null() && !content.is_null())
        diagnostics.add("`compose` and `content` cannot be used together", content.loc());
    if (config.text("name").size() > 48)
        diagnostics.add("a stack's name has at most 48 characters", config["name"].loc());
    if (const Value& variables = config["variables"]; variables.is_map())
        for (const Entry& e : variables.as_map())
            if (!variable_name(e.key))
                diagnostics.add(
                    fmt::format("\"{}\" is not a valid variable name: use letters, digits and _",
                                e.key),
                    e.loc);
    add_compose_problems(config, check_compose, diagnostics);
}

void DockerStack::warn_of_ignored_keys(const Value& config, Diagnostics& warnings) {
    add_compose_problems(config, warn_of_ignored, warnings);
}

/// The stack name and the published ports, in the swarm of the first host.
std::vector<std::string> DockerStack::claims(const Value& config) const {
    const Value& hosts = config["hosts"];
    if (!hosts.is_map() || hosts.as_map().empty()) return {};
    const std::string place = hosts.as_map().front().value.text("address");
    if (place.empty() || !config["name"].is_string()) return {};
    std::vector<std::string> out{
        fmt::format("the stack {} of the swarm of {}", config.text("name"), place)};
    try {
        if (!config["content"].is_string() && !config["compose"].is_string()) return out;
        for (const std::string& port : published_ports(read_compose(config), config["variables"]))
            out.push_back(fmt::format("port {} of the swarm of {}", port, place));
    } catch (const std::exception&) { // check() and derive() report errors in the file
    }
    return out;
}

std::vector<PortUse> DockerStack::ports(const Value& config) const {
    const std::vector<std::string> places = members(config).places;
    if (places.empty()) return {};
    const std::string swarm = config["hosts"].as_map().front().value.text("address");
    try {
        if (!config["content"].is_string() && !config["compose"].is_string()) return {};
        std::vector<PortUse> out = ports_of_stack(read_compose(config), config["variables"]);
        for (PortUse& use : out) {
            use.place = places.front();
            use.claim = fmt::format("port {} of the swarm of {}", use.port, swarm);
        }
        return out;
    } catch (const std::exception&) { // check() and derive() report errors in the file
        return {};
    }
}

ClusterMembers DockerStack::members(const Value& config) const {
    ClusterMembers out;
    for (const Value& host : connections(config["hosts"]))
        if (std::string place = machine_of(host); !place.empty())
            out.places.push_back(std::move(place));
    return out;
}

Value DockerStack::derive(const Value& config) const {
    const bool known = !config["compose"].is_unknown() && !config["content"].is_unknown() &&
                       !config["variables"].contains_unknown();
    if (!known) return Value::map({{"sha256", Value::unknown()}});
    if (!config["compose"].is_string() && !config["content"].is_string()) return Value::map({});
    return Value::map({{"sha256", compose_digest(read_compose(config), config["variables"])}});
}

Observation DockerStack::parse(const ReadRequest& request, const ProbeResult& result) const {
    if (result.out.starts_with("none")) return Observation::absent();
    if (result.out.starts_with("stopped"))
        return Observation::blocked(
            Error(ErrorKind::failed, "Docker does not run on the host from which the stack is read")
                .with_hint("start it (systemctl start docker), or add a docker.engine on which "
                           "this resource depends"));
    const std::vector<Reply> replies = parse_replies(result.out);
    if (replies.empty()) throw Error(ErrorKind::failed, "Docker does not answer: " + result.err);
    const std::string message = replies[0].message();
    if (message.find("not a swarm manager") != std::string::npos)
        return request.recorded == nullptr
                   ? Observation::absent() // the swarm does not exist yet
                   : Observation::blocked(
                         Error(ErrorKind::failed,
                               "the host from which the stack is read is not a swarm manager")
                             .with_hint("list the managers first in `hosts`"));
    if (message.find("does not have a leader") != std::string::npos)
        return Observation::blocked(
            Error(ErrorKind::failed, "the swarm has lost its quorum, so its stacks cannot be read")
                .with_hint("start the other managers"));
    if (replies.size() < 2 || replies[0].status != 200 || replies[1].status != 200)
        throw Error(ErrorKind::failed,
                    replies.back().status == 200 ? message : replies.back().message());
    if (!replies[0].body.is_array() || !replies[1].body.is_array())
        throw Error(ErrorKind::failed, "Docker answered with something other than a list");

    const bool ours = !replies[1].body.empty(), any = !replies[0].body.empty();
    if (!ours && !any) return Observation::absent();
    const std::string prefix = request.config.text("name") + "_";
    Value::Map services;
    bool well = true;
    for (const Json& service : replies[0].body) {
        well &= all_tasks_run(service);
        std::string service_name = service.value("/Spec/Name"_json_pointer, "");
        if (service_name.starts_with(prefix)) service_name.erase(0, prefix.size());
        const Value recorded =
            request.recorded ? request.recorded->attributes["services"][service_name] : Value();
        services.push_back(
            {service_name, service_state(service.value("Spec", Json::object()), recorded)});
    }
    Observation seen =
        Observation::present(Value::map({{"services", Value::map(std::move(services))}}));
    seen.attributes = seen.attributes.with("well", well);
    if (ours)
        seen.attributes = seen.attributes.with(
            "sha256", replies[1].body[0].value("/Spec/Labels/hadeploy.sha256"_json_pointer, ""));
    if (!ours)
        seen.foreign = fmt::format(
            "the stack \"{}\" was not created by hadeploy; to remove it: docker stack rm {}",
            request.config.text("name"), request.config.text("name"));
    return seen;
}

std::string deploy_options(const Value& config) {
    return fmt::format("--resolve-image {}{}", config.text("resolve_image"),
                       config.flag("prune") ? " --prune" : "");
}

/// The shell function `files`, which writes the local files, and exports of the variables.
std::string files_of(const Compose& compose, const Value& variables) {
    std::string script = "files() {\n    :\n";
    for (const Compose::File& file : compose.files) {
        const std::string directory = std::filesystem::path(file.path).parent_path().string();
        if (!directory.empty()) script += fmt::format("    mkdir -p {}\n", shell_quote(directory));
        script +=
            fmt::format("    printf %s {} >{}\n", shell_quote(file.text), shell_quote(file.path));
    }
    script += "}\n";
    if (variables.is_map())
        for (const Entry& e : variables.as_map())
            script += fmt::format("export {}={}\n", e.key, shell_quote(e.value.as_string()));
    return script;
}

/// The names from Compose::names(), separated and surrounded by spaces.
std::string spaced_names(const std::string& names) {
    std::string out = " ";
    const Json json = Json::parse(names, nullptr, false);
    for (const char* kind : {"configs", "secrets"})
        if (json.is_object() && json.contains(kind))
            for (const auto& [key, entry] : json[kind].items())
                out += entry.value("name", "") + " ";
    return out;
}

std::vector<Command> DockerStack::commands(const Change& change) const {
    if (change.kind == Change::Kind::remove)
        return {{.script = preamble(change.before, change.identity) +
                           std::string(scripts::docker_stack_remove),
                 .step = "removing the stack"}};
    const Value& config = change.after;
    const Value& variables = config["variables"];
    const Compose compose = read_compose(config);
    const std::string names = compose.names(config.text("name"), variables);
    const std::string common = preamble(config, change.identity);
    const std::string json = std::string(scripts::docker_stack_json);
    std::vector<Command> list{
        {.script = common + json +
                   fmt::format("ports={}\nexternals={}\n",
                               shell_quote(fmt::format(
                                   "{}", fmt::join(published_ports(compose, variables), " "))),
                               shell_quote(fmt::format(
                                   "{}", fmt::join(externals(compose, variables), "\n")))) +
                   std::string(scripts::docker_stack_possible),
         .step = "checking what the stack needs"},
        {.script =
             common +
             fmt::format("options={}\nnote={}\nnames={}\n", shell_quote(deploy_options(config)),
                         shell_quote(kNote), shell_quote(names)) +
             files_of(compose, variables) + std::string(scripts::docker_stack_own) +
             std::string(scripts::docker_stack_deploy),
         .input = compose.sent(),
         .step = "deploying the stack"}};
    if (const std::int64_t wait = config.integer("wait"); wait > 0) {
        list.push_back({.script = common + json + fmt::format("seconds={}\n", (wait + 999) / 1000) +
                                  std::string(scripts::docker_stack_wait),
                        .step = "waiting for its tasks to run",
                        .waits = 2 * std::chrono::milliseconds(wait)}); // of a rollback too
        // without waiting, a rollback may still need the old ones
        if (config.flag("prune") && (!names.empty() || change.kind == Change::Kind::update))
            list.push_back(
                {.script = common + fmt::format("current={}\n", shell_quote(spaced_names(names))) +
                           std::string(scripts::docker_stack_clean),
                 .step = "removing unused configs"});
    }
    list.push_back({.script = common +
                              fmt::format("sha256={}\nnote64={}\n", config.text("sha256"),
                                          base64_encode(kNote)) +
                              std::string(scripts::docker_stack_note),
                    .step = "recording the deployment"});
    return list;
}

} // namespace

std::unique_ptr<SshType> docker_stack_type() {
    return std::make_unique<DockerStack>();
}

} // namespace hadeploy::ssh::docker
