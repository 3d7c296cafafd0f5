// Random histories of a project: edits, runs that succeed, fail or are killed, lost machines,
// partial runs, and returns to earlier versions. After each complete run all objects must match the
// spec, and unchanged resources must not have lost their data. HADEPLOY_SEED=N repeats the history
// with seed N, HADEPLOY_HISTORIES=N runs that many from there on.
#include "core/value_json.h"
#include "engine/apply.h"
#include "engine/planning.h"
#include "histories/model.h"
#include "histories/world.h"
#include "planner/plan/plan.h"
#include "planner/spec/load_spec.h"
#include "planner/spec/spec.h"
#include "planner/spec/variables.h"

#include <atomic>
#include <cstdlib>
#include <doctest/doctest.h>
#include <iostream>
#include <thread>

using namespace hadeploy;
using namespace hadeploy::histories;

namespace {

unsigned from_environment(const char* name, unsigned otherwise) {
    const char* given = std::getenv(name);
    return given == nullptr ? otherwise : static_cast<unsigned>(std::strtoul(given, nullptr, 10));
}

/// Errors that a version of the spec can cause; users then undo their edit.
bool is_refusal(const Error& errors) {
    const std::vector<Error> all = errors.all();
    return std::all_of(all.begin(), all.end(), [](const Error& e) {
        return e.message.find("would both be") != std::string::npos ||
               e.message.find("wait for each other") != std::string::npos;
    });
}

struct Failure {
    std::string what;
};

class History {
  public:
    explicit History(unsigned seed) : edit_(seed), model_(edit_.start()) {
        add_to(registry_, world_);
    }

    /// @throws Failure
    void run() {
        const unsigned rounds = 3 + edit_.below(4);
        for (unsigned i = 0; i < rounds; ++i) {
            if (i > 0) change();
            round();
        }
        if (edit_.chance(25)) destroy();
    }

    /// The log of the history, to analyse a failure.
    std::string story;

  private:
    enum class What { all, part, refresh, destroy };

    void change() {
        before_edit_ = model_;
        if (edit_.chance(12) && !applied_.empty()) {
            model_ = applied_[edit_.below(applied_.size())];
            story += "-- back to an earlier version\n";
        } else {
            for (unsigned n = 1 + edit_.below(3); n > 0; --n) edit_.edit(model_);
        }
        if (edit_.chance(30)) drift();
    }

    void drift() {
        std::vector<std::string> names;
        for (const auto& [name, o] : world_.objects) names.push_back(name);
        if (names.empty()) return;
        const std::string name = names[edit_.below(names.size())];
        Object& o = world_.objects.at(name);
        if (o.type != "t.machine") {
            if (edit_.chance(50)) {
                story += "-- deleted by hand: " + name + "\n";
                world_.objects.erase(name);
            } else {
                o.attributes = o.attributes.with("value", "other");
            }
            return;
        }
        switch (edit_.below(3)) {
        case 0:
            story += "-- off: " + name + "\n";
            o.attributes = o.attributes.with("running", false);
            return;
        case 1:
            story += "-- lost: " + name + "\n";
            world_.remove(name);
            return;
        default:
            story += "-- lost its disk: " + name + "\n";
            o.attributes = o.attributes.with("running", false);
            o.diskless = true;
            std::erase_if(world_.objects, [&](const auto& x) { return x.second.host == name; });
        }
    }

    void round() {
        if (edit_.chance(8)) execute(What::refresh, 1);
        if (edit_.chance(12)) execute(What::part, 4);
        if (edit_.chance(35)) {
            world_.fuse.light(static_cast<int>(edit_.below(30)));
            execute(What::all, parallelism());
            world_.fuse.light(-1);
            // sometimes edited before it is run again
            if (edit_.chance(30)) change();
        }
        if (edit_.chance(20)) {
            for (const auto& [name, w] : model_.wanted())
                if (edit_.chance(25)) world_.broken.insert(name);
            for (const auto& [name, o] : world_.objects)
                if (edit_.chance(10)) world_.broken.insert(name);
            execute(What::all, parallelism());
            world_.broken.clear();
            if (edit_.chance(30)) change();
        }
        if (!execute(What::all, parallelism())) { // refused, or it must be run again
            if (refused_) model_ = before_edit_;
            for (int i = 0; i < 3; ++i)
                if (execute(What::all, parallelism())) return settled();
            if (!refused_) throw Failure{"it does not converge: " + last_error_};
            // even the previous version cannot be reached from an interrupted run: start again
            model_ = applied_.empty() ? Model{} : applied_.back();
            if (!execute(What::all, parallelism()) && !execute(What::all, 1)) {
                if (!refused_)
                    throw Failure{"the earlier version cannot be restored: " + last_error_};
                model_ = Model{}; // remove everything: users give up one of two conflicting names
                if (!execute(What::all, parallelism()))
                    throw Failure{"the project cannot be emptied: " + last_error_};
            }
        }
        settled();
    }

