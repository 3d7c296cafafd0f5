#include "cli/project.h"

#include "chaos/settings.h"
#include "cli/environment.h"
#include "cli/interrupt.h"
#include "cli/own_environment.h"
#include "cli/password.h"
#include "cli/secrets.h"
#include "core/file.h"
#include "core/text.h"
#include "core/value_json.h"
#include "planner/spec/load_spec.h"
#include "planner/spec/local_paths.h"
#include "planner/spec/variables.h"
#include "planner/spec/written_secrets.h"
#include "planner/yaml/yaml.h"
#include "provider_api/normalize.h"
#include "state/key_file.h"
#include "state/postgres_connect.h"

#include <cstdlib>
#include <fmt/format.h>
#include <unistd.h>
#include <utility>

namespace hadeploy::cli {

namespace fs = std::filesystem;

namespace {

fs::path cache_directory() {
    if (const char* xdg = std::getenv("XDG_CACHE_HOME"); xdg != nullptr && *xdg != '\0')
        return fs::path(xdg) / "hadeploy";
    if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0')
        return fs::path(home) / ".cache" / "hadeploy";
    return fs::temp_directory_path() / "hadeploy-cache";
}

/// Resolves links in the directory, so that a project is the same under each of its paths, even if
/// its spec contains absolute paths into it.
ProjectOptions without_links(ProjectOptions options) {
    fs::path named = fs::absolute(options.directory).lexically_normal();
    if (!named.has_filename()) named = named.parent_path();
    std::error_code failed;
    const fs::path real = fs::canonical(named, failed);
    if (!failed && real != named) options.directory = real;
    return options;
}

} // namespace

Project::Project(const Registry& registry, ProjectOptions options)
    : registry_(registry), options_(without_links(std::move(options))),
      directory_(fs::absolute(options_.directory).lexically_normal()) {}

void Project::read_spec(const FileReader& read, const fs::path& file) {
    try {
        // messages show the path as the user wrote it
        const fs::path path = (options_.directory / file).lexically_normal();
        file == kModuleFile ? load_module_alone(path, read, spec_) : load_spec(path, read, spec_);
    } catch (...) {
        hide_written_secrets(spec_, registry_); // errors show source lines
        throw;
    }
    hide_written_secrets(spec_, registry_);
}

void Project::load(Secrets secrets) {
    spec_.environment = environment();
    read_spec(disk_reader());
    keep_present(spec_);
    spec_.secrets = secrets == Secrets::read ? read_secrets(spec_, options_.vault_password_file)
                                             : unread_secrets(spec_);
    redact_.add(spec_.secrets);
    expand(given_variables());
    check_chaos_section();
}

std::vector<std::string> Project::load_to_check(const fs::path& file) {
    const bool chosen = !given_environment().empty() || !has_environments() ||
                        fs::exists(environment_file(directory_, std::string(kDefaultEnvironment)));
    spec_.environment = chosen ? Value(environment()) : Value::unknown();
    read_spec(disk_reader(), file);
    keep_present(spec_);
    spec_.secrets = read_secrets(spec_, options_.vault_password_file);
    redact_.add(spec_.secrets);
    std::vector<std::string> missing;
    expand(given_variables(), &missing);
    check_chaos_section();
    if (chosen) (void)state_location(); // its form
    return missing;
}

Value Project::chaos_section(const Graph::Values& values) const {
    const Value raw = graph_->chaos_settings(values);
    if (raw.is_null()) return raw;
    Diagnostics diagnostics;
    Value section = normalize(chaos::settings_schema(), raw, "chaos", raw.loc(),
                              spec_.base_directory(), diagnostics);
    if (diagnostics.empty()) chaos::check_settings(section, diagnostics);
    diagnostics.throw_if_any();
    return section;
}

void Project::check_chaos_section() const {
    static_cast<void>(chaos_section([](NodeId) { return Value::unknown(); }));
}

void Project::load_without_spec(const std::string& name, const Value& last_run) {
    spec_ = {};
    spec_.name = project_of_owner(name);
    spec_.environment = environment();
    last_run_ = last_run;
    redact_.add(last_run["variables"]);
    redact_.add(last_run["secrets"]);
    expand({});
}

ProviderSettings Project::settings() const {
    if (last_run_.is_null()) return provider_settings(*graph_);
    ProviderSettings out;
    for (const auto& provider : registry_.providers()) {
        const Value* settings = last_run_["settings"].find(provider->name);
        out[provider->name] = settings == nullptr
                                  ? Value::map({})
                                  : with_whole_paths(provider->schema, *settings, root());
    }
    return out;
}

void Project::expand(const VariableValues& given, std::vector<std::string>* missing) {
    variables_ = resolve_variables(spec_, given, missing);
    redact_.add(variables_);
    graph_ = std::make_unique<Graph>(spec_, registry_, variables_);
}

void Project::load_from(const FileReader& read, const VariableValues& variables,
                        const Value& secrets) {
    spec_.environment = environment();
    read_spec(read);
    spec_.secrets = secrets;
    redact_.add(spec_.secrets);
    VariableValues here = variables; // records have paths relative to the project
    for (auto& [name, value] : here)
        if (const Variable* v = spec_.root.variable(name))
            value = with_whole_paths({v->attribute}, Value::map({{name, value}}), root())[name];
    expand(here);
}

/// Precedence: environment, then files, then the command line; later ones win.
VariableValues Project::given_variables() {
    VariableValues given;
    Diagnostics diagnostics;
    const auto take = [&](const auto& read) { // report the errors of all sources
        try {
            read();
        } catch (const Error& errors) {
            for (const Error& error : errors.all()) diagnostics.add(error);
        }
    };
    const auto take_text = [&](const Variable& variable, const std::string& text,
                               const std::string& from) {
        take([&] {
            given[variable.attribute.name] =
                parse_variable_text(variable, text, from, spec_.sources);
        });
    };
    for (const auto& [name, text] : own_environment()) {
        if (!name.starts_with(kVariablePrefix)) continue;
        // the environment can be meant for other specs too: ignore undeclared variables
        if (const Variable* v = spec_.root.variable(name.substr(kVariablePrefix.size())))
            take_text(*v, text, name);
    }
    for (const fs::path& file : variable_files())
        take([&] {
            if (file.native().find('=') != std::string::npos && !fs::exists(file))
                throw Error(ErrorKind::usage, "--var-file: expected a file, got NAME=VALUE")
                    .with_hint("use --var for a single value");
            for (auto& [name, value] : load_variable_file(file, disk_reader(), spec_))
                given[name] = value;
        });
    for (const std::string& text : options_.variables) {
        const auto equals = text.find('=');
        if (equals == text.npos || equals == 0)
            throw Error(ErrorKind::usage, "--var: expected NAME=VALUE")
                .with_hint(equals == 0 ? "the name before = is missing"
                                       : "the = is missing; --var takes NAME=VALUE as one word");
        const std::string name = text.substr(0, equals);
        const std::string value = text.substr(equals + 1);
        if (const Variable* v = spec_.root.variable(name))
            take_text(*v, value, "--var " + name);
        else
            given[name] = Value(value); // resolve_variables() reports unknown names
    }
    diagnostics.throw_if_any();
    return given;
}

void Project::keep_present(const Spec& spec) const {
    state_section_ = spec.state;
    state_secrets_ = spec.secret_files;
    saved_plans_only_ = spec.saved_plans_only;
    present_known_ = true;
}

void Project::read_present() const {
    if (present_known_) return;
    Spec spec;
    try {
        spec.environment = spec_.environment;
        load_spec(options_.directory / kSpecFile, disk_reader(), spec);
    } catch (const Error&) { // the commands that need the spec report it
    }
    keep_present(spec);
}

bool Project::saved_plans_only() const {
    read_present();
    return saved_plans_only_ || (last_run_.is_map() && last_run_.flag("saved_plans_only"));
}

std::string Project::given_state() const {
    return options_.state.empty() ? given_to_us("HADEPLOY_STATE") : options_.state;
}

StateLocation Project::location_of(const std::string& url) const {
    if (url.empty()) return state_file();
    StateLocation out = StateLocation::of_url(url);
    postgres::check_url(out);
    out.password = given_to_us("HADEPLOY_STATE_PASSWORD");
    if (out.password.empty() && state_section_ && state_section_->url == url)
        out.password = state_password();
    return out;
}

StateLocation Project::state_location() const {
    return state_location_of(environment());
}

StateLocation Project::state_location_of(const std::string& environment) const {
    if (const std::string given = given_state(); !given.empty())
        return in_environment(location_of(given), environment);
    read_present();
    if (!state_section_)
        return environment_data(directory_ / kOwnDirectory, environment) / kStateFile;
    try {
        return in_environment(location_of(state_section_->url), environment);
    } catch (Error& error) {
        error.kind = ErrorKind::spec;
        if (!error.loc.known()) error.loc = state_section_->loc;
        throw;
    }
}

std::string Project::state_password() const {
    if (state_section_->password.empty()) return "";
    if (state_password_) return *state_password_;
    const auto refuse = [&](const std::string& what) {
        return Error(ErrorKind::spec, "the password of the state: " + what, state_section_->loc);
    };
    const std::string& name = state_section_->password.front();
    const auto file = state_secrets_.find(name);
    if (file == state_secrets_.end())
        throw refuse(fmt::format("the section `secrets` has no file {}", in_quotes(name)));
    Spec only;
    only.secret_files.insert(*file);
    const Value secrets = read_secrets(only, options_.vault_password_file);
    redact_.add(secrets);
    Value value = secrets;
    for (const std::string& step : state_section_->password) {
        if (!value.is_map() || !value.has(step))
            throw refuse(fmt::format("the file of secrets has no {}", in_quotes(step)));
        value = Value(value[step]);
    }
    if (!value.is_string()) throw refuse("it has to be a string");
    state_password_ = value.as_string();
    return *state_password_;
}

KeySource Project::key_source() const {
    const fs::path beside = state::key_file(state_file());
    // also for a state that was moved from there to a database, which need not be known here
    const bool used = fs::exists(beside) || !given_to_us("HADEPLOY_STATE_KEY_FILE").empty() ||
                      state_location().in_file();
    return given_key(used ? beside : fs::path());
}

KeySource Project::key_of(const StateLocation& place) const {
    const fs::path beside = state::key_file(place.in_file() ? place.file : state_file());
    return given_key(place.in_file() || fs::exists(beside) ? beside : fs::path());
}

KeySource Project::given_key(const fs::path& otherwise) const {
    const std::string given = given_to_us("HADEPLOY_STATE_KEY_FILE");
    const std::string passphrase = given_to_us("HADEPLOY_STATE_PASSPHRASE");
    const fs::path file = given.empty() ? otherwise : fs::path(given);
    std::string key = given_to_us("HADEPLOY_STATE_KEY");
    if (key.empty() && passphrase.empty() && is_program(given)) {
        if (!printed_key_) printed_key_ = password_from_file(file);
        key = *printed_key_;
    }
    return {.passphrase = passphrase,
            .key = std::move(key),
            .file = file,
            .takes_unsealed = options_.takes_unsealed};
}

std::unique_ptr<Store> Project::open_store(Store::Mode mode) const {
    return open_store_of(owner(), mode);
}

std::unique_ptr<Store> Project::open_store_of(const std::string& project, Store::Mode mode) const {
    const StateLocation location = state_location();
    auto store = Store::open(location, mode, project, key_source(), form());
    if (location.in_file()) return store;
    if (mode == Store::Mode::read_write) check_serial(*store, location);
    const std::string lineage = store->lineage();
    const std::int64_t serial = store->serial();
    if (serial > remembered_serial(lineage)) remember(lineage, serial);
    return store;
}

void Project::check_serial(const Store& store, const StateLocation& location) const {
    if (location.in_file()) return;
    const std::int64_t seen = remembered_serial(store.lineage()), serial = store.serial();
    if (serial < seen)
        throw Error(ErrorKind::state,
                    fmt::format("the state {} has lost writes that this machine has seen: its "
                                "serial is {}, and was {}",
                                in_quotes(location.text(), 4096), serial, seen))
            .with_hint(fmt::format("a standby took over before it had received them, or a backup "
                                   "was restored; to continue with this state, remove {}: the next "
                                   "plan compares it with the real objects",
                                   memory_file().string()));
}

std::int64_t Project::remembered_serial(const std::string& lineage) const {
    try {
        const Value seen = from_json(read_file(memory_file(), kMaxYamlBytes));
        return seen.text("lineage") == lineage ? seen.integer("serial") : 0;
    } catch (const Error&) {
        return 0; // the first time
    }
}

void Project::remember(const Store& store) const {
    if (state_location().in_file()) return;
    try {
        remember(store.lineage(), store.serial());
    } catch (const Error&) {
        // the run is recorded; the database is lost only now
    }
}

void Project::remember(const std::string& lineage, std::int64_t serial) const {
    try {
        fs::create_directories(data_dir());
        write_file(memory_file(),
                   to_json(Value::map({{"lineage", lineage}, {"serial", serial}})) + "\n");
    } catch (const std::exception&) {
        // it only helps to notice a loss later
    }
}

Form Project::form() const {
    const auto change = [this](auto changed) {
        return [this, changed, directory = root()](const std::string& type, const Value& value) {
            const ResourceType* known = registry_.type(type);
            return known == nullptr ? value : changed(known->schema, value, directory);
        };
    };
    return {.kept = change(with_paths_in), .used = change(with_whole_paths)};
}

ProviderContext Project::provider_context(const std::string& lineage) const {
    return {.project_dir = directory_,
            .data_dir = data_dir(),
            .cache_dir = cache_directory(),
            .project = owner(),
            .lineage = lineage,
            .environment =
                [](const std::string& name) {
                    const char* value = std::getenv(name.c_str());
                    return std::string(value == nullptr ? "" : value);
                },
            .stop = stop_looking()};
}

PlanSource Project::plan_source() const {
    return {.graph = *graph_,
            .settings = settings(),
            .moves_back = moves_back_,
            .context = provider_context({}),
            .parallelism = options_.parallelism,
            .elsewhere = elsewhere()};
}

} // namespace hadeploy::cli
