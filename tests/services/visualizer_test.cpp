#include "support.h"

#include "visualizer/state.h"
#include "visualizer/traffic.h"

#include <doctest/doctest.h>

#include <array>

using namespace hadeploy::svc;
using namespace hadeploy::svc::test;

namespace {

Json node(const std::string& name, const std::string& status = "ready", bool leader = false,
          const std::string& reach = "reachable", const std::string& availability = "active") {
    return {{"ID", name + "-id"},
            {"Spec", {{"Role", "manager"}, {"Availability", availability}}},
            {"Description", {{"Hostname", name}}},
            {"Status", {{"State", status}}},
            {"ManagerStatus", {{"Leader", leader}, {"Reachability", reach}}}};
}

Json service(int replicas) {
    return {{"ID", "web-id"},
            {"Spec",
             {{"Name", "demo_web"},
              {"Labels", {{"com.docker.stack.namespace", "demo"}}},
              {"Mode", {{"Replicated", {{"Replicas", replicas}}}}}}}};
}

Json task(const std::string& id, const std::string& on, const std::string& state,
          const std::string& desired = "running", const std::string& error = "") {
    return {{"ID", id},
            {"ServiceID", "web-id"},
            {"NodeID", on.empty() ? "" : on + "-id"},
            {"Slot", 1},
            {"DesiredState", desired},
            {"Status", {{"State", state}, {"Err", error}, {"Timestamp", "2026-03-01T09:15:02Z"}}}};
}

DockerLists swarm(const Json& tasks) {
    return {Json::array({node("n1", "ready", true), node("n2"), node("n3")}),
            Json::array({service(1)}), tasks};
}

std::string events_of(const SwarmPicture& picture) {
    std::string all;
    const Json state = picture.to_json();
    for (const Json& event : state.at("events")) all += event.at("text").get<std::string>() + "\n";
    return all;
}

const SwarmPicture::Time kStart = std::chrono::steady_clock::now();

} // namespace

TEST_CASE("a task's phase depends on its state, its desired state and its node") {
    CHECK(phase_of("running", "running", false) == "running");
    CHECK(phase_of("preparing", "running", false) == "starting");
    CHECK(phase_of("ready", "ready", false) == "starting");
    CHECK(phase_of("running", "shutdown", false) == "stopping");
    CHECK(phase_of("shutdown", "shutdown", false) == "gone");
    CHECK(phase_of("failed", "shutdown", false) == "failed");
    CHECK(phase_of("rejected", "shutdown", true) == "failed");
    CHECK(phase_of("running", "shutdown", true) == "lost");
    CHECK(phase_of("running", "running", true) == "lost");
}

TEST_CASE("the quorum counts reachable managers") {
    SwarmPicture picture;
    DockerLists lists = swarm(Json::array());
    picture.update(lists, "t", kStart);
    const Json whole = picture.to_json().at("cluster");
    CHECK(whole.at("managers") == 3);
    CHECK(whole.at("needed") == 2);
    CHECK(whole.at("spare") == 1);
    CHECK(whole.at("leader") == "n1");
    lists.nodes = Json::array({node("n1", "ready", true), node("n2", "down", false, "unreachable"),
                               node("n3", "down", false, "unreachable")});
    picture.update(lists, "t", kStart);
    CHECK(picture.to_json().at("cluster").at("quorum") == false);
}

TEST_CASE("services count their running tasks, and lose the stack's prefix") {
    SwarmPicture picture;
    picture.update(swarm(Json::array({task("a", "n1", "running"), task("b", "n2", "starting")})),
                   "t", kStart);
    const Json state = picture.to_json();
    CHECK(state.at("services")[0].at("short") == "web");
    CHECK(state.at("services")[0].at("running") == 1);
    CHECK(state.at("tasks")[0].at("name") == "web.1");
    CHECK(state.at("tasks")[0].at("node_name") == "n1");
}

