// docker.image from a registry or a Dockerfile, and docker.registry_login, as data. tests/docker
// uses a real Docker and a real registry.
#include "providers/ssh/dockerignore.h"
#include "providers/ssh/explain.h"
#include "providers/ssh/image_context.h"
#include "providers/ssh/image_layers.h"
#include "providers/ssh/image_reference.h"
#include "ssh/cluster_fixture.h"

#include "core/file.h"
#include "core/hash.h"
#include "server.h"

#include <filesystem>
#include <fmt/format.h>

using namespace hadeploy;
using namespace hadeploy::test;
using ssh::docker::IgnoredFiles;
using ssh::docker::parse_reference;
namespace fs = std::filesystem;

TEST_CASE("names of images") {
    const std::string digest = "sha256:" + std::string(64, 'a');
    const auto all = [](std::string_view text) {
        const auto image = parse_reference(text);
        return image ? fmt::format("{} {} {}", image->server, image->tag, image->digest) : "none";
    };
    CHECK(all("nginx:1.27") == "docker.io 1.27 ");
    CHECK(all("shop/web") == "docker.io  ");
    CHECK(all("localhost/web:1") == "localhost 1 ");
    CHECK(all("registry.example:5000/shop/my-web:1_a") == "registry.example:5000 1_a ");
    CHECK(all("10.0.0.1:5000/web") == "10.0.0.1:5000  ");
    CHECK(all("web@" + digest) == "docker.io  " + digest);
    CHECK(all("a.b/web:1@" + digest) == "a.b 1 " + digest);
    for (const char* bad :
         {"", "Web:1", "https://a.b/web:1", "a.b/:1", "web:", "web:-1", "web@sha256:1", "a.b:x/web",
          "web/", "/web", "we b", "web:1:2", "web@md5:1", "a//b"}) {
        CAPTURE(bad);
        CHECK(all(bad) == "none");
    }
    for (const char* good : {"registry.example", "a:5000", "localhost", "localhost:1", "10.0.0.1"})
        CHECK(ssh::docker::is_registry(good));
    for (const char* bad :
         {"", "registry", "https://a.b", "a.b/c", "a.b:", "a.b:x", ":5000", "a b"})
        CHECK_FALSE(ssh::docker::is_registry(bad));
}

TEST_CASE(".dockerignore: as Docker reads it") {
    struct Case {
        const char *patterns, *ignored, *kept;
    };
    for (const Case& one : std::initializer_list<Case>{
             {"a", "a a/b a/b/c", "b ab b/a"},
             {"/a", "a a/b", "b/a"},
             {"./a/../b/", "b b/c", "a"},
             {"*", "a a/b .git", ""},
             {"*.o", "x.o .o x.o/a", "a/x.o x.oo"},
             {"*/*.o", "a/x.o", "x.o a/b/x.o"},
             {"**/*.o", "x.o a/x.o a/b/x.o", "x.c"},
             {"**", "a a/b", ""},
             {"a/**", "a/b a/b/c", "a b"},
             {"a/**/b", "a/b a/x/b a/x/y/b a/b/c", "a b a/x"},
             {"**/tmp*", "tmp a/tmp1/b", "a/xtmp"},
             {"a?c", "abc a.c", "ac a/c abcd"},
             {"[a-c]x", "ax cx", "dx x"},
             {"[^a]x", "bx", "ax"},
             {"[]", "", "a"},
             {"\\*", "*", "a"},
             {"# a\n #b\n\n!\n", "#b", "a # a"},
             {"\xEF\xBB\xBF"
              "a \r\nb",
              "a b", "c"},
             {"a\n!a/b", "a a/c", "a/b a/b/d"},
             {"!a\na", "a", "b"},
             {"*\n!*.md\nREADME.md", "x README.md", "a.md"},
         }) {
        const IgnoredFiles files(one.patterns);
        const auto each = [&](std::string_view paths, bool wanted) {
            for (std::size_t at = 0; at < paths.size();) {
                const std::size_t end = std::min(paths.find(' ', at), paths.size());
                const std::string path(paths.substr(at, end - at));
                INFO(one.patterns, " on ", path);
                CHECK(files.ignores(path) == wanted);
                at = end + 1;
            }
        };
        each(one.ignored, true);
        each(one.kept, false);
    }
}

