// Errors of `validate` for compose files: the checks of docker.stack, compared with what Docker
// accepts.
#include "cluster_fixture.h"

#include "core/file.h"
#include "providers/ssh/compose.h"
#include "providers/ssh/compose_keys.h"
#include "providers/ssh/compose_scalar.h"
#include "ssh/server.h"

#include <filesystem>
#include <fmt/format.h>
#include <fmt/ranges.h>

using namespace hadeploy;
using namespace hadeploy::test;
using namespace hadeploy::ssh::docker;

namespace {

/// Each error with its hint, one per line.
std::string said(const Value& compose, const Value& variables = Value::map({})) {
    const ssh::SshType& type = cluster_type("docker.stack");
    Diagnostics diagnostics;
    type.check(Value::map({{"hosts", three_hosts()},
                           {"name", "app"},
                           {"content", compose},
                           {"variables", variables}}),
               diagnostics);
    std::vector<std::string> out;
    for (const Error& e : diagnostics.list())
        out.push_back(e.message + (e.hint.empty() ? "" : " -> " + e.hint));
    return fmt::format("{}", fmt::join(out, "\n"));
}

/// The same for warnings.
std::string warned(const Value& compose) {
    Diagnostics warnings;
    cluster_type("docker.stack")
        .warnings.front()
        .find(Value::map({{"content", compose}, {"variables", Value::map({})}}), warnings);
    std::vector<std::string> out;
    for (const Error& e : warnings.list()) out.push_back(e.message + " -> " + e.hint);
    return fmt::format("{}", fmt::join(out, "\n"));
}

/// The errors for a service with this setting, which is on line 2.
std::string of_service(const std::string& setting) {
    return said(Value("services: {web: {image: w,\n" + setting + "}}"));
}

} // namespace

TEST_CASE("compose: files of real projects are accepted") {
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(std::string(HADEPLOY_SOURCE_DIR) +
                                                                 "/tests/ssh/compose/good")) {
        INFO(entry.path().string());
        CHECK(said(read_file(entry.path()), Value::map({{"REGISTRY", "r"}, {"TAG", "1"}})) == "");
        ++files;
    }
    CHECK(files >= 7);
}

TEST_CASE("compose: an error in a file with secrets shows only the place") {
    const std::string hidden = ": a stack cannot have this -> details are not shown, because "
                               "they may contain part of a secret";
    for (const char* wrong :
         {"environment: [Qz7, Qz7]", "deploy: {replicas: Qz7}", "configs: [Qz7]", "Qz7: 1",
          "labels: {Qz7: 1, Qz7: 2}", "command: \"${Qz7:?Qz7}\"", "hostname: \"${Qz7}\""}) {
        const std::string text =
            said(Value(std::string("services: {web: {image: w,\n") + wrong + "}}").as_secret());
        INFO(text);
        CHECK(text.starts_with("content:2:"));
        CHECK(text.ends_with(hidden));
        CHECK(text.find("Qz7") == text.npos);
    }
    CHECK(said(Value("services: {web: {image: w, deploy: {replicas: \"$N\"}}}"),
               Value::map({{"N", Value("Qz7").as_secret()}}))
              .ends_with(hidden));
}

