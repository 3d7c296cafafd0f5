#include "cluster_fixture.h"

#include "core/file.h"
#include "core/hash.h"
#include "core/value_json.h"
#include "planner/plan/decide.h"
#include "planner/plan/plan.h"
#include "providers/ssh/docker_script.h"
#include "providers/ssh/place.h"
#include "server.h"

#include <archive.h>
#include <archive_entry.h>

using namespace hadeploy;
using namespace hadeploy::test;
using ssh::Command;
using State = Observation::State;

namespace {

const std::string kId(64, 'a');

/// A minimal image archive, with only id and tag.
void write_archive(const std::string& path, const std::string& manifest) {
    archive* out = archive_write_new();
    archive_write_set_format_ustar(out);
    REQUIRE(archive_write_open_filename(out, path.c_str()) == ARCHIVE_OK);
    for (const auto& [name, text] :
         {std::pair<std::string, std::string>{"layer.tar", std::string(5000, 'x')},
          {"manifest.json", manifest}}) {
        archive_entry* entry = archive_entry_new();
        archive_entry_set_pathname(entry, name.c_str());
        archive_entry_set_size(entry, static_cast<la_int64_t>(text.size()));
        archive_entry_set_filetype(entry, AE_IFREG);
        archive_entry_set_perm(entry, 0644);
        archive_write_header(out, entry);
        archive_write_data(out, text.data(), text.size());
        archive_entry_free(entry);
    }
    archive_write_free(out);
}

} // namespace

TEST_CASE("docker: API answers are delimited by length") {
    const std::string out = "a banner\n" + reply(200, "{\"a\":\"reply 200 1 x\\n\"}") +
                            reply(503, R"({"message":"This node is not a swarm manager."})");
    const auto replies = ssh::docker::parse_replies(out);
    REQUIRE(replies.size() == 2);
    CHECK(replies[0].status == 200);
    CHECK(replies[0].body["a"] == "reply 200 1 x\n");
    CHECK(replies[0].server == "Docker/20.10.24+dfsg1 (linux)");
    CHECK(replies[1].message() == "This node is not a swarm manager.");
    CHECK(ssh::docker::parse_replies(out.substr(0, out.size() - 9)).size() == 1);
    CHECK(ssh::docker::filter("label", "a=b") == "filters=%7B%22label%22%3A%5B%22a%3Db%22%5D%7D");
}

TEST_CASE("docker.engine: parsing the probe") {
    const auto& type = cluster_type("docker.engine");
    const Value config = normal(type, Value::map({{"host", connection("10.77.0.11")}}));
    check_syntax(type.probe(request_for(type, config)));
    const auto see = [&](const std::string& out) {
        return type.parse(request_for(type, config), {0, out, ""});
    };
    CHECK(see("missing\n").state == State::absent);

    const Observation runs = see("running\nenabled\n" + reply(200, "OK"));
    CHECK(runs.attributes.flag("running"));
    CHECK(runs.attributes.flag("enabled"));
    CHECK_FALSE(runs.attributes.flag("installed"));
    CHECK(runs.attributes.text("version") == "20.10.24+dfsg1");
    CHECK_FALSE(runs.attributes.has("settings")); // not managed

    const Observation stopped = see("enabled\nours\n");
    CHECK(stopped.attributes["running"] == Value(false));
    CHECK(stopped.attributes.flag("installed"));
    const Decision d = decide(type, config, nullptr, {}, stopped);
    CHECK(d.action == Action::update);
    CHECK(d.verb == "start");

    const Observation clientless = see("running\nno client\nenabled\n" + reply(200, "OK"));
    CHECK_FALSE(clientless.attributes.flag("client"));
    CHECK(clientless.attributes.flag("enabled"));
}

