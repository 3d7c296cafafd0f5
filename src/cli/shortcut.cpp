#include "cli/shortcut.h"

#include "cli/own_environment.h"
#include "core/file.h"
#include "core/hash.h"
#include "core/value_json.h"
#include "planner/plan/decide.h"
#include "planner/plan/prior_state.h"
#include "planner/yaml/yaml.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy::cli {

namespace {

namespace fs = std::filesystem;
constexpr std::int64_t kNoteFormat = 3;

fs::path note_of(const Project& project) {
    return project.data_dir() / "cache" / "unchanged.json";
}

/// Digest of all inputs of a plan except state and observations. Each part is hashed with its
/// length.
class Digest {
  public:
    Digest& add(std::string_view text) {
        hash_.update(fmt::format("{}:", text.size()));
        hash_.update(text);
        return *this;
    }
    std::string finish() { return hex(hash_.finish()); }

  private:
    Sha256 hash_;
};

/// Identifies this program, because a different build can make different plans.
std::string this_program() {
    const fs::path self = fs::read_symlink("/proc/self/exe");
    return fmt::format("{} {} {}", self.string(), fs::file_size(self),
                       fs::last_write_time(self).time_since_epoch().count());
}

std::vector<std::string> variables_in_environment() {
    std::vector<std::string> out;
    for (const auto& [name, text] : own_environment())
        if (name.starts_with(kVariablePrefix)) out.push_back(name + "=" + text);
    return out;
}

/// Texts of the spec, its modules and variable files, by path.
using Texts = std::vector<std::pair<std::string, std::string>>;

std::string inputs(const Project& project, const Texts& files) {
    const ProjectOptions& options = project.options();
    Digest digest;
    digest.add(this_program()).add(fs::current_path().string()).add(options.directory.string());
    for (const auto& [path, text] : files) digest.add(path).add(text);
    for (const std::string& v : options.variables) digest.add(v);
    for (const fs::path& file : project.variable_files()) digest.add(file.string());
    for (const std::string& v : variables_in_environment()) digest.add(v);
    digest.add(options.state).add(given_to_us("HADEPLOY_STATE"));
    return digest.finish();
}

Texts read_texts(const Value& paths) {
    Texts out;
    for (const Value& path : paths.as_list())
        out.emplace_back(path.as_string(), read_file(path.as_string(), kMaxYamlBytes));
    return out;
}

/// A complete plan with a refresh.
bool is_plain(const PlanOptions& o) {
    return !o.destroy && o.refresh && !o.refresh_only && o.targets.empty() && o.exclude.empty() &&
           o.replace.empty();
}

/// Types whose resources only hadeploy can change.
std::vector<std::string> types_in_state(const Registry& registry) {
    std::vector<std::string> out;
    for (const auto& type : registry.types())
        if (registry.provider(type->provider)->state_only) out.push_back(type->name);
    return out;
}

/// Whether a value, or a part of it, does not come from the config.
bool set_by_provider(const Attribute& a, const Value& config) {
    if (a.computed || (a.filled && config.is_null())) return true;
    return a.type.kind == TypeKind::object && a.type.fields && config.is_map() &&
           std::any_of(a.type.fields->begin(), a.type.fields->end(), [&](const Attribute& field) {
               return set_by_provider(field, config[field.name]);
           });
}

/// Whether an object is as recorded, including the attributes that the provider sets, because other
/// resources can use them.
bool is_as_recorded(const ResourceType& type, const RecordedResource& recorded,
                    const Observation& seen) {
    if (seen.state != Observation::State::present) return false;
    const Value::Map& now = seen.attributes.as_map();
    const bool same = std::all_of(now.begin(), now.end(), [&](const Entry& e) {
        const Attribute* a = find_attribute(type.schema, e.key);
        return a == nullptr || !set_by_provider(*a, recorded.config[e.key]) ||
               !differs(a->type, e.value, recorded.attributes[e.key]);
    });
    return same && !decide(type, recorded.config, &recorded, {}, seen).action;
}

/// Reads the recorded objects that can change outside, and compares.
bool records_agree(const Project& project, const Store& store, const Value& note) {
    PriorState prior = load_prior_state_but(store, types_in_state(project.registry()));
    if (!prior.interrupted.empty()) return false;
    ProviderSettings settings;
    for (const Entry& e : note["settings"].as_map()) settings[e.key] = e.value;
    ProviderContext context = project.provider_context(prior.lineage);
    context.project = note.text("project");
    Endpoints endpoints(project.registry(), std::move(context));
    Events silent;
    refresh(prior, reads_of_records(project.registry(), prior, settings), endpoints, silent);
    return std::all_of(prior.recorded.begin(), prior.recorded.end(), [&](const auto& entry) {
        const ResourceType* type = project.registry().type(entry.second.type);
        const auto seen = prior.observed.find(entry.first);
        return type != nullptr && seen != prior.observed.end() &&
               is_as_recorded(*type, entry.second, seen->second);
    });
}

/// Whether the fast path would find the same at present. An attribute can have changed since it was
/// recorded: the public address of an instance when an elastic address is associated, for example.
bool is_all_as_recorded(const Registry& registry, const PriorState& prior) {
    return std::all_of(prior.observed.begin(), prior.observed.end(), [&](const auto& entry) {
        const auto recorded = prior.recorded.find(entry.first);
        if (recorded == prior.recorded.end()) return true;
        const ResourceType* type = registry.type(recorded->second.type);
        return type != nullptr && is_as_recorded(*type, recorded->second, entry.second);
    });
}

} // namespace

