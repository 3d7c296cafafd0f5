// Properties of the host types that are more than one type's; each type's own are in types/.
#include "ssh/host_case.h"

#include <doctest/doctest.h>

using namespace hadeploy;
using namespace hadeploy::test;

namespace {
Value on_host(std::initializer_list<std::pair<std::string_view, Value>> more) {
    Value config = Value::map({{"host", some_connection()}});
    for (const auto& [key, value] : more) config = config.with(key, value);
    return config;
}
Value text_list(std::vector<std::string> all) {
    return Value::list(Value::List(all.begin(), all.end()));
}
constexpr auto kPresent = Observation::State::present;
constexpr auto kFailed = Observation::State::failed;
} // namespace

TEST_CASE("ssh.host: facts, and the key that was trusted first") {
    const Value host = Value::map({{"address", "10.0.0.1"}, {"trust_on_first_use", true}});
    const std::string facts = "key ssh-ed25519 AAAA\nhostname n1\nos debian 12\n";
    const Observation first = seen("ssh.host", host, facts);
    CHECK(first.attributes["connection"]["host_key"] == Value("ssh-ed25519 AAAA"));
    CHECK(first.attributes["hostname"] == Value("n1"));
    CHECK(first.attributes["os"] == Value("debian 12"));
    RecordedResource recorded;
    recorded.attributes = first.attributes;
    ReadRequest request;
    request.config = config_of("ssh.host", host);
    request.recorded = &recorded;
    CHECK(type_named("ssh.host").parse(request, {0, facts, ""}).state == kPresent);
    CHECK(type_named("ssh.host").parse(request, {0, "key ssh-ed25519 BBBB\n", ""}).state ==
          kFailed);

    const auto diagnostics = [](const char* host_key) {
        Value written = Value::map({{"address", "10.0.0.1"}, {"config_file", "/dev/null"}});
        if (host_key) written = written.with("host_key", host_key);
        return problems_of("ssh.host", written);
    };
    CHECK(diagnostics(nullptr).size() == 1);
    CHECK(diagnostics("AAAA") == std::vector<std::string>{"\"AAAA\" is not a host key"});
    CHECK(diagnostics("# nothing").size() == 1);
    CHECK(diagnostics("@revoked ssh-ed25519 "
                      "AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f")
              .size() == 1);
    const std::string key =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";
    const Value known =
        config_of("ssh.host", Value::map({{"address", "[::1]"}, {"host_key", key}}));
    CHECK(known["connection"]["host_key"] == Value(key));
    CHECK(known["connection"]["address"] == Value("::1"));
}

TEST_CASE("claims on a host include port and jump host; none while it is unknown") {
    const auto claims = [](std::string_view type, const Value& host) {
        return type_named(type).claims(Value::map({{"host", host}, {"path", "/x"}, {"name", "x"}}));
    };
    const Value one = Value::map({{"address", "10.0.0.1"}, {"port", 2201}});
    const Value other = one.with("port", 2202);
    for (const char* type : {"host.file", "host.directory", "host.user", "host.group"}) {
        CHECK(claims(type, one) != claims(type, other));
        CHECK(claims(type, one) != claims(type, one.with("jump_host", other)));
        CHECK(claims(type, one) == claims(type, one.with("address", "[10.0.0.1]")));
        CHECK(claims(type, Value::unknown()).empty());
    }
}

TEST_CASE("host.user: a number is not a name") {
    const auto problems = problems_of("host.user", on_host({{"name", "1000"}}));
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].find("\"1000\" is a number") != std::string::npos);
    CHECK(problems_of("host.user", on_host({{"name", "u1000"}})).empty());
}

TEST_CASE("host.user: the newline of a key file is not part of the key") {
    const Value user = config_of(
        "host.user",
        on_host({{"name", "_x"}, {"authorized_keys", text_list({key_line("a") + "\n"})}}));
    CHECK(user["authorized_keys"] == text_list({key_line("a")}));
}

TEST_CASE("secrets are in the input of a command, never in its script") {
    Change change;
    change.type = registry().type("host.file");
    change.identity = "0000";
    change.after = config_of(
        "host.file", on_host({{"path", "/etc/secret"}, {"content", Value("canary").as_secret()}}));
    const std::vector<ssh::Command> commands = type_named("host.file").commands(change);
    REQUIRE(commands.size() == 1);
    CHECK(commands[0].input == "canary");
    CHECK(commands[0].script.find("canary") == std::string::npos);
}

TEST_CASE("only changed attributes are applied") {
    const auto commands = [](std::string_view type, const Value& before, const Value& written,
                             std::vector<std::string> changed) {
        Change change;
        change.kind = Change::Kind::update;
        change.type = registry().type(type);
        change.identity = "0000";
        change.before = before;
        change.after = config_of(type, written);
        change.changed = std::move(changed);
        return type_named(type).commands(change);
    };
    const Value file = on_host({{"path", "/etc/motd"}, {"content", "x"}, {"mode", "0600"}});
    const auto chmod = commands("host.file", file, file, {"mode"});
    REQUIRE(chmod.size() == 1);
    CHECK(chmod[0].script == "hadeploy_own '/etc' 'motd' '0000' 'root:root' 0600 ''\n");

    const Value service = on_host({{"name", "web"}, {"restart_on", Value::map({{"a", "2"}})}});
    const std::string restart =
        commands("host.service", service, service, {"restart_on"})[0].script;
    CHECK(restart.find("systemctl restart -- ") != std::string::npos);
    CHECK(restart.find("enable") == std::string::npos);
    const std::string start = commands("host.service", service, service, {"running"})[0].script;
    CHECK(start.find("systemctl start -- ") != std::string::npos);
}

TEST_CASE("every type is documented") {
    for (const auto& type : registry().types()) {
        INFO(type->name);
        CHECK(!type->summary.empty());
        CHECK((type->doc.find("Destroy") != std::string::npos || type->machine));
        CHECK(type->example.find("type: " + type->name) != std::string::npos);
        for (const Attribute& a : type->schema) CHECK(a.doc.ends_with('.'));
    }
}

TEST_CASE("host objects that hold data") {
    const auto data = [](std::string_view type, const Value& v) {
        const auto held = type_named(type).held_data(v);
        return held ? held->what : "";
    };
    const std::string at = some_connection().text("address");
    const Value directory = on_host({{"path", "/srv/data"}});
    CHECK(data("host.directory", directory) == "");
    CHECK(data("host.directory", directory.with("force", true)) ==
          "the directory /srv/data on " + at + " and everything in it");
    CHECK(data("host.directory", directory.with("force", true).with("keep", true)) == "");
    const Value user = on_host({{"name", "ann"}, {"home", "/home/a"}});
    CHECK(data("host.user", user.with("created", false)) == "");
    for (const Value& made : {user, user.with("created", true)})
        CHECK(data("host.user", made) == "the home directory /home/a of the user ann on " + at);
    CHECK(data("host.file", on_host({{"path", "/etc/motd"}})) == "");
    CHECK(data("host.package", on_host({})) == "");
}