TEST_CASE("docker.engine: settings are compared as a whole and written") {
    const auto& type = cluster_type("docker.engine");
    const Value settings =
        Value::map({{"log-driver", "json-file"}, {"log-opts", Value::map({{"max-size", "10m"}})}});
    const Value config =
        normal(type, Value::map({{"host", connection("10.77.0.11")}, {"settings", settings}}));
    const auto see = [&](const std::string& file) {
        const std::string out = "running\nenabled\nsettings\n" + file + "end of settings\n";
        return type.parse(request_for(type, config), {0, out, ""}).attributes["settings"];
    };
    CHECK(see("{\"log-opts\":{\"max-size\":\"10m\"},\n \"log-driver\":\"json-file\"}\n") ==
          settings);
    CHECK(see("{\"log-driver\":\"local\"}\n") != settings);
    CHECK(see("{broken\n") == Value("{broken\n"));

    const auto update =
        type.commands(change_of(type, Change::Kind::update, Value::map({}), config, {"settings"}));
    REQUIRE(update.size() == 1);
    CHECK(from_json(update[0].input) == settings);
    CHECK(contains(update[0].script, "systemctl stop docker"));
    const auto start =
        type.commands(change_of(type, Change::Kind::update, Value::map({}), config, {"running"}));
    REQUIRE(start.size() == 1);
    CHECK(start[0].input.empty());
    CHECK(contains(start[0].script,
                   "[ -L /etc/systemd/system/multi-user.target.wants/docker.service ] || "
                   "systemctl -q --no-reload enable docker\n"));
    check_syntax(update);
    check_syntax(type.commands(change_of(type, Change::Kind::create, {}, config)));

    CHECK(
        complaints(type, Value::map({{"settings", Value::map({{"live-restore", true}})}})).size() ==
        1);
    // an existing installation stays, ours is removed
    CHECK(
        type.commands(change_of(type, Change::Kind::remove, Value::map({{"installed", false}}), {}))
            .empty());
    const auto remove =
        type.commands(change_of(type, Change::Kind::remove, config.with("installed", true), {}));
    CHECK(remove.size() == 2);
    check_syntax(remove);
}

TEST_CASE("docker.image: id and tag come from the archive") {
    const auto& type = cluster_type("docker.image");
    const TempDir dir;
    const std::string path = (dir.path / "web.tar").string();
    const std::string manifest =
        R"([{"Config":")" + kId +
        R"(.json","RepoTags":["hadeploy/web:1a2b"],"Layers":["layer.tar"]}])";
    write_archive(path, manifest);
    const Value plain = Value::map({{"host", connection("10.77.0.11")}, {"archive", path}});
    const Value config = normal(type, plain);
    CHECK(config.text("id") == "sha256:" + kId);
    CHECK(config.text("tag") == "hadeploy/web:1a2b");
    CHECK(type.derive(Value::map({{"archive", Value::unknown()}}))["id"].is_unknown());
    CHECK(type.claims(config) ==
          std::vector<std::string>{"image hadeploy/web:1a2b on 10.77.0.11:22"});
    CHECK(type.claims(plain).empty()); // unreadable archives are not duplicates

    const auto see = [&](const std::string& out) {
        return type.parse(request_for(type, config), {0, out, ""}).state;
    };
    check_syntax(type.probe(request_for(type, config)));
    CHECK(see("present\n") == State::present);
    CHECK(see("none\n") == State::absent);
    CHECK(see(reply(404, R"({"message":"No such image"})")) == State::absent);
    CHECK(see(reply(200, R"({"RepoTags":["hadeploy/web:1a2b"]})")) == State::present);
    CHECK(see(reply(200, R"({"RepoTags":["other:1"]})")) == State::absent);
    CHECK(see(reply(200, R"({"RepoTags":null})")) == State::absent);

    // Only "no such image" means that the image is absent.
    const Observation broken = type.parse(
        request_for(type, config), {0, reply(500, R"({"message":"layer does not exist"})"), ""});
    REQUIRE(broken.state == State::failed);
    CHECK(broken.error->message ==
          "the image hadeploy/web:1a2b cannot be read: layer does not exist");
    CHECK(see("") == State::failed); // Docker did not answer
    CHECK(see(reply(200, "half of a docu")) == State::failed);
    const RecordedResource known = record_of(config);
    CHECK(see("stopped\n") == State::absent); // an image is loaded once Docker runs
    CHECK(type.parse(request_for(type, config, &known), {0, "stopped\n", ""}).state ==
          State::blocked);
    const Value unknown = plain.with("id", Value::unknown()).with("tag", Value::unknown());
    CHECK(type.probe(request_for(type, unknown)).empty());
    CHECK(type.parse(request_for(type, unknown), {0, "", ""}).state == State::absent);

    const auto load = type.commands(change_of(type, Change::Kind::create, {}, config));
    REQUIRE(load.size() == 2);
    check_syntax(load);
    CHECK(load[1].build_input(dir.path, {}, "") == path);
    CHECK(load[1].build_input(dir.path, {}, "sha256:1\n") == path); // without the configuration
    check_syntax(type.commands(change_of(type, Change::Kind::remove, config, {})));

    const auto refuses = [&](const std::string& text) {
        write_archive(path, text);
        try {
            type.derive(plain);
        } catch (const Error& error) {
            return error.message.substr(path.size() + 2);
        }
        return std::string("taken");
    };
    CHECK(refuses("{}") == "its manifest.json does not describe exactly one image");
    CHECK(refuses(R"([{"Config":"x","RepoTags":["a:1"]}])") ==
          "its manifest.json does not name the config by its digest");
    CHECK(refuses(R"([{"Config":")" + kId + R"(","RepoTags":null}])") == "its image has no tag");
    CHECK(refuses(R"([{"Config":")" + kId + R"(","RepoTags":["a:1'; reboot"]}])") ==
          "its tag is not the name of an image");
    CHECK_THROWS_AS(type.derive(plain.with("archive", (dir.path / "none").string())), Error);
    write_file(dir.path / "web.tar", std::string(2000, 'z'));
    CHECK_THROWS_AS(type.derive(plain), Error);
}

