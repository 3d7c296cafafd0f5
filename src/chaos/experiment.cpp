#include "chaos/experiment.h"

#include "chaos/experiment_keys.h"
#include "chaos/tolerance.h"
#include "core/did_you_mean.h"
#include "core/secrecy.h"
#include "core/text.h"
#include "planner/yaml/yaml.h"
#include "provider_api/normalize.h"
#include "provider_api/units.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <map>

namespace hadeploy::chaos {

namespace {

std::string hint_for(std::string_view word, const std::vector<std::string>& known,
                     std::string_view what) {
    if (const auto meant = did_you_mean(word, known))
        return fmt::format("did you mean \"{}\"?", *meant);
    return fmt::format("{}: {}", what, fmt::join(known, ", "));
}

std::optional<FaultKind> fault_named(std::string_view name) {
    for (const FaultKind kind : fault_kinds())
        if (name_of(kind) == name) return kind;
    return std::nullopt;
}

std::vector<std::string> fault_names() {
    std::vector<std::string> out;
    for (const FaultKind kind : fault_kinds()) out.emplace_back(name_of(kind));
    return out;
}

/// Reads the sections of a file.
class Reader {
  public:
    Reader(const Environment& env, Diagnostics& diagnostics)
        : env_(env), diagnostics_(diagnostics) {}

    Experiment read(const Value& root);

  private:
    Error& problem(std::string message, Loc loc) {
        return diagnostics_.add(std::move(message), loc);
    }
    Value checked(const Schema& schema, const Value& value, std::string_view what, Loc loc) {
        return normalize(schema, value, what, loc, {}, diagnostics_);
    }
    void read_configuration(const Value& section);
    Value configured(const std::string& name, const Value& entry);
    /// A copy with `${name}` replaced in every string.
    Value substituted(const Value& tree);
    Value substituted_text(const Value& text);
    Value variable(const std::string& name, Loc loc);

    void refuse_controls(const Value& owner);
    void read_hypothesis(const Value& section, Experiment& out);
    std::vector<Activity> read_list(const Value& list, std::string_view section);
    std::optional<Activity> read_activity(const Value& value, std::string_view section);
    void read_provider(const Value& provider, std::string_view what, Activity& out);
    void check_provider(const Activity& activity);
    void read_fault(const std::string& what, const Value& given, Activity& out);
    Ms time(const Value& value, std::string_view what);
    void refuse_repeated_nodes(const Experiment& experiment);

