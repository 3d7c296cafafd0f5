#include "core/value_json.h"
#include "engine/apply.h"
#include "planner/plan/import.h"
#include "planner/plan/make_plan.h"
#include "planner/plan/prior_state.h"
#include "planner/plan/refresh_plan.h"
#include "planner/plan/removal.h"
#include "planner/plan/selection.h"
#include "planner/spec/load_spec.h"
#include "planner/spec/variables.h"
#include "support/project.h"

#include <cstdlib>
#include <doctest/doctest.h>
#include <filesystem>

using namespace hadeploy;

namespace {

constexpr const char* kSpec = R"(name: test
resources:
  a: {type: fake.thing, name: a, value: one}
  b: {type: fake.thing, name: b, value: "${a.token}"}
  c: {type: fake.adoptable, name: c}
outputs: {a: "${a.value}", b: "${b.token}", c: "${c.token}"}
)";

/// A project in a temporary directory, with objects in memory.
struct PlanLab {
    PlanLab() {
        std::string pattern = (std::filesystem::temp_directory_path() / "options-XXXXXX").string();
        directory = mkdtemp(pattern.data());
        fake::add_to(registry, world);
        load_spec(
            "hadeploy.yaml", [](const auto&) { return std::string(kSpec); }, spec);
        graph.emplace(spec, registry, resolve_variables(spec, {}));
        store = Store::open(directory / "state.db", Store::Mode::read_write, "test");
        store->lock("test", 0);
        endpoints.emplace(registry,
                          ProviderContext{.project = "test", .lineage = store->lineage()});
        settings = provider_settings(*graph);
    }
    ~PlanLab() { std::filesystem::remove_all(directory); }

    Plan plan(const PlanOptions& options) {
        seen = load_prior_state(*store);
        if (!options.refresh)
            assume_recorded(seen);
        else
            refresh(seen,
                    options.refresh_only ? reads_of_records(registry, seen, settings)
                    : options.destroy    ? reads_before_destroy(registry, seen, settings,
                                                                Selection(options, nullptr, seen))
                                         : evaluate_resources(*graph, seen, settings).reads,
                    *endpoints, quiet);
        if (options.refresh_only) return make_refresh_plan(*graph, seen, options);
        if (options.destroy) return make_destroy_plan(seen, registry, options);
        return make_plan(*graph, seen, settings, options);
    }

    ApplyResult apply(const PlanOptions& options = {}) {
        const Plan made = plan(options);
        world.log.clear();
        return hadeploy::apply(made, options.destroy ? nullptr : &*graph, seen, *store, *endpoints,
                               settings, quiet, store->begin_run("apply", {}), {4, nullptr});
    }

    /// What the command notes.
    RecordedResource import(const std::string& address, const std::string& id) {
        spec.imports.clear();
        spec.imports[address] = {id, {}};
        return imported(address, plan({.targets = {address}}), *graph);
    }

    /// The error of a rejected import.
    std::string refused(const std::string& address, const std::string& id) {
        const auto text_of = [](const Error& e) {
            return fmt::format("{}: {} ({})", e.address, e.message, e.hint);
        };
        try {
            (void)import(address, id);
            return "imported";
        } catch (const Error& errors) {
            return text_of(errors);
        }
    }

    std::filesystem::path directory;
    fake::World world;
    Registry registry;
    Spec spec;
    std::optional<Graph> graph;
    std::unique_ptr<Store> store;
    std::optional<Endpoints> endpoints;
    ProviderSettings settings;
    PriorState seen;
    Events quiet;
};

} // namespace

TEST_CASE("a partial apply leaves other resources and their outputs unchanged") {
    PlanLab lab;
    CHECK(lab.apply({.targets = {"a"}}).ok());
    CHECK(lab.world.changes() == std::vector<std::string>{"create a"});
    CHECK(to_json(lab.store->outputs()) == R"({"a":"one"})");
    CHECK(lab.apply().ok());
    CHECK(lab.store->outputs().text("b") == "token-of-b");
    CHECK(lab.apply({.destroy = true, .targets = {"c"}}).ok());
    CHECK(lab.world.changes() == std::vector<std::string>{"remove c"});
    CHECK(lab.store->rows().size() == 2);
    CHECK(lab.store->outputs().text("c") == "token-of-c"); // updated by the next full apply
}