namespace {
Value image_of(std::initializer_list<std::pair<std::string_view, Value>> more) {
    return Value::map({{"host", connection("10.77.0.11")}}).with_all(Value::map(more));
}

Value login_with(std::string_view key = "username", const Value& value = "me") {
    return Value::map({{"host", connection("10.77.0.11")},
                       {"server", "registry.example:5000"},
                       {"username", "me"},
                       {"password", "pass-word"}})
        .with(std::string(key), value);
}

const ssh::SshType& the_login() {
    return cluster_type("docker.registry_login");
}

Observation look_at_login(const Value& config, const std::string& out,
                          const RecordedResource* recorded = nullptr) {
    return the_login().parse(request_for(the_login(), normal(the_login(), config), recorded),
                             {0, out, ""});
}

std::string entry_of(const std::string& user, const std::string& password,
                     const std::string& stat = "0 600") {
    return fmt::format("user {}\nsha256 {}  -\nstat {}\n", user,
                       sha256_hex(base64_encode(user + ":" + password)), stat);
}
} // namespace

TEST_CASE("docker.image: a pulled image is found by its name") {
    const ssh::SshType& type = cluster_type("docker.image");
    const Value config = normal(type, image_of({{"pull", "registry.example:5000/web:1"}}));
    CHECK(config.text("tag") == "registry.example:5000/web:1");
    CHECK(type.needs(config) ==
          std::vector<std::string>{"Docker on 10.77.0.11:22",
                                   "login to registry.example:5000 on 10.77.0.11:22"});
    CHECK(type.needs(config).back() == the_login().claims(normal(the_login(), login_with()))[0]);
    check_syntax(type.probe(request_for(type, config)));
    const auto see = [&](const std::string& out) {
        return type.parse(request_for(type, config), {0, out, ""});
    };
    const Observation there = see(reply(200, R"({"Id":"sha256:1","RepoTags":[]})"));
    CHECK(there.state == Observation::State::present);
    CHECK(there.attributes.text("id") == "sha256:1");
    CHECK(see(reply(404, R"({"message":"No such image"})")).state == Observation::State::absent);
    CHECK(see(reply(500, R"({"message":"broken"})")).state == Observation::State::failed);
    check_syntax(type.commands(change_of(type, Change::Kind::create, {}, config)));
    CHECK(type.derive(image_of({{"pull", Value::unknown()}}))["tag"].is_unknown());
}

TEST_CASE("docker.registry_login: what the host has") {
    const Value config = login_with();
    check_syntax(the_login().probe(request_for(the_login(), normal(the_login(), config))));
    CHECK(look_at_login(config, "").state == Observation::State::absent);
    const Observation good = look_at_login(config, entry_of("me", "pass-word"));
    CHECK(good.attributes.text("password") == "pass-word");
    CHECK(good.attributes["private"] == Value(true));
    const Observation other = look_at_login(config, entry_of("you", "other", "0 644"));
    CHECK(other.attributes.text("username") == "you");
    CHECK(other.attributes.text("password") == "(a different password)");
    CHECK(other.attributes["private"] == Value(false));
    // the registry gave a token: the password is not there any more
    CHECK_FALSE(look_at_login(config, "token\n" + entry_of("me", "")).attributes.has("password"));
    CHECK(contains(look_at_login(config, "store pass\n").error->message, "credential store"));

    const Value with_ca = login_with("ca", "-----BEGIN CERTIFICATE-----\n");
    const std::string seen = fmt::format("ca {}  -\n", sha256_hex("-----BEGIN CERTIFICATE-----\n"));
    CHECK(look_at_login(with_ca, entry_of("me", "pass-word") + seen).attributes["ca"] ==
          with_ca["ca"]);
    CHECK(look_at_login(with_ca, entry_of("me", "pass-word")).attributes["ca"].is_null());
    // an interrupted change wrote only the certificate
    const Observation half = look_at_login(with_ca, seen);
    CHECK(half.state == Observation::State::present);
    CHECK(half.attributes["username"].is_null());
    // the certificate is not in the config any more
    const RecordedResource recorded = record_of(normal(the_login(), with_ca));
    CHECK_FALSE(
        look_at_login(config, entry_of("me", "pass-word") + seen, &recorded).attributes.has("ca"));
    CHECK(look_at_login(config, seen, &recorded).state == Observation::State::present);
}

