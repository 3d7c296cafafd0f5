#pragma once

#include "core/file.h"
#include "core/process.h"
#include "core/temp_dir.h"
#include "engine/apply.h"
#include "planner/plan/make_plan.h"
#include "planner/plan/prior_state.h"
#include "planner/plan/removal.h"
#include "planner/plan/selection.h"
#include "planner/spec/load_spec.h"
#include "planner/spec/variables.h"
#include "providers/local/local.h"
#include "support/project.h"

#include <doctest/doctest.h>

namespace hadeploy {

/// A project on disk with the real local provider, and the fake one for other resources. Its state
/// is kept between runs, each of which may have another spec.
class Lab {
  public:
    struct Run {
        std::string plan; ///< see summary(); the errors if there is no plan
        Plan steps;
        ApplyResult result;

        [[nodiscard]] bool ok() const { return result.ok(); }
        [[nodiscard]] const Step& step(const std::string& address) const {
            for (const Step& s : steps.steps)
                if (s.address == address) return s;
            FAIL("no step for " << address);
            return steps.steps.front();
        }
    };

    [[nodiscard]] std::filesystem::path path(const std::string& name) const {
        return directory / name;
    }
    [[nodiscard]] std::string text(const std::string& name) const { return read_file(path(name)); }
    [[nodiscard]] bool exists(const std::string& name) const {
        return std::filesystem::exists(path(name));
    }
    void write(const std::string& name, std::string_view text) const {
        write_file(path(name), text, 0644);
    }

    Run plan(const std::string& text) { return run(text, false, false); }
    Run apply(const std::string& text) { return run(text, false, true); }
    Run destroy(const std::string& text) { return run(text, true, true); }

    /// The recorded attributes of a resource; null if there are none.
    Value recorded(const std::string& address) const {
        for (const RecordedResource& row : rows)
            if (row.address == address) return row.attributes;
        return {};
    }

    TempDir directory;
    fake::World world;
    std::vector<RecordedResource> rows;
    std::vector<std::string> reading; ///< endpoints, in the order of the reads

  private:
    struct Listener : Events {
        explicit Listener(std::vector<std::string>& log) : log(log) {}
        void reading(std::string_view endpoint, std::size_t) override {
            log.emplace_back(endpoint);
        }
        std::vector<std::string>& log;
    };

    Run run(const std::string& text, bool destroy, bool apply) {
        write("hadeploy.yaml", text);
        Registry registry;
        fake::add_to(registry, world);
        local::add_local_types(registry);
        Spec spec;
        Run out;
        const auto store = Store::open(directory / "state.db", Store::Mode::read_write, "test");
        store->lock("test", 0);
        reading.clear();
        try {
            load_spec(path("hadeploy.yaml"), disk_reader(), spec);
            const Graph graph(spec, registry, resolve_variables(spec, {}));
            execute(graph, registry, *store, destroy, apply, out);
        } catch (const Error& errors) {
            for (const Error& e : errors.all()) out.plan += described(e);
        }
        rows = store->rows();
        return out;
    }

    static std::string described(const Error& e) {
        std::string out = e.address.empty() ? "" : e.address + ": ";
        out += e.message;
        for (const Note& n : e.notes) out += " [" + n.text + "]";
        return out + "; ";
    }

    void execute(const Graph& graph, const Registry& registry, Store& store, bool destroy,
                 bool apply, Run& out) {
        PriorState seen = load_prior_state(store);
        const ProviderSettings settings = provider_settings(graph);
        Endpoints endpoints(registry, {.project_dir = directory.path, .lineage = seen.lineage});
        Listener events(reading);
        if (destroy) {
            refresh(seen,
                    reads_before_destroy(registry, seen, settings, Selection({}, nullptr, seen)),
                    endpoints, events);
            out.steps = make_destroy_plan(seen, registry);
        } else {
            read_data(seen, graph, settings, endpoints, events);
            const Evaluation evaluation = evaluate_and_move(graph, seen, settings);
            refresh(seen, evaluation.reads, endpoints, events);
            read_data(seen, graph, settings, endpoints, events);
            out.steps = make_plan(graph, seen, settings, {}, &evaluation);
        }
        out.plan = summary(out.steps);
        if (!apply) return;
        const std::int64_t id = store.begin_run("apply", {});
        out.result = hadeploy::apply(out.steps, destroy ? nullptr : &graph, seen, store, endpoints,
                                     settings, events, id, {4, nullptr});
    }
};

/// The errors of a run, each as "message [note]" on a line.
inline std::string errors_of(const Lab::Run& run) {
    std::string out;
    for (const Error& e : run.result.errors) {
        out += e.address + ": " + e.message;
        for (const Note& n : e.notes) out += " [" + n.text + "]";
        out += "\n";
    }
    return out;
}

/// The standard output of a command that has to succeed.
inline std::string output_of(std::vector<std::string> argv, std::string input = {}) {
    const ProcessResult result = run_process({.argv = std::move(argv), .input = std::move(input)});
    CHECK_MESSAGE(result.status == 0, result.err);
    return result.out;
}

} // namespace hadeploy
