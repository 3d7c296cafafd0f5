#include "providers/ssh/gluster_tls.h"

#include "core/process.h"
#include "providers/ssh/gluster_script.h"

#include <array>
#include <fmt/format.h>
#include <vector>

namespace hadeploy::ssh::gluster {

namespace {
constexpr std::string_view kNames = "auth.ssl-allow";
constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kFiles{
    std::pair{"ssl.own-cert", ".pem"}, {"ssl.private-key", ".key"}, {"ssl.ca-list", ".ca"}};
constexpr std::array<std::string_view, 2> kSwitches{"client.ssl", "server.ssl"};

/// The TLS options and their values, except the allowed names.
std::vector<std::pair<std::string, std::string>> fixed_options() {
    std::vector<std::pair<std::string, std::string>> out;
    for (const std::string_view name : kSwitches) out.emplace_back(name, "on");
    for (const auto& [name, ending] : kFiles)
        out.emplace_back(name, fmt::format("{}{}", kCertificates, ending));
    return out;
}
} // namespace

void check_tls(const Value& config, Diagnostics& diagnostics) {
    if (!config.flag("tls") || !config["options"].is_map()) return;
    for (const Entry& e : config["options"].as_map())
        for (const auto& [name, value] : fixed_options())
            if (e.key == name)
                diagnostics.add(fmt::format("the option {} is set by `tls`", e.key), e.loc)
                    .with_hint("remove one of them");
}

Value tls_names(const Value& config) {
    if (config["tls"].is_unknown() || config["options"].contains_unknown()) return Value::unknown();
    if (!config.flag("tls")) return Value::list({});
    if (config["options"].has(kNames)) return list_of_names(config["options"].text(kNames));
    Value::List names;
    for (const Host& host : hosts_of(config["hosts"])) names.emplace_back(host.name);
    return Value::list(std::move(names));
}

std::string tls_settings(const Value& config) {
    if (!config.flag("tls")) return "";
    std::string out;
    const auto set = [&](std::string_view name, std::string_view value) {
        out += fmt::format(" {} {}", name, shell_quote(value));
    };
    for (const auto& [name, value] : fixed_options()) set(name, value);
    std::string names;
    if (config["certificates"].is_list())
        for (const Value& name : config["certificates"].as_list())
            names += (names.empty() ? "" : ",") + name.as_string();
    set(kNames, names);
    return out;
}

std::string tls_options() {
    std::string out;
    for (const auto& [name, value] : fixed_options()) out += " " + name;
    return fmt::format("{} {}", out, kNames);
}

bool seen_tls(const std::map<std::string, std::string>& info, const Value& config) {
    for (const std::string_view name : kSwitches)
        if (config["options"].has(name)) return config.flag("tls");
    for (const auto& [name, value] : fixed_options())
        if (const auto it = info.find(name); it == info.end() || it->second != value) return false;
    return true;
}

} // namespace hadeploy::ssh::gluster
