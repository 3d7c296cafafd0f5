// Needs no CLI11, which costs seconds to compile.
#include "cli/arg_checks.h"

#include <fmt/format.h>
#include <utility>

namespace hadeploy::cli {

std::string_view instead_of(std::string_view command) {
    static constexpr std::pair<std::string_view, std::string_view> all[] = {
        {"init", "nothing has to be fetched or set up: go on with `hadeploy plan`"},
        {"get", "modules are directories of yours: nothing has to be fetched"},
        {"refresh", "`hadeploy apply --refresh-only` notes in the state what is really there"},
        {"workspace", "a directory is a project: make another one, and share modules"},
        {"providers", "all are built in: `hadeploy docs` lists what they manage"},
        {"force-unlock", "a lock ends with the run that holds it: nothing has to be unlocked"},
        {"version", "it is `hadeploy --version`"},
        {"test", "`hadeploy validate` checks a spec, `hadeploy chaos` what it made"},
    };
    for (const auto& [theirs, ours] : all)
        if (theirs == command) return ours;
    return {};
}

std::string contradiction(const Args& args) {
    const PlanOptions& plan = args.plan;
    const bool chosen = plan.destroy || plan.refresh_only || !plan.refresh ||
                        !plan.targets.empty() || !plan.exclude.empty() || !plan.replace.empty();
    if (args.command == "apply" && !args.plan_file.empty() && chosen)
        return "a saved plan says all there is to do: only `plan --out` takes these flags";
    if (plan.refresh_only && (plan.destroy || !plan.refresh || !plan.replace.empty()))
        return "--refresh-only changes nothing: it can't go with --destroy, --replace or "
               "--refresh=false";
    if (!plan.targets.empty() && !plan.exclude.empty())
        return "either --target or --exclude: they choose the same thing from two sides";
    if (plan.destroy && !plan.replace.empty()) return "--replace makes no sense with --destroy";
    if (args.raw && args.name.empty()) return "--raw needs the NAME of an output";
    if (args.raw && args.json) return "either --raw or --json";
    if (args.show_secrets && !args.raw)
        return "--show-secrets goes with --raw and the NAME of one output";
    if (args.fingerprint && !args.fingerprint->starts_with("SHA256:"))
        return "--fingerprint is what `ssh-keygen -lf KEY` shows: SHA256:...";
    return "";
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
