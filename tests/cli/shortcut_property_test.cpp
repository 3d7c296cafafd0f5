// The fast path for unchanged projects gives the same result as the normal path, for random specs
// and changes in between.
#include "cli/render/plan_json.h"
#include "cli/render/plan_text.h"
#include "cli/shortcut.h"
#include "core/file.h"
#include "core/temp_dir.h"
#include "support/fake_world.h"
#include "support/random_spec.h"

#include <cstdlib>
#include <doctest/doctest.h>

using namespace hadeploy;
using namespace hadeploy::cli;

namespace {

constexpr unsigned kRounds = 10;
constexpr unsigned kEdits = 16;

/// A project with a random spec and providers in memory.
class RandomProject {
  public:
    explicit RandomProject(unsigned seed) : seed_(seed), random_(seed) {
        fake::add_to(registry_, world_);
        options_.directory = home_.path;
        std::filesystem::create_directory(home_ / "m");
        write_module("");
        write(0);
        apply();
    }
    ~RandomProject() { ::unsetenv("HADEPLOY_VAR_size"); }
    RandomProject(const RandomProject&) = delete;
    RandomProject& operator=(const RandomProject&) = delete;

    /// Changes a random input of a plan, or nothing.
    std::string edit() {
        switch (random_() % 12) {
        case 0: return write(random_() % 4), "another spec";
        case 1: return write(version_, "# a remark\n"), "another text of the same spec";
        case 2: return options_.variables = {"size=" + std::to_string(random_() % 2)}, "--var";
        case 3: return options_.variables.clear(), "no --var";
        case 4:
            ::setenv("HADEPLOY_VAR_size", std::to_string(random_() % 2).c_str(), 1);
            return "a variable in the environment";
        case 5: return write_module(random_() % 2 == 0 ? "" : "# a remark\n"), "a module";
        case 6: return drift(), "drift";
        case 7: {
            const unsigned before = version_;
            write(version_ + 1);
            apply();
            return write(before), "the state";
        }
        case 8:
        case 9: return apply(), "an apply";
        default: return "nothing";
        }
    }

    /// Plans both ways and compares. @returns whether the fast path had an answer
    bool both_ways() const {
        const auto brief = known_unchanged(Project(registry_, options_), {});
        Project project(registry_, options_);
        project.load();
        const auto store = project.open_store(Store::Mode::read_only);
        Events quiet;
        const PlannedRun prepared = read_and_plan(project.plan_source(), *store, {}, quiet);
        const Plan& plan = prepared.plan;
        if (brief) {
            CHECK(said(*brief) == said(plan));
            CHECK(plan.records.empty());
            CHECK(plan.moves.empty());
        }
        const std::string before = note();
        note_unchanged(project, {}, *store, prepared);
        if (note() != before) CHECK(known_unchanged(Project(registry_, options_), {})); // useful
        return brief.has_value();
    }

  private:
    [[nodiscard]] std::string note() const {
        const std::filesystem::path file = home_ / ".hadeploy" / "cache" / "unchanged.json";
        return std::filesystem::exists(file) ? read_file(file) : "";
    }

    static std::string said(const Plan& plan) {
        return plan_json(plan).dump() + "\n" + render_plan(plan, {});
    }

    void write(unsigned version, const std::string& more = {}) {
        version_ = version;
        std::string text = RandomSpec(seed_, version).text();
        const std::string section = "resources:\n";
        if (text.find(section) == text.npos) text += section;
        text.insert(text.find(section) + section.size(),
                    "  note: {type: fake.note, text: \"${var.size}\"}\n");
        text += "variables: {size: {type: string, default: \"1\"}}\n"
                "outputs: {size: \"${var.size}\", token: \"${note.token}\"}\n";
        write_file(home_ / "hadeploy.yaml", text + more);
    }

    void write_module(const std::string& more) {
        write_file(home_ / "m" / "module.yaml", RandomSpec::kModule + more);
    }

    void apply() {
        Project project(registry_, options_);
        project.load();
        const auto store = project.open_store(Store::Mode::read_write);
        store->lock("apply", 0);
        Events quiet;
        const PlannedRun p = read_and_plan(project.plan_source(), *store, {}, quiet);
        const ApplyResult result =
            hadeploy::apply(p.plan, &project.graph(), p.prior, *store, *p.endpoints, p.settings,
                            quiet, store->begin_run("apply", {}), {4, nullptr});
        CHECK(result.ok());
    }

    /// Removes or changes one object.
    void drift() {
        if (world_.objects.empty()) return;
        const auto it =
            std::next(world_.objects.begin(), static_cast<long>(random_() % world_.objects.size()));
        if (it->second.has("running")) {
            it->second = it->second.with("running", false);
        } else if (random_() % 2 == 0) {
            it->second = it->second.with("token", "another");
        } else {
            world_.owners.erase(it->first);
            world_.objects.erase(it);
        }
    }

    TempDir home_;
    unsigned seed_;
    unsigned version_ = 0;
    std::mt19937 random_;
    fake::World world_;
    Registry registry_;
    ProjectOptions options_;
};

} // namespace

TEST_CASE("the fast path of an unchanged project equals the normal path") {
    unsigned brief = 0, long_way = 0;
    for (unsigned seed = first_seed(); seed < first_seed() + kRounds; ++seed) {
        CAPTURE(seed);
        RandomProject project(seed);
        std::string edits;
        for (unsigned i = 0; i < kEdits; ++i) {
            edits += project.edit() + "; ";
            CAPTURE(edits);
            try {
                ++(project.both_ways() ? brief : long_way);
            } catch (const Error& errors) {
                FAIL(errors.message);
            }
        }
    }
    // both paths were taken often
    CHECK(brief > kRounds);
    CHECK(long_way > kRounds);
}