TEST_CASE("a failed task is displayed for a minute with its error; earlier ones are not") {
    SwarmPicture picture;
    picture.update(
        swarm(Json::array({task("old", "n1", "failed", "shutdown"), task("a", "n1", "running")})),
        "t", kStart);
    CHECK(picture.to_json().at("tasks").size() == 1);
    const Json after = Json::array({task("old", "n1", "failed", "shutdown"),
                                    task("a", "n1", "failed", "shutdown", "exit code 137")});
    picture.update(swarm(after), "t", kStart + std::chrono::seconds(10));
    REQUIRE(picture.to_json().at("tasks").size() == 1);
    CHECK(picture.to_json().at("tasks")[0].at("error") == "exit code 137");
    picture.update(swarm(after), "t", kStart + std::chrono::seconds(69));
    CHECK(picture.to_json().at("tasks").size() == 1);
    picture.update(swarm(after), "t", kStart + std::chrono::seconds(71));
    CHECK(picture.to_json().at("tasks").empty());
}

TEST_CASE("a change between two polls is an event") {
    SwarmPicture picture;
    picture.update(swarm(Json::array({task("a", "n2", "running")})), "t", kStart);
    picture.update(swarm(Json::array({task("a", "n2", "running")})), "t", kStart);
    CHECK(events_of(picture).empty());
    DockerLists drained =
        swarm(Json::array({task("a", "n2", "shutdown", "shutdown"), task("b", "n1", "starting")}));
    drained.nodes[1] = node("n2", "ready", false, "reachable", "drain");
    drained.services[0] = service(3);
    picture.update(drained, "t", kStart);
    drained.tasks[1] = task("b", "n1", "running");
    drained.nodes =
        Json::array({node("n1", "down", false, "unreachable"), node("n2", "ready", true)});
    picture.update(drained, "t", kStart);
    const std::string all = events_of(picture);
    for (const char* text :
         {"n2 was set to drain", "service web scaled from 1 to 3", "web.1 ended on n2",
          "web.1 starts on n1", "n1 is down", "manager n1 is unreachable", "n2 is the leader now",
          "n3 left the swarm", "web.1 is lost with n1"})
        CHECK_MESSAGE(all.find(text) != std::string::npos, std::string(text) << "\nin\n" << all);
}

TEST_CASE("lists with missing or unexpected fields are displayed as far as possible") {
    SwarmPicture picture;
    picture.update({Json::array({Json::object(), 5}), Json::array({Json::object()}),
                    Json::array({Json::object(), "x", Json{{"Status", 3}}})},
                   "t", kStart);
    CHECK(picture.to_json().at("nodes").size() == 2);
}

TEST_CASE("the visualizer shows the swarm through the reader, and reports when it cannot") {
    FakeDocker docker({{"/nodes", Json::array({node("n1", "ready", true)}).dump()},
                       {"/services", Json::array({service(1)}).dump()},
                       {"/tasks", Json::array({task("a", "n1", "running")}).dump()}});
    Service reader("docker-reader", {{"DOCKER_SOCKET", docker.path()}});
    Service visualizer("visualizer", {{"DOCKER_READER", reader.address()}, {"POLL_MS", "20"}});
    const auto state = [&] { return get_json(visualizer.port(), "/api/state").body; };
    REQUIRE(eventually([&] { return state().at("stale") == false; }));
    CHECK(state().at("traffic").is_null()); // without WEB
    CHECK(state().at("nodes")[0].at("name") == "n1");
    CHECK(state().at("tasks")[0].at("phase") == "running");
    docker.answer_with(500);
    CHECK(eventually(
        [&] { return state().at("stale") == true && state().at("problem").is_string(); }));
    CHECK(state().at("nodes").size() == 1);
    docker.answer_with(200);
    CHECK(eventually([&] { return state().at("stale") == false; }));
    CHECK(visualizer.stop() == 0);
}

