// The number of concurrent changes, and the intents that a stop removes from waiting ones.
#include "engine/apply.h"
#include "planner/plan/make_plan.h"
#include "planner/plan/prior_state.h"
#include "planner/spec/load_spec.h"
#include "planner/spec/variables.h"
#include "support/project.h"

#include <chrono>
#include <cstdlib>
#include <doctest/doctest.h>
#include <filesystem>
#include <set>
#include <thread>

using namespace hadeploy;

namespace {

/// Counts concurrent changes, and runs a test's function during each.
struct Workshop {
    std::mutex mutex;
    std::size_t at_work = 0, most = 0;
    std::vector<std::string> begun;
    std::function<void()> during = [] {};
    std::function<void(const Value& tools, bool begin)> with_tools; ///< with the lock held
    bool broken = false;
};

class Piece final : public ResourceType {
  public:
    Piece() {
        name = "shop.piece";
        provider = "shop";
        summary = "A piece of work.";
        schema = {{.name = "name", .type = TypeKind::string, .required = true},
                  {.name = "tools", .type = list_of(TypeKind::string)}};
    }
    std::vector<std::string> exclusive(const Value& config) const override {
        std::vector<std::string> tools;
        if (config["tools"].is_list())
            for (const Value& tool : config["tools"].as_list()) tools.push_back(tool.as_string());
        return tools;
    }
};

class Worker final : public OpenEndpoint {
  public:
    explicit Worker(Workshop& shop) : shop_(shop) {}
    std::vector<Observation> read(std::span<const ReadRequest> requests,
                                  const Notice& /*notice*/) override {
        std::vector<Observation> out(requests.size());
        for (Observation& o : out) o = Observation::absent();
        return out;
    }
    void apply(std::span<const Change> changes, ChangeSink& sink) override {
        for (std::size_t i = 0; i < changes.size(); ++i) {
            {
                const std::lock_guard lock(shop_.mutex);
                shop_.begun.push_back(changes[i].address);
                shop_.most = std::max(shop_.most, ++shop_.at_work);
                use_tools(changes[i], true);
            }
            shop_.during();
            {
                const std::lock_guard lock(shop_.mutex);
                --shop_.at_work;
                use_tools(changes[i], false);
            }
            if (shop_.broken)
                sink.failed(i, Error(ErrorKind::failed, "it broke"));
            else
                sink.done(i, changes[i].after);
        }
    }

  private:
    void use_tools(const Change& change, bool begin) {
        const Value& tools = change.after["tools"];
        if (shop_.with_tools && tools.is_list()) shop_.with_tools(tools, begin);
    }

    Workshop& shop_;
};

class Shop final : public Provider {
  public:
    explicit Shop(Workshop& shop) : shop_(shop) { name = "shop"; }
    std::vector<Endpoint> endpoints(const ResourceType&, const Value&,
                                    const Value&) const override {
        return {{"shop", "", {}}};
    }
    std::shared_ptr<OpenEndpoint> open(const Endpoint&, const ProviderContext&) override {
        return std::make_shared<Worker>(shop_);
    }

