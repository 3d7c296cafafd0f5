#pragma once

#include "cli/render/graph.h"

#include <map>
#include <memory>

namespace hadeploy::cli {

/// The boxes of a drawing by module, instance of a module, and block. Groups of one member are left
/// out. If very many resources are next to each other, those of one type form a group.
struct GraphTree {
    std::string name;                       ///< of the module or block, or the address; root: ""
    std::optional<std::size_t> box = {};    ///< of a resource
    bool of_type = false;                   ///< a group of resources that only share their type
    std::vector<GraphTree> children = {};   ///< of a group, in the order of the drawing
    std::vector<std::size_t> boxes() const; ///< all boxes below, or its own
};
GraphTree graph_tree(const Drawing& drawing);

/// The names of all groups that enclose an address, from the outside, and the address itself:
/// `module.a`, `module.a["x"]`, `module.a["x"].web`, `module.a["x"].web[0]`.
std::vector<std::string> group_path(std::string_view address);

/// The state that stands for a group: the one with the greatest effect ("remove", ...).
std::string_view heaviest_state(const Drawing& drawing, const std::vector<std::size_t>& boxes);

} // namespace hadeploy::cli
