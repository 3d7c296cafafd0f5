#include "core/file.h"
#include "core/hash.h"
#include "providers/ssh/docker_script.h"
#include "providers/ssh/docker_stack_scripts.h"
#include "providers/ssh/docker_types.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

namespace hadeploy::ssh {

namespace {

using namespace docker;
using Json = nlohmann::json;

constexpr std::size_t kMostCompose = 4u << 20;
/// The text of the config object that marks a stack as ours.
constexpr std::string_view kNote = "This stack was made by hadeploy.\n";
constexpr std::string_view kNamespace = "com.docker.stack.namespace";

/// A compose file and the local files that it names; those go along to the host.
struct Compose {
    struct File {
        std::string path, text;
    };
    std::string text;
    std::vector<File> files;
    bool lacks_version = false; ///< and is of the block form, to which a line can be added

    /// What docker gets. Compose files have no `version` nowadays, but up to Docker 24 a stack
    /// without one is taken for the format of 2014. At the end, as a document may begin with `---`.
    [[nodiscard]] std::string sent() const {
        return lacks_version ? text + "\nversion: \"3.8\"\n" : text;
    }
};

/// The paths under `file:` of configs and secrets, and `env_file:` of services.
std::vector<std::string> named_files(const YAML::Node& root) {
    std::vector<std::string> out;
    for (const char* kind : {"configs", "secrets"})
        if (const YAML::Node section = root[kind]; section && section.IsMap())
            for (const auto& item : section)
                if (item.second.IsMap() && item.second["file"] && item.second["file"].IsScalar())
                    out.push_back(item.second["file"].Scalar());
    const YAML::Node services = root["services"];
    if (!services || !services.IsMap()) return out;
    for (const auto& service : services) {
        if (!service.second.IsMap()) continue;
        const YAML::Node named = service.second["env_file"];
        if (named && named.IsScalar()) out.push_back(named.Scalar());
        if (named && named.IsSequence())
            for (const auto& one : named)
                if (one.IsScalar()) out.push_back(one.Scalar());
    }
    return out;
}

Compose compose_of(const Value& config) {
    Compose compose;
    const bool inline_text = config["content"].is_string();
    const Value& place = inline_text ? config["content"] : config["compose"];
    const std::filesystem::path path = inline_text ? "" : place.as_string();
    compose.text = inline_text ? place.as_string() : read_file(path, kMostCompose);
    YAML::Node root;
    try {
        root = YAML::Load(compose.text);
    } catch (const YAML::Exception& error) {
        throw Error(ErrorKind::spec,
                    fmt::format("{}:{}:{}: {}", inline_text ? "content" : path.string(),
                                error.mark.line + 1, error.mark.column + 1, error.msg),
                    place.loc());
    }
    if (!root.IsMap() || !root["services"] || !root["services"].IsMap())
        throw Error(ErrorKind::spec, "the compose file has no `services`", place.loc());
    compose.lacks_version =
        !root["version"].IsDefined() && root.Style() != YAML::EmitterStyle::Flow;
    for (const std::string& name : named_files(root)) {
        const std::filesystem::path relative = std::filesystem::path(name).lexically_normal();
        if (relative.is_absolute() || relative.empty() || *relative.begin() == "..")
            throw Error(
                ErrorKind::spec,
                fmt::format("the compose file names the file {}, which is not below it", name),
                place.loc())
                .with_hint("files of configs, secrets and env_file have to lie beside the compose "
                           "file or below; they are sent along");
        compose.files.push_back(
            {relative.string(), read_file(path.parent_path() / relative, kMostCompose)});
    }
    return compose;
}

std::string digest(const Compose& compose, const Value& variables) {
    Sha256 sum;
    const auto add = [&](std::string_view part) {
        sum.update(std::to_string(part.size()) + ":");
        sum.update(part);
    };
    add(compose.text);
    for (const Compose::File& file : compose.files) {
        add(file.path);
        add(file.text);
    }
    if (variables.is_map())
        for (const Entry& e : variables.as_map()) {
            add(e.key);
            add(e.value.as_string());
        }
    return hex(sum.finish());
}

/// What of a service is to stay as it was deployed. A restart by hand (`docker service update
/// --force`) only counts up a number, which a later deploy does not take back: no drift.
Value service_state(Json spec) {
    if (spec.contains("TaskTemplate") && spec["TaskTemplate"].is_object())
        spec["TaskTemplate"].erase("ForceUpdate");
    const bool replicated = spec.contains("/Mode/Replicated"_json_pointer);
    Value state =
        Value::map({{"mode", replicated ? "replicated" : "global"},
                    {"image", spec.value("/TaskTemplate/ContainerSpec/Image"_json_pointer, "")}});
    if (replicated)
        state = state.with("replicas",
                           spec.value("/Mode/Replicated/Replicas"_json_pointer, std::int64_t{1}));
    // counted apart, so that a plan can show what it is about
    if (replicated) spec["Mode"] = "replicated";
    return state.with("spec", sha256_hex(spec.dump()).substr(0, 16));
}

/// The variables that every script of a stack begins with.
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

/// `${NAME}` and `${NAME:-default}` replaced, as docker does.
std::string substituted(const std::string& text, const Value& variables) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t open = text.find("${", at), close = text.find('}', open);
        out += text.substr(at, open - at);
        if (open == text.npos || close == text.npos) break;
        const std::string inside = text.substr(open + 2, close - open - 2);
        const std::string word = inside.substr(0, inside.find_first_of(":-?"));
        const std::size_t fallback = inside.find('-');
        out += variables.has(word)       ? variables.text(word)
               : fallback == inside.npos ? ""
                                         : inside.substr(fallback + 1);
        at = close + 1;
    }
    return out;
}

