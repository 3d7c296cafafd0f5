#include "cli/render/doctor.h"
#include "cli/commands.h"
#include "cli/origin.h"
#include "cli/render/plan_json.h"
#include "core/clock.h"
#include "core/file.h"
#include "engine/observe.h"
#include "planner/plan/reads.h"
#include "state/file_check.h"

#include <atomic>
#include <chrono>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <stop_token>
#include <thread>
#include <unistd.h>

namespace hadeploy::cli {

namespace {

/// Reports of libvirt on a remote host or of AWS take a few seconds.
constexpr std::chrono::seconds kCheckLimit{20};
/// Time for cancelled checks to end.
constexpr std::chrono::seconds kCheckGrace{2};

/// Checks in parallel, with a common time limit.
class Checks {
  public:
    using Work = std::function<std::vector<Prerequisite>(std::stop_token)>;

    void begin(std::string area, Work work) {
        std::packaged_task<std::vector<Prerequisite>()> task(
            [work = std::move(work), stop = stop_.get_token(), open = open_] {
                const std::shared_ptr<void> at_end(nullptr, [&open](void*) { --*open; });
                return work(stop);
            });
        running_.push_back({std::move(area), task.get_future()});
        ++*open_;
        std::thread(std::move(task)).detach(); // a check that never ends is abandoned
    }

    /// The results in the order of begin(), without areas that need nothing.
    /// @throws Interrupted
    std::vector<CheckedArea> end() {
        std::vector<CheckedArea> out;
        for (auto& [area, result] : running_)
            if (std::vector<Prerequisite> found = outcome(result); !found.empty())
                out.push_back({area, std::move(found)});
        if (!stop_requested()) return out;
        if (abandoned()) ::_exit(130); // as for Interrupted
        throw Interrupted();
    }

    /// Whether a check is still running, with references to objects of its caller.
    [[nodiscard]] bool abandoned() const { return *open_ > 0; }

  private:
    using Clock = std::chrono::steady_clock;
    struct Running {
        std::string area;
        std::future<std::vector<Prerequisite>> result;
    };

    std::vector<Prerequisite> outcome(std::future<std::vector<Prerequisite>>& result) {
        constexpr std::chrono::milliseconds slice{50}; // so that Ctrl-C is noticed
        while (!stop_requested() && Clock::now() < end_ &&
               result.wait_for(slice) != std::future_status::ready) {
        }
        if (result.wait_for(slice) != std::future_status::ready) stop_.request_stop();
        try {
            if (result.wait_for(kCheckGrace) == std::future_status::ready) return result.get();
        } catch (const Error& error) {
            return {Prerequisite::missing("check", error)};
        } catch (const Interrupted&) { // by the time limit
        }
        return {Prerequisite::missing("check",
                                      fmt::format("no answer within {} s", kCheckLimit.count()),
                                      "hadeploy doctor --log-level debug shows what it waits for")};
    }