    const Environment& env_;
    Diagnostics& diagnostics_;
    std::map<std::string, Value> configuration_;
};

Experiment Reader::read(const Value& root) {
    Experiment out;
    if (!root.is_map()) {
        problem(fmt::format("an experiment is a map, not {}", root.kind_name()), root.loc())
            .with_hint("it has a title, a steady-state-hypothesis, a method and rollbacks");
        return out;
    }
    read_configuration(root["configuration"]);
    const Value whole = substituted(root.without("configuration"));
    const Value top = checked(keys::experiment(), whole, "", root.loc());
    if (const Value& secrets = top["secrets"]; secrets.is_map() && !secrets.as_map().empty())
        problem("secrets are not supported", secrets.loc())
            .with_hint("take the value from the environment: configuration: {NAME: {type: env, "
                       "key: VARIABLE}}");
    refuse_controls(top);
    out.title = top.text("title");
    out.description = top.text("description");
    read_hypothesis(top["steady-state-hypothesis"], out);
    out.method = read_list(top["method"], "method");
    out.rollbacks = read_list(top["rollbacks"], "rollbacks");
    for (const Activity& a : out.rollbacks)
        if (a.fault)
            problem("a rollback cannot inject a fault", a.node_loc)
                .with_hint(
                    "a fault ends by itself at the end of the method: no rollback is needed");
    refuse_repeated_nodes(out);
    return out;
}

void Reader::read_configuration(const Value& section) {
    if (!section.is_map()) return;
    for (const Entry& e : section.as_map()) configuration_[e.key] = configured(e.key, e.value);
}

Value Reader::configured(const std::string& name, const Value& entry) {
    const Value& type = entry["type"];
    if (!type.is_string()) return entry;
    if (type.as_string() != "env") {
        problem(fmt::format("configuration: {}: the type {} is not supported", name, quoted(type)),
                type.loc())
            .with_hint("write the value itself, or {type: env, key: VARIABLE}");
        return Value("");
    }
    const std::string key = entry.text("key", name);
    if (const auto value = env_(key)) return Value(*value);
    if (const Value* other = entry.find("default"); other != nullptr) return *other;
    problem(fmt::format("configuration: {}: the environment variable {} is not set", name,
                        in_quotes(key)),
            entry["key"].loc().known() ? entry["key"].loc() : entry.loc())
        .with_hint("set it, or add a `default`");
    return Value("");
}

Value Reader::substituted(const Value& tree) {
    if (tree.is_string()) return substituted_text(tree);
    if (tree.is_list()) {
        Value::List out;
        for (const Value& item : tree.as_list()) out.push_back(substituted(item));
        return Value::list(std::move(out)).at(tree.loc());
    }
    if (!tree.is_map()) return tree;
    Value::Map out;
    for (const Entry& e : tree.as_map()) out.push_back({e.key, substituted(e.value), e.loc});
    return Value::map(std::move(out)).at(tree.loc());
}

Value Reader::substituted_text(const Value& value) {
    const std::string& text = value.as_string();
    std::string out;
    std::size_t at = 0;
    for (std::size_t begin; (begin = text.find("${", at)) != text.npos;) {
        const std::size_t end = text.find('}', begin);
        if (end == text.npos) break;
        const Value found = variable(text.substr(begin + 2, end - begin - 2), value.loc());
        // alone, a value keeps its type
        if (begin == 0 && end + 1 == text.size()) return found.at(value.loc());
        out += text.substr(at, begin - at) + display(found);
        at = end + 1;
    }
    return at == 0 ? value : Value(out + text.substr(at)).at(value.loc());
}

Value Reader::variable(const std::string& name, Loc loc) {
    if (const auto found = configuration_.find(name); found != configuration_.end())
        return found->second;
    std::vector<std::string> known;
    for (const auto& [key, value] : configuration_) known.push_back(key);
    problem(fmt::format("the configuration has no {}", in_quotes(name)), loc)
        .with_hint(known.empty() ? "add it to `configuration:`" : hint_for(name, known, "it has"));
    return Value("");
}

void Reader::refuse_controls(const Value& owner) {
    if (const Value& controls = owner["controls"];
        controls.is_list() && !controls.as_list().empty())
        problem("controls cannot be used: they are Python modules", controls.loc())
            .with_hint("use actions and probes of the type process instead");
}

void Reader::read_hypothesis(const Value& section, Experiment& out) {
    if (!section.is_map()) return;
    const Value hypothesis =
        checked(keys::hypothesis(), section, "steady-state-hypothesis", section.loc());
    refuse_controls(hypothesis);
    out.hypothesis = hypothesis.text("title");
    out.probes = read_list(hypothesis["probes"], "hypothesis");
    for (const Activity& a : out.probes) {
        if (a.kind == Activity::Kind::action)
            problem(
                fmt::format("{} is an action: a hypothesis consists of probes", in_quotes(a.name)),
                a.loc)
                .with_hint("move it to the method");
        else if (a.tolerance.is_null())
            problem(fmt::format("the probe {} has no tolerance", in_quotes(a.name)), a.loc)
                .with_hint("add the accepted result, such as `tolerance: 200` for HTTP or "
                           "`tolerance: 0` for a process");
    }
}

std::vector<Activity> Reader::read_list(const Value& list, std::string_view section) {
    std::vector<Activity> out;
    if (list.is_list())
        for (const Value& item : list.as_list())
            if (auto activity = read_activity(item, section)) out.push_back(std::move(*activity));
    return out;
}

std::optional<Activity> Reader::read_activity(const Value& value, std::string_view section) {
    if (!value.is_map()) {
        problem(fmt::format("an activity is a map, not {}", value.kind_name()), value.loc())
            .with_hint("it has a type (probe or action), a name and a provider");
        return std::nullopt;
    }
    if (value.has("ref")) {
        problem("references to other activities are not supported", value["ref"].loc())
            .with_hint("repeat the activity here, in YAML with an anchor and an alias");
        return std::nullopt;
    }
    const std::string what =
        value["name"].is_string() ? quoted(value["name"]) : std::string(section);
    const std::size_t before = diagnostics_.list().size();
    const Value a = checked(keys::activity(), value, what, value.loc());
    refuse_controls(a);
    if (diagnostics_.list().size() != before) return std::nullopt;
    Activity out;
    out.kind = a.text("type") == "probe" ? Activity::Kind::probe : Activity::Kind::action;
    out.name = a.text("name");
    out.loc = value.loc();
    out.background = a.flag("background");
    const Schema pauses{{.name = "before"}, {.name = "after"}};
    const Value times = checked(pauses, a["pauses"], what + ": pauses", value.loc());
    out.before = time(times["before"], what + ": pauses: before");
    out.after = time(times["after"], what + ": pauses: after");
    out.tolerance = a["tolerance"];
    if (value.has("tolerance")) {
        check_tolerance(value["tolerance"], diagnostics_);
        if (out.kind == Activity::Kind::action)
            problem(fmt::format("{}: an action has no tolerance", what), value["tolerance"].loc())
                .with_hint("make it a probe, or add a probe after it");
    }
    read_provider(a["provider"], what, out);
    if (diagnostics_.list().size() != before) return std::nullopt;
    return out;
}

void Reader::read_provider(const Value& provider, std::string_view what, Activity& out) {
    const Value& type = provider["type"];
    if (!type.is_string()) {
        problem(fmt::format("{}: provider: missing \"type\" (string)", what), provider.loc())
            .with_hint(fmt::format("one of: {}", fmt::join(keys::provider_types(), ", ")));
        return;
    }
    const std::string& name = type.as_string();
    if (name == "python") {
        problem(fmt::format("{}: the provider python is not supported: hadeploy contains no Python",
                            what),
                type.loc())
            .with_hint(fmt::format(
                "supported providers: {}; to run Python, use `type: process` with `path: python3`",
                fmt::join(keys::provider_types(), ", ")));
        return;
    }
    const auto& types = keys::provider_types();
    if (std::find(types.begin(), types.end(), name) == types.end()) {
        problem(fmt::format("{}: unknown provider type {}", what, in_quotes(name)), type.loc())
            .with_hint(hint_for(name, types, "supported"));
        return;
    }
    const std::string path = fmt::format("{}: provider", what);
    if (name == "hadeploy" && out.kind == Activity::Kind::action)
        return read_fault(path, provider, out);
    out.provider = checked(keys::provider(name, false), provider, path, provider.loc());
    check_provider(out);
    if (name == "hadeploy" && out.background)
        problem(fmt::format("{}: a check of the cluster cannot run in the background", what),
                provider.loc())
            .with_hint("remove `background: true`");
    if (provider.has("timeout")) {
        // chaostoolkit has [connect, read] too
        const Value& limit = provider["timeout"];
        Ms sum{0};
        if (limit.is_list())
            for (const Value& part : limit.as_list()) sum += time(part, path + ": timeout");
        else
            sum = time(limit, path + ": timeout");
        out.provider = out.provider.with("timeout", Value(std::int64_t{sum.count()}));
    }
}

void Reader::check_provider(const Activity& activity) {
    const Value& p = activity.provider;
    const Value& url = p["url"];
    if (url.is_string() && !url.as_string().starts_with("http://") &&
        !url.as_string().starts_with("https://"))
        problem(fmt::format("{} is not a URL", quoted(url)), url.loc())
            .with_hint("include the scheme: \"http://10.77.0.11:5000\"");
    const std::string probe = p.text("probe"), check = p.text("check");
    const bool of_swarm = check == "nodes" || check == "services";
    const bool of_gluster = check == "heal" || check == "split-brain";
    if ((probe == "swarm" && of_gluster) || (probe == "gluster" && of_swarm))
        problem(fmt::format("{} has no check {}", probe, in_quotes(check)), p["check"].loc())
            .with_hint(probe == "swarm" ? "its checks: nodes, services, quorum"
                                        : "its checks: quorum, heal, split-brain");
}

void Reader::read_fault(const std::string& what, const Value& given, Activity& out) {
    const Schema& schema = keys::provider("hadeploy", true);
    Value::Map common, options;
    for (const Entry& e : given.as_map())
        (find_attribute(schema, e.key) == nullptr ? options : common).push_back(e);
    out.provider = checked(schema, Value::map(std::move(common)), what, given.loc());
    const Value& name = given["fault"];
    if (!name.is_string() || !given["node"].is_string()) return;
    const auto kind = fault_named(name.as_string());
    if (!kind) {
        problem(fmt::format("{}: unknown fault {}", what, quoted(name)), name.loc())
            .with_hint(hint_for(name.as_string(), fault_names(), "the faults"));
        return;
    }
    out.fault = Fault{.kind = *kind, .node = given["node"].as_string()};
    out.fault->options =
        checked(options_of(*kind), Value::map(std::move(options)), what, given.loc());
    out.node_loc = given["node"].loc();
    if (given.has("hold")) out.hold = time(given["hold"], what + ": hold");
}

Ms Reader::time(const Value& value, std::string_view what) {
    if (value.is_null()) return Ms(0);
    if (value.is_number() && value.as_number() >= 0 && value.as_number() <= 86'400)
        return Ms(static_cast<std::int64_t>(value.as_number() * 1000));
    try {
        if (value.is_string()) return Ms(scalar::parse_duration(value.as_string()));
        problem(fmt::format("{}: expected seconds or a duration such as \"30s\", got {}", what,
                            in_quotes(display(value))),
                value.loc());
    } catch (const scalar::Mismatch& mismatch) {
        problem(fmt::format("{}: {}", what, mismatch.message), value.loc())
            .with_hint(mismatch.hint);
    }
    return Ms(0);
}

void Reader::refuse_repeated_nodes(const Experiment& experiment) {
    std::map<std::string, const Activity*> known;
    for (const Activity& a : experiment.method) {
        if (!a.fault) continue;
        const auto [found, fresh] = known.emplace(a.fault->node, &a);
        if (!fresh)
            problem(fmt::format("{} has two faults: {} and {}", a.fault->node,
                                name_of(found->second->fault->kind), name_of(a.fault->kind)),
                    a.node_loc)
                .with_note("the first one is here", found->second->node_loc)
                .with_hint("choose another node, or write two experiments: the effects of two "
                           "faults on one node cannot be separated");
    }
}

} // namespace

Experiment read_experiment(const Sources& sources, std::uint16_t file, const Environment& env) {
    Diagnostics diagnostics;
    const Value root = read_yaml(sources, file, diagnostics);
    diagnostics.throw_if_any();
    Experiment out = Reader(env, diagnostics).read(root);
    diagnostics.throw_if_any();
    return out;
}

void check_nodes(const Experiment& experiment, const std::vector<std::string>& nodes,
                 Diagnostics& diagnostics) {
    for (const Activity& a : experiment.method) {
        if (!a.fault || !a.node_loc.known())
            continue; // the node of a single fault is checked later
        if (std::find(nodes.begin(), nodes.end(), a.fault->node) != nodes.end()) continue;
        diagnostics
            .add(
                fmt::format("{}: there is no node {}", in_quotes(a.name), in_quotes(a.fault->node)),
                a.node_loc)
            .with_hint(hint_for(a.fault->node, nodes, "the nodes"));
    }
}

} // namespace hadeploy::chaos
