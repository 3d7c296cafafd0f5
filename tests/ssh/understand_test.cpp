// Answers of a daemon in an unexpected form are an error. They do not count as "absent" and do not
// end the program.
#include "providers/ssh/provider.h"
#include "ssh/cluster_fixture.h"

#include <fmt/format.h>

using namespace hadeploy;
using namespace hadeploy::ssh;
using namespace hadeploy::test;

namespace {
std::string answer_of(const std::string& body) {
    return fmt::format("reply 200 {} Docker/20.10.24 (linux)\n{}\n", body.size(), body);
}
Observation understood(std::string_view type, const Value& config, const std::string& out) {
    const SshType& t = cluster_type(type);
    return observation_from(request_for(t, config), {0, out, ""});
}
} // namespace

TEST_CASE("an answer in an unexpected form is a failed read") {
    const Value node = Value::map({{"host", connection("10.77.0.11")}, {"name", "node1"}});
    const Value stack = Value::map({{"hosts", three_hosts()}, {"name", "app"}});
    const Value image = Value::map({{"id", "sha256:00"}, {"tag", "web:1"}});
    const std::string info = R"({"Swarm":{"LocalNodeState":"active","NodeID":"n1"}})";
    const Observation all[] = {
        understood("docker.node", node, answer_of(R"({"Swarm":[]})") + answer_of("[]")),
        understood("docker.node", node,
                   answer_of(R"({"Swarm":{"LocalNodeState":7}})") + answer_of("[]")),
        understood("docker.node", node, answer_of(info) + answer_of("[7]")),
        understood("docker.node", node,
                   answer_of(info) + answer_of(R"([{"ID":"n1","Spec":{"Labels":{"a":1}}}])")),
        understood("docker.stack", stack, answer_of(R"([7])") + answer_of("[]")),
        understood("docker.stack", stack, answer_of(R"([{"Spec":7}])") + answer_of("[]")),
        understood("docker.image", image, answer_of("[1]")),
    };
    for (const Observation& o : all) {
        REQUIRE(o.state == Observation::State::failed);
        REQUIRE(bool(o.error));
        CHECK(o.error->message.find("cannot be parsed") != std::string::npos);
        CHECK(!o.error->hint.empty());
    }
    const Value app = Value::map({{"hosts", three_hosts()}, {"name", "app"}});
    CHECK(understood("docker.stack", app, answer_of("[]") + answer_of("[]")).state ==
          Observation::State::absent);
}
