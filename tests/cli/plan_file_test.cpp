// Saved plans with an invalid body: authentic, because they are sealed with the right key, but not
// written by this hadeploy.
#include "../core/temp_dir.h"
#include "cli/plan_file.h"
#include "cli/registry.h"
#include "core/file.h"
#include "core/value_json.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace hadeploy;
using namespace hadeploy::cli;
using nlohmann::json;

namespace {

/// The saved plan of an empty project.
struct Saved {
    TempDir dir;
    KeySource key{.file = dir / "key"};
    std::filesystem::path file = dir / "plan";
    std::string header;
    Cipher cipher = Cipher::for_memory();
    json body;

    Saved() {
        ::setenv("HADEPLOY_STATE_KEY_FILE", key.file.c_str(), 1);
        Registry registry;
        register_all(registry);
        Project project(registry, {.directory = dir.path});
        project.load_from([](const auto&) { return std::string("name: demo\n"); }, {},
                          Value::map({}));
        const auto store = Store::open(dir / "state.db", Store::Mode::read_only, "demo", key);
        save_plan(file, project, {}, plan_from_observations(project.plan_source(), *store, {}, {}));
        ::setenv("HADEPLOY_STATE_KEY_FILE", "", 1); // own_environment() remembers removed variables
        const std::string all = read_file(file);
        header = all.substr(0, all.find('\n'));
        cipher = Cipher::load(from_json(header).text("key_lock"), key, "the plan");
        body = json::parse(
            cipher.open(all.substr(header.size() + 1, all.size() - header.size() - 2), header));
    }
    /// The error for a file with this body; "" if there is none.
    std::string complaint(const std::string& text) const {
        write_file(file, header + "\n" + cipher.seal(text, header) + "\n");
        try {
            (void)load_plan(file, key);
            return "";
        } catch (const Error& error) {
            CHECK(error.kind == ErrorKind::state);
            CHECK(error.hint.find("hadeploy plan --out") != std::string::npos);
            return error.message;
        }
    }
};

} // namespace

TEST_CASE("a saved plan with a missing or mistyped entry is refused") {
    const Saved saved;
    CHECK(saved.complaint(saved.body.dump()).empty());
    for (const char* part :
         {"lineage", "state", "directory", "serial", "plan_time", "origin", "interrupted",
          "options", "files", "variables", "secrets", "observed", "digests"}) {
        CAPTURE(part);
        json without = saved.body, other = saved.body;
        without.erase(part);
        other[part] = json::array({1});
        CHECK(saved.complaint(without.dump()).find("missing or has the wrong type") !=
              std::string::npos);
        CHECK(saved.complaint(other.dump()).find("missing or has the wrong type") !=
              std::string::npos);
    }
    for (const char* text : {"", "no JSON", "[]", "7"}) {
        CAPTURE(text);
        CHECK(saved.complaint(text).find("missing or has the wrong type") != std::string::npos);
    }
    json unknown_state = saved.body;
    unknown_state["observed"]["a"] = {{"type", ""}, {"state", 99}, {"attributes", "{}"}};
    CHECK(saved.complaint(unknown_state.dump()).find("the invalid state 99") != std::string::npos);
}

TEST_CASE("a deeply nested file is not a saved plan") {
    const Saved saved;
    constexpr std::size_t levels = 1'000'000;
    write_file(saved.file, std::string(levels, '[') + std::string(levels, ']') + "\n");
    try {
        (void)load_plan(saved.file, saved.key);
        FAIL("it was taken");
    } catch (const Error& error) {
        CHECK(error.message.find("this is not a saved plan") != std::string::npos);
    }
}
