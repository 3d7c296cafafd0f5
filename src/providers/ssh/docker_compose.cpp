#include "core/secrecy.h"
#include "embedded/scripts.h"
#include "providers/ssh/compose.h"
#include "providers/ssh/compose_ports.h"
#include "providers/ssh/docker_script.h"
#include "providers/ssh/docker_types.h"
#include "providers/ssh/host.h"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <map>
#include <optional>
#include <set>

namespace hadeploy::ssh::docker {

namespace {
using ContainerJson = nlohmann::json;

constexpr std::string_view kProjectLabel = "com.docker.compose.project";

/// The directory on the host with the compose file and the files that it names.
std::string project_directory(const Value& config) {
    return config["directory"].is_string() ? config.text("directory")
                                           : "/srv/compose/" + config.text("name");
}

std::string project_script(const Value& config, std::string_view identity) {
    const std::string project = config.text("name");
    return functions() +
           fmt::format("project={}\ndirectory={}\nid={}\nby_project={}\n", shell_quote(project),
                       shell_quote(project_directory(config)), shell_quote(identity),
                       shell_quote(filter("label", fmt::format("{}={}", kProjectLabel, project)))) +
           std::string(scripts::docker_compose_functions);
}

/// The shell function `files`, which writes the project into the current directory, and exports of
/// the variables.
std::string project_files(const Compose& compose, const Value& variables) {
    std::string script =
        fmt::format("files() {{\n    printf %s {} >compose.yml\n", shell_quote(compose.text));
    for (const Compose::File& file : compose.files) {
        const std::size_t slash = file.path.rfind('/');
        if (slash != std::string::npos)
            script += fmt::format("    mkdir -p {}\n", shell_quote(file.path.substr(0, slash)));
        script +=
            fmt::format("    printf %s {} >{}\n", shell_quote(file.text), shell_quote(file.path));
    }
    script += "}\n";
    if (variables.is_map())
        for (const Entry& e : variables.as_map())
            script += fmt::format("export {}={}\n", e.key, shell_quote(e.value.as_string()));
    return script;
}

/// The shell function `old_variables`, which exports the variables of the previous version.
std::string old_variables(const Value& before, const Value& now) {
    std::string script = "old_variables() {\n    :\n";
    if (now.is_map())
        for (const Entry& e : now.as_map()) script += fmt::format("    unset {}\n", e.key);
    if (before.is_map())
        for (const Entry& e : before.as_map())
            script += fmt::format("    export {}={}\n", e.key, shell_quote(e.value.as_string()));
    return script + "}\n";
}

/// The parts of http://ADDRESS[:PORT][/PATH].
struct Page {
    std::string address, port = "80", path = "/";
};

std::optional<Page> parse_page(std::string_view url) {
    constexpr std::string_view scheme = "http://";
    if (!url.starts_with(scheme)) return {};
    url.remove_prefix(scheme.size());
    Page page;
    const std::size_t slash = std::min(url.find('/'), url.size());
    if (slash < url.size()) page.path = url.substr(slash);
    std::string_view place = url.substr(0, slash);
    if (const std::size_t colon = place.find(':'); colon != place.npos) {
        page.port = place.substr(colon + 1);
        place = place.substr(0, colon);
    }
    page.address = place;
    const auto is_plain = [](unsigned char c) { return c > ' ' && c < 0x7f; };
    const auto is_digit = [](unsigned char c) { return std::isdigit(c) != 0; };
    const auto in_name = [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_';
    };
    if (place.empty() || !std::all_of(place.begin(), place.end(), in_name) || page.port.empty() ||
        page.port.size() > 5 || !std::all_of(page.port.begin(), page.port.end(), is_digit) ||
        std::stoi(page.port) < 1 || std::stoi(page.port) > 65535 ||
        !std::all_of(page.path.begin(), page.path.end(), is_plain))
        return {};
    return page;
}

Attribute health_check_attribute() {
    return {
        .name = "health_check",
        .type = object_of({
            {.name = "url",
             .type = TypeKind::line,
             .doc = "The page, as seen from the host: http://ADDRESS[:PORT][/PATH].",
             .required = true},
            {.name = "status",
             .type = TypeKind::integer,
             .doc = "The HTTP status of the response.",
             .default_value = Value(200),
             .min = 100,
             .max = 599},
            {.name = "body", .type = TypeKind::line, .doc = "A text that the response contains."},
            {.name = "attempts",
             .type = TypeKind::integer,
             .doc = "Number of requests, until one response is right.",
             .default_value = Value(15),
             .min = 1,
             .max = 1000},
            {.name = "interval",
             .type = TypeKind::duration,
             .doc = "Pause between two requests, in whole seconds.",
             .default_value = Value(2'000)},
            {.name = "timeout",
             .type = TypeKind::duration,
             .doc = "How long a response may take, in whole seconds.",
             .default_value = Value(5'000),
             .min = 1'000},
        }),
        .doc = "A page that has to respond after each change, once the containers run: {url, "
               "status, body, attempts, interval, timeout}. Requested on the host.",
        .operational = true};
}

/// The variables of docker_compose_check.sh.
std::string health_check_variables(const Value& check) {
    const Page page = parse_page(check.text("url")).value_or(Page{});
    return fmt::format("address={} port={} path={} url={}\nexpected={} body={} attempts={} "
                       "interval={} patience={}\n",
                       shell_quote(page.address), page.port, shell_quote(page.path),
                       shell_quote(check.text("url")), check.integer("status"),
                       shell_quote(check.text("body")), check.integer("attempts"),
                       check.integer("interval") / 1000, check.integer("timeout") / 1000);
}

/// Reports variables without a value, in all texts of the compose file.
void check_variables(const YAML::Node& node, const Value& variables, const Value& place,
                     std::set<std::string>& reported, Diagnostics& diagnostics) {
    if (node.IsMap())
        for (const auto& item : node)
            check_variables(item.second, variables, place, reported, diagnostics);
    if (node.IsSequence())
        for (const auto& one : node) check_variables(one, variables, place, reported, diagnostics);
    if (!node.IsScalar()) return;
    try {
        substituted(node.Scalar(), variables, [&](const std::string& name, const std::string&) {
            if (reported.insert(name).second)
                diagnostics
                    .add(fmt::format("the compose file uses the variable {}, which has no value",
                                     name),
                         place.loc())
                    .with_hint("set it in `variables`, or write ${NAME:-default}");
        });
    } catch (const Error& error) {
        if (reported.insert(error.message).second)
            diagnostics
                .add(fmt::format("line {} of the compose file: {}", node.Mark().line + 1,
                                 place.contains_secret() ? "an invalid text" : error.message),
                     place.loc())
                .with_hint(error.hint);
    }
}

class DockerCompose final : public SshType {
  public:
    DockerCompose();
    void check(const Value& config, Diagnostics& diagnostics) const override;
    Value derive(const Value& config) const override;
    std::vector<std::string> claims(const Value& config) const override;
    std::vector<PortUse> ports(const Value& config) const override;
    std::vector<std::string> needs(const Value& config) const override {
        return claim_of_host(config, "Docker on");
    }
    std::optional<DataLoss> held_data(const Value& project) const override {
        if (!project.flag("remove_volumes")) return {};
        return DataLoss{
            fmt::format("the volumes of the compose project {}", named(project, "name"))};
    }
    std::string probe(const ReadRequest& request) const override {
        return project_script(request.config, request.identity) +
               std::string(scripts::docker_compose_probe);
    }
    Observation parse(const ReadRequest& request, const ProbeResult& result) const override;
    std::vector<Command> commands(const Change& change) const override;
};

DockerCompose::DockerCompose() {
    name = "docker.compose";
    summary = "The services of a compose file on one host, without a swarm.";
    doc = "Works like `docker compose up`, and uses the plugin `docker compose` or the program "
          "`docker-compose` of the host. The compose file and the files that it names for configs, "
          "secrets and env_file are written to `directory`, so that these programs can also be "
          "used there by hand. ${VARIABLES} are replaced by `variables`, which are not written to "
          "the host. Before anything is changed, the program checks the compose file.\n\n"
          "Apply waits until all containers run, those with a `healthcheck` are healthy, and the "
          "page of `health_check` responds. A container that exits with status 0 counts as done. "
          "If a container or the check fails, the error contains its log. If a new version fails, "
          "the previous one is started again (`rollback`), with its files and variables, and apply "
          "fails. Images are pulled if the host does not have them; `build` is not "
          "supported: use a docker.image.\n\n"
          "Drift that is repaired: a container that was stopped, removed, scaled or recreated with "
          "different settings, and a changed compose file on the host. A project of the same name "
          "that hadeploy did not create is an error.\n\n"
          "Destroy stops the containers, and removes the containers, the networks and the files in "
          "`directory`. Named volumes stay unless `remove_volumes` is set.\n\n"
          "For a deployment without downtime to several hosts behind a load balancer, set `serial: "
          "true`, and let the members of the balancer (aws.target, haproxy.server) follow their "
          "project with `replace_triggered_by`: see docs/deployment.md.";
    example = "app:\n"
              "  type: docker.compose\n"
              "  host: ${node[\"node1\"].connection}\n"
              "  name: app\n"
              "  compose: compose.yml\n"
              "  variables: {TAG: v1}\n";
    schema = {
        host_attribute(),
        {.name = "name",
         .type = TypeKind::name,
         .doc = "Name of the project: lower-case letters, digits, '-' and '_'.",
         .required = true,
         .replaces = true},
        {.name = "compose",
         .type = TypeKind::local_path,
         .doc = "A compose file, relative to the file that contains this attribute.",
         .operational = true}, // the content counts, not the path: see sha256
        {.name = "content",
         .type = TypeKind::string,
         .doc = "The text of a compose file, instead of `compose`.",
         .operational = true},
        {.name = "variables",
         .type = map_of(TypeKind::string),
         .doc = "Values for ${NAME} in the compose file.",
         .operational = true,
         .default_value = Value::map({})},
        {.name = "directory",
         .type = TypeKind::path,
         .doc = "The directory of the files on the host. Default: /srv/compose/NAME.",
         .replaces = true},
        {.name = "wait",
         .type = TypeKind::duration,
         .doc = "Maximum time to wait until all containers run. 0s: do not wait.",
         .operational = true,
         .default_value = Value(120'000)},
        health_check_attribute(),
        {.name = "rollback",
         .type = TypeKind::boolean,
         .doc = "If a new version fails, start the previous one again. Its images must still be on "
                "the host or in the registry.",
         .operational = true,
         .default_value = Value(true)},
        {.name = "remove_volumes",
         .type = TypeKind::boolean,
         .doc = "Destroy also removes the named volumes of the project, with their data.",
         .operational = true,
         .default_value = Value(false)},
        {.name = "sha256",
         .type = TypeKind::string,
         .doc = "SHA-256 of the compose file, the files that it names, and the variables.",
         .computed = true},
        {.name = "services",
         .type = map_of(TypeKind::any),
         .doc = "The services: for each its image, a digest of its settings, and how many "
                "containers run.",
         .computed = true,
         .tracked = true},
    };
    bound_steps();
}

void DockerCompose::check(const Value& config, Diagnostics& diagnostics) const {
    const Value &compose = config["compose"], &content = config["content"];
    if (compose.is_null() == content.is_null())
        diagnostics.add("a docker.compose needs either `compose` (a file) or `content` (its text)",
                        config.loc());
    const Value& project = config["name"];
    if (project.is_string() && project.as_string().find_first_not_of(
                                   "abcdefghijklmnopqrstuvwxyz0123456789_-") != std::string::npos)
        diagnostics
            .add(fmt::format("{} is not a name of a project", quoted(project)), project.loc())
            .with_hint("compose allows lower-case letters, digits, '-' and '_'");
    const Value& variables = config["variables"];
    if (variables.is_map())
        for (const Entry& e : variables.as_map())
            if (e.key.empty() || std::isdigit(static_cast<unsigned char>(e.key.front())) != 0 ||
                !std::all_of(e.key.begin(), e.key.end(), [](char c) {
                    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
                }))
                diagnostics.add(
                    fmt::format("{} is not a name of a variable", quoted(variables, e.key)), e.loc);
    const Value& url = config["health_check"]["url"];
    if (url.is_string() && !parse_page(url.as_string()))
        diagnostics.add(fmt::format("{} is not the URL of a page", quoted(url)), url.loc())
            .with_hint("http://ADDRESS[:PORT][/PATH], as seen from the host; for a page with TLS, "
                       "check the port behind it");
    const Value& text = content.is_null() ? compose : content;
    if (!text.is_string() || variables.contains_unknown()) return;
    Compose read;
    try {
        read = read_compose(config);
    } catch (const Error&) { // reported by derive()
        return;
    }
    for (const auto& [key, service] : entries(read.root["services"])) {
        if (!service.IsMap() || !member(service, "image").IsDefined())
            diagnostics
                .add(fmt::format("the service {} has no image", quoted(text, key.Scalar())),
                     text.loc())
                .with_hint("images are not built on the host; build it here and send it with a "
                           "docker.image");
    }
    std::set<std::string> reported;
    check_variables(read.root, variables, text, reported, diagnostics);
}

Value DockerCompose::derive(const Value& config) const {
    if (config["compose"].is_unknown() || config["content"].is_unknown() ||
        config["variables"].contains_unknown())
        return Value::map({{"sha256", Value::unknown()}});
    if (!config["compose"].is_string() && !config["content"].is_string()) return Value::map({});
    return Value::map({{"sha256", compose_digest(read_compose(config), config["variables"])}});
}

/// The project and the published ports of the host.
std::vector<std::string> DockerCompose::claims(const Value& config) const {
    std::vector<std::string> out =
        claim(config, "compose project " + config.text("name"), {"name"});
    if (out.empty()) return out;
    for (PortUse& use : ports(config))
        if (std::find(out.begin(), out.end(), use.claim) == out.end())
            out.push_back(std::move(use.claim));
    return out;
}

std::vector<PortUse> DockerCompose::ports(const Value& config) const {
    const std::string place = place_of(config["host"]);
    if (place.empty() || (!config["content"].is_string() && !config["compose"].is_string()))
        return {};
    try {
        std::vector<PortUse> out = ports_of_project(read_compose(config), config["variables"]);
        for (PortUse& use : out) {
            use.place = machine_of(config["host"]);
            use.claim = fmt::format("{} published port {}", place, use.port);
        }
        return out;
    } catch (const std::exception&) { // check() and derive() report errors in the file
        return {};
    }
}

namespace {
/// The services by their containers: image, digest of the settings, and how many run or are done.
Value services_in(const ContainerJson& containers) {
    struct Seen {
        std::string image, config;
        std::int64_t running = 0, stopped = 0;
    };
    std::map<std::string, Seen> all;
    for (const ContainerJson& one : containers) {
        const ContainerJson labels = one.value("Labels", ContainerJson::object());
        if (labels.value("com.docker.compose.oneoff", "") == "True") continue;
        Seen& seen = all[labels.value("com.docker.compose.service", "")];
        seen.image = one.value("Image", "");
        seen.config = labels.value("com.docker.compose.config-hash", "").substr(0, 12);
        const bool runs = one.value("State", "") == "running" ||
                          one.value("Status", "").starts_with("Exited (0)");
        ++(runs ? seen.running : seen.stopped);
    }
    Value::Map services;
    for (const auto& [service, seen] : all) {
        Value state = Value::map(
            {{"image", seen.image}, {"settings", seen.config}, {"running", seen.running}});
        if (seen.stopped > 0) state = state.with("stopped", seen.stopped);
        services.push_back({service, state});
    }
    return Value::map(std::move(services));
}
} // namespace

Observation DockerCompose::parse(const ReadRequest& request, const ProbeResult& result) const {
    const Value& config = request.config;
    const std::string what = "the compose project " + named(config, "name");
    if (result.status != 0) return cannot_look(what, result);
    if (result.out.starts_with("none")) return Observation::absent();
    if (result.out.starts_with("stopped"))
        return Observation::blocked(
            Error(ErrorKind::failed, what + " cannot be read: Docker does not run on the host")
                .with_hint("start it (systemctl start docker), or add a docker.engine that this "
                           "depends on"));
    const std::vector<Reply> replies = parse_replies(result.out);
    if (replies.empty() || replies[0].status != 200 || !replies[0].body.is_array())
        return Observation::failed(
            Error(ErrorKind::failed,
                  fmt::format("{} cannot be read: {}", what,
                              replies.empty() ? "Docker does not answer" : replies[0].message())));
    const std::string owner = line_after(result.out, "owner ");
    const bool any = !replies[0].body.empty();
    if (!any && owner != request.identity) return Observation::absent();
    const std::string recorded = line_after(result.out, "digest "),
                      written = line_after(result.out, "written "),
                      present = line_after(result.out, "present ");
    Observation seen = Observation::present(
        Value::map({{"services", services_in(replies[0].body)},
                    {"sha256", written == present ? recorded : "(changed on the host)"}}));
    if (owner != request.identity)
        seen.foreign = fmt::format(
            "the compose project {} was not created by this resource; to remove it: docker compose "
            "-p {} down",
            named(config, "name"), named(config, "name"));
    return seen;
}

std::vector<Command> DockerCompose::commands(const Change& change) const {
    if (change.kind == Change::Kind::remove)
        return {{.script = project_script(change.before, change.identity) +
                           fmt::format("volumes={}\n",
                                       change.before.flag("remove_volumes") ? "-v" : "''") +
                           std::string(scripts::docker_compose_remove),
                 .step = "removing the compose project"}};
    const Value &config = change.after, &check = config["health_check"];
    const std::int64_t wait = config.integer("wait");
    const bool new_version =
        change.kind == Change::Kind::update &&
        std::find(change.changed.begin(), change.changed.end(), "sha256") != change.changed.end();
    const bool keep = new_version && config.flag("rollback", true);
    const std::string common =
        project_script(config, change.identity) +
        fmt::format("limit={}\n", wait > 0 ? (wait + 999) / 1000 : 120) +
        old_variables(keep ? change.before["variables"] : Value(), config["variables"]) +
        std::string(scripts::docker_compose_deploy_functions);
    const std::chrono::milliseconds back(keep ? std::max<std::int64_t>(wait, 120'000) : 0);
    std::vector<Command> list{{.script = common +
                                         project_files(read_compose(config), config["variables"]) +
                                         fmt::format("keep={}\n", keep ? "yes" : "''") +
                                         std::string(scripts::docker_compose_up),
                               .step = "starting the compose project",
                               .waits = back}};
    if (wait > 0)
        list.push_back({.script = common + "enter_project\ncontainers_run || give_up\n",
                        .step = "waiting for its containers to run",
                        .waits = std::chrono::milliseconds(wait) + back});
    if (check.is_map())
        list.push_back({.script = common + health_check_variables(check) +
                                  std::string(scripts::docker_compose_check),
                        .step = "checking " + named(check, "url"),
                        .waits = std::chrono::milliseconds(
                                     check.integer("attempts") *
                                     (check.integer("interval") + check.integer("timeout"))) +
                                 back});
    list.back().script += fmt::format("sha256={}\n", shell_quote(config.text("sha256"))) +
                          std::string(scripts::docker_compose_done);
    return list;
}

} // namespace

std::unique_ptr<SshType> docker_compose_type() {
    return std::make_unique<DockerCompose>();
}

} // namespace hadeploy::ssh::docker