TEST_CASE("a refresh changes only the state") {
    PlanLab lab;
    CHECK(lab.apply().ok());
    lab.world.objects["a"] = lab.world.objects["a"].with("value", "other");
    lab.world.objects.erase("c");
    const std::int64_t serial = lab.store->serial();
    const ApplyResult result = lab.apply({.refresh_only = true});
    CHECK(result.ok());
    CHECK(result.count(StepResult::refreshed) == 1);
    CHECK(result.count(StepResult::forgotten) == 1);
    CHECK(lab.world.changes().empty());
    CHECK(lab.store->serial() > serial);
    CHECK(lab.store->row("a")->attributes.text("value") == "other");
    CHECK(lab.store->row("a")->config.text("value") == "one");
    CHECK_FALSE(lab.store->row("c"));
    CHECK(lab.store->outputs().text("a") == "other");
    CHECK(lab.plan({.refresh_only = true}).empty());
    // the config is still that of the spec
    CHECK(summary(lab.plan({})) == "update a (value); create c");
}

TEST_CASE("without a refresh nothing is read") {
    PlanLab lab;
    CHECK(lab.apply().ok());
    lab.world.objects["a"] = lab.world.objects["a"].with("value", "other");
    lab.world.log.clear();
    CHECK(lab.plan({.refresh = false}).empty());
    CHECK(lab.world.log.empty());
}

TEST_CASE("--replace removes and creates") {
    PlanLab lab;
    CHECK(lab.apply().ok());
    CHECK(lab.apply({.replace = {"a"}}).ok());
    CHECK(lab.world.changes() == std::vector<std::string>{"remove a", "create a"});
    CHECK(lab.store->row("a")->generation == 2);
    CHECK(lab.plan({}).empty());
}

TEST_CASE("a tainted resource is replaced") {
    PlanLab lab;
    CHECK(lab.apply().ok());
    RecordedResource row = *lab.store->row("a");
    row.tainted = true;
    lab.store->put({row}, {});
    CHECK(lab.plan({}).steps.at(0).reason == "it is tainted");
    CHECK(lab.apply().ok());
    CHECK(lab.world.changes() == std::vector<std::string>{"remove a", "create a"});
    CHECK_FALSE(lab.store->row("a")->tainted);
}

TEST_CASE("an object that is there is imported under its own identity") {
    PlanLab lab;
    lab.world.objects["a"] = Value::map({{"name", "a"}, {"value", "other"}, {"token", "old"}});
    lab.world.owners["a"] = "mark-7";
    const RecordedResource r = lab.import("a", "mark-7");
    CHECK(r.identity == "mark-7");
    CHECK(r.config.text("value") == "one");
    CHECK(r.attributes.text("value") == "other");
    CHECK(r.attributes.text("token") == "old");
    lab.store->put({r}, {});
    lab.spec.imports.clear();
    CHECK(summary(lab.plan({.targets = {"a"}})) == "update a (value)");
    CHECK(lab.apply().ok());
    CHECK(lab.world.owners["a"] == "mark-7");
}

TEST_CASE("imports that are rejected") {
    PlanLab lab;
    CHECK(lab.refused("a", "x") ==
          "a: import: there is no fake.thing x (the ID is the mark that it carries)");
    lab.world.objects["b"] = Value::map({{"name", "b"}});
    lab.world.owners["b"] = "x";
    CHECK(lab.refused("b", "x") == "b: value is not known until the resources that it refers to "
                                   "are created (apply them first, with --target)");
    lab.world.objects["a"] = Value::map({{"name", "a"}});
    lab.world.owners["a"] = "somebody";
    CHECK(lab.refused("a", "x") == "a: import: the object of that name is not x: made by hand "
                                   "(the ID is the mark that it carries)");
    CHECK(lab.refused("aa", "x") == ": import: the spec has no \"aa\" (did you mean a?)");
    CHECK(lab.refused("c", "x") == "c: import: a fake.adoptable can't be imported (no import is "
                                   "needed: an apply adopts the existing object)");
    lab.world.objects["a"] = Value::map({{"name", "a"}, {"size", 2}});
    lab.world.owners["a"] = "x";
    CHECK(lab.refused("a", "x").starts_with("a: import: it would be destroyed immediately"));
    lab.world.unreadable.insert("a");
    CHECK(lab.refused("a", "x").starts_with("a: it can't be read"));
}

TEST_CASE("open intents of earlier runs are examined even without a refresh") {
    PlanLab lab;
    REQUIRE(lab.apply().ok());
    lab.world.objects["a"] = lab.world.objects["a"].with("value", "two").with("shout", "two!");
    lab.world.broken = {"a"};
    CHECK_FALSE(lab.apply().ok());
    REQUIRE(lab.store->intents().size() == 1);
    lab.world.broken.clear();
    CHECK(summary(lab.plan({.refresh = false})) == "read a");
    REQUIRE(lab.apply({.refresh = false}).ok());
    CHECK(lab.world.log == std::vector<std::string>{"read cloud: a", "update a"});
    CHECK(lab.store->intents().empty());
    CHECK(lab.plan({}).empty());
}
