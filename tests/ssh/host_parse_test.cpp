// How each type parses the output of its probe, and which specs it rejects.
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
Value texts(std::vector<std::string> all) {
    return Value::list(Value::List(all.begin(), all.end()));
}
constexpr auto present = Observation::State::present;
constexpr auto absent = Observation::State::absent;
constexpr auto failed = Observation::State::failed;
// sha256 of "hello\n"
constexpr const char* kHello = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
} // namespace

TEST_CASE("host.file: parsing stat and sha256sum") {
    const Value file = on_host({{"path", "/etc/motd"}, {"content", "hello\n"}});
    CHECK(config_of("host.file", file)["sha256"] == Value(kHello));
    const Observation same =
        seen("host.file", file, fmt::format("stat 644 0:root 0:root\nsha256 {}\n", kHello));
    REQUIRE(same.state == present);
    CHECK(same.attributes["mode"] == Value("0644"));
    CHECK(same.attributes["content"] == Value("hello\n"));
    const Observation drifted = seen("host.file", file, "stat 4755 7:ops 50:staff\nsha256 00\n");
    CHECK(drifted.attributes["mode"] == Value("4755"));
    CHECK(drifted.attributes["owner"] == Value("ops"));
    CHECK(drifted.attributes["sha256"] == Value("00"));
    CHECK(!drifted.attributes.has("content"));
    CHECK(seen("host.file", file, "absent\n").state == absent);
    CHECK(seen("host.file", file, "absent\n").lacks == "");
    CHECK(seen("host.file", file, "absent\nnowhere\n").state == absent);
    CHECK(seen("host.file", file, "absent\nnowhere\n").lacks == "/etc");
    CHECK(seen("host.directory", on_host({{"path", "/etc/a/b"}}), "absent\nnowhere\n").lacks == "");
    const Value names = on_host({{"path", "/etc/deep/hosts"}, {"entries", Value::map({})}});
    CHECK(seen("host.hosts", names, "nowhere\n").lacks == "/etc/deep");
    CHECK(seen("host.hosts", names, "").lacks == "");
    CHECK(seen("host.file", file, "link\n").attributes["sha256"] == Value("(none)"));
    CHECK(seen("host.file", file, "other\n").state == failed);
    CHECK(seen("host.file", file, "", 1, "stat: Input/output error\n").state == failed);
    CHECK(problems_of("host.file", on_host({{"path", "/etc/motd"}})).size() == 1);
}

TEST_CASE("host.hosts: manual changes in the block are drift, changes outside are not") {
    const Value names = on_host({{"entries", Value::map({{"a", "10.0.0.1"}, {"b", "10.0.0.2"}})}});
    const auto look = [&](const std::string& text) { return seen("host.hosts", names, text); };
    const std::string begin = "# BEGIN hadeploy (managed by hadeploy)\n", end = "# END hadeploy\n";
    const Observation whole =
        look(begin + "10.0.0.1 a\n10.0.0.2 b\n" + end + "127.0.0.1 localhost\n");
    REQUIRE(whole.state == present);
    CHECK(whole.attributes["entries"] == names["entries"]);
    CHECK(look("127.0.0.1 localhost\n10.0.0.1 a\n").state == absent);
    CHECK(look(begin + "10.0.0.1 a\n").state == absent);
    for (const char* body :
         {"10.0.0.1 a\n", "10.0.0.9 a\n10.0.0.2 b\n", "", "10.0.0.1 a\n10.0.0.2 b\n10.0.0.3 c\n",
          "10.0.0.1 a\n10.0.0.2 b\n# x\n"})
        CHECK(look(begin + body + end).attributes["entries"] != names["entries"]);
    CHECK(problems_of("host.hosts", on_host({{"entries", Value::map({{"a b", "10.0.0.1"}})}}))
              .size() == 1);
}

TEST_CASE("host.package: installed, missing, ours") {
    const Value tools = on_host({{"packages", texts({"jq", "rsync"})}});
    const auto look = [&](const std::string& out) { return seen("host.package", tools, out); };
    CHECK(look("installed rsync 3.2\ninstalled jq 1.6\n").attributes["packages"] ==
          tools["packages"]);
    CHECK(look("installed rsync 3.2\nnot-installed jq \n").attributes["packages"] ==
          texts({"rsync"}));
    CHECK(look("config-files rsync 3.2\n").state == absent);
    CHECK(look("").state == absent);
    // A package that we installed and that is no longer in the list is there to be removed.
    CHECK(look("memory jq\nmemory tree\ninstalled rsync 3.2\ninstalled jq 1.6\n")
              .attributes["packages"] == texts({"jq", "rsync", "tree"}));
    CHECK(look("installed jq 1.6\n").attributes["versions"]["jq"] == Value("1.6"));
    const Observation virtually =
        look("installed rsync 3.2\nprovider installed jqx 2.0 json, jq (= 1.7)\n"
             "provider config-files old 1.0 jq\n");
    CHECK(virtually.attributes["packages"] == tools["packages"]);
    CHECK(virtually.attributes["versions"]["jq"] == Value("2.0"));
    CHECK(look("provider installed jqx 2.0 jq-more, ajq\n").state == absent);
    CHECK(seen("host.package", tools, "", 127).error->message.find("no dpkg") != std::string::npos);
    CHECK(seen("host.package", tools, "", 2, "dpkg-query: error: x\n").state == failed);
    CHECK(problems_of("host.package", on_host({{"packages", texts({"jq; reboot"})}})).size() == 1);
    CHECK(problems_of("host.package", on_host({{"packages", texts({"-jq"})}})).size() == 1);
}