TEST_CASE("docker.registry_login: the password is on no command line") {
    const Value config = normal(the_login(), login_with("ca", "-----BEGIN CERTIFICATE-----\n"));
    const auto commands =
        the_login().commands(change_of(the_login(), Change::Kind::create, {}, config));
    REQUIRE(commands.size() == 2);
    check_syntax(commands);
    CHECK(commands[0].input == "-----BEGIN CERTIFICATE-----\n");
    CHECK(commands[1].input == "pass-word");
    for (const ssh::Command& command : commands) CHECK_FALSE(contains(command.script, "pass-word"));
    check_syntax(the_login().commands(change_of(the_login(), Change::Kind::remove, config, {})));
    const Value hub = normal(the_login(), login_with("server", "docker.io"));
    CHECK(contains(the_login().probe(request_for(the_login(), hub)),
                   "key='https://index.docker.io/v1/'"));
}

TEST_CASE("docker.image: the tag follows from the Dockerfile, its context and the arguments") {
    const ssh::SshType& type = cluster_type("docker.image");
    const TempDir dir;
    fs::create_directories(dir.path / "src");
    write_file(dir.path / "Dockerfile", "FROM scratch\nCOPY . /\n");
    write_file(dir.path / "src/a", "one", 0644);
    const auto tag = [&](std::string_view key = "args", const Value& value = Value::map({})) {
        const Value build =
            Value::map({{"context", dir.path.string()}}).with(std::string(key), value);
        return normal(type, image_of({{"name", "app"}, {"build", build}})).text("tag");
    };
    const std::string first = tag();
    CHECK(first.starts_with("hadeploy/app:"));
    CHECK(tag("args", Value::map({{"A", "1"}})) != first);
    CHECK(tag("target", "x") != first);
    CHECK(tag("on", "here") == first);
    write_file(dir.path / "src/a", "two", 0644);
    const std::string second = tag();
    CHECK(second != first);
    write_file(dir.path / "src/a", "two", 0755);
    CHECK(tag() != second);
    write_file(dir.path / "src/a", "one", 0644);
    CHECK(tag() == first);
    fs::create_symlink("a", dir.path / "src/b");
    CHECK(tag() != first);
    write_file(dir.path / ".dockerignore", "src/b\n.dockerignore\n");
    const std::string ignoring = tag();
    fs::remove(dir.path / "src/b");
    CHECK(tag() == ignoring);

    // what is sent is what was planned
    const Value build =
        normal(type, image_of({{"name", "app"},
                               {"build", Value::map({{"context", dir.path.string()}})}}))["build"];
    const TempDir cache;
    const fs::path packed = ssh::docker::pack_context(ignoring, build, cache.path, {});
    const std::string listed =
        run_checked({.argv = {"tar", "-tvf", packed.string(), "--full-time"}}).out;
    CHECK(contains(listed, "-rw-r--r-- 0/0"));
    CHECK(contains(listed, "1970-01-01 "));
    CHECK(contains(listed, " src/a\n"));
    CHECK(ssh::docker::pack_context(ignoring, build, cache.path, {}) == packed);
    fs::remove(packed);
    write_file(dir.path / "src/a", "three", 0644);
    CHECK_THROWS_WITH_AS(ssh::docker::pack_context(ignoring, build, cache.path, {}),
                         doctest::Contains("has changed since the plan"), Error);
    CHECK_FALSE(fs::exists(packed));
    fs::remove(dir.path / "Dockerfile");
    CHECK_THROWS_WITH_AS(tag(), doctest::Contains("has no file Dockerfile"), Error);
}