TEST_CASE("compose: values that Docker does not read as text") {
    CHECK(of_service("environment: {A: true}") ==
          "content:2:18: `environment.A` of the service web is true, which is not a string or a "
          "number -> write it in quotes: \"true\"");
    CHECK(
        of_service("labels: {A: 1.50}") ==
        "content:2:13: `labels.A` of the service web is 1.50, which Docker changes to 1.5 -> write "
        "it in quotes: \"1.50\"");
    for (const char* changed : {"1.0", "010", "0x1F", "1e3", "1_000", "+5", "2024-01-02", ".5"})
        CHECK(contains(of_service(fmt::format("environment: {{A: {}}}", changed)),
                       fmt::format("is {}, which Docker changes to ", changed)));
    for (const char* kept : {"1", "-5", "0.5", "80:80", "1.2.3", "0", "~", "\"1.50\"", "'true'",
                             "12:30:45", "1.25", "18446744073709551615", "!!str 1.0"})
        CHECK(of_service(fmt::format("environment: {{A: {}}}", kept)) == "");
    CHECK(of_service("user: 1000") ==
          "content:2:7: `user` of the service web is 1000, which is not a string -> write it in "
          "quotes: \"1000\"");
    CHECK(of_service("deploy: {resources: {limits: {cpus: 0.5}}}") ==
          "content:2:37: `deploy.resources.limits.cpus` of the service web is 0.5, which is not "
          "a string with a number such as \"0.5\" -> write it in quotes: \"0.5\"");
    CHECK(contains(of_service("deploy: {resources: {limits: {memory: 512}}}"),
                   "is 512, which is not a size such as 512M -> write it with a unit: 512M"));
    CHECK(contains(of_service("deploy: {resources: {limits: {memory: 512 megs}}}"),
                   "is \"512 megs\", which is not a size such as 512M"));
    CHECK(contains(of_service("deploy: {resources: {limits: {memory: 1Gi}}}"),
                   "is \"1Gi\", which is not a size such as 512M -> write it with a B: 1GiB"));
    for (const char* wrong : {"1I", "1iB", "1.2.3M", "'1  M'", "'.5M'", "'1.'", "-5M", "1MBB"})
        CHECK_MESSAGE(contains(of_service(fmt::format(
                                   "deploy: {{resources: {{limits: {{memory: {}}}}}}}", wrong)),
                               "which is not a size"),
                      wrong);
    for (const char* good : {"512M", "1GiB", "1.5 gb", "64KB", "4194304b", "'8388608'", "1t"})
        CHECK_MESSAGE(of_service(fmt::format("deploy: {{resources: {{limits: {{memory: {}}}}}}}",
                                             good)) == "",
                      good);
    CHECK(of_service("environment: {N: 1}") ==
          "content:2:15: the key N is not a string -> write it in quotes: \"N\"; without them "
          "Docker before 28 reads false");
    CHECK(of_service("environment: [A: b]") == "content:2:15: `environment[0]` of the service web "
                                               "is a map, which is not a string -> write "
                                               "NAME=value, or a map without dashes");
}

TEST_CASE("compose: numbers and words") {
    CHECK(
        of_service("deploy: {replicas: \"2\"}") ==
        "content:2:20: `deploy.replicas` of the service web is \"2\", which is not a whole number "
        "-> write it without quotes: 2");
    for (const char* wrong : {"two", "-1", "1.5", "true", "~", "[2]"})
        CHECK(contains(of_service(fmt::format("deploy: {{replicas: {}}}", wrong)),
                       "which is not a whole number"));
    CHECK(said("services: {web: {image: w, deploy: {replicas: '${N}'}}}",
               Value::map({{"N", "two"}})) ==
          "content:1:47: `deploy.replicas` of the service web is \"two\", which is not a whole "
          "number");
    // Docker converts variables almost everywhere.
    const Value three = Value::map({{"N", "3"}});
    CHECK(said("services: {web: {image: w, deploy: {replicas: '${N}'}}}", three) == "");
    CHECK(contains(said("services: {web: {image: w, init: '${N:-true}'}}"),
                   "-> Docker accepts no variable and no quotes here"));
    CHECK(contains(of_service("restart: sometimes"), "which is not one of \"no\", always"));
    CHECK(contains(of_service("restart: no"), "-> write it in quotes: \"no\""));
    CHECK(contains(of_service("stop_grace_period: 10"), "which is not a duration"));
    CHECK(contains(of_service("stop_grace_period: 1 m"), "which is not a duration"));
    CHECK(of_service("stop_grace_period: 1h2m3.5s4ms") == "");
    CHECK(contains(of_service("command: 'echo \"a'"), "a command line whose quotes are closed"));
    CHECK(of_service("command: echo it\\'s # 'comment") == "");
    CHECK(contains(of_service("volumes: ['data::/b']"), "which is not a volume such as"));
    CHECK(contains(of_service("volumes: {a: /b}"),
                   "`volumes` of the service web is a map, which is not a list"));
    CHECK(contains(of_service("cap_add: NET_ADMIN"), "-> write a list: [NET_ADMIN]"));
    CHECK(of_service("cap_add: [A, B, A]") ==
          "content:2:17: `cap_add` of the service web appears twice: A -> remove one of them");
}

TEST_CASE("compose: values that Docker reads differently since 28 are rejected") {
    CHECK(of_service("tty: on") == "content:2:6: `tty` of the service web is on, which is not "
                                   "true or false -> write true: since Docker 28 `on` is a string");
    CHECK(of_service("environment: {A: yes}") ==
          "content:2:18: `environment.A` of the service web is yes, which is not a string or a "
          "number -> write it in quotes: \"yes\"; without them Docker before 28 reads true");
    for (const char* word : {"y", "Y", "No", "OFF"}) {
        CHECK_MESSAGE(contains(of_service(fmt::format("tty: {}", word)), "is not true or false"),
                      word);
        CHECK_MESSAGE(of_service(fmt::format("labels: {{A: '{}'}}", word)) == "", word);
        CHECK_MESSAGE(contains(said(fmt::format("services: {{{}: {{image: w}}}}", word)),
                               "is not a string -> write it in quotes"),
                      word);
    }
    CHECK(of_service("tty: True") == "");
    // the value of a variable is read in the same way by all versions
    CHECK(said("services: {web: {image: w, tty: '${T}'}}", Value::map({{"T", "yes"}})) == "");
}