TEST_CASE("docker.stack: the digest covers everything that is deployed") {
    const auto& type = cluster_type("docker.stack");
    const TempDir dir;
    write_file(dir.path / "stack.yml", "version: '3.8'\n"
                                       "services: {web: {image: 'web:1', env_file: app.env}}\n"
                                       "configs: {motd: {file: ./etc/motd}}\n"
                                       "secrets: {outside: {external: true}}\n");
    std::filesystem::create_directory(dir.path / "etc");
    write_file(dir.path / "etc/motd", "it's here\n");
    write_file(dir.path / "app.env", "A=1\n");
    const Value plain = Value::map({{"hosts", three_hosts()},
                                    {"name", "demo"},
                                    {"compose", (dir.path / "stack.yml").string()},
                                    {"variables", Value::map({{"TAG", "1"}})}});
    const Value config = normal(type, plain);
    const std::string before = config.text("sha256");
    CHECK(before.size() == 64);
    CHECK(type.derive(plain.with("variables", Value::map({{"TAG", "2"}}))).text("sha256") !=
          before);
    CHECK(type.derive(plain.with("variables", Value::map({{"TAG", Value::unknown()}})))["sha256"]
              .is_unknown());

    const auto list = type.commands(change_of(type, Change::Kind::create, {}, config));
    REQUIRE(list.size() == 5);
    CHECK(list[1].input.starts_with("version: '3.8'\n"));
    CHECK(contains(list[1].script, "printf %s 'it'\\''s here\n' >'etc/motd'\n"));
    CHECK(contains(list[1].script, "mkdir -p 'etc'\n"));
    CHECK(contains(list[1].script, "export TAG='1'\n"));
    CHECK(contains(list[1].script, "options='--resolve-image never --prune'\n"));
    CHECK(contains(list[2].script, "seconds=300\n"));
    // A swarm cannot change a config, so each content has its own name.
    const std::string motd = "demo_motd_" + sha256_hex("it's here\n").substr(0, 12);
    CHECK(contains(list[1].script, R"(names='{"configs":{"motd":{"file":"./etc/motd","name":")" +
                                       motd + R"("}},"version":"3.8"})"));
    CHECK(contains(list[3].script, "current=' " + motd + " '\n"));
    check_syntax(list);
    CHECK(type.commands(change_of(type, Change::Kind::create, {}, config.with("wait", 0))).size() ==
          3);
    check_syntax(type.commands(change_of(type, Change::Kind::remove, config, {})));

    write_file(dir.path / "stack.yml", "---\nservices: {web: {image: 'web:1'}}");
    const auto sent = [&] {
        return type.commands(change_of(type, Change::Kind::create, {}, normal(type, plain)))[1]
            .input;
    };
    CHECK(sent() == "---\nservices: {web: {image: 'web:1'}}\nversion: \"3.8\"\n");
    write_file(dir.path / "stack.yml", "{services: {web: {image: 'web:1'}}}");
    CHECK(sent() == "{version: \"3.8\", services: {web: {image: 'web:1'}}}");
    for (const char* version : {"'3.1'", "\"3.4\""}) {
        write_file(dir.path / "stack.yml", "version: " + std::string(version) +
                                               "\nservices: {}\nconfigs: {m: {file: etc/motd}}\n");
        CHECK(sent() == "version: \"3.5\"\nservices: {}\nconfigs: {m: {file: etc/motd}}\n");
    }
    write_file(dir.path / "stack.yml", "services: {web: {image: a, configs: [motd]}}\n"
                                       "configs: {motd: {file: ./etc/motd}}\n");

    write_file(dir.path / "etc/motd", "something else\n");
    CHECK(type.derive(plain).text("sha256") != before);
    write_file(dir.path / "stack.yml", "services: {web: {image: a, env_file: ../secret}}\n");
    CHECK_THROWS_AS(type.derive(plain), Error);
    write_file(dir.path / "stack.yml", "services: [\n");
    CHECK_THROWS_AS(type.derive(plain), Error);
    write_file(dir.path / "stack.yml", "version: '3'\n");
    CHECK_THROWS_AS(type.derive(plain), Error);

    CHECK(complaints(type, plain.without("compose")).size() == 1);
    CHECK(complaints(type, plain.with("content", "x")).size() == 1);
    CHECK(complaints(type, plain.with("variables", Value::map({{"A B", "x"}}))).size() == 1);
}

