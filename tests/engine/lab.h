#pragma once

#include "core/value_json.h"
#include "engine/apply.h"
#include "engine/planning.h"
#include "planner/plan/make_plan.h"
#include "planner/spec/load_spec.h"
#include "planner/spec/variables.h"
#include "support/project.h"

#include <cstdlib>
#include <doctest/doctest.h>
#include <filesystem>

namespace hadeploy {

/// A project in a temporary directory. Its objects persist between runs, each of which can have
/// another spec.
struct Lab {
    Lab() {
        std::string pattern = (std::filesystem::temp_directory_path() / "apply-XXXXXX").string();
        directory = mkdtemp(pattern.data());
    }
    ~Lab() { std::filesystem::remove_all(directory); }

    struct Run {
        std::string plan;
        ApplyResult result;
    };

    /// Plans and applies like the command.
    Run apply(const std::string& text, bool destroy = false) {
        Registry registry;
        fake::add_to(registry, world);
        Spec spec;
        load_spec(
            "hadeploy.yaml",
            [&](const std::filesystem::path& p) {
                return p == "hadeploy.yaml" ? text : modules.at(p.string());
            },
            spec);
        const Graph graph(spec, registry, resolve_variables(spec, {}));
        const auto store = Store::open(directory / "state.db", Store::Mode::read_write, "test");
        store->lock("test", 0);
        Events nobody;
        Events& quiet = events == nullptr ? nobody : *events;
        world.log.clear();
        const PlannedRun planned = read_and_plan(
            {.graph = graph, .settings = provider_settings(graph), .context = {.project = "test"}},
            *store, {.destroy = destroy}, quiet);
        const Plan& plan = planned.plan;
        // the plan must be the same without the evaluation that skips unchanged resources
        if (!destroy)
            CHECK(whole(plan) == whole(make_plan(graph, planned.prior, planned.settings)));
        reads = world.log;
        world.log.clear();
        const std::int64_t run = store->begin_run("apply", {});
        Run out{summary(plan), hadeploy::apply(plan, destroy ? nullptr : &graph, planned.prior,
                                               *store, *planned.endpoints, planned.settings, quiet,
                                               run, {4, nullptr, retries})};
        rows = store->rows();
        intents = store->intents();
        return out;
    }

    /// The full contents of a plan.
    static std::string whole(const Plan& plan) {
        std::string out = to_json(plan.outputs) + "\n";
        for (const Step& s : plan.steps) {
            out += fmt::format("{} {} {} {} {} {}\n", action_name(s.action), s.address, s.identity,
                               to_json(s.before), to_json(s.after), s.reason);
            for (const StepId before : s.after_steps) out += fmt::format("  after {}\n", before);
        }
        for (const Value& v : plan.values) out += to_json(v) + "\n";
        for (const RecordedResource& r : plan.records)
            out += fmt::format("{} {} {}\n", r.address, to_json(r.config), to_json(r.attributes));
        return out;
    }

    /// The names of all objects.
    std::string objects() {
        std::string out;
        for (const auto& [name, object] : world.objects) out += (out.empty() ? "" : " ") + name;
        return out;
    }
    /// The recorded addresses with their generations: "a:2 a#1:1".
    std::string recorded() const {
        std::string out;
        for (const RecordedResource& r : rows)
            out += fmt::format("{}{}:{}", out.empty() ? "" : " ", r.address, r.generation);
        return out;
    }

    std::filesystem::path directory;
    std::map<std::string, std::string> modules; ///< texts by path
    fake::World world;
    Events* events = nullptr; ///< receives events
    Retries retries{.most = 2, .first = std::chrono::milliseconds(1)};
    std::vector<std::string> reads;
    std::vector<RecordedResource> rows;
    std::vector<Intent> intents;
};

} // namespace hadeploy