TEST_CASE("compose: errors in environment files do not show their lines") {
    const TempDir dir;
    const auto with = [&](const std::string& lines) {
        write_file(dir.path / "stack.yml", "services:\n  web: {image: w, env_file: web.env}\n");
        write_file(dir.path / "web.env", lines);
        Diagnostics diagnostics;
        cluster_type("docker.stack")
            .check(Value::map({{"hosts", three_hosts()},
                               {"name", "app"},
                               {"compose", (dir.path / "stack.yml").string()},
                               {"variables", Value::map({})}}),
                   diagnostics);
        return diagnostics.empty()
                   ? ""
                   : diagnostics.list()[0].message + " -> " + diagnostics.list()[0].hint;
    };
    CHECK(with("\xef\xbb\xbf# a comment\n\n  A=b c\r\nPASSED_ON\nB=\n\tC = d\n") ==
          "stack.yml:2:29: line 6 of web.env has a space in the name of the variable -> write each "
          "line as NAME=value, without `export` and without spaces around the name");
    CHECK(contains(with("A=1\nexport B=Qz7\n"), "line 2 of web.env has a space in the name"));
    CHECK(contains(with("=Qz7\n"), "line 1 of web.env has no name before the `=`"));
    CHECK(contains(with("A=\xff\n"), "line 1 of web.env is not UTF-8 text"));
    CHECK(contains(with("A=" + std::string(70'000, 'x')), "is longer than 64 KiB"));
    CHECK(with("  A=b c\r\nPASSED_ON\nB=\n #x y\n\u00e4=1") == "");
}

TEST_CASE("compose: keys that a swarm ignores are warnings") {
    CHECK(warned("services: {web: {image: w}}") == "");
    CHECK(warned("services:\n  web: {image: w, restart: always}\n  db: {image: d, restart: 'no',\n"
                 "    container_name: x}\n") ==
          "content:4:5: a swarm ignores `container_name` (of the service db) -> remove it: a "
          "service is reached by its own name\n"
          "content:2:19: a swarm ignores `restart` (of the services web, db) -> use "
          "`deploy.restart_policy`; without it, a task that has ended is always restarted");
    for (const char* key : {"build: .", "depends_on: [a]", "links: [a]", "network_mode: host",
                            "privileged: true", "tmpfs: /x", "<<: {pid: host}"})
        CHECK_MESSAGE(contains(warned(std::string("services: {web: {image: w, ") + key + "}}"),
                               "a swarm ignores `"),
                      key);
    CHECK(contains(warned("services: {web: {image: w, ports: ['127.0.0.1:80:80', '80:80']}}"),
                   "content:1:36: a swarm ignores the address of this port of the service web"));
    // these are not ignored
    CHECK(warned("services: {web: {image: w, tty: true, init: true, dns: 1.1.1.1, cap_add: [A], "
                 "ports: ['80:80', '::80', {target: 1}]}}") == "");
    CHECK(warned(Value("services: {web: {image: w, restart: always}}").as_secret()) ==
          "content:1:28: a stack cannot have this -> details are not shown, because they may "
          "contain part of a secret");
}

TEST_CASE("compose: ports") {
    for (const char* good :
         {"80", "'80:80'", "'8080-8090:80'", "'80-82:90-92/udp'", "'1.2.3.4:80:80'",
          "'[::1]:80:80'", "'53:53/UDP'", "'1.2.3.4::80'", "'${P:-80}:80'"})
        CHECK_MESSAGE(of_service(fmt::format("ports: [{}]", good)) == "", good);
    for (const char* wrong :
         {"'80:'", "'a:80'", "'80:80:'", "'80:80/http'", "'70000:80'", "'80-82:90-91'",
          "'localhost:80:80'", "'90-80:80'", "''", "'80;81'", "-1", "80.5", "true", "70000",
          "'80:80:80:80'", "'1.2.3:80:80'", "'::1:80:80'", "'[::1:80:80'", "'abc::80'"})
        CHECK_MESSAGE(
            contains(of_service(fmt::format("ports: [{}]", wrong)), "which is not a port"), wrong);
    CHECK(of_service("ports: [{target: 80, published: \"8080\"}]") ==
          "content:2:33: `ports[0].published` of the service web is \"8080\", which is not a whole "
          "number -> write it without quotes: 8080");
    CHECK(contains(
        of_service("ports: [{target: 80, host_ip: 127.0.0.1}]"),
        "a stack does not support the key `host_ip` in `ports[0]` of the service web -> a swarm "
        "publishes ports on every address of its nodes"));
}

TEST_CASE("compose: keys that a stack does not support") {
    CHECK(said("servces: {web: {image: w}}\nservices: {}") ==
          "content:1:1: a stack does not support the key `servces` in a compose file -> did you "
          "mean `services`?");
    CHECK(said("name: shop\nservices: {}") ==
          "content:1:1: a stack does not support the key `name` in a compose file -> set the name "
          "of the stack "
          "with the attribute `name` of the docker.stack");
    for (const char* key : {"profiles: [a]", "pull_policy: always", "extends: {service: a}",
                            "mem_limit: 1g", "scale: 2", "volumes_from: [a]", "cpus: 1"}) {
        const std::string text = of_service(key);
        CHECK_MESSAGE(contains(text, "content:2:1: a stack does not support the key `"), key);
        CHECK_FALSE_MESSAGE(contains(text, "rejects it"), key);
        CHECK_MESSAGE(contains(text, " -> "), key);
    }
    CHECK(contains(of_service("imagee: x"), "-> did you mean `image`?"));
    CHECK(contains(of_service("gpus: all"), "-> remove it: `docker stack deploy` rejects it"));
    CHECK(contains(of_service("deploy: {replcas: 2}"), "-> did you mean `replicas`?"));
    CHECK(contains(of_service("healthcheck: {test: a, intervall: 5s}"),
                   "a stack does not support the key `intervall` in `healthcheck` of the service "
                   "web -> did you "
                   "mean `interval`?"));
    CHECK(contains(of_service("depends_on: {db: {condition: service_healthy}}"),
                   "`depends_on` of the service web is a map, which is not a list -> a swarm "
                   "starts services in no defined order"));
    CHECK(contains(of_service("env_file: [{path: a.env, required: false}]"), "is a map"));
    CHECK(contains(of_service("configs: [{source: a, taget: /b}]\n}, configs: {a: {file: x}"),
                   "did you mean `target`?"));
    CHECK(contains(
        said("services: {web: {image: w}}\nconfigs: {motd: {content: hello}}"),
        "a stack does not support the key `content` in the config motd -> write it to a file"));
    CHECK(contains(said("services: {web: {image: w}}\nnetworks: {a: {enable_ipv6: true}}"),
                   "a stack does not support the key `enable_ipv6` in the network a"));
    CHECK(contains(said("services: {we/b: {image: w}}"),
                   "\"we/b\" is not a valid name in `services`"));
}

TEST_CASE("compose: duplicate keys") {
    CHECK(of_service("user: a, user: b") == "content:2:10: the key `user` appears twice -> "
                                            "remove one of them; Docker does not define which "
                                            "one takes effect");
    CHECK(of_service("environment: {A: 1, B: 2,\nA: 3}") ==
          "content:3:1: the key `A` appears twice -> remove one of them; Docker does not define "
          "which one takes effect");
    // Merged keys may be overridden.
    CHECK(said("x-a: &a {image: w, user: a}\nservices: {web: {<<: *a, user: b}}") == "");
}

TEST_CASE("compose: versions of the format") {
    CHECK(
        contains(said("version: 3.8\nservices: {}"),
                 "`version` is 3.8, which is not a version of this format such as \"3.8\" -> write "
                 "it in quotes: \"3.8\""));
    CHECK(contains(said("version: '2.4'\nservices: {}"), "`version` is \"2.4\", which is not"));
    CHECK(said("version: '3.3'\nservices: {web: {image: w, init: true}}") ==
          "content:2:28: `init` in the service web needs version 3.7 of the format, but the file "
          "declares 3.3 -> remove `version`; hadeploy then chooses the lowest version that "
          "supports the file");
    CHECK(said("version: '3'\nservices: {web: {image: w, init: true}}") == "");
    const auto sent = [](const std::string& text) {
        return read_compose(Value::map({{"content", text}})).sent();
    };
    CHECK(contains(sent("services:\n  web: {image: w}\n"), "\nversion: \"3.8\"\n"));
    // Docker before 23 rejects the version "", and reads "3" as 3.0
    for (const char* given : {"\"\"", "''", "\"3\"", "3"}) {
        const std::string text =
            fmt::format("version: {}\nservices: {{web: {{image: w, init: true}}}}\n", given);
        if (std::string_view(given) != "3") CHECK_MESSAGE(said(text) == "", given);
        CHECK_MESSAGE(sent(text).starts_with("version: \"3.8\"\n"), given);
    }
    CHECK(sent("{services: {web: {image: w}}}") ==
          "{version: \"3.8\", services: {web: {image: w}}}");
    CHECK(sent("---\n {\"services\": {\"web\": {\"image\": \"w\"}}}").find("{version: \"3.8\", ") !=
          std::string::npos);
    CHECK(contains(sent("services:\n  web: {image: w, healthcheck: {start_interval: 1s}}\n"),
                   "\nversion: \"3.12\"\n"));
    CHECK(contains(sent("services:\n  web: {image: w, build: {ssh: [default]}}\n"),
                   "\nversion: \"3.11\"\n"));
}

TEST_CASE("compose: dependencies between keys") {
    CHECK(of_service("deploy: {mode: global, replicas: 2}") ==
          "content:2:34: the service web runs on every node, so it cannot have `deploy.replicas` "
          "-> remove `replicas`, or `mode: global`");
    CHECK(contains(of_service("healthcheck: {test: a, disable: true}"), "but is disabled"));
    CHECK(contains(of_service("ulimits: {nofile: {soft: 1}}"),
                   "`ulimits.nofile` of the service web has no `hard`"));
    CHECK(contains(of_service("<<: true"), "`<<` must be a map or a list of maps"));
    CHECK(contains(of_service("volumes: [{source: a, target: /a}]"), "has no `type`"));
    CHECK(contains(of_service("volumes: [{type: bind, target: /a}]"), "has no `source`"));
    CHECK(contains(of_service("volumes: [{type: tmpfs, source: a, target: /a}]"),
                   "of the type tmpfs has a `source`"));
    CHECK(contains(of_service("volumes: [{type: tmpfs, target: /a, volume: {nocopy: true}}]"),
                   "has options of the type volume"));
    CHECK(contains(said("services: {web: {image: w}}\nconfigs: {motd: {labels: {a: b}}}"),
                   "the config motd has no `file`"));
    CHECK(contains(said("services: {web: {image: w}}\nvolumes: {a: {external: true, driver: x}}"),
                   "the volume a is external, so it cannot have `driver`"));
    CHECK(
        contains(said("services: {web: {image: w}}\nnetworks: {a: {name: x, external: {name: y}}}"),
                 "the network a has two names"));
}

TEST_CASE("compose: infinite aliases are rejected") {
    const auto refused = [](const std::string& text) {
        CHECK_THROWS_AS((void)read_compose(Value::map({{"content", text}})), Error);
        CHECK(said(text) == ""); // reported by derive()
    };
    refused("services: &a {web: *a}\n");
    std::string laughs = "services: {}\na0: &a0 [x]\n";
    for (int i = 1; i < 20; ++i)
        laughs += fmt::format("a{0}: &a{0} [*a{1}, *a{1}, *a{1}]\n", i, i - 1);
    refused(laughs);
}

TEST_CASE("compose: scalars of YAML 1.1") {
    const auto type = [](const char* text) { return read_plain(text).type; };
    for (const char* text : {"", "~", "null"}) CHECK(type(text) == Scalar::null);
    for (const char* text : {"true", "False", "TRUE"}) CHECK(type(text) == Scalar::flag);
    for (const char* text : {"YES", "on", "n", "Off"}) CHECK(type(text) == Scalar::word);
    for (const char* text : {"0", "-1", "0x1f", "0b11", "017", "1_000"})
        CHECK(type(text) == Scalar::integer);
    for (const char* text :
         {"1.5", ".5", "1e3", "-1.", ".inf", ".nan", "08", "36893488147419103232"})
        CHECK(type(text) == Scalar::number);
    for (const char* text : {"a", "1.2.3", "tRUE", "0x", "1:30", "-", "+", ".", "e5", "1e", "--1",
                             "2024-1", "2024-01-02x", "yess"})
        CHECK_MESSAGE(type(text) == Scalar::text, text);
    CHECK(type("2024-01-02") == Scalar::date);
    CHECK(read_plain("0x1F").text == "31");
    CHECK(read_plain("1.10").text == "1.1");
    CHECK(read_plain("1e21").text == "1e+21");
    CHECK(read_plain("1e20").text == "100000000000000000000");
    CHECK(read_plain("-0").text == "0");
}
