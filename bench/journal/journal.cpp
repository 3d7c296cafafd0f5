// Applies N resources that only sleep for some milliseconds each, and prints the total time: the
// rest is the time of the engine, the journal and the disk.
//
//     bench_journal DIRECTORY N MILLISECONDS PARALLELISM
#include "engine/apply.h"
#include "engine/planning.h"
#include "planner/spec/load_spec.h"
#include "planner/spec/variables.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <thread>

using namespace hadeploy;

namespace {

class Thing final : public ResourceType {
  public:
    Thing() {
        name = "bench.thing";
        provider = "bench";
        summary = "Takes its time.";
        schema = {{.name = "name", .type = TypeKind::string, .required = true}};
    }
};

class Sleeper final : public OpenEndpoint {
  public:
    explicit Sleeper(std::chrono::milliseconds takes) : takes_(takes) {}
    std::vector<Observation> read(std::span<const ReadRequest> requests,
                                  const Notice& /*notice*/) override {
        return std::vector<Observation>(requests.size());
    }
    void apply(std::span<const Change> changes, ChangeSink& sink) override {
        for (std::size_t i = 0; i < changes.size(); ++i) {
            if (takes_.count() > 0) std::this_thread::sleep_for(takes_);
            sink.done(i, changes[i].after);
        }
    }

  private:
    std::chrono::milliseconds takes_;
};

class Kind final : public Provider {
  public:
    explicit Kind(std::chrono::milliseconds takes) : takes_(takes) { name = "bench"; }
    std::vector<Endpoint> endpoints(const ResourceType&, const Value&,
                                    const Value&) const override {
        return {{"sleep", "", {}}};
    }
    std::shared_ptr<OpenEndpoint> open(const Endpoint&, const ProviderContext&) override {
        return std::make_shared<Sleeper>(takes_);
    }

  private:
    std::chrono::milliseconds takes_;
};

int run(const std::filesystem::path& directory, int count, int milliseconds, int parallelism) {
    std::string text = "name: bench\nresources:\n";
    for (int i = 0; i < count; ++i)
        text += fmt::format("  r{0}: {{type: bench.thing, name: r{0}}}\n", i);
    Registry registry;
    registry.add(std::make_unique<Kind>(std::chrono::milliseconds(milliseconds)));
    registry.add(std::make_unique<Thing>());
    Spec spec;
    load_spec(
        "hadeploy.yaml", [&](const std::filesystem::path&) { return text; }, spec);
    const Graph graph(spec, registry, resolve_variables(spec, {}));
    const auto store = Store::open(directory / "state.db", Store::Mode::read_write, "bench");
    store->lock("bench", 0);
    Events quiet;
    const PlannedRun planned = read_and_plan(
        {.graph = graph, .settings = provider_settings(graph), .context = {.project = "bench"}},
        *store, {}, quiet);

    const auto begin = std::chrono::steady_clock::now();
    const std::int64_t id = store->begin_run("apply", {});
    const ApplyResult result =
        apply(planned.plan, &graph, planned.prior, *store, *planned.endpoints, planned.settings,
              quiet, id, {.parallelism = static_cast<std::size_t>(parallelism), .stop = nullptr});
    store->end_run(id, RunResult::done, "{}");
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    if (!result.ok() || store->rows().size() != static_cast<std::size_t>(count)) return 1;
    std::printf("%.6f\n", took.count());
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 5) {
        std::fprintf(stderr, "usage: bench_journal DIRECTORY N MILLISECONDS PARALLELISM\n");
        return 64;
    }
    try {
        return run(argv[1], std::atoi(argv[2]), std::atoi(argv[3]), std::atoi(argv[4]));
    } catch (const Error& errors) {
        for (const Error& e : errors.all()) std::fprintf(stderr, "%s\n", e.what());
    } catch (const std::exception& e) {
        std::fprintf(stderr, "%s\n", e.what());
    }
    return 1;
}