    std::size_t parallelism() {
        constexpr std::size_t kinds[] = {1, 2, 4, 16};
        return kinds[edit_.below(4)];
    }

    void settled() {
        applied_.push_back(model_);
        check_world();
        const auto objects = world_.objects;
        execute(What::all, 1, true);
        for (const auto& [name, o] : objects)
            if (world_.objects.at(name).data != o.data) throw Failure{name + " was created again"};
    }

    void check_world() {
        const auto wanted = model_.wanted();
        for (const auto& [name, w] : wanted) {
            const auto it = world_.objects.find(name);
            if (it == world_.objects.end()) throw Failure{name + " is missing"};
            const Object& o = it->second;
            const bool right = o.type == w.type && o.host == w.host &&
                               o.attributes.integer("size") == w.size &&
                               (w.type == "t.machine" ||
                                (o.attributes.text("value") == fmt::format("v{}", w.value) &&
                                 o.attributes.integer("port") == w.port &&
                                 o.attributes.integer("hidden") == w.hidden));
            if (!right) throw Failure{name + " is not as wanted: " + to_json(o.attributes)};
        }
        for (const auto& [key, o] : world_.objects)
            if (key != "none" && !wanted.contains(key)) throw Failure{key + " was left over"};
        std::set<std::string> identities;
        for (const auto& [address, row] : state_.rows)
            if (!identities.insert(row.identity).second)
                throw Failure{address + " has the identity of another resource"};
        if (!state_.intents.empty()) throw Failure{"the journal is not empty"};
    }

    void destroy() {
        if (!execute(What::destroy, parallelism()))
            throw Failure{"it can't be destroyed: " + last_error_};
        if (!world_.objects.empty() || !state_.rows.empty())
            throw Failure{"the destroy left something"};
    }

    /// Plans and applies like the command. Returns whether everything succeeded.
    bool execute(What what, std::size_t parallelism, bool expect_nothing = false) {
        static const char* const names[] = {"all", "part", "refresh", "destroy"};
        refused_ = false;
        last_error_.clear();
        const auto before = world_.objects;
        world_.removals.clear();
        story += fmt::format("== {} at {}\n", names[static_cast<int>(what)], parallelism);
        bool ok = false;
        try {
            ok = plan_and_apply(what, parallelism, expect_nothing);
        } catch (const Error& errors) {
            last_error_ = errors.message;
            refused_ = is_refusal(errors);
            story += "   refused: " + errors.address + ": " + last_error_ + "\n";
            for (const Note& n : errors.notes) story += "      " + n.text + "\n";
            if (!refused_ && what == What::all) throw Failure{"the plan fails: " + last_error_};
        }
        check_data(before, what);
        check_order();
        if (!world_.wrong.empty()) throw Failure{world_.wrong.front()};
        return ok;
    }

    bool plan_and_apply(What what, std::size_t parallelism, bool expect_nothing) {
        load();
        const Graph& graph = *graph_;
        fake::MemoryStore store(state_, world_.fuse);
        Events quiet;
        PlanOptions options{.destroy = what == What::destroy,
                            .refresh_only = what == What::refresh};
        if (what == What::part) {
            const auto recorded = load_prior_state(store).recorded;
            auto it = recorded.begin();
            if (!recorded.empty()) std::advance(it, edit_.below(recorded.size()));
            if (it != recorded.end())
                options.targets.push_back(graph.find(it->first) ? it->first : "none");
        }
        const PlannedRun planned = read_and_plan({.graph = graph,
                                                  .settings = provider_settings(graph),
                                                  .context = {.project = "test"},
                                                  .parallelism = 1},
                                                 store, options, quiet);
        const Plan& plan = planned.plan;
        tell(plan);
        if (expect_nothing && !(plan.empty() && plan.moves.empty()))
            throw Failure{"there is still something to do"};
        ApplyResult result;
        try {
            const std::int64_t run = store.begin_run("apply", {});
            result =
                apply(plan, what == What::destroy ? nullptr : &graph, planned.prior, store,
                      *planned.endpoints, planned.settings, quiet, run, {parallelism, nullptr});
        } catch (const Error& error) {
            last_error_ = error.message; // killed while it wrote
            story += "   " + last_error_ + "\n";
            return false;
        }
        for (const Error& e : result.errors) {
            last_error_ = e.address + ": " + e.message;
            story += "   failed: " + last_error_ + "\n";
        }
        return result.ok() && !world_.fuse.dead();
    }

