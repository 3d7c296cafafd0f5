// Changes that the backend completes on its own, and the pauses between attempts.
#include "engine/lab.h"

#include <atomic>
#include <chrono>
#include <doctest/doctest.h>
#include <random>
#include <set>
#include <thread>

using namespace hadeploy;
using namespace std::chrono_literals;

namespace {

using Time = std::chrono::steady_clock;

/// A backend whose objects take `takes` to become ready.
struct Yard {
    std::mutex mutex;
    std::chrono::milliseconds takes{100}, interval{10};
    std::map<std::string, Time::time_point> begun; ///< by address
    std::set<std::string> doomed;                  ///< fail instead of becoming ready
    std::set<std::string> flaky;                   ///< fail once, to be tried again
    std::vector<std::string> again;                ///< addresses whose change was repeated
    std::vector<std::size_t> polls;                ///< number of changes in each
    std::size_t ready = 0;
    std::atomic<bool> polling = false;
    std::function<void()> at_poll = [] {};
    bool broken = false; ///< polls fail as a whole
};

class Ship final : public ResourceType {
  public:
    Ship() {
        name = "yard.ship";
        provider = "yard";
        summary = "A ship.";
        schema = {{.name = "name", .type = TypeKind::string, .required = true},
                  {.name = "after", .type = TypeKind::string}};
    }
};

class Dock final : public OpenEndpoint {
  public:
    explicit Dock(Yard& yard) : yard_(yard) {}
    std::vector<Observation> read(std::span<const ReadRequest> requests, const Notice&) override {
        return std::vector<Observation>(requests.size());
    }
    void apply(std::span<const Change> changes, ChangeSink& sink) override {
        for (std::size_t i = 0; i < changes.size(); ++i) {
            {
                const std::lock_guard lock(yard_.mutex);
                if (changes[i].again) yard_.again.push_back(changes[i].address);
                yard_.begun[changes[i].address] = Time::now();
            }
            sink.waits(i, "waiting for the paint to dry");
        }
    }
    std::chrono::milliseconds poll(std::span<const Change> waiting, ChangeSink& sink) override {
        CHECK_FALSE(yard_.polling.exchange(true)); // one at a time
        yard_.at_poll();
        if (yard_.broken) {
            yard_.polling = false;
            throw std::runtime_error("no view");
        }
        std::vector<std::pair<std::size_t, int>> ends;
        {
            const std::lock_guard lock(yard_.mutex);
            yard_.polls.push_back(waiting.size());
            for (std::size_t i = 0; i < waiting.size(); ++i) {
                const std::string& address = waiting[i].address;
                if (Time::now() - yard_.begun.at(address) < yard_.takes) continue;
                const bool flaky = yard_.flaky.erase(address) > 0;
                ends.emplace_back(i, flaky ? 2 : yard_.doomed.contains(address) ? 1 : 0);
                yard_.ready += flaky ? 0 : 1;
            }
        }
        for (const auto& [i, how] : ends) {
            if (how == 0) sink.done(i, waiting[i].after);
            if (how == 1) sink.failed(i, Error(ErrorKind::failed, "it sank"));
            if (how == 2) sink.failed(i, Error(ErrorKind::failed, "it leaks").as_transient());
        }
        yard_.polling = false;
        return yard_.interval;
    }

  private:
    Yard& yard_;
};

class Harbour final : public Provider {
  public:
    explicit Harbour(Yard& yard) : yard_(yard) { name = "yard"; }
    std::vector<Endpoint> endpoints(const ResourceType&, const Value&,
                                    const Value&) const override {
        return {{"yard", "", {}}};
    }
    std::shared_ptr<OpenEndpoint> open(const Endpoint&, const ProviderContext&) override {
        return std::make_shared<Dock>(yard_);
    }

  private:
    Yard& yard_;
};

struct Fleet {
    Fleet() {
        std::string pattern = (std::filesystem::temp_directory_path() / "fleet-XXXXXX").string();
        directory = mkdtemp(pattern.data());
        store = Store::open(directory / "state.db", Store::Mode::read_write, "test");
        store->lock("test", 0);
    }
    ~Fleet() { std::filesystem::remove_all(directory); }
    void add(int ships) {
        for (int i = 0; i < ships; ++i)
            text += fmt::format("  s{0}: {{type: yard.ship, name: s{0}}}\n", i);
    }
    ApplyResult apply(std::size_t parallelism, Retries retries = {.most = 2, .first = 1ms}) {
        Registry registry;
        registry.add(std::make_unique<Harbour>(yard));
        registry.add(std::make_unique<Ship>());
        Spec spec;
        load_spec(
            "hadeploy.yaml", [&](const std::filesystem::path&) { return text; }, spec);
        const Graph graph(spec, registry, resolve_variables(spec, {}));
        const PriorState prior = load_prior_state(*store);
        const ProviderSettings settings = provider_settings(graph);
        Endpoints endpoints(registry, {.project = "test", .lineage = prior.lineage});
        Events quiet;
        const Plan plan = make_plan(graph, prior, settings);
        const std::int64_t run = store->begin_run("apply", {});
        return hadeploy::apply(plan, &graph, prior, *store, endpoints, settings, quiet, run,
                               {parallelism, &stop, retries});
    }

