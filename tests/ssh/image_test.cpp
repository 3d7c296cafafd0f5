// docker.image from packages: the recipe, and images that are really built.
#include "providers/ssh/image_build.h"
#include "providers/ssh/image_recipe.h"
#include "ssh/cluster_fixture.h"

#include "core/file.h"
#include "core/hash.h"
#include "planner/plan/decide.h"
#include "server.h"

#include <fmt/format.h>
#include <fstream>
#include <nlohmann/json.hpp>
#include <unistd.h>

using namespace hadeploy;
using namespace hadeploy::test;
namespace fs = std::filesystem;

namespace {

const ssh::SshType& image_type() {
    return cluster_type("docker.image");
}

Value image_with(const Value& packages) {
    return Value::map(
        {{"host", connection("10.77.0.11")}, {"name", "tool"}, {"packages", packages}});
}

Value small_recipe(std::string_view suite = "bookworm") {
    return Value::map({{"suite", suite}, {"install", Value::list({"busybox-static"})}});
}

std::string tag_of(const Value& packages) {
    return normal(image_type(), image_with(packages)).text("tag");
}

/// The complaints about a config that the schema accepts.
std::vector<std::string> complaints_about(const Value& config) {
    Diagnostics diagnostics;
    const Value out = normalize(
        image_type().schema, config, "it", {}, [](Loc, bool) { return "/"; }, diagnostics);
    std::vector<std::string> found;
    for (const Error& e : diagnostics.list()) found.push_back(e.message);
    return found.empty() ? complaints(image_type(), out) : found;
}

std::vector<std::string> complaints_with(std::string_view key, const Value& value) {
    return complaints_about(image_with(small_recipe().with(key, value)));
}

using Texts = std::vector<std::string>;

} // namespace

TEST_CASE("docker.image: a recipe is checked before anything is built") {
    const Value host = Value::map({{"host", connection("10.77.0.11")}});
    CHECK(complaints_about(image_with(small_recipe())).empty());
    CHECK(complaints_about(host) ==
          Texts{"a docker.image needs one of `pull`, `archive`, `build` and `packages`"});
    CHECK(complaints_about(image_with(small_recipe()).with("archive", "/a.tar")) ==
          Texts{"set only one of `pull`, `archive`, `build` and `packages`"});
    CHECK(complaints_about(image_with(small_recipe()).without("name")) ==
          Texts{"an image that hadeploy builds needs a `name`"});
    CHECK(complaints_about(host.with("archive", "/a.tar").with("name", "web")) ==
          Texts{"`name` is only allowed with `build` or `packages`"});
    for (const char* bad : {"Web", "web-", "web..1", "web._1", "web___1"})
        CHECK(complaints_about(image_with(small_recipe()).with("name", bad)) ==
              Texts{fmt::format("\"{}\" is not a name of an image", bad)});
    for (const char* good : {"web", "1", "web.1", "web_1", "web__1", "web---1"})
        CHECK(complaints_about(image_with(small_recipe()).with("name", good)).empty());
    CHECK(complaints_with("suite", "squeeze").size() == 1);
    CHECK(complaints_with("install", Value::list({})).size() == 1);
    for (const char* bad : {"", "a", "Haproxy", "haproxy:amd64", "haproxy=", "haproxy=*", "?x",
                            "-oDebug", "jq curl", "jq,curl", "jq/stable", "../jq.deb"}) {
        CAPTURE(bad);
        CHECK(complaints_with("install", Value::list({bad})).size() == 1);
    }
    for (const char* good :
         {"jq", "g++", "libstdc++6", "0ad", "haproxy=2.6.12-1+deb12u1", "vim=2:9.0.1378-2"})
        CHECK(complaints_with("install", Value::list({good})).empty());
    CHECK(complaints_with("files", Value::map({{"/a", Value::map({})}})) ==
          Texts{"a file of an image needs either `content` or `source`"});
    for (const char* path : {"a", "/", "/etc/", "/etc/../a", "//a", "/a/./b", "/a/.."}) {
        CAPTURE(path);
        const Value text = Value::map({{"content", "x"}});
        CHECK(complaints_with("files", Value::map({{path, text}})).size() == 1);
    }
    CHECK(complaints_with("run", "true").empty());
    CHECK(complaints_about(image_with(small_recipe().with("run", "true").with("base", "none"))) ==
          Texts{"`run` is not allowed with `base: none`"});
    CHECK(complaints_with("env", Value::map({{"A=B", "x"}})) ==
          Texts{"\"A=B\" is not a name of a variable"});
    CHECK(complaints_with("env", Value::map({{"PASS", Value("x").as_secret()}})) ==
          Texts{"`packages` contains a secret, which everybody with the image could read"});
}