std::optional<Plan> known_unchanged(const Project& project, const PlanOptions& options) {
    try {
        if (!is_plain(options) || !fs::exists(note_of(project))) return std::nullopt;
        const std::string text = read_file(note_of(project), kMaxYamlBytes);
        const std::size_t end = text.find('\n'); // end of the MAC
        if (end == text.npos) return std::nullopt;
        const Value note = from_json(std::string_view(text).substr(end + 1));
        if (note.integer("format") != kNoteFormat ||
            note.text("inputs") != inputs(project, read_texts(note["files"])))
            return std::nullopt;
        const StateLocation location = project.location_of(note.text("state"));
        const auto store = Store::open(location, Store::Mode::read_only, note.text("project"),
                                       project.key_source(), project.form());
        // the note determines what is read, and from where
        if (store->mac(std::string_view(text).substr(end + 1)) != text.substr(0, end))
            return std::nullopt;
        const bool same = note.text("lineage") == store->lineage() &&
                          note.integer("serial", -1) == store->serial() &&
                          records_agree(project, *store, note);
        if (!same) return std::nullopt;
        Plan nothing;
        nothing.outputs = nothing.outputs_before = store->outputs();
        return nothing;
    } catch (const std::exception&) {
        return std::nullopt; // the normal path finds and reports the error
    }
}

std::optional<Plan> unchanged_plan(const Context& context) {
    const auto heeds_signals = context.progress(0); // a read can hang
    return known_unchanged(context.project, context.args.plan);
}

void note_unchanged(const Project& project, const PlanOptions& options, const Store& store,
                    const PlannedRun& prepared) {
    const Plan& plan = prepared.plan;
    const bool nothing = plan.empty() && !plan.destroy && plan.records.empty() &&
                         plan.notices.empty() && plan.warnings.empty() &&
                         prepared.prior.interrupted.empty() && plan.outputs == store.outputs() &&
                         is_all_as_recorded(project.registry(), prepared.prior);
    const auto& nodes = project.graph().nodes();
    if (!project.elsewhere().claims.empty()) return; // they can change without this spec
    const bool data =
        std::any_of(nodes.begin(), nodes.end(), [](const Node& n) { return n.type->data; });
    const bool secrets =
        project.variables().contains_secret() || !project.spec().secret_files.empty();
    if (!is_plain(options) || !nothing || data || secrets || project.spec().external_inputs->any())
        return;
    Texts texts; // as used by the plan: the files can have changed since
    Value::List paths;
    for (const Sources::File& f : project.sources().files())
        if (fs::is_regular_file(f.path)) {
            texts.emplace_back(fs::absolute(f.path).string(), f.text);
            paths.push_back(texts.back().first);
        }
    Value::Map settings;
    for (const auto& [name, value] : prepared.settings) settings.push_back({name, value});
    const Value all = Value::map(std::move(settings));
    if (all.contains_secret()) return;
    try {
        if (!store.existed()) return;
        const StateLocation location = project.state_location();
        const Value note = Value::map({{"format", kNoteFormat},
                                       {"project", project.owner()},
                                       {"lineage", prepared.prior.lineage},
                                       {"serial", prepared.prior.serial},
                                       {"state", location.in_file() ? "" : location.text()},
                                       {"inputs", inputs(project, texts)},
                                       {"files", Value::list(std::move(paths))},
                                       {"settings", all}});
        fs::create_directories(note_of(project).parent_path());
        const std::string text = to_json(note);
        write_file(note_of(project), store.mac(text) + "\n" + text);
    } catch (const std::exception&) {
        // the note would only have saved time
    }
}

} // namespace hadeploy::cli
