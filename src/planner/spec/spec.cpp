#include "planner/spec/spec.h"

#include <algorithm>

namespace hadeploy {

namespace fs = std::filesystem;

namespace {

template<class Block>
const Block* find_block(const std::vector<Block>& blocks, std::string_view name) {
    const auto it = std::lower_bound(blocks.begin(), blocks.end(), name,
                                     [](const Block& b, std::string_view n) { return b.name < n; });
    return it != blocks.end() && it->name == name ? &*it : nullptr;
}

} // namespace

bool AddressPattern::has_keys() const {
    return std::any_of(parts.begin(), parts.end(), [](const Part& p) { return p.key != nullptr; });
}

const Argument* ResourceBlock::attribute(std::string_view called) const {
    return find_block(attributes, called);
}

const Lifecycle& ResourceBlock::lifecycle() const {
    static const Lifecycle none;
    return own_lifecycle ? *own_lifecycle : none;
}

const Variable* Module::variable(std::string_view name) const {
    const auto it = std::find_if(variables.begin(), variables.end(),
                                 [&](const Variable& v) { return v.attribute.name == name; });
    return it == variables.end() ? nullptr : &*it;
}
const Local* Module::local(std::string_view name) const {
    return find_block(locals, name);
}
const ResourceBlock* Module::resource(std::string_view name) const {
    return find_block(resources, name);
}
const ModuleBlock* Module::module(std::string_view name) const {
    return find_block(modules, name);
}
const Output* Module::output(std::string_view name) const {
    return find_block(outputs, name);
}

BaseDirectory Spec::base_directory() const {
    return [this](Loc loc, bool written) {
        if (written) external_inputs->note();
        const fs::path file = sources.path(loc);
        return file.empty() ? fs::current_path() : fs::absolute(file).parent_path();
    };
}

} // namespace hadeploy