TEST_CASE("docker.image: the tag follows from the recipe and the contents of its files") {
    const TempDir dir;
    write_file(dir.path / "conf", "one");
    const auto with_file = [&](const Value& file) {
        return small_recipe().with("files", Value::map({{"/etc/conf", file}}));
    };
    const Value source = Value::map({{"source", (dir.path / "conf").string()}});
    const std::string tag = tag_of(with_file(source));
    CHECK(tag.starts_with("hadeploy/tool:"));
    CHECK(tag == tag_of(with_file(Value::map({{"content", "one"}}))));
    CHECK(tag != tag_of(with_file(source.with("mode", "0755"))));
    write_file(dir.path / "conf", "two");
    CHECK(tag != tag_of(with_file(source)));
    fs::remove(dir.path / "conf");
    CHECK_THROWS_AS(tag_of(with_file(source)), Error);

    const Value two = small_recipe().with("install", Value::list({"jq", "curl"}));
    CHECK(tag_of(two) == tag_of(two.with("install", Value::list({"curl", "jq"}))));
    CHECK(tag_of(two) != tag_of(two.with("revision", "2")));
    CHECK(tag_of(two) != tag_of(two.with("ports", Value::list({80}))));
    const auto layer = [](const Value& recipe) {
        return ssh::docker::layer_key(normal(image_type(), image_with(recipe))["packages"]);
    };
    CHECK(layer(two) == layer(two.with("ports", Value::list({80}))));
    CHECK(layer(two) != layer(two.with("revision", "2")));
    CHECK(layer(two) != layer(two.with("run", "true")));
    CHECK(image_type()
              .derive(image_with(two.with("revision", Value::unknown())))["tag"]
              .is_unknown());
}

TEST_CASE("docker.image: an image from packages is found by its tag") {
    const auto& type = image_type();
    const Value config = normal(type, image_with(small_recipe()));
    const std::string probe = type.probe(request_for(type, config));
    check_syntax(probe);
    CHECK(contains(probe, "hex='' tag='" + config.text("tag") + "'"));
    const auto see = [&](const std::string& out) {
        return type.parse(request_for(type, config), {0, out, ""});
    };
    CHECK(see("none").state == Observation::State::absent);
    CHECK(see(reply(404, "{}")).state == Observation::State::absent);
    const Observation there =
        see(reply(200, R"({"Id":"sha256:1","RepoTags":[")" + config.text("tag") + R"("]})"));
    CHECK(there.state == Observation::State::present);
    CHECK(there.attributes.text("id") == "sha256:1");

    // The record has the id, which is not an attribute of the config.
    const RecordedResource recorded = record_of(config.with("id", "sha256:1"));
    CHECK_FALSE(decide(type, config, &recorded, {}, there).action);

    const auto load = type.commands(change_of(type, Change::Kind::create, {}, config));
    REQUIRE(load.size() == 2);
    CHECK(load[1].build_input);
}

namespace {

/// A value of /etc/os-release. The condition of a suite is evaluated before main(), when other
/// static objects, such as those of the types, may not exist yet.
std::string os_release(const std::string& name) {
    std::ifstream file("/etc/os-release");
    for (std::string line; std::getline(file, line);)
        if (line.starts_with(name + "=")) return line.substr(name.size() + 1);
    return "";
}

std::string codename() {
    return os_release("VERSION_CODENAME");
}

bool can_build() {
    const std::string suite = codename();
    return ::geteuid() == 0 && fs::exists("/usr/bin/mmdebstrap") &&
           fs::exists("/usr/bin/apt-get") &&
           (suite == "bookworm" || suite == "trixie" || suite == "jammy" || suite == "noble");
}

std::string tar_text(const fs::path& tar, const std::string& entry) {
    return run_checked({.argv = {"tar", "-xOf", tar.string(), entry}}).out;
}

/// A cache directory, and images in it.
struct BuildCache {
    TempDir dir;
    std::vector<std::string> steps;

    fs::path build(const Value& packages) {
        const Value config = normal(image_type(), image_with(packages));
        steps.clear();
        return ssh::docker::build_image(config.text("tag"), config["packages"], dir.path,
                                        [&](std::string_view step) { steps.emplace_back(step); });
    }
};

nlohmann::json manifest_in(const fs::path& image) {
    return nlohmann::json::parse(tar_text(image, "manifest.json"))[0];
}

} // namespace

