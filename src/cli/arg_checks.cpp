// Needs no CLI11, which costs seconds to compile.
#include "cli/arg_checks.h"

#include "chaos/fault.h"
#include "cli/watch/listen_address.h"
#include "cli/watch/webhook.h"
#include "core/text.h"

#include <charconv>
#include <fmt/format.h>
#include <utility>

namespace hadeploy::cli {

std::string_view instead_of(std::string_view command) {
    static constexpr std::pair<std::string_view, std::string_view> all[] = {
        {"get", "modules are local directories: nothing has to be downloaded"},
        {"refresh",
         "use `hadeploy apply --refresh-only` to update the state to match the real objects"},
        {"workspace", "each directory is a project: create another directory and share modules"},
        {"providers", "all providers are built in: `hadeploy docs` lists their resource types"},
        {"force-unlock", "a lock ends with the run that holds it, so nothing has to be unlocked"},
        {"version", "use `hadeploy --version`"},
        {"test", "`hadeploy validate` checks a spec, `hadeploy chaos` tests the deployed cluster"},
    };
    for (const auto& [theirs, ours] : all)
        if (theirs == command) return ours;
    return {};
}

namespace {

/// Problems of a fault on the command line.
std::string fault_problem(const Args& args) {
    if (args.faults.empty()) {
        std::vector<std::string> names;
        for (const chaos::FaultKind kind : chaos::fault_kinds())
            names.push_back(fmt::format("--{}", chaos::name_of(kind)));
        return fmt::format("chaos needs a fault ({}) or a command (run, list, halt)",
                           fmt::join(names, ", "));
    }
    const auto& [name, node] = args.faults.front();
    if (args.faults.size() > 1)
        return fmt::format("--{} and --{}: a drill has one fault", name, args.faults[1].first);
    const int targets = (node.empty() ? 0 : 1) + (args.leader ? 1 : 0) + (args.random ? 1 : 0);
    if (targets == 0) return fmt::format("--{} needs a NODE, --leader or --random", name);
    if (targets > 1) return "a NODE, --leader and --random cannot be combined";
    if (args.seed && !args.random) return "--seed needs --random";
    for (const chaos::FaultKind kind : chaos::fault_kinds())
        for (const auto& [option, value] : args.fault_options)
            if (name == chaos::name_of(kind) &&
                find_attribute(chaos::options_of(kind), option) == nullptr)
                return fmt::format("--{} is not an option of --{}", option, name);
    return "";
}

std::string bench_problem(const Args& args) {
    const BenchArgs& b = args.bench;
    const bool measures = !b.urls.empty() || b.requests || b.concurrency || b.rate || b.duration ||
                          b.timeout || b.keep_alive || !b.thresholds.empty() || !b.matrix.empty() ||
                          b.body || b.method || !b.headers.empty();
    if (!b.show.empty() && measures)
        return "--show measures nothing: it cannot be combined with "
               "URLs or options of a measurement";
    for (const std::string& header : b.headers) // its value may be a secret: not shown
        if (const auto colon = header.find(':'); colon == header.npos || colon == 0)
            return "--header needs NAME:VALUE";
    return "";
}

} // namespace

std::string contradiction(const Args& args) {
    if (args.command == "chaos") return fault_problem(args);
    if (args.command == "bench") return bench_problem(args);
    const PlanOptions& plan = args.plan;
    const bool chosen = plan.destroy || plan.refresh_only || !plan.refresh ||
                        !plan.targets.empty() || !plan.exclude.empty() || !plan.replace.empty();
    if (args.command == "apply" && !args.plan_file.empty() && chosen)
        return "a saved plan already contains these choices: give the flags to `plan --out`";
    if (plan.refresh_only && (plan.destroy || !plan.refresh || !plan.replace.empty()))
        return "--refresh-only changes no objects: it cannot be combined with --destroy, --replace "
               "or --refresh=false";
    if (!plan.targets.empty() && !plan.exclude.empty())
        return "--target and --exclude cannot be combined";
    if (plan.destroy && !plan.replace.empty()) return "--replace and --destroy cannot be combined";
    if (args.raw && args.name.empty()) return "--raw needs the NAME of an output";
    if (args.raw && args.json) return "--raw and --json cannot be combined";
    if (args.command == "show" && args.markdown && args.json)
        return "--markdown and --json cannot be combined";
    if (args.show_secrets && !args.raw)
        return "--show-secrets needs --raw and the NAME of an output";
    if (args.fingerprint && !args.fingerprint->starts_with("SHA256:"))
        return "--fingerprint needs a value as shown by `ssh-keygen -lf KEY`: SHA256:...";
    if (args.since.find_first_not_of("0123456789TZhms.:+-") != std::string::npos ||
        args.since.starts_with('-'))
        return "--since needs a time or a duration, such as 2024-11-21T12:30:00 or 1h30m";
    if (args.allow_remote && args.listen.empty()) return "--allow-remote needs --listen";
    if (!args.webhook.empty() && !is_http_url(args.webhook)) // it may contain a token: not shown
        return "--webhook: this is not an http or https URL";
    if (args.listen.empty()) return "";
    try {
        if (!parse_listen_address(args.listen).loopback && !args.allow_remote)
            return fmt::format("--listen: {} is not a loopback address, so other machines could "
                               "read the metrics; --allow-remote permits it",
                               args.listen);
    } catch (const Error& error) {
        return fmt::format("{}: {}", error.message, error.hint);
    }
    return "";
}

std::string not_a_run(const std::string& word) {
    // CLI11 would take 1e3, 0x10 and numbers that do not fit
    std::int64_t number = 0;
    const char* const end = word.data() + word.size();
    const auto [stop, failed] = std::from_chars(word.data(), end, number);
    return failed == std::errc() && stop == end && number > 0
               ? std::string()
               : fmt::format("{} is not the number of a run", in_quotes(word));
}

std::string take_path(Args& args) {
    namespace fs = std::filesystem;
    const fs::path path = std::exchange(args.file, {});
    if (path.empty()) return "";
    const fs::path whole = args.project.directory / path;
    if (fs::is_directory(whole)) {
        args.project.directory = whole;
        return "";
    }
    if (path.filename() != kSpecFile && path.filename() != kModuleFile)
        return fmt::format("{} is neither a directory nor a {} or {}", path.string(), kSpecFile,
                           kModuleFile);
    args.file = path.filename();
    args.project.directory = whole.has_parent_path() ? whole.parent_path() : ".";
    return "";
}

} // namespace hadeploy::cli
