#include "app.h"
#include "chaos/activity.h"
#include "chaos/tcp.h"
#include "core/log.h"
#include "fake_cluster.h"

#include <doctest/doctest.h>

using namespace hadeploy;
using namespace hadeploy::chaos;
using namespace hadeploy::chaos::test;
using namespace std::chrono_literals;

namespace {

class FakeGluster : public Gluster {
  public:
    std::vector<std::string> problems(std::string_view check) override {
        asked = check;
        return looks++ < passing ? std::vector<std::string>{"in flight"} : found;
    }
    std::string asked;
    int looks = 0, passing = 0; ///< the first looks see a problem that passes
    std::vector<std::string> found;
};

ActivityResult run(const Value& provider, FakeCluster& cluster, Gluster* gluster = nullptr) {
    Activity a;
    a.provider = provider;
    return ActivityRunner(5s, 60s, cluster, gluster).run(a, {});
}

ActivityResult run(const Value& provider) {
    FakeCluster cluster;
    return run(provider, cluster);
}

Value http(const std::string& url) {
    return Value::map({{"type", "http"}, {"url", url}, {"method", "GET"}});
}

Value process(const std::string& path, const Value& arguments) {
    return Value::map({{"type", "process"}, {"path", path}, {"arguments", arguments}});
}

Value check(const std::string& probe, const std::string& what) {
    return Value::map({{"type", "hadeploy"}, {"probe", probe}, {"check", what}});
}

} // namespace

TEST_CASE("http: status, headers, body; JSON is parsed") {
    RealApp app;
    const ActivityResult result = run(http(app.url() + "/api/writes"));
    CHECK(result.value.integer("status") == 200);
    CHECK(result.value["headers"].text("content-type").starts_with("application/json"));
    CHECK(result.value["body"]["writes"].is_list());
    CHECK(result.shown == "HTTP 200");
    CHECK(run(http(app.url() + "/nothing")).value.integer("status") == 404);
    // arguments are parameters of a GET
    const Value bad = http(app.url() + "/api/writes")
                          .with("arguments", Value::map({{"after", "a b&c"}, {"limit", 3}}));
    CHECK(run(bad).value.integer("status") == 400);
    const Value posted = http(app.url() + "/")
                             .with("method", "POST")
                             .with("arguments", Value::map({{"name", "a&b"}, {"quantity", 2}}));
    CHECK(run(posted).value.integer("status") == 200); // after the redirect
    CHECK(run(http(app.url() + "/api/entities/a%26b")).value["body"].integer("quantity") == 2);
}

TEST_CASE("http: nobody answers, or too late") {
    std::uint16_t port = 0;
    {
        const svc::Listener listener(0);
        port = listener.port();
    }
    CHECK_THROWS_AS(run(http("http://127.0.0.1:" + std::to_string(port))), Error);
    FakeApp app;
    app.delay_ms = 2000;
    CHECK_THROWS_AS(run(http(app.url() + "/api/entities").with("timeout", 50)), Error);
}

TEST_CASE("tcp: a connection or the reason") {
    const svc::Listener listener(0);
    CHECK(connect_problem("127.0.0.1", listener.port(), 5s) == "");
    const auto tcp = [](const std::string& host, int port) {
        return Value::map({{"type", "tcp"}, {"host", host}, {"port", port}});
    };
    CHECK(run(tcp("localhost", listener.port())).value == Value(true));
    std::uint16_t closed = 0;
    {
        const svc::Listener gone(0);
        closed = gone.port();
    }
    const ActivityResult refused = run(tcp("127.0.0.1", closed));
    CHECK(refused.value == Value(false));
    CHECK(refused.details.find("refused") != std::string::npos);
    CHECK(connect_problem("no-such-host.invalid", 1, 1s) != "");
}

