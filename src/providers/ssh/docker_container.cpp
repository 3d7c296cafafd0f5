#include "core/secrecy.h"
#include "embedded/scripts.h"
#include "providers/ssh/docker_container_body.h"
#include "providers/ssh/docker_object.h"
#include "providers/ssh/docker_types.h"
#include "providers/ssh/host.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy::ssh::docker {

namespace {
constexpr std::string_view kDigestLabel = "hadeploy.sha256";

class DockerContainer final : public ObjectType {
  public:
    DockerContainer();
    void check(const Value& config, Diagnostics& diagnostics) const override;
    Value derive(const Value& config) const override;
    std::vector<std::string> claims(const Value& config) const override;
    std::vector<PortUse> ports(const Value& config) const override;
    Observation parse(const ReadRequest& request, const ProbeResult& result) const override;
    std::vector<Command> commands(const Change& change) const override;

  protected:
    nlohmann::json body(const Value& config, const nlohmann::json& labels,
                        Change::Kind /*kind*/) const override {
        nlohmann::json out = container_body(config);
        out["Labels"] = labels;
        out["Labels"][kDigestLabel] = config.text("sha256");
        return out;
    }
    Value attributes_of(const nlohmann::json& object, const ReadRequest& request) const override;
};

Attribute health_check_of_container() {
    return {.name = "health_check",
            .type = object_of({
                {.name = "command",
                 .type = list_of(TypeKind::string),
                 .doc = "A program in the container and its arguments; status 0 means healthy."},
                {.name = "shell",
                 .type = TypeKind::string,
                 .doc = "A command for /bin/sh in the container, instead of `command`."},
                {.name = "interval",
                 .type = TypeKind::duration,
                 .doc = "Pause between two checks.",
                 .default_value = Value(10'000),
                 .min = 1'000},
                {.name = "timeout",
                 .type = TypeKind::duration,
                 .doc = "How long a check may take.",
                 .default_value = Value(10'000),
                 .min = 1'000},
                {.name = "start_period",
                 .type = TypeKind::duration,
                 .doc = "Failures of this period after the start do not count.",
                 .default_value = Value(0)},
                {.name = "retries",
                 .type = TypeKind::integer,
                 .doc = "The number of failures in a row after which the container is unhealthy.",
                 .default_value = Value(3),
                 .min = 1},
            }),
            .doc = "How Docker finds out whether the container is healthy: {command or shell, "
                   "interval, timeout, start_period, retries}. Default: as in the image."};
}

Schema container_settings() {
    return {
        {.name = "image",
         .type = TypeKind::line,
         .doc = "The image. It is pulled if the host does not have it; a docker.image sends it "
                "without a registry.",
         .required = true},
        {.name = "command",
         .type = list_of(TypeKind::string),
         .doc = "Arguments of the entry point. Default: as in the image."},
        {.name = "entrypoint",
         .type = list_of(TypeKind::string),
         .doc = "The program and its first arguments. Default: as in the image."},
        {.name = "env",
         .type = map_of(TypeKind::string),
         .doc = "Environment variables. They may be secrets, but everybody with access to Docker "
                "on the host can read them.",
         .default_value = Value::map({})},
        {.name = "ports",
         .type = list_of(TypeKind::line),
         .doc = "Published ports: \"8080:80\", \"127.0.0.1:5353:53/udp\".",
         .default_value = Value::list({})},
        {.name = "volumes",
         .type = list_of(TypeKind::line),
         .doc = "Volumes and directories of the host: \"data:/var/lib/app\", "
                "\"/etc/app:/etc/app:ro\".",
         .default_value = Value::list({})},
        {.name = "networks",
         .type = list_of(TypeKind::name),
         .doc = "Networks, or only `host` or `none`. Default: Docker's bridge.",
         .default_value = Value::list({})},
        labels_attribute(),
        {.name = "user", .type = TypeKind::line, .doc = "The user, or UID:GID, in the container."},
        {.name = "directory", .type = TypeKind::path, .doc = "The working directory."},
        {.name = "hostname", .type = TypeKind::name, .doc = "The host name in the container."},
        {.name = "restart",
         .type = TypeKind::string,
         .doc = "When Docker starts the container again. With `no` and `on-failure`, a container "
                "that has exited with status 0 counts as done.",
         .default_value = Value("unless-stopped"),
         .one_of = {"no", "on-failure", "always", "unless-stopped"}},
        {.name = "memory",
         .type = TypeKind::bytes,
         .doc = "The most memory that the container may use.",
         .min = std::int64_t{6} * 1024 * 1024},
        {.name = "cpus",
         .type = TypeKind::number,
         .doc = "The most processor time that it may use, in processors: 0.5."},
        {.name = "privileged",
         .type = TypeKind::boolean,
         .doc = "Whether the container may do everything that root of the host may do.",
         .default_value = Value(false)},
        health_check_of_container(),
        {.name = "stop_timeout",
         .type = TypeKind::duration,
         .doc = "How long the program may take to end before it is killed, in whole seconds.",
         .default_value = Value(10'000)},
    };
}

DockerContainer::DockerContainer() {
    name = "docker.container";
    noun = "container";
    listed = "/containers/json?all=true&";
    path = "/containers/";
    summary = "A container on one host, without a compose file.";
    doc = "For several containers that belong together, and for settings that this type does not "
          "have, use docker.compose.\n\n"
          "Docker cannot change a container, so a change recreates it: the image is pulled and the "
          "new container is created, then the old one is stopped and the new one takes its name "
          "and starts. Apply waits until it has run for 3 seconds and is healthy. If it does not "
          "start, or is not healthy within `wait`, the previous container is started again, and "
          "apply fails with the log. Until then the previous container exists as "
          "NAME.hadeploy-old.\n\n"
          "Drift that is repaired: a container that was removed, stopped or recreated by hand. A "
          "container of the same name that hadeploy did not create is an error.\n\n"
          "Destroy stops and removes the container. Volumes stay, including those that the image "
          "declares and `volumes` does not name.";
    example = "proxy:\n"
              "  type: docker.container\n"
              "  host: ${node[\"node1\"].connection}\n"
              "  name: proxy\n"
              "  image: nginx:1.27\n"
              "  ports: [\"80:80\"]\n"
              "  volumes: [\"${content.name}:/usr/share/nginx/html:ro\"]\n"
              "  networks: [\"${backend.name}\"]\n"
              "  health_check: {shell: \"wget -qO- http://127.0.0.1/\"}\n";
    schema = {host_attribute(),
              {.name = "name",
               .type = TypeKind::name,
               .doc = "Name of the container.",
               .required = true,
               .replaces = true}};
    for (Attribute& setting : container_settings()) schema.push_back(std::move(setting));
    schema.push_back({.name = "wait",
                      .type = TypeKind::duration,
                      .doc = "How long to wait until the container runs and is healthy. 0s: do not "
                             "wait.",
                      .operational = true,
                      .default_value = Value(120'000)});
    schema.push_back({.name = "sha256",
                      .type = TypeKind::string,
                      .doc = "SHA-256 of the settings.",
                      .computed = true});
    schema.push_back({.name = "running",
                      .type = TypeKind::boolean,
                      .doc = "Whether the container runs, or is done.",
                      .computed = true,
                      .tracked = true,
                      .open = true,
                      .verb = "start"});
    schema.push_back({.name = "id",
                      .type = TypeKind::string,
                      .doc = "The container's ID.",
                      .computed = true,
                      .open = true,
                      .changes_on_update = true});
    bound_steps();
}

void check_health_check(const Value& check, Diagnostics& diagnostics) {
    if (!check.is_map() || check["command"].is_unknown() || check["shell"].is_unknown()) return;
    if (check["command"].is_null() == check["shell"].is_null())
        diagnostics.add("a health check needs either `command` or `shell`", check.loc())
            .with_hint("command: [test, -e, /ready], or shell: \"wget -qO- http://127.0.0.1/\"");
}

void DockerContainer::check(const Value& config, Diagnostics& diagnostics) const {
    const auto each = [&](const char* key, const auto& is_right, const char* problem,
                          const char* hint) {
        const Value& list = config[key];
        if (!list.is_list()) return;
        for (const Value& item : list.as_list())
            if (item.is_string() && !is_right(item.as_string()))
                diagnostics.add(fmt::format("{} {}", quoted(item), problem), item.loc())
                    .with_hint(hint);
    };
    each("ports", parse_published, "is not a published port",
         "[[ADDRESS:]PORT:]CONTAINER_PORT[/udp], e.g. \"8080:80\"; a range needs an entry for each "
         "port");
    each("volumes", is_container_mount, "is not a volume",
         "NAME:PATH or /DIRECTORY:PATH, with :ro for read-only; the path in the container is "
         "absolute");
    const std::vector<std::string> networks = strings(config["networks"]);
    for (const char* alone : {"host", "none"})
        if (networks.size() > 1 &&
            std::find(networks.begin(), networks.end(), alone) != networks.end())
            diagnostics
                .add(fmt::format("the network \"{}\" cannot be combined with others", alone),
                     config["networks"].loc())
                .with_hint("list it alone, or remove it");
    if (networks.size() == 1 && networks.front() == "host" && !strings(config["ports"]).empty())
        diagnostics.add("Docker ignores `ports` in the network \"host\"", config["ports"].loc())
            .with_hint("remove them: the ports of the program are ports of the host");
    if (const Value& env = config["env"]; env.is_map())
        for (const Entry& e : env.as_map())
            if (e.key.empty() || e.key.find('=') != std::string::npos)
                diagnostics
                    .add(fmt::format("{} is not a name of a variable", quoted(env, e.key)), e.loc)
                    .with_hint("env: {NAME: value}");
    if (const Value& cpus = config["cpus"]; cpus.is_number() && cpus.as_number() < 0.01)
        diagnostics.add("`cpus` is at least 0.01", cpus.loc())
            .with_hint("0.5 is half of the time of one processor; leave it out for no limit");
    check_health_check(config["health_check"], diagnostics);
    check_labels(config, diagnostics);
}

Value DockerContainer::derive(const Value& config) const {
    Value settings = config;
    for (const char* other : {"host", "name", "wait", "timeout", "id"})
        settings = settings.without(other);
    return Value::map({{"sha256", settings.contains_unknown() ? Value::unknown()
                                                              : Value(container_digest(settings))},
                       {"running", true}});
}

std::vector<std::string> DockerContainer::claims(const Value& config) const {
    std::vector<std::string> out = ObjectType::claims(config);
    if (out.empty()) return out;
    for (PortUse& use : ports(config)) out.push_back(std::move(use.claim));
    return out;
}

std::vector<PortUse> DockerContainer::ports(const Value& config) const {
    const std::string place = place_of(config["host"]);
    std::vector<PortUse> out;
    if (place.empty()) return out;
    for (const std::string& text : strings(config["ports"]))
        if (const auto port = parse_published(text); port && !port->claimed().empty())
            out.push_back({.port = port->claimed(),
                           .place = machine_of(config["host"]),
                           .claim = fmt::format("{} published port {}", place, port->claimed())});
    return out;
}

Value DockerContainer::attributes_of(const nlohmann::json& object,
                                     const ReadRequest& request) const {
    const std::string restart = request.config.text("restart");
    const bool may_end = restart == "no" || restart == "on-failure";
    const bool done = may_end && object.value("Status", "").starts_with("Exited (0)");
    const nlohmann::json labels = object.value("Labels", nlohmann::json::object());
    const bool current = name_of(object) == request.config.text("name");
    const std::string digest = current ? labels.value(kDigestLabel, "") : "(interrupted)";
    Value out = Value::map({{"sha256", digest},
                            {"running", object.value("State", "") == "running" || done},
                            {"id", id_of(object)}});
    // Equal digests mean equal settings.
    const Value recorded = request.recorded ? request.recorded->attributes : Value();
    for (const Value* known : {&request.config, &recorded}) {
        if (digest.empty() || known->text("sha256") != digest) continue;
        for (const Attribute& setting : container_settings())
            out = out.with(setting.name, (*known)[setting.name]);
        break;
    }
    return out;
}

/// A killed change leaves a second container.
Observation DockerContainer::parse(const ReadRequest& request, const ProbeResult& result) const {
    Observation seen = ObjectType::parse(request, result);
    if (seen.state != Observation::State::present || !seen.foreign.empty()) return seen;
    const std::vector<nlohmann::json> all = objects_in(parse_replies(result.out));
    const auto ours = std::count_if(all.begin(), all.end(), [&](const nlohmann::json& one) {
        return is_ours(one, request.identity);
    });
    if (ours > 1) seen.attributes = seen.attributes.with("sha256", "(interrupted)");
    return seen;
}

std::vector<Command> DockerContainer::commands(const Change& change) const {
    const bool remove = change.kind == Change::Kind::remove;
    const Value& config = remove ? change.before : change.after;
    const std::int64_t wait = config.integer("wait");
    std::string networks;
    for (const std::string& network : strings(config["networks"])) networks += network + " ";
    const std::string begin =
        functions() +
        fmt::format(
            "name={}\nidentity={}\nby_id={}\nby_name={}\nimage={}\nnetworks={}\n"
            "restart={}\nlimit={}\n",
            shell_quote(config.text("name")), shell_quote(change.identity),
            shell_quote(filter("label", fmt::format("{}={}", kIdentityLabel, change.identity))),
            shell_quote(filter("name", config.text("name"))), shell_quote(config.text("image")),
            shell_quote(networks), shell_quote(config.text("restart")), (wait + 999) / 1000) +
        std::string(scripts::docker_registry_functions) +
        std::string(scripts::docker_container_functions);
    const std::chrono::milliseconds stops(config.integer("stop_timeout"));
    if (remove)
        return {{.script = begin + std::string(scripts::docker_container_remove),
                 .step = "removing the container " + named(config, "name"),
                 .waits = stops}};
    const bool starts = change.kind == Change::Kind::update &&
                        change.changed == std::vector<std::string>{"running"};
    nlohmann::json labels = json_map(config["labels"]);
    labels[kIdentityLabel] = change.identity;
    return {{.script = begin + std::string(starts ? scripts::docker_container_start
                                                  : scripts::docker_container_up),
             .input = starts ? "" : body(config, labels, change.kind).dump(),
             .step = "starting the container " + named(config, "name"),
             .waits = stops + 2 * std::chrono::milliseconds(wait)}}; // of a rollback too
}
} // namespace

std::unique_ptr<SshType> docker_container_type() {
    return std::make_unique<DockerContainer>();
}

} // namespace hadeploy::ssh::docker
