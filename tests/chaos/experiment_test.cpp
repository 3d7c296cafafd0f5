#include "chaos/experiment.h"
#include "chaos/experiment_keys.h"
#include "core/file.h"
#include "support/has.h"

#include <doctest/doctest.h>
#include <map>

using namespace hadeploy;
using namespace hadeploy::chaos;
using namespace std::chrono_literals;

namespace {

constexpr const char* kWhole = R"(
version: 1.0.0
title: The app survives the loss of a node
description: Everything is defined twice.
tags: [demo]
configuration:
  url: http://127.0.0.1:5000
  token: {type: env, key: TOKEN}
  wait: {type: env, key: WAIT, default: 3}
steady-state-hypothesis:
  title: The app answers
  probes:
    - type: probe
      name: it answers
      tolerance: 200
      provider:
        type: http
        url: ${url}/readyz
        timeout: [2, 3]
        headers: {Authorization: "Bearer ${token}"}
method:
  - type: action
    name: drain
    background: true
    provider: {type: hadeploy, fault: drain, node: node2}
    pauses: {after: "${wait}"}
  - type: action
    name: slow
    provider: {type: hadeploy, fault: latency, node: node3, hold: 1m, delay: 200ms}
  - type: probe
    name: count
    provider: {type: process, path: cat, arguments: {-n: /etc/hostname}}
  - type: probe
    name: swarm
    tolerance: true
    provider: {type: hadeploy, probe: swarm, check: quorum}
    pauses: {before: 0.5}
rollbacks:
  - type: action
    name: tidy up
    provider: {type: process, path: "true"}
)";

std::optional<std::string> environment(const std::string& name) {
    if (name == "TOKEN") return "s3cret";
    return std::nullopt;
}

Experiment read(const std::string& text) {
    Sources sources;
    return read_experiment(sources, sources.add("e.yaml", text), environment);
}

/// "LINE: message | hint" of each error
std::string errors(const std::string& text) {
    try {
        read(text);
        return "";
    } catch (const Error& error) {
        std::string out;
        for (const Error& e : error.all())
            out += std::to_string(e.loc.line) + ": " + e.message + " | " + e.hint + "\n";
        return out;
    }
}

/// An experiment with one activity in its method.
std::string with(const std::string& activity) {
    return "title: t\nmethod:\n  - " + activity + "\n";
}

} // namespace

TEST_CASE("a whole experiment") {
    const Experiment e = read(kWhole);
    CHECK(e.title == "The app survives the loss of a node");
    CHECK(e.hypothesis == "The app answers");
    REQUIRE(e.probes.size() == 1);
    const Activity& http = e.probes[0];
    CHECK(http.provider.text("url") == "http://127.0.0.1:5000/readyz");
    CHECK(http.provider["headers"].text("Authorization") == "Bearer s3cret");
    CHECK(http.provider.integer("timeout") == 5000);
    CHECK(http.tolerance == Value(200));

    REQUIRE(e.method.size() == 4);
    const Activity& drain = e.method[0];
    REQUIRE(drain.fault);
    CHECK(drain.fault->kind == FaultKind::drain);
    CHECK(drain.fault->node == "node2");
    CHECK(drain.background);
    CHECK(drain.after == 3s);
    CHECK_FALSE(drain.hold);
    const Activity& slow = e.method[1];
    CHECK(slow.fault->kind == FaultKind::latency);
    CHECK(slow.fault->options.integer("delay") == 200);
    CHECK_FALSE(slow.fault->options.has("hold"));
    CHECK(slow.hold == Ms(60s));
    CHECK(e.method[2].tolerance.is_null());
    CHECK(e.method[3].before == 500ms);
    CHECK(e.rollbacks.size() == 1);
}

TEST_CASE("JSON is read too") {
    CHECK(read(R"({"title": "t", "method": [{"type": "probe", "name": "p",
                   "provider": {"type": "tcp", "host": "::1", "port": 22}}]})")
              .method.size() == 1);
}

TEST_CASE("a provider that cannot be run is refused with what is supported") {
    const std::string said =
        errors(with("{type: action, name: a, provider: {type: python, module: m, func: f}}"));
    CHECK(has(said, "3: \"a\": the provider python is not supported"));
    CHECK(has(said, "supported providers: http, tcp, process, hadeploy"));
    CHECK(has(errors(with("{type: action, name: a, provider: {type: proces, path: x}}")),
              "did you mean \"process\"?"));
    CHECK(has(errors(with("{type: probe, name: a, provider: {path: x}}")), "missing \"type\""));
    CHECK(has(errors("title: t\nmethod: []\ncontrols: [{name: c}]\n"), "controls cannot be used"));
    CHECK(has(errors("title: t\nmethod: []\nsecrets: {a: {b: {type: env, key: X}}}\n"),
              "secrets are not supported"));
    CHECK(has(errors(with("{ref: other}")), "references to other activities"));
}

