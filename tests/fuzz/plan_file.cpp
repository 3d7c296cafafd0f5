// Reads any bytes as a saved plan, and makes the plan again for a project without a state. An input
// that begins with "{" is the body of a plan, which is sealed here like `plan --out`; any other one
// is the whole file.
#include "fuzz.h"

#include "cli/plan_file.h"
#include "cli/registry.h"
#include "core/file.h"
#include "core/value_json.h"

using namespace hadeploy;
using namespace hadeploy::fuzz;

namespace {

const KeySource kSource{.key = kKey};

/// A directory with the plan of an empty project, saved by the real code.
struct Lab {
    Lab() {
        ::setenv("HADEPLOY_STATE_KEY", kKey, 1);
        cli::register_all(registry);
        cli::Project project(registry, {});
        project.load_from([](const auto&) { return std::string("name: demo\n"); }, {},
                          Value::map({}));
        store = Store::open(directory / "state.db", Store::Mode::read_only, "", kSource);
        cli::save_plan(file, project, {},
                       plan_from_observations(project.plan_source(), *store, {}, {}));
        const std::string saved = read_file(file);
        header = saved.substr(0, saved.find('\n'));
        cipher = Cipher::load(from_json(header).text("key_lock"), kSource, "the plan");
    }
    Directory directory;
    std::filesystem::path file = directory / "plan";
    Registry registry;
    std::unique_ptr<Store> store;
    std::string header;
    Cipher cipher = Cipher::for_memory();
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static Lab lab;
    const std::string_view input = Input(data, size).rest();
    write_file(lab.file, input.starts_with('{')
                             ? lab.header + "\n" + lab.cipher.seal(input, lab.header) + "\n"
                             : std::string(input));
    try {
        const cli::PlanFile plan = cli::load_plan(lab.file, kSource);
        cli::Project project(lab.registry, {});
        (void)cli::restore_plan(plan, project, *lab.store);
    } catch (const Error&) { // reported errors are fine
    }
    return 0;
}