TEST_SUITE("mmdebstrap" * doctest::skip(!can_build())) {

    TEST_CASE("an image is built from packages and files") {
        const Value files = Value::map(
            {{"/etc/motd", Value::map({{"content", "hello\n"}})},
             {"/srv/a/run", Value::map({{"content", "#!/bin/busybox sh\n"}, {"mode", "0755"}})}});
        const Value recipe = small_recipe(codename())
                                 .with("base", "none")
                                 .with("files", files)
                                 .with("entrypoint", Value::list({"/bin/busybox", "httpd"}))
                                 .with("command", Value::list({"-f"}))
                                 .with("env", Value::map({{"LANG", "C"}}))
                                 .with("user", "65534")
                                 .with("ports", Value::list({80}));
        BuildCache cache;
        const fs::path image = cache.build(recipe);
        CHECK(cache.steps ==
              Texts{"installing the packages of the image (mmdebstrap)", "packing the image"});
        // an image file for docker.image, with the tag of the recipe
        const Value as_archive =
            normal(image_type(),
                   Value::map({{"host", connection("10.77.0.11")}, {"archive", image.string()}}));
        CHECK(as_archive.text("tag") == tag_of(recipe));
        const auto manifest = manifest_in(image);
        const std::string config_text = tar_text(image, manifest["Config"]);
        CHECK(manifest["Config"] == sha256_hex(config_text) + ".json");
        const auto config = nlohmann::json::parse(config_text);
        CHECK(config["config"]["Entrypoint"] == nlohmann::json({"/bin/busybox", "httpd"}));
        CHECK(config["config"]["Cmd"] == nlohmann::json({"-f"}));
        CHECK(config["config"]["User"] == "65534");
        CHECK(config["config"]["Env"].back() == "LANG=C");
        CHECK(config["config"]["ExposedPorts"].contains("80/tcp"));
        REQUIRE(manifest["Layers"].size() == 2);
        const auto layer = [&](std::size_t i) {
            const std::string bytes = tar_text(image, manifest["Layers"][i]);
            CHECK(config["rootfs"]["diff_ids"][i] == "sha256:" + sha256_hex(bytes));
            write_file(cache.dir.path / "layer", bytes);
            return run_checked({.argv = {"tar", "-tvf", (cache.dir.path / "layer").string(),
                                         "--full-time"}})
                .out;
        };
        const std::string packages = layer(0);
        CHECK(contains(packages, "/bin/busybox\n"));
        for (const char* of_this_machine :
             {"etc/hostname", "resolv.conf", "sources.list\n", "./dev/"})
            CHECK_FALSE(contains(packages, of_this_machine));
        const std::string added = layer(1);
        CHECK(contains(added, "-rw-r--r-- 0/0"));
        CHECK(contains(added, " etc/motd\n"));
        CHECK(contains(added, "-rwxr-xr-x 0/0"));
        CHECK(contains(added, " srv/a/\n"));     // the packages do not have it
        CHECK_FALSE(contains(added, " etc/\n")); // the packages have it

        SUBCASE("once") {
            CHECK(cache.build(recipe) == image);
            CHECK(cache.steps.empty());
        }
        SUBCASE("with the same bytes elsewhere") {
            BuildCache other;
            CHECK(sha256_file(other.build(recipe)) == sha256_file(image));
        }
        SUBCASE("with the layer of an image with the same packages") {
            const fs::path second = cache.build(recipe.with("command", Value::list({"-v"})));
            CHECK(second != image);
            CHECK(cache.steps == Texts{"packing the image"});
            CHECK(manifest_in(second)["Layers"] == manifest["Layers"]);
        }
        SUBCASE("and what a killed build left is not used") {
            for (const auto& entry : fs::directory_iterator(cache.dir.path / "docker-images"))
                if (const auto& path = entry.path(); path.extension() == ".layer") {
                    fs::create_directory(path.string() + ".work");
                    write_file(path.string() + ".work/layer.tar", "half");
                    fs::remove(path);
                }
            const std::string before = sha256_file(image);
            write_file(fs::path(image).replace_extension(".files"), "half");
            fs::remove(image);
            CHECK(sha256_file(cache.build(recipe)) == before);
        }
    }

    TEST_CASE("a package that does not exist is an error") {
        BuildCache cache;
        try {
            cache.build(small_recipe(codename())
                            .with("base", "none")
                            .with("install", Value::list({"no-such-package"})));
            FAIL("it was built");
        } catch (const Error& error) {
            CHECK(contains(error.message, "cannot build the image"));
            CHECK(contains(error.hint, "apt-cache policy PACKAGE"));
            MESSAGE(error.message);
        }
        std::size_t left = 0;
        for (const auto& entry : fs::directory_iterator(cache.dir.path / "docker-images"))
            if (entry.path().extension() != ".lock") ++left;
        CHECK(left == 0);
    }

} // TEST_SUITE