TEST_CASE("rates of requests are the differences between polls") {
    const auto at = [](double seconds) {
        return Traffic::Time(std::chrono::duration_cast<Traffic::Time::duration>(
            std::chrono::duration<double>(1000 + seconds)));
    };
    Traffic traffic;
    CHECK(traffic.to_json().is_null());
    traffic.update({}, at(0));
    CHECK(traffic.to_json().is_null());
    traffic.update({{"a", 500, 50}, {"b", 7, 0}}, at(1)); // counted before anybody looked
    CHECK(traffic.to_json().at("rate") == 0);
    CHECK(traffic.to_json().at("errors") == 0);
    traffic.update({{"a", 520, 51}, {"b", 47, 0}}, at(5));
    Json json = traffic.to_json();
    CHECK(json.at("rate") == 15); // 60 in 4 s
    CHECK(json.at("errors") == 1);
    CHECK(json.at("containers") == Json{{"a", 5}, {"b", 10}});
    REQUIRE(json.at("series").size() == 30);
    CHECK(json.at("series")[29] == Json::array({15, 0.3})); // from 2 to 4 s; the next is incomplete
    CHECK(json.at("series")[28] == Json::array({7.5, 0.1}));
    CHECK(json.at("series")[27] == Json::array({0, 0}));
    traffic.update({{"b", 3, 0}}, at(9)); // "a" is gone, "b" has started again
    json = traffic.to_json();
    CHECK(json.at("rate") == 7.5);
    CHECK(json.at("errors") == 1);
    CHECK(json.at("containers") == Json{{"b", 5}});
    traffic.update({{"b", 13, 2}}, at(19));
    CHECK(traffic.to_json().at("rate") == 1);
    CHECK(traffic.to_json().at("errors") == 3);
    traffic.update({}, at(62)); // what happened from 1 to 2 s is older than a minute
    CHECK(traffic.to_json().at("errors") == 3);
    CHECK(traffic.to_json().at("rate") == 0);
    traffic.update({}, at(70));
    CHECK(traffic.to_json().at("errors") == 2);
    traffic.update({}, at(90));
    CHECK(traffic.to_json().at("errors") == 0);
    CHECK(traffic.to_json().at("series")[0] == Json::array({0, 0}));
}

TEST_CASE("the visualizer shows the requests that the web service counts") {
    FakeDocker docker({{"/nodes", "[]"}, {"/services", "[]"}, {"/tasks", "[]"}});
    Service reader("docker-reader", {{"DOCKER_SOCKET", docker.path()}});
    Service web("web",
                {{"DATABASE", "127.0.0.1:1"}, {"REQUEST_TIMEOUT_MS", "100"}, {"LINGER_MS", "1"}});
    Service visualizer(
        "visualizer",
        {{"DOCKER_READER", reader.address()}, {"WEB", web.address()}, {"POLL_MS", "20"}});
    const auto traffic = [&] {
        return get_json(visualizer.port(), "/api/state").body.at("traffic");
    };
    REQUIRE(eventually([&] { return traffic().is_object(); }));
    CHECK(traffic().at("errors") == 0);
    get_text(web.port(), "/");
    get_text(web.port(), "/style.css");
    CHECK(eventually([&] { return traffic().at("errors") == 1; }));
    CHECK(traffic().at("rate").get<double>() > 0);
    CHECK(traffic().at("containers").size() == 1);
    web.kill_now();
    CHECK(eventually([&] { return traffic().at("containers").empty(); }));
    docker.answer_with(500); // its figures do not depend on Docker
    CHECK(traffic().at("errors") == 1);
    CHECK(visualizer.stop() == 0);
}

TEST_CASE("server-sent events contain the state, and end when the service stops") {
    FakeDocker docker({{"/nodes", "[]"}, {"/services", "[]"}, {"/tasks", "[]"}});
    Service reader("docker-reader", {{"DOCKER_SOCKET", docker.path()}});
    Service visualizer("visualizer", {{"DOCKER_READER", reader.address()}, {"POLL_MS", "20"}});
    const Deadline deadline = Clock::now() + std::chrono::seconds(60);
    Socket viewer = connect_tcp({"127.0.0.1", visualizer.port()}, deadline);
    viewer.write_all("GET /api/events HTTP/1.1\r\nHost: x\r\n\r\n", deadline);
    std::string stream;
    std::array<char, 4096> chunk{};
    const auto read_more = [&] {
        const std::size_t got = viewer.read_some(chunk.data(), chunk.size(), deadline);
        stream.append(chunk.data(), got);
        return got > 0;
    };
    while (stream.find("event: state\ndata: {") == std::string::npos && read_more()) {
    }
    CHECK(visualizer.stop() == 0);
    while (read_more()) {
    }
    CHECK(stream.find("Content-Type: text/event-stream") != std::string::npos);
    CHECK(stream.find("event: state\ndata: {") != std::string::npos);
}
