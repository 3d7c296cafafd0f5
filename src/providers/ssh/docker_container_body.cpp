#include "providers/ssh/docker_container_body.h"

#include "core/hash.h"
#include "core/value_json.h"
#include "providers/ssh/docker_object.h"
#include "providers/ssh/host.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace hadeploy::ssh::docker {

namespace {
/// Attributes that are not settings of the container.
constexpr std::array<std::string_view, 7> kNotSettings{"host", "name",    "wait",  "timeout",
                                                       "id",   "running", "sha256"};

bool is_port_number(std::string_view text) {
    return !text.empty() && text.size() <= 5 &&
           std::all_of(text.begin(), text.end(),
                       [](unsigned char c) { return std::isdigit(c) != 0; }) &&
           std::stoi(std::string(text)) >= 1 && std::stoi(std::string(text)) <= 65535;
}

std::int64_t nanoseconds(const Value& map, std::string_view key) {
    return map.integer(key) * 1'000'000;
}

nlohmann::json health_check_of(const Value& check) {
    nlohmann::json test = nlohmann::json::array({"CMD"});
    if (check["shell"].is_string())
        test = {"CMD-SHELL", check.text("shell")};
    else
        for (const std::string& word : strings(check["command"])) test.push_back(word);
    return {{"Test", test},
            {"Interval", nanoseconds(check, "interval")},
            {"Timeout", nanoseconds(check, "timeout")},
            {"StartPeriod", nanoseconds(check, "start_period")},
            {"Retries", check.integer("retries")}};
}

nlohmann::json host_config_of(const Value& config) {
    const std::vector<std::string> networks = strings(config["networks"]);
    nlohmann::json out = {
        {"Binds", strings(config["volumes"])},
        {"RestartPolicy", {{"Name", config.text("restart")}}},
        {"Privileged", config.flag("privileged")},
        {"NetworkMode", networks.empty() ? "default" : networks.front()},
        {"PortBindings", nlohmann::json::object()},
    };
    for (const std::string& text : strings(config["ports"]))
        if (const auto port = parse_published(text))
            out["PortBindings"][port->container].push_back(
                {{"HostIp", port->address}, {"HostPort", port->port}});
    if (config["memory"].is_integer()) out["Memory"] = config.integer("memory");
    if (config["cpus"].is_number())
        out["NanoCpus"] = static_cast<std::int64_t>(config["cpus"].as_number() * 1e9);
    return out;
}
} // namespace

std::string PublishedPort::claimed() const {
    if (!address.empty() && address != "0.0.0.0") return "";
    return port.empty() || container.ends_with("/tcp")
               ? port
               : port + container.substr(container.find('/'));
}

std::optional<PublishedPort> parse_published(std::string_view text) {
    PublishedPort out;
    std::string protocol = "tcp";
    if (const auto slash = text.find('/'); slash != text.npos) {
        protocol = text.substr(slash + 1);
        text = text.substr(0, slash);
    }
    if (protocol != "tcp" && protocol != "udp" && protocol != "sctp") return std::nullopt;
    const auto colon = text.rfind(':');
    const std::string_view container = colon == text.npos ? text : text.substr(colon + 1);
    if (!is_port_number(container)) return std::nullopt;
    out.container = std::string(container) + "/" + protocol;
    if (colon == text.npos) return out;
    text = text.substr(0, colon);
    const auto before = text.rfind(':');
    out.port = before == text.npos ? text : text.substr(before + 1);
    if (!is_port_number(out.port)) return std::nullopt;
    if (before == text.npos) return out;
    out.address = text.substr(0, before);
    const bool plain =
        !out.address.empty() && out.address.find_first_not_of("0123456789.") == std::string::npos;
    return plain ? std::optional(out) : std::nullopt;
}

bool is_container_mount(std::string_view text) {
    const auto colon = text.find(':');
    if (colon == text.npos || colon == 0) return false;
    const std::string_view source = text.substr(0, colon);
    std::string_view target = text.substr(colon + 1);
    if (const auto options = target.find(':'); options != target.npos) {
        if (options + 1 == target.size()) return false;
        target = target.substr(0, options);
    }
    const bool name = source.find('/') == source.npos && source.front() != '.' &&
                      source.front() != '~' && source.size() > 1;
    return (source.front() == '/' || name) && target.starts_with('/') && target.size() > 1;
}

nlohmann::json container_body(const Value& config) {
    nlohmann::json out = {{"Image", config.text("image")},
                          {"Labels", json_map(config["labels"])},
                          {"Env", nlohmann::json::array()},
                          {"ExposedPorts", nlohmann::json::object()},
                          {"HostConfig", host_config_of(config)},
                          {"StopTimeout", (config.integer("stop_timeout") + 999) / 1000}};
    if (config["command"].is_list()) out["Cmd"] = strings(config["command"]);
    if (config["entrypoint"].is_list()) out["Entrypoint"] = strings(config["entrypoint"]);
    if (config["env"].is_map())
        for (const Entry& e : config["env"].as_map())
            out["Env"].push_back(e.key + "=" + e.value.as_string());
    for (const auto& [key, field] :
         {std::pair("user", "User"), std::pair("directory", "WorkingDir"),
          std::pair("hostname", "Hostname")})
        if (config[key].is_string()) out[field] = config.text(key);
    for (const auto& [port, binding] : out["HostConfig"]["PortBindings"].items())
        out["ExposedPorts"][port] = nlohmann::json::object();
    if (config["health_check"].is_map())
        out["Healthcheck"] = health_check_of(config["health_check"]);
    return out;
}

std::string container_digest(const Value& config) {
    Value settings = Value::map({});
    for (const Entry& e : config.as_map()) {
        const bool empty = e.value.is_null() || e.value == Value(false) ||
                           (e.value.is_list() && e.value.as_list().empty()) ||
                           (e.value.is_map() && e.value.as_map().empty());
        const bool counts =
            std::find(kNotSettings.begin(), kNotSettings.end(), e.key) == kNotSettings.end();
        if (!empty && counts) settings = settings.with(e.key, e.value);
    }
    return sha256_hex(to_open_json(settings));
}

} // namespace hadeploy::ssh::docker