TEST_CASE("docker.image: layers that the host has are not sent") {
    const TempDir dir;
    const std::string hex(64, 'c');
    const auto layer = [&](const std::string& name, std::size_t size) {
        fs::create_directories(dir.path / "image" / name);
        write_file(dir.path / "image" / name / "layer.tar", std::string(size, 'x'));
    };
    layer("one", 3 << 20);
    layer("two", 3 << 20);
    layer("three", 10);
    write_file(dir.path / "image" / (hex + ".json"),
               R"({"rootfs":{"type":"layers","diff_ids":["sha256:1","sha256:2","sha256:3"]}})");
    const auto pack = [&](const std::string& layers) {
        write_file(dir.path / "image/manifest.json",
                   fmt::format(R"([{{"Config":"{}.json","RepoTags":["a:1"],"Layers":[{}]}}])", hex,
                               layers));
        const fs::path archive = dir.path / "image.tar";
        run_checked(
            {.argv = {"tar", "-C", (dir.path / "image").string(), "--format=ustar", "-cf",
                      archive.string(), hex + ".json", "one", "two", "three", "manifest.json"}});
        return archive;
    };
    const fs::path archive = pack(R"("one/layer.tar","two/layer.tar","three/layer.tar")");
    const auto sent = [&](std::string_view known) {
        const fs::path file = ssh::docker::without_known_layers(archive, known, dir.path / "cache");
        if (file == archive) return std::string("all");
        const std::string listed = run_checked({.argv = {"tar", "-tf", file.string()}}).out;
        CHECK(contains(listed, hex + ".json\n"));
        CHECK(contains(listed, "manifest.json\n"));
        std::string out;
        for (const char* name : {"one", "two", "three"})
            if (contains(listed, fmt::format("{}/layer.tar\n", name)))
                out += fmt::format("{} ", name);
        return out;
    };
    CHECK(sent("") == "all");
    CHECK(sent("sha256:2\nsha256:9 sha256:1\n") == "all"); // on a different base
    CHECK(sent("sha256:1 sha256:8\n\n") == "two three ");
    CHECK(sent("sha256:1\nsha256:1 sha256:2 sha256:4\n") == "three ");
    CHECK(sent("sha256:1 sha256:2 sha256:3\n") == "");
    CHECK(sent("sha256:1 sha256:2\n") == "three "); // from the cache
    // a layer that is needed again above the ones that the host has
    pack(R"("one/layer.tar","two/layer.tar","one/layer.tar")");
    fs::remove_all(dir.path / "cache");
    CHECK(sent("sha256:1 sha256:2\n") == "one three ");
    // Docker saves a layer that occurs twice as a link
    pack(R"("one/layer.tar","two/layer.tar","three/layer.tar")");
    fs::remove(dir.path / "image/three/layer.tar");
    fs::create_symlink("../one/layer.tar", dir.path / "image/three/layer.tar");
    pack(R"("one/layer.tar","two/layer.tar","three/layer.tar")");
    fs::remove_all(dir.path / "cache");
    CHECK(sent("sha256:1 sha256:2\n") == "all");
    // nothing is gained
    fs::remove(dir.path / "image/three/layer.tar");
    layer("one", 10);
    layer("three", 10);
    pack(R"("one/layer.tar","two/layer.tar","three/layer.tar")");
    CHECK(sent("sha256:1\n") == "all");
}

TEST_CASE("the messages of registries have remedies") {
    const auto hint = [](const std::string& why) {
        return ssh::explain_failure("h", "pulling", 1,
                                    "x\nhadeploy: the image a cannot be pulled: " + why + ": x")
            .hint;
    };
    for (const char* why : {"the content that the registry sent does not have its digest",
                            "the certificate of the registry is not trusted",
                            "the certificate of the registry is not valid",
                            "the registry does not use TLS", "the registry refuses the access",
                            "the registry does not have it", "the registry cannot be reached"}) {
        CAPTURE(why);
        CHECK_FALSE(hint(why).empty());
    }
}