TEST_CASE("host.service: parsing systemctl show") {
    const Value ssh = on_host({{"name", "ssh"}});
    const auto look = [&](const char* load, const char* active, const char* sub, const char* file) {
        return seen("host.service", ssh,
                    fmt::format("LoadState={}\nActiveState={}\nSubState={}\nUnitFileState={}\n",
                                load, active, sub, file));
    };
    const Observation good = look("loaded", "active", "running", "enabled");
    CHECK(good.attributes["running"] == Value(true));
    CHECK(good.attributes["enabled"] == Value(true));
    CHECK(look("loaded", "inactive", "dead", "disabled").attributes["running"] == Value(false));
    CHECK(look("loaded", "inactive", "dead", "disabled").attributes["enabled"] == Value(false));
    CHECK(look("loaded", "failed", "failed", "enabled").attributes["running"] == Value(false));
    CHECK(look("loaded", "activating", "auto-restart", "enabled").attributes["running"] ==
          Value(false));
    CHECK(look("loaded", "active", "exited", "static").attributes["enabled"] == Value(true));
    CHECK(look("masked", "inactive", "dead", "masked").attributes["enabled"] == Value(false));
    CHECK(look("not-found", "inactive", "dead", "").state == absent);
    const Observation none =
        seen("host.service", ssh, "", 1,
             "System has not been booted with systemd as init system (PID 1). Can't operate.\n");
    REQUIRE(none.state == failed);
    CHECK(none.error->message.find("systemd does not run") != std::string::npos);
    CHECK(problems_of("host.service", on_host({{"name", "ssh; reboot"}})).size() == 1);
}

TEST_CASE("host.user: groups and keys are added to existing ones") {
    const Value ops = on_host({{"name", "ops"},
                               {"groups", texts({"docker", "adm"})},
                               {"authorized_keys", texts({key_line("me")})}});
    const std::string line = "passwd ops:x:1000:1000:Ops,,,:/home/ops:/bin/sh\n";
    const Observation user =
        seen("host.user", ops, line + "groups ops docker video\nkey ssh-rsa BBBB other\n");
    REQUIRE(user.state == present);
    CHECK(user.attributes["groups"] == texts({"docker"}));
    CHECK(user.attributes["authorized_keys"] == Value::list({}));
    CHECK(user.attributes["shell"] == Value("/bin/sh"));
    CHECK(user.attributes["home"] == Value("/home/ops"));
    CHECK(user.attributes["uid"] == Value(1000));
    CHECK(user.attributes["created"] == Value(false));
    const Observation extra = seen("host.user", ops,
                                   line +
                                       "groups ops adm docker video\nmemory created\nmemory "
                                       "group video\nkey " +
                                       key_line("me") + "\n");
    CHECK(extra.attributes["groups"] == texts({"docker", "adm", "video"}));
    CHECK(extra.attributes["created"] == Value(true));
    CHECK(extra.attributes["authorized_keys"] == ops["authorized_keys"]);
    CHECK(seen("host.user", ops, "", 2).state == absent);
    CHECK(seen("host.user", ops, "", 127, "getent: not found\n").state == failed);
}

TEST_CASE("host.group and host.command") {
    const Value group = on_host({{"name", "ops"}});
    CHECK(seen("host.group", group, "ops:x:1234:a,b\n").attributes["gid"] == Value(1234));
    CHECK(seen("host.group", group, "", 2).state == absent);
    const Value command = on_host({{"run", "true"}});
    CHECK(seen("host.command", command, "done\nline 1\nline 2\n\n").attributes["stdout"] ==
          Value("line 1\nline 2"));
    CHECK(seen("host.command", command, "").state == absent);
    CHECK(problems_of("host.command",
                      on_host({{"run", "true"}, {"creates", "/x"}, {"unless", "true"}}))
              .size() == 1);
}

TEST_CASE("ssh.host: facts, and the key trusted on first use") {
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
    CHECK(type_named("ssh.host").parse(request, {0, facts, ""}).state == present);
    CHECK(type_named("ssh.host").parse(request, {0, "key ssh-ed25519 BBBB\n", ""}).state == failed);

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

TEST_CASE("host.user: the newline of a key file is not part of the key") {
    const Value user = config_of(
        "host.user", on_host({{"name", "_x"}, {"authorized_keys", texts({key_line("a") + "\n"})}}));
    CHECK(user["authorized_keys"] == texts({key_line("a")}));
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