/// The port of every node that one entry under `ports:` publishes, "5000" or "53/udp"; "" where it
/// leaves the choice to docker, or names a range.
std::string published(const YAML::Node& entry, const Value& variables) {
    std::string port, protocol = "tcp";
    if (entry.IsMap()) {
        if (entry["mode"] && entry["mode"].Scalar() == "host") return {}; // of one node alone
        if (entry["published"]) port = substituted(entry["published"].Scalar(), variables);
        if (entry["protocol"]) protocol = entry["protocol"].Scalar();
    } else if (entry.IsScalar()) { // [address:]published:target[/protocol]
        std::string text = substituted(entry.Scalar(), variables);
        if (const auto slash = text.find('/'); slash != text.npos) {
            protocol = text.substr(slash + 1);
            text.resize(slash);
        }
        const auto target = text.rfind(':');
        if (target == text.npos) return {};
        text.resize(target);
        port = text.substr(text.rfind(':') + 1);
    }
    if (port.empty() || port.find_first_not_of("0123456789") != port.npos) return {};
    return protocol == "tcp" ? port : port + "/" + protocol;
}

class DockerStack final : public SshType {
  public:
    DockerStack();
    void check(const Value& config, Problems& problems) const override;
    Value derive(const Value& config) const override;
    std::vector<std::string> claims(const Value& config) const override;
    std::string probe(const ReadRequest& request) const override {
        return preamble(request.config, request.identity) + std::string(kStackProbe);
    }
    Observation parse(const ReadRequest& request, const ProbeResult& result) const override;
    std::vector<Command> commands(const Change& change) const override;
};