TEST_CASE("unknown faults, keys and checks have a suggestion") {
    CHECK(has(
        errors(with("{type: action, name: a, provider: {type: hadeploy, fault: drian, node: n}}")),
        "unknown fault \"drian\" | did you mean \"drain\"?"));
    CHECK(has(errors("titel: t\nmethod: []\n"), "unknown key \"titel\" | did you mean \"title\"?"));
    CHECK(has(errors(with("{type: probe, name: a, provider: {type: http, ulr: 'http://x', url: "
                          "'http://x'}}")),
              "did you mean \"url\"?"));
    CHECK(has(errors(with("{type: probe, name: a, provider: {type: http, url: 'x:5000'}}")),
              "is not a URL"));
    CHECK(has(errors(with("{type: probe, name: a, provider: {type: hadeploy, probe: swarm, check: "
                          "heal}}")),
              "swarm has no check \"heal\" | its checks: nodes, services, quorum"));
}

TEST_CASE("two faults on one node are refused at the second one") {
    const std::string said =
        errors("title: t\n"
               "method:\n"
               "  - {type: action, name: a, provider: {type: hadeploy, fault: drain, node: n1}}\n"
               "  - {type: action, name: b, provider: {type: hadeploy, fault: kill, node: n2}}\n"
               "  - {type: action, name: c, provider: {type: hadeploy, fault: pause, node: n1}}\n");
    CHECK(has(said, "5: n1 has two faults: drain and pause"));
    CHECK(said.find("n2") == std::string::npos);
}

TEST_CASE("a hypothesis has probes with tolerances; actions and rollbacks have limits") {
    CHECK(has(
        errors("title: t\nmethod: []\nsteady-state-hypothesis: {title: h, probes: [{type: probe, "
               "name: p, provider: {type: process, path: x}}]}\n"),
        "the probe \"p\" has no tolerance"));
    CHECK(has(
        errors("title: t\nmethod: []\nsteady-state-hypothesis: {title: h, probes: [{type: action, "
               "name: p, provider: {type: process, path: x}}]}\n"),
        "\"p\" is an action"));
    CHECK(has(errors("title: t\nmethod: []\nrollbacks: [{type: action, name: a, provider: {type: "
                     "hadeploy, fault: drain, node: n1}}]\n"),
              "a rollback cannot inject a fault"));
    CHECK(has(
        errors(with("{type: action, name: a, tolerance: 0, provider: {type: process, path: x}}")),
        "an action has no tolerance"));
    CHECK(has(
        errors(with("{type: probe, name: a, background: true, provider: {type: hadeploy, probe: "
                    "swarm}}")),
        "cannot run in the background"));
    CHECK(has(errors(with("{type: probe, name: a, pauses: {after: soon}, provider: {type: process, "
                          "path: x}}")),
              "\"a\": pauses: after: "));
    CHECK(has(errors(with("{type: probe, name: a, pauses: {after: -1}, provider: {type: process, "
                          "path: x}}")),
              "expected seconds or a duration"));
}

TEST_CASE("all problems are reported together, in a file that is no experiment too") {
    const std::string said = errors("method:\n  - 5\n  - {type: probe, name: a, provider: {type: "
                                    "python}}\n");
    CHECK(has(said, "missing \"title\""));
    CHECK(has(said, "2: an activity is a map, not an integer"));
    CHECK(has(said, "3: \"a\": the provider python"));
    CHECK(has(errors("[1, 2]"), "an experiment is a map, not a list"));
    CHECK(has(errors(""), "the file is empty"));
    CHECK(has(errors("title: [\n"), ""));
    CHECK(errors("title: [\n") != "");
}

TEST_CASE("values of the configuration have to exist") {
    CHECK(has(errors("title: ${nam}\nmethod: []\nconfiguration: {name: x}\n"),
              "the configuration has no \"nam\" | did you mean \"name\"?"));
    CHECK(has(errors("title: t\nmethod: []\nconfiguration: {a: {type: env, key: NOTHING}}\n"),
              "the environment variable \"NOTHING\" is not set"));
    CHECK(has(errors("title: t\nmethod: []\nconfiguration: {a: {type: vault, key: k}}\n"),
              "the type \"vault\" is not supported"));
}

TEST_CASE("nodes are checked against those that exist") {
    const Experiment e = read(kWhole);
    Diagnostics known;
    check_nodes(e, {"node1", "node2", "node3"}, known);
    CHECK(known.empty());
    Diagnostics unknown;
    check_nodes(e, {"node1", "node4"}, unknown);
    REQUIRE(unknown.list().size() == 2);
    CHECK(unknown.list()[0].message == "\"drain\": there is no node \"node2\"");
    CHECK(unknown.list()[0].loc.line == 25);
    CHECK(unknown.list()[0].hint.find("did you mean \"node") == 0);
}

TEST_CASE("the examples are valid, and every key is documented") {
    const std::string source = HADEPLOY_SOURCE_DIR;
    const auto example = [&](const std::string& name) {
        return read(read_file(source + "/examples/ha-demo/experiments/" + name));
    };
    CHECK(example("node-and-network.yaml").method.size() == 4);
    CHECK(example("growth.yaml").method.size() == 3);
    CHECK(example("replacement.yaml").method.size() == 1);

    const std::string docs = read_file(source + "/docs/experiments.md");
    const auto documented = [&](const Schema& schema) {
        for (const Attribute& a : schema) {
            INFO(a.name);
            CHECK(docs.find("`" + a.name + "`") != std::string::npos);
        }
    };
    documented(keys::experiment());
    documented(keys::hypothesis());
    documented(keys::activity());
    for (const std::string& type : keys::provider_types())
        for (const bool action : {false, true}) documented(keys::provider(type, action));
}
