#include "providers/ssh/compose_rules.h"

#include "core/did_you_mean.h"
#include "core/text.h"
#include "provider_api/schema.h"
#include "providers/ssh/compose_scalar.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <optional>
#include <sstream>
#include <string_view>

namespace hadeploy::ssh::docker {

namespace {
struct Fault {
    std::size_t line = 0;
    std::string_view what;
};

/// The first line of an environment file that Docker would reject (docker/cli, kvfile).
std::optional<Fault> fault_in_variables(const std::string& text) {
    constexpr std::size_t kLongest = 64 * 1024; ///< limit of bufio.Scanner
    std::istringstream in(text.starts_with("\xef\xbb\xbf") ? text.substr(3) : text);
    std::size_t number = 0;
    for (std::string line; std::getline(in, line);) {
        ++number;
        if (line.size() >= kLongest) return Fault{number, "is longer than 64 KiB"};
        if (!is_utf8(line)) return Fault{number, "is not UTF-8 text"};
        const std::size_t begin = line.find_first_not_of(" \t\v\f\r");
        if (begin == line.npos || line[begin] == '#') continue;
        const std::string_view variable =
            std::string_view(line).substr(begin, std::min(line.find('='), line.size()) - begin);
        if (variable.empty()) return Fault{number, "has no name before the `=`"};
        if (variable.find_first_of(" \t") != variable.npos)
            return Fault{number, "has a space in the name of the variable"};
    }
    return std::nullopt;
}

class Rules {
  public:
    explicit Rules(const ComposeReport& report) : report_(report), root_(report.compose.root) {}

    void run() {
        for (const auto& [key, service] : entries(root_["services"]))
            if (service.IsMap()) check_service(key.Scalar(), service);
        for (const auto& [section, kind] : {std::pair{"configs", "config"}, {"secrets", "secret"}})
            for (const auto& [key, entry] : entries(root_[section]))
                if (entry.IsMap()) check_source(kind, key, entry);
        for (const auto& [section, kind] : {std::pair{"networks", "network"},
                                            {"volumes", "volume"},
                                            {"configs", "config"},
                                            {"secrets", "secret"}})
            for (const auto& [key, entry] : entries(root_[section]))
                if (entry.IsMap()) check_external(kind, key.Scalar(), entry);
    }

  private:
    void check_service(const std::string& name, const YAML::Node& service) {
        if (!member(service, "image").IsDefined())
            report_.problem(service, fmt::format("the service {} has no image", name))
                .with_hint(
                    "a swarm does not build images: load one with a docker.image and set `image`");
        const YAML::Node deploy = member(service, "deploy");
        const YAML::Node mode = member(deploy, "mode"), replicas = member(deploy, "replicas");
        if (scalar(mode).starts_with("global") && replicas.IsDefined())
            report_
                .problem(
                    replicas,
                    fmt::format(
                        "the service {} runs on every node, so it cannot have `deploy.replicas`",
                        name))
                .with_hint("remove `replicas`, or `mode: " + scalar(mode) + "`");
        const YAML::Node health = member(service, "healthcheck");
        if (is_true(member(health, "disable")) && member(health, "test").IsDefined())
            report_
                .problem(
                    member(health, "test"),
                    fmt::format("the `healthcheck` of the service {} has a `test`, but is disabled",
                                name))
                .with_hint("remove one of them");
        for (const auto& [key, limit] : entries(member(service, "ulimits")))
            for (const char* part : {"soft", "hard"})
                if (limit.IsMap() && !member(limit, part).IsDefined())
                    report_
                        .problem(key, fmt::format("`ulimits.{}` of the service {} has no `{}`",
                                                  key.Scalar(), name, part))
                        .with_hint("write both, or one number instead of the map");
        check_names(name, "networks", "network", member(service, "networks"));
        check_names(name, "configs", "config", member(service, "configs"));
        check_names(name, "secrets", "secret", member(service, "secrets"));
        check_volumes(name, member(service, "volumes"));
        const YAML::Node files = member(service, "env_file");
        if (!files.IsDefined() || !files.IsSequence()) return check_env_file(files);
        for (const auto& one : files) check_env_file(one);
    }

    /// No part of a line is shown, because such files contain secrets.
    void check_env_file(const YAML::Node& node) {
        const std::string name = scalar(node);
        const std::string path = std::filesystem::path(name).lexically_normal().string();
        for (const Compose::File& file : report_.compose.files) {
            if (name.empty() || file.path != path) continue;
            if (const auto fault = fault_in_variables(file.text))
                report_
                    .problem(node, fmt::format("line {} of {} {}", fault->line, name, fault->what))
                    .with_hint("write each line as NAME=value, without `export` and without spaces "
                               "around the name");
            return;
        }
    }

    /// The text of a scalar; "" if it is not a scalar, or not known before apply.
    [[nodiscard]] std::string scalar(const YAML::Node& node) const {
        return node.IsDefined() && node.IsScalar() ? report_.text_of(node).value_or("") : "";
    }

    [[nodiscard]] bool is_true(const YAML::Node& node) const {
        return read_plain(scalar(node)).text == "true";
    }

    void undefined(const YAML::Node& at, const std::string& service, std::string_view kind,
                   const std::string& name, const std::string& section) {
        Error& error =
            report_.problem(at, fmt::format("the service {} uses the {} {}, which is not defined",
                                            service, kind, name));
        const auto close = did_you_mean(name, keys_of(root_[section]));
        error.hint = close ? fmt::format("did you mean {}?", *close)
                           : fmt::format("define it under `{}:`", section);
    }

