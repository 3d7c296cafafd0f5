#include "planner/schema.h"
#include "providers/ssh/compose.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace hadeploy::ssh::docker {

namespace {
/// Aliases may make a small file a large tree.
constexpr std::size_t kMostNodes = 100'000;

/// Of a service; those that a stack ignores too. Keys of a newer Docker are none of our business:
/// only one that looks like a slip is reported.
const std::vector<std::string> kServiceKeys{"build",
                                            "cap_add",
                                            "cap_drop",
                                            "cgroup_parent",
                                            "cgroupns_mode",
                                            "command",
                                            "configs",
                                            "container_name",
                                            "credential_spec",
                                            "depends_on",
                                            "deploy",
                                            "devices",
                                            "dns",
                                            "dns_search",
                                            "domainname",
                                            "entrypoint",
                                            "env_file",
                                            "environment",
                                            "expose",
                                            "external_links",
                                            "extra_hosts",
                                            "healthcheck",
                                            "hostname",
                                            "image",
                                            "init",
                                            "ipc",
                                            "isolation",
                                            "labels",
                                            "links",
                                            "logging",
                                            "mac_address",
                                            "network_mode",
                                            "networks",
                                            "oom_score_adj",
                                            "pid",
                                            "ports",
                                            "privileged",
                                            "read_only",
                                            "restart",
                                            "secrets",
                                            "security_opt",
                                            "shm_size",
                                            "stdin_open",
                                            "stop_grace_period",
                                            "stop_signal",
                                            "sysctls",
                                            "tmpfs",
                                            "tty",
                                            "ulimits",
                                            "user",
                                            "userns_mode",
                                            "volumes",
                                            "working_dir"};
const std::vector<std::string> kTopKeys{"version", "name",    "services", "networks",
                                        "volumes", "configs", "secrets"};
const std::vector<std::string> kDeployKeys{
    "mode",      "endpoint_mode",   "replicas",  "labels",        "update_config",
    "resources", "rollback_config", "placement", "restart_policy"};

/// What a value below a service has to be: "integer", "number", "boolean", "duration", or the words
/// of which it is one.
struct Rule {
    std::string_view path, kind;
};
constexpr std::array kRules{
    Rule{"deploy.mode", "replicated|global|replicated-job|global-job"},
    Rule{"deploy.endpoint_mode", "vip|dnsrr"},
    Rule{"deploy.replicas", "integer"},
    Rule{"deploy.placement.max_replicas_per_node", "integer"},
    Rule{"deploy.update_config.parallelism", "integer"},
    Rule{"deploy.update_config.delay", "duration"},
    Rule{"deploy.update_config.monitor", "duration"},
    Rule{"deploy.update_config.max_failure_ratio", "number"},
    Rule{"deploy.update_config.failure_action", "continue|pause|rollback"},
    Rule{"deploy.update_config.order", "start-first|stop-first"},
    Rule{"deploy.rollback_config.parallelism", "integer"},
    Rule{"deploy.rollback_config.delay", "duration"},
    Rule{"deploy.rollback_config.monitor", "duration"},
    Rule{"deploy.rollback_config.max_failure_ratio", "number"},
    Rule{"deploy.rollback_config.failure_action", "continue|pause"},
    Rule{"deploy.rollback_config.order", "start-first|stop-first"},
    Rule{"deploy.restart_policy.condition", "none|on-failure|any"},
    Rule{"deploy.restart_policy.delay", "duration"},
    Rule{"deploy.restart_policy.max_attempts", "integer"},
    Rule{"deploy.restart_policy.window", "duration"},
    Rule{"healthcheck.interval", "duration"},
    Rule{"healthcheck.timeout", "duration"},
    Rule{"healthcheck.start_period", "duration"},
    Rule{"healthcheck.retries", "integer"},
    Rule{"stop_grace_period", "duration"},
    Rule{"init", "boolean"},
    Rule{"read_only", "boolean"},
    Rule{"tty", "boolean"},
};

bool digits(std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// As Go's time.ParseDuration: "1m30s", "1.5h", "0".
bool is_duration(std::string_view text) {
    if (text == "0") return true;
    bool any = false;
    while (!text.empty()) {
        const std::size_t number = text.find_first_not_of("0123456789.");
        if (number == 0 || number == std::string_view::npos) return false;
        text.remove_prefix(number);
        constexpr std::array<std::string_view, 7> kUnits{"ns", "us", "ms", "s", "m", "h", "µs"};
        const auto unit = std::find_if(kUnits.begin(), kUnits.end(), [&](std::string_view u) {
            return text.starts_with(u) &&
                   (text.size() == u.size() || digits(text.substr(u.size(), 1)));
        });
        if (unit == kUnits.end()) return false;
        text.remove_prefix(unit->size());
        any = true;
    }
    return any;
}

bool is_of(std::string_view kind, const std::string& text) {
    if (kind == "integer") return digits(text);
    if (kind == "number") return digits(text) || text.find_first_not_of("0123456789.") == text.npos;
    if (kind == "boolean")
        return text == "true" || text == "false" || text == "yes" || text == "no" || text == "on" ||
               text == "off";
    if (kind == "duration") return is_duration(text);
    return fmt::format("|{}|", kind).find(fmt::format("|{}|", text)) != std::string::npos;
}

std::string wanted(std::string_view kind) {
    if (kind == "integer") return "a whole number";
    if (kind == "number") return "a number";
    if (kind == "boolean") return "true or false";
    if (kind == "duration") return "a duration such as 30s or 1m30s";
    std::string words(kind);
    for (std::size_t at = 0; (at = words.find('|', at)) != words.npos;) words.replace(at, 1, ", ");
    return "one of " + words;
}

class Check {
  public:
    Check(const Compose& compose, const Value& variables, Loc place, Problems& problems)
        : compose_(compose), variables_(variables), place_(place), problems_(problems) {}

    void run() {
        look_for_slips(compose_.root, kTopKeys, "");
        for (const char* section : {"services", "networks", "volumes", "configs", "secrets"})
            substitute(compose_.root[section]);
        const YAML::Node services = compose_.root["services"];
        for (const std::string& name : keys_of(services)) {
            const YAML::Node service = member(services, name);
            if (!service.IsMap()) {
                problem(service, fmt::format("the service {} is not a map", name));
                continue;
            }
            look_for_slips(service, kServiceKeys, fmt::format(" of the service {}", name));
            look_for_slips(member(service, "deploy"), kDeployKeys,
                           fmt::format(" of `deploy` of the service {}", name));
            check_service(name, service);
        }
    }

  private:
    Error& problem(const YAML::Node& at, const std::string& text) {
        const YAML::Mark mark = at.IsDefined() ? at.Mark() : YAML::Mark::null_mark();
        const std::string where = mark.line < 0 ? compose_.shown + ": "
                                                : fmt::format("{}:{}:{}: ", compose_.shown,
                                                              mark.line + 1, mark.column + 1);
        return problems_.add(where + text, place_);
    }

    void look_for_slips(const YAML::Node& map, const std::vector<std::string>& known,
                        const std::string& whose) {
        for (const std::string& key : keys_of(map)) {
            if (key.starts_with("x-") || std::find(known.begin(), known.end(), key) != known.end())
                continue;
            if (const auto close = did_you_mean(key, known))
                problem(member(map, key), fmt::format("there is no key `{}`{}", key, whose))
                    .with_hint(fmt::format("did you mean `{}`?", *close));
        }
    }

    /// Every text is replaced once, so that each variable without a value is reported.
    void substitute(const YAML::Node& node) {
        if (!node.IsDefined() || ++nodes_ > kMostNodes) return;
        if (node.IsMap())
            for (const auto& item : node) substitute(item.second);
        if (node.IsSequence())
            for (const auto& item : node) substitute(item);
        if (!node.IsScalar() || node.Scalar().find('$') == std::string::npos) return;
        try {
            substituted(node.Scalar(), variables_,
                        [&](const std::string& name, const std::string& message) {
                            no_value(node, name, message);
                        });
        } catch (Error& error) {
            Error& added = problem(node, error.message);
            added.hint = error.hint;
        }
    }

    void no_value(const YAML::Node& node, const std::string& name, const std::string& message) {
        if (std::find(missing_.begin(), missing_.end(), name) != missing_.end()) return;
        missing_.push_back(name);
        problem(node, message.empty()
                          ? fmt::format("the variable {} has no value", name)
                          : fmt::format("the variable {} has no value: {}", name, message))
            .with_hint(
                message.empty()
                    ? fmt::format("give it in `variables`, or a default: ${{{}:-value}}", name)
                    : "give it in `variables`");
    }

    /// Nothing where it is not known before apply, or has been reported.
    std::optional<std::string> text_of(const YAML::Node& node) {
        bool whole = true;
        try {
            std::string text =
                substituted(node.Scalar(), variables_,
                            [&](const std::string&, const std::string&) { whole = false; });
            for (const Entry& e : variables_.is_map() ? variables_.as_map() : Value::Map())
                if (e.value.contains_unknown() && node.Scalar().find(e.key) != std::string::npos)
                    whole = false;
            if (whole) return text;
        } catch (const Error&) {
        }
        return std::nullopt;
    }

    void check_service(const std::string& name, const YAML::Node& service) {
        for (const Rule& rule : kRules) {
            YAML::Node at = service;
            for (std::size_t begin = 0; begin <= rule.path.size();) {
                const std::size_t end = std::min(rule.path.find('.', begin), rule.path.size());
                at.reset(member(at, std::string(rule.path.substr(begin, end - begin))));
                begin = end + 1;
            }
            if (!at.IsDefined() || at.IsNull()) continue;
            const auto text =
                at.IsScalar() ? text_of(at) : std::optional<std::string>("(not a word)");
            if (text && !is_of(rule.kind, *text))
                problem(at, fmt::format("`{}` of the service {} is \"{}\", which is not {}",
                                        rule.path, name, *text, wanted(rule.kind)));
        }
        if (!member(service, "image").IsDefined())
            problem(service, fmt::format("the service {} has no image", name))
                .with_hint("a swarm does not build images: load one with docker.image and name it");
        check_names(name, "networks", "network", member(service, "networks"));
        check_names(name, "configs", "config", member(service, "configs"));
        check_names(name, "secrets", "secret", member(service, "secrets"));
        check_volumes(name, member(service, "volumes"));
    }

    void undefined(const YAML::Node& at, const std::string& service, std::string_view kind,
                   const std::string& name, const std::string& section) {
        Error& error =
            problem(at, fmt::format("the service {} uses the {} {}, which is not defined", service,
                                    kind, name));
        const auto close = did_you_mean(name, keys_of(compose_.root[section]));
        error.hint = close ? fmt::format("did you mean {}?", *close)
                           : fmt::format("define it under `{}:`", section);
    }

    bool is_defined(const std::string& section, const std::string& name) const {
        return member(compose_.root[section], name).IsDefined() ||
               (section == "networks" && name == "default");
    }

    void check_names(const std::string& service, const std::string& section, std::string_view kind,
                     const YAML::Node& used) {
        if (used.IsDefined() && used.IsMap())
            for (const std::string& name : keys_of(used))
                if (!is_defined(section, name)) undefined(used, service, kind, name, section);
        if (!used.IsDefined() || !used.IsSequence()) return;
        for (const auto& one : used) {
            YAML::Node source = one;
            if (one.IsMap()) source.reset(member(one, "source"));
            if (!source.IsDefined() || !source.IsScalar()) continue;
            const auto name = text_of(source);
            if (name && !is_defined(section, *name)) undefined(one, service, kind, *name, section);
        }
    }

    /// "NAME:/path" and {type: volume, source: NAME}; a path is of the host.
    void check_volumes(const std::string& service, const YAML::Node& used) {
        if (!used.IsDefined() || !used.IsSequence()) return;
        for (const auto& one : used) {
            std::optional<std::string> name;
            if (one.IsScalar()) {
                name = text_of(one);
                if (!name || name->find(':') == name->npos) continue;
                name = name->substr(0, name->find(':'));
            } else if (const YAML::Node type = member(one, "type"), source = member(one, "source");
                       type.IsDefined() && type.Scalar() == "volume" && source.IsDefined()) {
                name = text_of(source);
            }
            if (!name || name->empty() ||
                std::string_view("/.~").find((*name)[0]) != std::string_view::npos)
                continue;
            if (!is_defined("volumes", *name)) undefined(one, service, "volume", *name, "volumes");
        }
    }

    const Compose& compose_;
    const Value& variables_;
    Loc place_;
    Problems& problems_;
    std::vector<std::string> missing_; ///< reported
    std::size_t nodes_ = 0;
};
} // namespace

void check_compose(const Compose& compose, const Value& variables, Loc place, Problems& problems) {
    Check(compose, variables, place, problems).run();
}

} // namespace hadeploy::ssh::docker