TEST_CASE("docker.stack: parsing the probe") {
    const auto& type = cluster_type("docker.stack");
    const Value config = normal(
        type,
        Value::map({{"hosts", three_hosts()}, {"name", "demo"}, {"content", "services: {}"}}));
    check_syntax(type.probe(request_for(type, config)));
    const auto see = [&](const std::string& out, const RecordedResource* recorded = nullptr) {
        return type.parse(request_for(type, config, recorded), {0, out, ""});
    };
    const auto service = [](int replicas, int force = 0, const std::string& image = "web:1") {
        return R"([{"ID":"s","Spec":{"Name":"demo_web","TaskTemplate":{"ContainerSpec":{"Image":")" +
               image + R"("},"ForceUpdate":)" + std::to_string(force) +
               R"(},"Mode":{"Replicated":{"Replicas":)" + std::to_string(replicas) + "}}}}]";
    };
    const std::string config_object =
        R"([{"ID":"c","Spec":{"Labels":{"hadeploy.sha256":")" + config.text("sha256") + R"("}}}])";

    CHECK(see("none\n").state == State::absent);
    CHECK(see("stopped\n").state == State::blocked);
    CHECK(see(reply(200, "[]") + reply(200, "[]")).state == State::absent);
    const std::string worker = reply(503, R"({"message":"This node is not a swarm manager."})");
    const RecordedResource known = record_of(config);
    CHECK(see(worker + worker).state == State::absent); // there is no swarm yet
    CHECK(see(worker + worker, &known).state == State::blocked);
    const std::string lost = reply(500, R"({"message":"The swarm does not have a leader."})");
    CHECK(see(lost + lost, &known).state == State::blocked);
    CHECK_THROWS_AS(see(reply(200, "[]") + reply(500, R"({"message":"no"})")), Error);
    CHECK_THROWS_AS(see(""), Error);
    CHECK_THROWS_AS(see(reply(200, "[{\"half") + reply(200, "[]")), Error);

    const Observation there = see(reply(200, service(2)) + reply(200, config_object));
    CHECK(there.foreign.empty());
    CHECK(there.attributes["services"]["web"].integer("replicas") == 2);
    CHECK(there.attributes["sha256"] == config["sha256"]);
    CHECK_FALSE(see(reply(200, service(2)) + reply(200, "[]")).foreign.empty());

    const RecordedResource deployed =
        record_of(config.with("services", there.attributes["services"]));
    const auto drift = [&](const std::string& services) {
        return decide(type, config, &deployed, {},
                      see(reply(200, services) + reply(200, config_object), &deployed))
            .action;
    };
    // A manual change is reported as the changed setting.
    const auto settings = [&](const std::string& spec) {
        const std::string one = R"([{"ID":"s","Spec":{"Name":"demo_web",)" + spec + "}}]";
        return see(reply(200, one) + reply(200, config_object))
            .attributes["services"]["web"]["settings"];
    };
    const Value limited = settings(
        R"("Labels":{"a":"b"},"TaskTemplate":{"ContainerSpec":{"Image":"w","Env":["PASS=x","Q="]},)"
        R"("Resources":{"Limits":{"NanoCPUs":500}}})");
    CHECK(limited["Resources.Limits.NanoCPUs"] == Value("500"));
    CHECK(limited["Labels.a"] == Value("b"));
    CHECK(limited["Container.Env.PASS"].as_string().starts_with("sha256:"));
    CHECK(limited["Container.Env.PASS"] != limited["Container.Env.Q"]);
    CHECK(limited.as_map().size() == 4);
    // A record of an older version has a digest of the settings instead.
    const Value old = Value::map({{"mode", "replicated"},
                                  {"image", "web:1"},
                                  {"replicas", 2},
                                  {"spec", "c0d3fc4770ba0a43"}});
    const RecordedResource older = record_of(config.with("services", Value::map({{"web", old}})));
    CHECK_FALSE(decide(type, config, &older, {},
                       see(reply(200, service(2)) + reply(200, config_object), &older))
                    .action.has_value());
    CHECK(decide(type, config, &older, {},
                 see(reply(200, service(2, 0, "web:2")) + reply(200, config_object), &older))
              .action == Action::update);
    CHECK_FALSE(drift(service(2)).has_value());
    CHECK_FALSE(drift(service(2, 5)).has_value()); // only restarted
    CHECK(drift(service(5)) == Action::update);
    CHECK(drift(service(2, 0, "web:2")) == Action::update);
    CHECK(drift("[]") == Action::update);
}

