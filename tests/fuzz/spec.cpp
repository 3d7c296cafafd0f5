// Reads any text as a spec: as YAML, in pieces and as a whole, then loads, expands and plans it as
// a new project. The input is hadeploy.yaml; every module is empty.
#include "fuzz.h"

#include "engine/observe.h"
#include "planner/plan/make_plan.h"
#include "planner/plan/plan.h"
#include "planner/plan/prior_state.h"
#include "planner/spec/load_spec.h"
#include "planner/spec/variables.h"
#include "planner/yaml/yaml.h"
#include "providers/libvirt/libvirt.h"
#include "providers/local/local.h"
#include "providers/ssh/ssh.h"

using namespace hadeploy;
using namespace hadeploy::fuzz;

namespace {

struct Read {
    Value root;
    std::vector<Error> errors;
};

Read read(std::string_view text, std::size_t piece_bytes) {
    Sources sources;
    Diagnostics diagnostics;
    Read out;
    out.root = read_yaml(sources, sources.add("hadeploy.yaml", std::string(text)), diagnostics,
                         piece_bytes);
    out.errors = diagnostics.list();
    return out;
}

/// Checks that a text has the same value however it is split.
void check_pieces(std::string_view text) {
    const Read whole = read(text, text.size() + 1), pieces = read(text, 1);
    require(same(whole.root, pieces.root), "a text in pieces is what the whole is");
    require(whole.errors.size() == pieces.errors.size(), "pieces and whole have as many errors");
    for (std::size_t i = 0; i < whole.errors.size(); ++i) {
        require(whole.errors[i].message == pieces.errors[i].message, "the errors are the same");
        require(whole.errors[i].loc == pieces.errors[i].loc, "the errors' places are the same");
    }
}

const Registry& registry() {
    static const Registry all = [] {
        Registry r;
        libvirt::add_libvirt(r);
        ssh::add_ssh(r);
        local::add_local_types(r);
        return r;
    }();
    return all;
}

void plan(std::string_view text) {
    const FileReader reader = [&](const std::filesystem::path& path) {
        if (path.filename() == kSpecFile) return std::string(text);
        if (path.filename() == kModuleFile) return std::string("outputs: {x: 1}\n");
        throw Error(ErrorKind::spec, "there is no such file");
    };
    Spec spec;
    load_spec(kSpecFile, reader, spec);
    const Value variables = resolve_variables(spec, {});
    const Graph graph(spec, registry(), variables);
    const PriorState nothing{.lineage = "00000000-0000-4000-8000-000000000000"};
    (void)make_plan(graph, nothing, provider_settings(graph));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = Input(data, size).rest();
    check_pieces(text);
    try {
        plan(text);
    } catch (const Error&) { // reported errors are fine
    }
    return 0;
}
