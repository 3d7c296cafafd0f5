// Parts of `hadeploy watch` without a project.
#include "cli/watch/listen_address.h"
#include "cli/watch/metrics.h"
#include "cli/watch/situation.h"
#include "cli/watch/webhook.h"
#include "core/error.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace hadeploy;
using namespace hadeploy::cli;

namespace {
std::string texts(const WatchEvents& events) {
    std::string out;
    for (const WatchEvent& event : events) out += event_text(event) + "\n";
    return out;
}
} // namespace

TEST_CASE("watch: only changes of the situation are events") {
    const std::map<std::string, Finding> none;
    std::map<std::string, Finding> one{{"a", {Condition::drifted, "value differs", ""}},
                                       {"b", {Condition::unreadable, "no answer", ""}}};
    CHECK(texts(changes_between(none, one)) ==
          "drift: a: value differs\ncannot be read: b: no answer\n");
    CHECK(changes_between(one, one).empty());
    std::map<std::string, Finding> two = one;
    two["a"].text = "it is gone";
    two["a"].by_hand = "the machine is gone";
    two.erase("b");
    two["c"] = {Condition::pending, "size differs", ""};
    CHECK(texts(changes_between(one, two)) ==
          "drift: a: it is gone (not repaired by hadeploy watch: the machine is gone)\n"
          "pending: c: size differs\n"
          "in sync again: b\n");
}

TEST_CASE("watch: the pause after failures doubles up to an hour") {
    const RepairPace::Clock::time_point start{};
    RepairPace pace;
    CHECK(pace.due(start));
    RepairPace::Clock::time_point now = start;
    std::string pauses;
    for (int i = 0; i < 9; ++i) {
        pace.failed(now, std::chrono::seconds(60));
        pauses += fmt::format("{} ", pace.pause().count());
        CHECK_FALSE(pace.due(now + pace.pause() - std::chrono::milliseconds(1)));
        now += pace.pause();
        CHECK(pace.due(now));
    }
    CHECK(pauses == "60 120 240 480 960 1920 3600 3600 3600 ");
}

TEST_CASE("watch: metrics") {
    Metrics m;
    m.project = "a \"b\" \\ c\nd";
    m.rounds = 3;
    m.failed_rounds = 1;
    m.last_round = 1'700'000'000.25;
    m.duration = 0.5;
    m.compared = true;
    m.resources = {{"drifted", 1}, {"in_sync", 20}};
    m.machines = {{"node[\"one\"]", true}, {"two", false}};
    const std::string text = prometheus_text(m);
    for (const char* line :
         {"hadeploy_watch_info{project=\"a \\\"b\\\" \\\\ c\\nd\",version=\"",
          "\n# TYPE hadeploy_watch_rounds_total counter\nhadeploy_watch_rounds_total 3\n",
          "\nhadeploy_watch_failed_rounds_total 1\n", "\nhadeploy_watch_last_round_success 1\n",
          "\nhadeploy_watch_last_round_timestamp_seconds 1700000000.250\n",
          "\nhadeploy_watch_round_duration_seconds 0.500\n",
          "\nhadeploy_resources{state=\"drifted\"} 1\nhadeploy_resources{state=\"in_sync\"} 20\n",
          "\nhadeploy_machine_up{address=\"node[\\\"one\\\"]\"} 1\n",
          "\nhadeploy_machine_up{address=\"two\"} 0\n",
          "\nhadeploy_repairs_total{result=\"done\"} 0\n"})
        CHECK_MESSAGE(text.find(line) != std::string::npos, line);
    CHECK(text.back() == '\n');
}

TEST_CASE("watch: addresses for metrics") {
    for (const char* loopback : {"127.0.0.1:9464", "127.9.8.7:1", "[::1]:9464", "127.0.0.1:0"})
        CHECK_MESSAGE(parse_listen_address(loopback).loopback, loopback);
    for (const char* remote : {"0.0.0.0:9464", "10.0.0.1:9464", "[::]:9464", "[2001:db8::1]:80"})
        CHECK_FALSE_MESSAGE(parse_listen_address(remote).loopback, remote);
    for (const char* wrong :
         {"", ":", "127.0.0.1", "127.0.0.1:", "127.0.0.1:70000", ":9464", "127.0.0.1:-1",
          "127.0.0.1:80x", "localhost:80", "::1:80", "[::1:80", "[127.0.0.1]:80", "1.2.3:80"})
        CHECK_THROWS_AS_MESSAGE(parse_listen_address(wrong), Error, wrong);
    CHECK(url_of(parse_listen_address("[::1]:80")) == "http://[::1]:80");
}

TEST_CASE("watch: URLs of webhooks") {
    for (const char* good :
         {"http://a", "https://user:pass@a.example:8/x?token=1", "http://[::1]/"})
        CHECK_MESSAGE(is_http_url(good), good);
    for (const char* bad : {"", "a", "ftp://a", "http://", "http:///x", "https://:80/",
                            "http://a b", "http://a\n", "file:///etc/passwd", "HTTP//a"})
        CHECK_FALSE_MESSAGE(is_http_url(bad), bad);
}