    Clock::time_point end_ = Clock::now() + kCheckLimit;
    std::stop_source stop_;
    std::vector<Running> running_;
    std::shared_ptr<std::atomic<int>> open_ = std::make_shared<std::atomic<int>>(0);
};

std::vector<Prerequisite> check_state_file(const Project& project) {
    constexpr std::int64_t least_space = 100 << 20;
    const std::filesystem::path file = project.state_file();
    std::error_code ignored;
    const bool exists = std::filesystem::exists(project.data_dir(), ignored);
    const std::string place = exists ? project.data_dir().string() : project.root();
    std::vector<Prerequisite> out;
    try {
        state::check_directory(file);
        if (::faccessat(AT_FDCWD, place.c_str(), W_OK | X_OK, AT_EACCESS) != 0)
            throw system_error("write to", place);
        out.push_back(Prerequisite::met("directory", place + " can be written"));
    } catch (const Error& error) {
        out.push_back(Prerequisite::missing(
            "directory", error.message,
            error.hint.empty() ? "let this user write to it, or copy the project" : error.hint));
    }
    if (taken_by_git(project.root(), std::filesystem::path(kOwnDirectory) / kStateFile))
        out.push_back(Prerequisite::limited(
            "git",
            fmt::format(
                "git does not exclude {}/, which has the state, its key and private SSH keys",
                kOwnDirectory),
            fmt::format("add the line /{}/ to .gitignore", kOwnDirectory)));
    const std::optional<std::int64_t> free = free_space(place);
    if (free && *free < least_space)
        out.push_back(Prerequisite::limited(
            "disk space", fmt::format("{} free for {}", rounded_bytes(*free), place),
            "free some space: a run that cannot write its journal stops"));
    return out;
}

/// Whether the state can be opened: the database responds, and the key is the right one.
std::vector<Prerequisite> check_opening(const Project& project) {
    std::vector<Prerequisite> out;
    try {
        const StateLocation location = project.state_location();
        if (location.in_file()) out = check_state_file(project);
        const std::filesystem::path file = project.state_file();
        const std::string place = location.in_file()
                                      ? (file.parent_path().filename() / file.filename()).string()
                                      : location.text();
        if (Store::exists(location)) {
            (void)project.open_store(Store::Mode::read_only);
            out.push_back(Prerequisite::met("state", place + " can be opened"));
        } else {
            out.push_back(
                Prerequisite::met("state", "none yet: the first apply creates it in " + place));
        }
    } catch (const Error& error) {
        out.push_back(Prerequisite::missing("state", error));
    }
    return out;
}

/// What the spec uses, by the names of the providers.
/// @throws Error: an invalid spec
std::map<std::string, ProviderUse> uses_of(const Graph& graph) {
    PriorState nothing{.lineage = "00000000-0000-0000-0000-000000000000"};
    const ProviderSettings settings = provider_settings(graph);
    const Evaluation evaluation = evaluate_resources(graph, nothing, settings);
    std::map<std::string, ProviderUse> out;
    for (NodeId id = 0; id < evaluation.configs.size(); ++id) {
        const Node& node = graph[id];
        ProviderUse& use = out[node.type->provider];
        if (const auto found = settings.find(node.type->provider); found != settings.end())
            use.settings = found->second;
        if (!evaluation.configs[id].is_null())
            use.resources.push_back({node.type, evaluation.configs[id]});
    }
    return out;
}

void print_checks(const Context& context, const std::vector<CheckedArea>& areas, bool no_spec) {
    if (!context.args.json) {
        context.print(render_doctor(areas, no_spec, context.out));
        return;
    }
    const std::int64_t now = now_ms();
    for (const CheckedArea& area : areas)
        for (const Prerequisite& one : area.checks) {
            const nlohmann::json fields = prerequisite_json(area.name, one, no_spec);
            const std::string status = fields["status"];
            context.print(json_line(status == "met"       ? "info"
                                    : status == "missing" ? "error"
                                                          : "warn",
                                    "prerequisite", one.message, now, fields) +
                          "\n");
        }
    context.print(json_line("info", "doctor", doctor_summary(areas, no_spec), now,
                            {{"missing", no_spec ? 0 : missing_in(areas)}}) +
                  "\n");
}

} // namespace

int run_doctor(Context& context) {
    namespace fs = std::filesystem;
    const fs::path& directory = context.args.project.directory;
    const bool no_spec = fs::is_directory(directory) && !fs::exists(directory / kSpecFile);
    std::map<std::string, ProviderUse> uses;
    if (!no_spec) {
        (void)context.project.load_to_check(kSpecFile);
        uses = uses_of(context.project.graph());
    }
    Checks checks;
    checks.begin("state", [&](const std::stop_token&) {
        return no_spec ? check_state_file(context.project) : check_opening(context.project);
    });
    for (const auto& provider : context.registry.providers()) {
        const auto* able = dynamic_cast<const HasPrerequisites*>(provider.get());
        const auto use = uses.find(provider->name);
        if (able == nullptr || (!no_spec && use == uses.end())) continue;
        checks.begin(provider->name, [&context, able, no_spec,
                                      used = no_spec ? ProviderUse{.no_spec = true}
                                                     : use->second](const std::stop_token& stop) {
            ProviderContext provider_context = context.project.provider_context({});
            provider_context.stop = stop;
            return able->prerequisites(used, provider_context);
        });
    }
    const std::vector<CheckedArea> areas = checks.end();
    print_checks(context, areas, no_spec);
    const int code = !no_spec && missing_in(areas) > 0 ? 1 : 0;
    if (checks.abandoned()) { // checks change nothing
        (void)std::fflush(nullptr);
        ::_exit(code);
    }
    return code;
}

} // namespace hadeploy::cli