DockerStack::DockerStack() {
    name = "docker.stack";
    summary = "The services of an ordinary compose file, run by a swarm.";
    doc = "What `docker stack deploy` does, through the first of `hosts` that answers. Files which "
          "the compose file names for configs, secrets and env_file go along; ${VARIABLES} in it "
          "are replaced by `variables`. Apply waits until every service has its tasks running, and "
          "shows the tasks' errors when that does not come about.\n\n"
          "Seen as drift, and repaired by deploying again: a service that was scaled, updated or "
          "removed by hand, or added to the stack.\n\n"
          "A stack of the same name that hadeploy did not make is an error. (What tells them apart "
          "is a config object, `hadeploy.stack.NAME`, that is part of the stack.)\n\n"
          "On destroy the stack is removed; apply waits until its tasks and networks are gone.";
    example = "app:\n"
              "  type: docker.stack\n"
              "  hosts: ${var.hosts}\n"
              "  name: app\n"
              "  compose: stack.yml\n"
              "  variables: {WEB_PORT: \"5000\"}\n";
    schema = {
        {.name = "hosts",
         .type = map_of(TypeKind::connection),
         .doc = "Managers of the swarm. The first that answers is used.",
         .required = true,
         .steering = true},
        {.name = "name",
         .type = TypeKind::name,
         .doc = "The stack's name; its services are called NAME_SERVICE.",
         .required = true,
         .replaces = true},
        {.name = "compose",
         .type = TypeKind::local_path,
         .doc = "A compose file (version 3), relative to the file this is written in.",
         .steering = true}, // what is in it counts: sha256
        {.name = "content",
         .type = TypeKind::string,
         .doc = "The text of a compose file, in the place of `compose`.",
         .steering = true},
        {.name = "variables",
         .type = map_of(TypeKind::string),
         .doc = "What ${NAME} in the compose file stands for.",
         .steering = true,
         .fallback = Value::map({})},
        {.name = "wait",
         .type = TypeKind::duration,
         .doc = "How long the services may take until all their tasks run. 0s: don't wait.",
         .steering = true,
         .fallback = Value(300'000)},
        {.name = "prune",
         .type = TypeKind::boolean,
         .doc = "Whether services go that the compose file no longer has.",
         .steering = true,
         .fallback = Value(true)},
        {.name = "resolve_image",
         .type = TypeKind::string,
         .doc =
             "Whether a registry is asked for the digests of images. `never` is right for images "
             "that are on the nodes already.",
         .steering = true,
         .fallback = Value("never"),
         .one_of = {"never", "changed", "always"}},
        {.name = "sha256",
         .type = TypeKind::string,
         .doc = "Of the compose file, the files that it names, and the variables.",
         .computed = true},
        {.name = "services",
         .type = map_of(TypeKind::any),
         .doc = "The services as they were deployed: mode, replicas, image, digest of the rest.",
         .computed = true,
         .tracked = true},
    };
}

void DockerStack::check(const Value& config, Problems& problems) const {
    const Value &compose = config["compose"], &content = config["content"];
    if (compose.is_null() && content.is_null())
        problems.add("a docker.stack needs `compose` (a file) or `content` (its text)",
                     config.loc());
    if (!compose.is_null() && !content.is_null())
        problems.add("`compose` and `content` exclude each other", content.loc());
    if (config.text("name").size() > 48)
        problems.add("a stack's name has at most 48 characters", config["name"].loc());
    if (const Value& variables = config["variables"]; variables.is_map())
        for (const Entry& e : variables.as_map())
            if (!variable_name(e.key))
                problems.add(fmt::format("\"{}\" cannot be the name of a variable: use letters, "
                                         "digits and _",
                                         e.key),
                             e.loc);
}

/// Its name and the ports that it publishes, on the swarm of the first host.
std::vector<std::string> DockerStack::claims(const Value& config) const {
    const Value& hosts = config["hosts"];
    if (!hosts.is_map() || hosts.as_map().empty()) return {};
    const std::string place = hosts.as_map().front().value.text("address");
    if (place.empty() || !config["name"].is_string()) return {};
    std::vector<std::string> out{
        fmt::format("the stack {} of the swarm of {}", config.text("name"), place)};
    try {
        if (!config["content"].is_string() && !config["compose"].is_string()) return out;
        const YAML::Node root = YAML::Load(compose_of(config).text);
        for (const auto& service : root["services"]) {
            if (!service.second.IsMap() || !service.second["ports"]) continue;
            for (const auto& entry : service.second["ports"])
                if (const std::string port = published(entry, config["variables"]); !port.empty())
                    out.push_back(fmt::format("port {} of the swarm of {}", port, place));
        }
    } catch (const std::exception&) { // derive() tells what is wrong with the file
    }
    return out;
}

Value DockerStack::derive(const Value& config) const {
    const bool known = !config["compose"].is_unknown() && !config["content"].is_unknown() &&
                       !config["variables"].contains_unknown();
    if (!known) return Value::map({{"sha256", Value::unknown()}});
    if (!config["compose"].is_string() && !config["content"].is_string()) return Value::map({});
    return Value::map({{"sha256", digest(compose_of(config), config["variables"])}});
}

Observation DockerStack::parse(const ReadRequest& request, const ProbeResult& result) const {
    if (result.out.starts_with("none")) return Observation::absent();
    if (result.out.starts_with("stopped"))
        return Observation::blocked(
            Error(ErrorKind::failed, "Docker does not run on the host the stack is read through")
                .with_hint("start it (systemctl start docker), or add a docker.engine that this "
                           "depends on"));
    const std::vector<Reply> replies = parse_replies(result.out);
    if (replies.empty()) throw Error(ErrorKind::failed, "Docker does not answer: " + result.err);
    const std::string message = replies[0].message();
    if (message.find("not a swarm manager") != std::string::npos)
        return request.recorded == nullptr
                   ? Observation::absent() // before the swarm is made
                   : Observation::blocked(Error(ErrorKind::failed,
                                                "the host the stack is read "
                                                "through is no manager of a swarm")
                                              .with_hint("name the managers first in `hosts`"));
    if (message.find("does not have a leader") != std::string::npos)
        return Observation::blocked(
            Error(ErrorKind::failed,
                  "the swarm has lost its quorum, so that its stacks can't be seen")
                .with_hint("start the other managers"));
    if (replies.size() < 2 || replies[0].status != 200 || replies[1].status != 200)
        throw Error(ErrorKind::failed,
                    replies.back().status == 200 ? message : replies.back().message());

    const bool ours = replies[1].body.is_array() && !replies[1].body.empty();
    const bool any = replies[0].body.is_array() && !replies[0].body.empty();
    if (!ours && !any) return Observation::absent();
    const std::string prefix = request.config.text("name") + "_";
    Value::Map services;
    for (const Json& service : replies[0].body) {
        std::string service_name = service.value("/Spec/Name"_json_pointer, "");
        if (service_name.starts_with(prefix)) service_name.erase(0, prefix.size());
        services.push_back({service_name, service_state(service.value("Spec", Json::object()))});
    }
    Observation seen =
        Observation::present(Value::map({{"services", Value::map(std::move(services))}}));
    if (ours)
        seen.attributes = seen.attributes.with(
            "sha256", replies[1].body[0].value("/Spec/Labels/hadeploy.sha256"_json_pointer, ""));
    if (!ours)
        seen.foreign = fmt::format("the stack \"{}\" was made by somebody else; to remove it: "
                                   "docker stack rm {}",
                                   request.config.text("name"), request.config.text("name"));
    return seen;
}

std::vector<Command> DockerStack::commands(const Change& change) const {
    if (change.kind == Change::Kind::remove)
        return {{.script = preamble(change.before, change.identity) + std::string(kStackRemove),
                 .step = "removing the stack"}};
    const Value& config = change.after;
    const Compose compose = compose_of(config);
    std::string files = "files() {\n    :\n";
    for (const Compose::File& file : compose.files) {
        const std::string directory = std::filesystem::path(file.path).parent_path().string();
        if (!directory.empty()) files += fmt::format("    mkdir -p {}\n", shell_quote(directory));
        files +=
            fmt::format("    printf %s {} >{}\n", shell_quote(file.text), shell_quote(file.path));
    }
    files += "}\n";
    if (config["variables"].is_map())
        for (const Entry& e : config["variables"].as_map())
            files += fmt::format("export {}={}\n", e.key, shell_quote(e.value.as_string()));
    const std::string options = fmt::format("--resolve-image {}{}", config.text("resolve_image"),
                                            config.flag("prune") ? " --prune" : "");
    const std::string common = preamble(config, change.identity);
    std::vector<Command> list{
        {.script = common +
                   fmt::format("options={}\nnote={}\n", shell_quote(options), shell_quote(kNote)) +
                   files + std::string(kStackOwn) + std::string(kStackDeploy),
         .input = compose.sent(),
         .step = "deploying the stack"}};
    if (const std::int64_t wait = config.integer("wait"); wait > 0)
        list.push_back({.script = common + fmt::format("seconds={}\n", (wait + 999) / 1000) +
                                  std::string(kStackWait),
                        .step = "waiting for its tasks to run"});
    list.push_back({.script = common +
                              fmt::format("sha256={}\nnote64={}\n", config.text("sha256"),
                                          base64_encode(kNote)) +
                              std::string(kStackNote),
                    .step = "noting what was deployed"});
    return list;
}

} // namespace

std::unique_ptr<SshType> docker_stack_type() {
    return std::make_unique<DockerStack>();
}

} // namespace hadeploy::ssh
