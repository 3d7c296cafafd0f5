#pragma once

#include "app.h"
#include "chaos/drill.h"
#include "fake_cluster.h"

/// Short drills against apps on loopback and a fake cluster.
namespace hadeploy::chaos::test {

using namespace std::chrono_literals;

inline Settings short_drill(const std::string& url) {
    Settings s;
    s.urls = {url};
    s.read = s.write = "/api/entities";
    s.body = R"({"name":"chaos","quantity":1,"id":"$ID"})";
    s.verify = "/api/writes";
    s.rate = 40;
    s.timeout = 5s;
    s.baseline = 300ms;
    s.hold = 100ms;
    s.settle = 200ms;
    s.patience = 60s;
    s.poll = 20ms;
    s.max_gap = 60s;
    return s;
}

inline Report drill(const Settings& settings, FakeCluster& cluster, DrillEvents& events,
                    const std::stop_token& stop = {}) {
    return run_drill(settings, {.experiment = single_fault({.node = "node2"})}, cluster, cluster,
                     events, stop);
}

inline Report drill(const Settings& settings, FakeCluster& cluster) {
    DrillEvents quiet;
    return drill(settings, cluster, quiet);
}

inline const Threshold& threshold(const Report& report, std::string_view name) {
    for (const Threshold& t : report.thresholds)
        if (t.name == name) return t;
    throw std::runtime_error("no such threshold");
}

inline std::string refusal(const Settings& settings, FakeCluster& cluster) {
    try {
        drill(settings, cluster);
        return "";
    } catch (const Error& error) {
        return error.message;
    }
}

inline bool tells(const Report& report, std::string_view text) {
    return std::any_of(report.timeline.begin(), report.timeline.end(),
                       [&](const Moment& m) { return m.text.find(text) != std::string::npos; });
}

/// Calls back directly after the drain.
class WhenDrained : public DrillEvents {
  public:
    explicit WhenDrained(std::function<void()> then) : then_(std::move(then)) {}
    void moment(const Moment& m) override {
        if (m.text == "drain of node2 begins") then_();
    }

  private:
    std::function<void()> then_;
};

} // namespace hadeploy::chaos::test