TEST_CASE("each type that changes a host kills hanging commands") {
    for (const char* name : {"docker.engine", "docker.node", "docker.image", "docker.stack",
                             "docker.drain", "gluster.pool", "gluster.volume", "gluster.mount"}) {
        INFO(name);
        const ssh::SshType& type = cluster_type(name);
        const Attribute* timeout = find_attribute(type.schema, "timeout");
        REQUIRE(timeout != nullptr);
        CHECK(type.bounded);
        CHECK(timeout->operational);
        CHECK(timeout->default_value->as_integer() >= 1'800'000);
    }
}

TEST_CASE("docker.engine: a secret setting is written to daemon.json, readable only by root") {
    const auto& type = cluster_type("docker.engine");
    const Value config =
        normal(type, Value::map({{"host", connection("10.77.0.11")},
                                 {"settings", Value::map({{"proxy", Value("canary").as_secret()},
                                                          {"debug", true}})}}));
    const auto list = type.commands(change_of(type, Change::Kind::create, {}, config));
    CHECK(contains(list.back().input, "\"proxy\": \"canary\""));
    CHECK(contains(list.back().script, "umask 077"));
    for (const Command& command : list) CHECK(!contains(command.script, "canary"));
    const Observation seen = type.parse(
        request_for(type, config),
        {0, "running\nenabled\nsettings\n" + list.back().input + "end of settings\n", ""});
    CHECK(seen.attributes["settings"] == config["settings"]);
}
