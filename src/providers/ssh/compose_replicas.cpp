#include "providers/ssh/compose_replicas.h"

#include "providers/ssh/compose.h"

#include <charconv>
#include <fmt/format.h>

namespace hadeploy::ssh {

std::optional<DeclaredReplicas> declared_replicas(const Value& config, const std::string& service) {
    using docker::member;
    const docker::Compose compose = docker::read_compose(config);
    const YAML::Node services = compose.root["services"];
    const YAML::Node node = services.IsMap() ? member(services, service) : YAML::Node();
    if (!node.IsDefined() || !node.IsMap()) return std::nullopt;
    DeclaredReplicas out{.place = fmt::format("{}:{}", compose.shown, node.Mark().line + 1)};
    YAML::Node count = member(node, "scale"); // of compose, without a swarm
    if (const YAML::Node deploy = member(node, "deploy"); deploy.IsDefined() && deploy.IsMap()) {
        const YAML::Node mode = member(deploy, "mode");
        out.global = mode.IsDefined() && mode.IsScalar() &&
                     docker::substituted(mode.Scalar(), config["variables"]).starts_with("global");
        if (const YAML::Node replicas = member(deploy, "replicas"); replicas.IsDefined())
            count.reset(replicas);
    }
    if (!count.IsDefined()) {
        out.count = 1;
        return out;
    }
    if (!count.IsScalar()) return out;
    out.written = count.Scalar();
    out.place = fmt::format("{}:{}", compose.shown, count.Mark().line + 1);
    const std::string text = docker::substituted(out.written, config["variables"]);
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc() && end == text.data() + text.size()) out.count = number;
    return out;
}

} // namespace hadeploy::ssh