TEST_CASE("process: arguments as a list, a map and a line of shell") {
    using Words = std::vector<std::string>;
    CHECK(command_line(process("p", Value::list({"a b", 2}))) == Words{"p", "a b", "2"});
    CHECK(command_line(process("p", Value::map({{"-n", 1}, {"-q", ""}}))) ==
          Words{"p", "-n", "1", "-q"});
    CHECK(command_line(process("p", Value("a 'b c'"))) == Words{"sh", "-c", "exec p a 'b c'"});
    CHECK(command_line(process("p", Value())) == Words{"p"});

    FakeCluster cluster;
    Activity pwd;
    pwd.provider = process("pwd", Value());
    CHECK(ActivityRunner(5s, 60s, cluster, nullptr, "/usr").run(pwd, {}).value.text("stdout") ==
          "/usr\n");
    const ActivityResult result = run(process("sh", Value::list({"-c", "echo out; exit 3"})));
    CHECK(result.value.integer("status") == 3);
    CHECK(result.value.text("stdout") == "out\n");
    CHECK(result.details.empty());
    log::set_redactor([](std::string_view text) { // as the program sets it
        std::string out(text);
        if (const auto at = out.find("s3cret"); at != out.npos) out.replace(at, 6, "(secret)");
        return out;
    });
    CHECK(
        run(process("sh", Value::list(
                              {"-c", R"(printf 'a\nb  \n c\033[1m\377\nd s3cret\n' >&2; exit 3)"})))
            .details == "b; c?[1m?; d (secret)");
    log::set_redactor({});
    CHECK_THROWS_AS(run(process("/no/such/program", Value())), Error);
    CHECK_THROWS_AS(run(process("sleep", Value::list({"60"})).with("timeout", 50)), Error);
}

TEST_CASE("swarm: nodes, services, quorum") {
    FakeCluster cluster;
    CHECK(run(check("swarm", ""), cluster).value == Value(true));
    cluster.now.nodes[0].status = cluster.now.nodes[1].status = "down";
    CHECK(run(check("swarm", "services"), cluster).value == Value(true));
    CHECK(run(check("swarm", "quorum"), cluster).details == "no quorum: 1 of 3 managers are up");
    CHECK(run(check("swarm", "nodes"), cluster).value == Value(false));
    cluster.now.nodes[0].status = "ready";
    CHECK(run(check("swarm", "quorum"), cluster).value == Value(true));
    cluster.now.services[0].running = 0;
    CHECK(run(check("swarm", ""), cluster).details.find("database has 0 of 1 tasks") !=
          std::string::npos);
}

TEST_CASE("gluster: asks for one check or for all") {
    FakeCluster cluster;
    FakeGluster gluster;
    CHECK(run(check("gluster", "heal"), cluster, &gluster).value == Value(true));
    CHECK(gluster.asked == "heal");
    gluster.passing = 3; // a file that is being written
    gluster.looks = 0;
    CHECK(run(check("gluster", ""), cluster, &gluster).value == Value(true));
    CHECK(gluster.looks == 4);
    gluster.found = {"a", "b"};
    CHECK(run(check("gluster", ""), cluster, &gluster).details == "a; b");
    CHECK_THROWS_AS(run(check("gluster", ""), cluster), Error);
}

TEST_CASE("gluster: quorum, heal and split-brain of each volume") {
    const std::vector<GlusterVolume> volumes{{"vol0", {"n1:/b", "n2:/b", "n3:/b"}}};
    const auto brick = [](const std::string& name, bool online) {
        return Value::map({{"volume", "vol0"}, {"brick", name}, {"online", online}});
    };
    const auto entries = [](const std::string& name, int count) {
        return Value::map({{"volume", "vol0"}, {"brick", name}, {"entries", count}});
    };
    const Value seen =
        Value::map({{"bricks", Value::list({brick("n1:/b", true), brick("n2:/b", true)})},
                    {"heals", Value::list({entries("n1:/b", 0)})},
                    {"split_brains", Value::list({entries("n1:/b", 0)})},
                    {"unread", Value::list({})}});
    CHECK(gluster_problems(seen, volumes, "").empty());
    // the brick of a host that is down is not reported
    const Value one = seen.with("bricks", Value::list({brick("n1:/b", true)}));
    CHECK(gluster_problems(one, volumes, "quorum") ==
          std::vector<std::string>{"vol0 has no quorum: 1 of 3 bricks are online"});
    CHECK(gluster_problems(one, volumes, "heal").empty());
    const Value bad = seen.with("heals", Value::list({entries("n1:/b", 7)}))
                          .with("split_brains", Value::list({entries("n2:/b", 2)}));
    CHECK(gluster_problems(bad, volumes, "").size() == 2);
    CHECK(gluster_problems(bad, volumes, "split-brain") ==
          std::vector<std::string>{"entries in split-brain of vol0 on n2:/b: 2"});
    // what could not be read is not well
    const Value unread = seen.with(
        "unread",
        Value::list({Value::map(
            {{"volume", "vol0"}, {"bricks", true}, {"heals", false}, {"split_brains", true}})}));
    CHECK(gluster_problems(unread, volumes, "heal").size() == 1);
    CHECK(gluster_problems(unread, volumes, "quorum").empty());
}