  private:
    Workshop& shop_;
};

/// Waits for a condition that other threads establish; fails the test after a timeout.
void wait_until(const std::function<bool()>& seen) {
    for (int i = 0; i < 10000 && !seen(); ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    CHECK(seen());
}

struct Project {
    explicit Project(int pieces) {
        std::string pattern = (std::filesystem::temp_directory_path() / "slots-XXXXXX").string();
        directory = mkdtemp(pattern.data());
        for (int i = 0; i < pieces; ++i)
            text += fmt::format("  p{0}: {{type: shop.piece, name: p{0}}}\n", i);
        store = Store::open(directory / "state.db", Store::Mode::read_write, "test");
        store->lock("test", 0);
    }
    ~Project() { std::filesystem::remove_all(directory); }

    ApplyResult apply(std::size_t parallelism) {
        Registry registry;
        registry.add(std::make_unique<Shop>(shop));
        registry.add(std::make_unique<Piece>());
        Spec spec;
        load_spec(
            "hadeploy.yaml", [&](const std::filesystem::path&) { return text; }, spec);
        const Graph graph(spec, registry, resolve_variables(spec, {}));
        PriorState prior = load_prior_state(*store);
        const ProviderSettings settings = provider_settings(graph);
        Endpoints endpoints(registry, {.project = "test", .lineage = prior.lineage});
        Events quiet;
        refresh(prior, evaluate_resources(graph, prior, settings).reads, endpoints, quiet);
        const Plan plan = make_plan(graph, prior, settings);
        const std::int64_t run = store->begin_run("apply", {});
        return hadeploy::apply(plan, &graph, prior, *store, endpoints, settings, quiet, run,
                               {parallelism, &stop});
    }

    std::filesystem::path directory;
    std::string text = "name: test\nresources:\n";
    std::unique_ptr<Store> store;
    Workshop shop;
    std::atomic<bool> stop = false;
};

} // namespace

TEST_CASE("changes run concurrently up to the requested parallelism") {
    Project project(12);
    project.shop.during = [&] {
        wait_until([&] {
            const std::lock_guard lock(project.shop.mutex);
            return project.shop.most == 3;
        });
        std::this_thread::sleep_for(
            std::chrono::milliseconds(5)); // time for a fourth change to start
    };
    CHECK(project.apply(3).ok());
    CHECK(project.shop.begun.size() == 12);
    CHECK(project.shop.most == 3);
    CHECK(project.store->rows().size() == 12);
}

TEST_CASE("changes that need the same thing do not run at the same time") {
    Project project(0);
    for (const char* tools : {"[a]", "[a, b]", "[b]", "[a]", "[c]", "[c, b]", "[]", "[]"})
        project.text += fmt::format("  p{}: {{type: shop.piece, name: p, tools: {}}}\n",
                                    project.text.size(), tools);
    std::multiset<std::string> at_work;
    project.shop.with_tools = [&](const Value& tools, bool begin) {
        for (const Value& tool : tools.as_list()) {
            if (begin)
                at_work.insert(tool.as_string());
            else
                at_work.erase(at_work.find(tool.as_string()));
            CHECK(at_work.count(tool.as_string()) <= 1);
        }
    };
    project.shop.during = [] { std::this_thread::sleep_for(std::chrono::milliseconds(5)); };
    SUBCASE("and all of them run") {}
    SUBCASE("even if they fail and are tried again") {
        project.shop.broken = true;
    }
    CHECK(project.apply(8).ok() != project.shop.broken);
    CHECK(project.shop.begun.size() >= 8);
    CHECK(project.shop.most > 1);
}

TEST_CASE("during a change only the intent of the next one is written") {
    Project project(4);
    project.shop.during = [&] {
        const bool last = project.shop.begun.size() == 4;
        wait_until([&] { return project.store->intents().size() == (last ? 1 : 2); });
    };
    CHECK(project.apply(1).ok());
    CHECK(project.store->intents().empty());
}

TEST_CASE("a stop removes the intents of changes that were not started") {
    Project project(4);
    project.shop.during = [&] {
        wait_until([&] { return project.store->intents().size() == 2; });
        project.stop = true;
    };
    CHECK(project.apply(1).interrupted);
    CHECK(project.shop.begun.size() == 1);
    CHECK(project.store->rows().size() == 1);
    CHECK(project.store->intents().empty());

    project.stop = false;
    project.shop.during = [] {};
    CHECK(project.apply(1).ok());
    CHECK(project.store->rows().size() == 4);
}

TEST_CASE("a stop keeps the intents of an earlier run") {
    Project project(2);
    project.shop.broken = true; // possibly partly created
    CHECK_FALSE(project.apply(1).ok());
    REQUIRE(project.store->intents().size() == 2);

    project.shop.broken = false;
    project.shop.begun.clear();
    project.shop.during = [&] {
        wait_until([&] {
            const std::vector<Intent> open = project.store->intents();
            return std::all_of(open.begin(), open.end(),
                               [](const Intent& i) { return i.run == 2; });
        });
        project.stop = true;
    };
    CHECK(project.apply(1).interrupted);
    REQUIRE(project.shop.begun.size() == 1);
    const std::vector<Intent> left = project.store->intents();
    REQUIRE(left.size() == 1);
    CHECK(left[0].address != project.shop.begun[0]);
    CHECK(left[0].action == ChangeKind::create);
}