    std::filesystem::path directory;
    std::string text = "name: test\nresources:\n";
    std::unique_ptr<Store> store;
    Yard yard;
    std::atomic<bool> stop = false;
};

} // namespace

TEST_CASE("changes that only wait take no slot, and one poll asks for all of them") {
    Fleet fleet;
    fleet.add(60);
    fleet.yard.takes = 400ms;
    const auto start = Time::now();
    CHECK(fleet.apply(2).ok());
    const auto took = Time::now() - start;
    CHECK(took < 30 * 400ms / 2); // two at a time would take thirty times 400 ms
    CHECK(fleet.store->rows().size() == 60);
    CHECK(fleet.store->intents().empty());
    CHECK(fleet.yard.polls.size() <= static_cast<std::size_t>(took / fleet.yard.interval) + 2);
    CHECK(*std::max_element(fleet.yard.polls.begin(), fleet.yard.polls.end()) > 20);
}

TEST_CASE("the intent of a change that waits stays until its end, even after a failure") {
    Fleet fleet;
    fleet.add(2);
    fleet.text +=
        "  last: {type: yard.ship, name: last, after: \"${s0.name}\", depends_on: [s0]}\n";
    fleet.yard.doomed = {"s0"};
    fleet.yard.at_poll = [&] { CHECK(fleet.store->intents().size() >= 1); };
    const ApplyResult first = fleet.apply(4);
    REQUIRE(first.errors.size() == 1);
    CHECK(first.errors[0].message == "it sank");
    CHECK(first.count(StepResult::skipped) == 1);
    REQUIRE(fleet.store->intents().size() == 1);
    CHECK(fleet.store->intents()[0].address == "s0");
}

TEST_CASE("a change that failed while it waited is begun again, and knows it") {
    Fleet fleet;
    fleet.add(3);
    fleet.yard.flaky = {"s1"};
    CHECK(fleet.apply(4).ok());
    CHECK(fleet.yard.again == std::vector<std::string>{"s1"});
    CHECK(fleet.store->rows().size() == 3);
}

TEST_CASE("a stop waits for changes that have begun") {
    Fleet fleet;
    fleet.add(4);
    fleet.yard.at_poll = [&] { fleet.stop = true; };
    const ApplyResult result = fleet.apply(4);
    CHECK(fleet.store->rows().size() == fleet.yard.ready);
    CHECK(fleet.yard.ready == fleet.yard.begun.size());
    CHECK(fleet.store->intents().empty());
}

TEST_CASE("polls that fail end the run with an error") {
    Fleet fleet;
    fleet.add(3);
    fleet.yard.broken = true;
    const ApplyResult result = fleet.apply(4);
    REQUIRE(result.errors.size() == 3);
    CHECK(result.errors[0].message == "unexpected: no view");
}

TEST_CASE("any mix of ends leaves each ship recorded or its intent open") {
    std::mt19937 random(7);
    for (int round = 0; round < 12; ++round) {
        Fleet fleet;
        const int ships = 1 + static_cast<int>(random() % 12);
        fleet.add(ships);
        fleet.yard.takes = std::chrono::milliseconds(random() % 20);
        fleet.yard.interval = std::chrono::milliseconds(random() % 8);
        for (int i = 0; i < ships; ++i) {
            if (random() % 4 == 0) fleet.yard.doomed.insert(fmt::format("s{}", i));
            if (random() % 4 == 0) fleet.yard.flaky.insert(fmt::format("s{}", i));
        }
        const std::size_t doomed = fleet.yard.doomed.size();
        const ApplyResult result = fleet.apply(1 + random() % 4);
        CHECK(result.errors.size() == doomed);
        CHECK(fleet.store->intents().size() == doomed);
        CHECK(fleet.store->rows().size() == static_cast<std::size_t>(ships) - doomed);
    }
}

TEST_CASE("pauses between attempts grow, and end after a time") {
    Lab lab;
    const std::string one = "name: test\nresources:\n  a: {type: fake.thing, name: a}\n";
    lab.world.shaky = {{"a", 3}};
    lab.retries = {.most = 3, .first = 40ms};
    const auto start = Time::now();
    CHECK(lab.apply(one).result.ok());
    CHECK(Time::now() - start >= 140ms); // at least half of 40, 80 and 160 ms
    CHECK(lab.intents.empty());

    lab.world.objects.clear();
    lab.world.shaky = {{"a", 50}};
    lab.retries = {.most = 50, .first = 5ms, .longest = 20ms, .within = 200ms};
    const auto run = lab.apply(one);
    REQUIRE(run.result.errors.size() == 1);
    CHECK(run.result.errors[0].message == "not now");
    CHECK(lab.world.shaky["a"] < 47);
    CHECK(lab.world.shaky["a"] > 20);
}

TEST_CASE("others are changed during a pause") {
    Lab lab;
    const std::string two = R"(name: test
resources:
  a: {type: fake.thing, name: a}
  b: {type: fake.thing, name: b}
  c: {type: fake.thing, name: c, depends_on: [b]}
)";
    lab.world.shaky = {{"a", 1}};
    lab.retries = {.most = 1, .first = 300ms};
    CHECK(lab.apply(two).result.ok());
    const auto changes = lab.world.changes();
    REQUIRE(changes.size() == 3);
    CHECK(changes.back() == "create a");
}