    [[nodiscard]] bool is_defined(const std::string& section, const std::string& name) const {
        return member(root_[section], name).IsDefined() ||
               (section == "networks" && name == "default");
    }

    void check_names(const std::string& service, const std::string& section, std::string_view kind,
                     const YAML::Node& used) {
        for (const auto& [key, value] : entries(used))
            if (!is_defined(section, key.Scalar()))
                undefined(key, service, kind, key.Scalar(), section);
        if (!used.IsDefined() || !used.IsSequence()) return;
        for (const auto& one : used) {
            const YAML::Node source = one.IsMap() ? member(one, "source") : YAML::Node(one);
            const std::string name = scalar(source);
            if (!name.empty() && !is_defined(section, name))
                undefined(one, service, kind, name, section);
        }
    }

    void check_volumes(const std::string& service, const YAML::Node& used) {
        if (!used.IsDefined() || !used.IsSequence()) return;
        for (const auto& one : used) {
            if (one.IsMap()) check_mount(service, one);
            const std::string name = volume_of(one);
            if (!name.empty() &&
                std::string_view("/.~\\").find(name[0]) == std::string_view::npos &&
                !is_defined("volumes", name))
                undefined(one, service, "volume", name, "volumes");
            const std::string path = bind_source(one);
            if (path.empty() || std::string_view("/~\\").find(path[0]) != std::string_view::npos)
                continue;
            report_
                .problem(one, fmt::format("a volume of the service {} mounts {}, a relative path",
                                          service, path))
                .with_hint("the files in the compose file's directory do not exist on the nodes: "
                           "write the absolute path of a directory that each node has, or use a "
                           "named volume; for single files, use a config");
        }
    }

    /// The path on the host in "./path:/path" or {type: bind, source: path}; "" for other mounts.
    [[nodiscard]] std::string bind_source(const YAML::Node& mount) const {
        if (mount.IsMap())
            return scalar(member(mount, "type")) == "bind" ? scalar(member(mount, "source")) : "";
        const std::string source = volume_of(mount);
        return source.starts_with('.') ? source : "";
    }

    /// The source in "NAME:/path" or {type: volume, source: NAME}: a name, a path on the host, or
    /// "".
    [[nodiscard]] std::string volume_of(const YAML::Node& mount) const {
        if (mount.IsMap())
            return scalar(member(mount, "type")) == "volume" ? scalar(member(mount, "source")) : "";
        const std::string text = scalar(mount);
        const std::size_t colon = text.find(':');
        const bool is_drive = colon == 1 && text[0] != '.'; // C:\path
        return colon == text.npos || is_drive ? "" : text.substr(0, colon);
    }

    void check_mount(const std::string& service, const YAML::Node& mount) {
        const YAML::Node type = member(mount, "type"), source = member(mount, "source");
        const std::string kind = scalar(type);
        const auto refuse = [&](const YAML::Node& at, const std::string& text,
                                const std::string& hint) {
            report_.problem(at, fmt::format("a volume of the service {} {}", service, text))
                .with_hint(hint);
        };
        if (!type.IsDefined()) refuse(mount, "has no `type`", "write type: volume, bind or tmpfs");
        if (kind == "bind" && !source.IsDefined())
            refuse(mount, "of the type bind has no `source`",
                   "set `source` to a directory on the nodes");
        if (kind == "tmpfs" && source.IsDefined())
            refuse(source, "of the type tmpfs has a `source`", "remove it");
        for (const char* options : {"bind", "volume", "tmpfs"})
            if (const YAML::Node given = member(mount, options);
                given.IsDefined() && !kind.empty() && kind != options)
                refuse(given,
                       fmt::format("of the type {} has options of the type {}", kind, options),
                       fmt::format("remove `{}`, or write type: {}", options, options));
    }

    /// A config or secret must have a source.
    void check_source(std::string_view kind, const YAML::Node& key, const YAML::Node& entry) {
        for (const char* known : {"file", "external", "driver", "content", "environment"})
            if (member(entry, known).IsDefined()) return;
        report_.problem(key, fmt::format("the {} {} has no `file`", kind, key.Scalar()))
            .with_hint(fmt::format(
                "name a file beside the compose file, or write external: true for an existing {}",
                kind));
    }

    void check_external(std::string_view kind, const std::string& name, const YAML::Node& entry) {
        const YAML::Node external = member(entry, "external");
        if (!external.IsDefined() || (!external.IsMap() && !is_true(external))) return;
        if (external.IsMap() && member(external, "name").IsDefined() &&
            member(entry, "name").IsDefined())
            report_.problem(external, fmt::format("the {} {} has two names", kind, name))
                .with_hint("write external: true, and the name as `name`");
        if (kind != "volume") return;
        for (const char* own : {"driver", "driver_opts", "labels"})
            if (const YAML::Node given = member(entry, own); given.IsDefined())
                report_
                    .problem(given, fmt::format("the volume {} is external, so it cannot have `{}`",
                                                name, own))
                    .with_hint("an external volume is used unchanged: remove one of the two keys");
    }

    const ComposeReport& report_;
    const YAML::Node& root_;
};
} // namespace

void check_rules(const ComposeReport& report) {
    Rules(report).run();
}

} // namespace hadeploy::ssh::docker