    /// Loads the graph of the model, unless it is the last one loaded.
    void load() {
        auto files = model_.files();
        if (graph_ && files == files_) return;
        graph_.reset();
        spec_ = std::make_unique<Spec>();
        files_ = std::move(files);
        load_spec(
            "hadeploy.yaml", [&](const std::filesystem::path& p) { return files_.at(p.string()); },
            *spec_);
        graph_ = std::make_unique<Graph>(*spec_, registry_, resolve_variables(*spec_, {}));
    }

    void tell(const Plan& plan) {
        for (const auto& [from, to] : plan.moves) story += "   moved " + from + " -> " + to + "\n";
        for (StepId id = 0; id < plan.steps.size(); ++id) {
            const Step& s = plan.steps[id];
            story += fmt::format("   {}: {} {}{} {}", id, action_name(s.action), s.address,
                                 s.first_half ? " (first half)" : "", s.reason);
            for (const AttributeChange& c : s.changes) story += " " + c.name;
            story += " after";
            for (const StepId before : s.after_steps) story += fmt::format(" {}", before);
            story += "\n";
        }
    }

    /// Whatever the outcome of a run, unchanged resources must exist with their data.
    void check_data(const std::map<std::string, Object>& before, What what) {
        if (what == What::destroy) return;
        const auto wanted = model_.wanted();
        for (const auto& [name, o] : before) {
            const auto it = wanted.find(name);
            if (it == wanted.end() || it->second.type != o.type || it->second.host != o.host ||
                it->second.size != o.attributes.integer("size"))
                continue;
            if (o.diskless || (!o.host.empty() && !is_kept(before, wanted, o.host))) continue;
            const auto now = world_.objects.find(name);
            if (now == world_.objects.end()) throw Failure{name + " was lost"};
            if (now->second.data != o.data) throw Failure{name + " has lost its data"};
        }
    }

    static bool is_kept(const std::map<std::string, Object>& before,
                        const std::map<std::string, Wanted>& wanted, const std::string& machine) {
        const auto was = before.find(machine);
        const auto is = wanted.find(machine);
        return was != before.end() && is != wanted.end() && !was->second.diskless &&
               was->second.attributes.integer("size") == is->second.size;
    }

    /// If two objects were removed in a run, the dependent one must have been removed first.
    void check_order() const {
        std::set<std::string> gone;
        for (auto it = world_.removals.rbegin(); it != world_.removals.rend(); ++it) {
            for (const std::string& name : it->standing)
                if (gone.contains(name))
                    throw Failure{fmt::format("{} was removed before {}, which depended on it",
                                              it->name, name)};
            gone.insert(it->name);
        }
    }

    Editor edit_;
    Model model_, before_edit_;
    std::vector<Model> applied_; ///< versions that were reached
    histories::World world_;
    Registry registry_;
    std::map<std::string, std::string> files_;
    std::unique_ptr<Spec> spec_;
    std::unique_ptr<Graph> graph_;
    fake::MemoryState state_;
    bool refused_ = false;
    std::string last_error_;
};

} // namespace

TEST_CASE("random histories lose no data that the plans did not give up") {
    const unsigned first = from_environment("HADEPLOY_SEED", 1);
    const bool one =
        std::getenv("HADEPLOY_SEED") != nullptr && std::getenv("HADEPLOY_HISTORIES") == nullptr;
    const unsigned count = one ? 1 : from_environment("HADEPLOY_HISTORIES", 20'000);
    std::atomic<unsigned> next = 0, failures = 0;
    std::mutex printing;
    const auto work = [&] {
        for (unsigned i = next++; i < count && failures < 3; i = next++) {
            History history(first + i);
            try {
                history.run();
            } catch (const Failure& failure) {
                const std::lock_guard lock(printing);
                ++failures;
                std::cerr << fmt::format("HADEPLOY_SEED={}: {}\n{}\n", first + i, failure.what,
                                         history.story);
            }
        }
    };
    {
        std::vector<std::jthread> threads;
        for (unsigned i = 0; i < std::max(1U, std::thread::hardware_concurrency()); ++i)
            threads.emplace_back(work);
    }
    MESSAGE(std::min<unsigned>(next, count) << " histories from seed " << first);
    CHECK(failures == 0);
}
