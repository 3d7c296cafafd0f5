#include "planner/graph/check_making.h"

#include "planner/spec/references.h"

namespace hadeploy {

namespace {
/// Whether the paths are written out, or given by variables of the user: then no resource is known
/// to have to do with them.
bool names_fixed_files(const Node& node) {
    if (!node.block->depends_on.empty()) return false;
    const bool root = node.scope->call == nullptr; // a module may be given what resources made
    for (const Argument& a : node.block->attributes) {
        const Attribute* attribute = find_attribute(node.type->schema, a.name);
        if (attribute == nullptr || attribute->type.kind != TypeKind::local_path) continue;
        for (const Reference& r : references_in(*a.value))
            if (r.name != "path" && !(r.name == "var" && root)) return false;
    }
    return true;
}
} // namespace

void check_making(const Node& node, const Value& config, Problems& problems) {
    if (!names_fixed_files(node)) return;
    Problems found;
    node.type->check_making(config, found);
    for (Error error : found.list()) {
        error.address = node.address;
        if (!error.loc.known()) error.loc = node.block->loc;
        problems.add(std::move(error));
    }
}

} // namespace hadeploy
