#include "engine/observe.h"
#include "planner/plan/prior_state.h"

#include <atomic>
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <thread>

using namespace hadeploy;

namespace {

/// The current and the maximum number of concurrent reads.
struct Crowd {
    std::atomic<int> inside = 0, most = 0, read = 0;
};

class Place final : public OpenEndpoint {
  public:
    explicit Place(Crowd& crowd) : crowd_(crowd) {}
    std::vector<Observation> read(std::span<const ReadRequest> requests,
                                  const Notice& /*notice*/) override {
        const int now = ++crowd_.inside;
        for (int most = crowd_.most; now > most && !crowd_.most.compare_exchange_weak(most, now);) {
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(2)); // so that other reads can start
        --crowd_.inside;
        crowd_.read += static_cast<int>(requests.size());
        return std::vector<Observation>(requests.size());
    }
    void apply(std::span<const Change>, ChangeSink&) override {}

  private:
    Crowd& crowd_;
};

class Places final : public Provider {
  public:
    explicit Places(Crowd& crowd) : crowd_(crowd) { name = "places"; }
    std::vector<Endpoint> endpoints(const ResourceType&, const Value&,
                                    const Value&) const override {
        return {};
    }
    std::shared_ptr<OpenEndpoint> open(const Endpoint&, const ProviderContext&) override {
        return std::make_shared<Place>(crowd_);
    }

  private:
    Crowd& crowd_;
};

/// Reads two resources at each of twelve endpoints.
void read_all(Crowd& crowd, std::size_t at_once) {
    ResourceType type;
    type.name = "thing";
    type.provider = "places";
    Registry registry;
    registry.add(std::make_unique<Places>(crowd));
    std::vector<PlannedRead> reads;
    for (int i = 0; i < 24; ++i)
        reads.push_back({{fmt::format("thing[{}]", i), &type, Value::map({}), nullptr, {}},
                         {{fmt::format("place {}", i % 12), "", {}}}});
    Endpoints endpoints(registry, {}, at_once);
    PriorState prior;
    Events quiet;
    refresh(prior, reads, endpoints, quiet);
    CHECK(prior.observed.size() == reads.size());
    CHECK(crowd.read == 24);
}

} // namespace

TEST_CASE("endpoints are read with limited parallelism") {
    for (const std::size_t at_once : {1U, 3U, 100U}) {
        Crowd crowd;
        read_all(crowd, at_once);
        CHECK(crowd.most <= static_cast<int>(at_once));
    }
}
