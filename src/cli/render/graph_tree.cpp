#include "cli/render/graph_tree.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace hadeploy::cli {

namespace {

constexpr std::size_t kAlone = 24; ///< resources next to each other that need no group
constexpr std::size_t kFewOfType = 3;

/// In ascending order of their effect.
constexpr std::array<std::string_view, 9> kWeights{
    "unchanged", "forget", "adopt", "refresh", "read", "create", "update", "replace", "remove"};

/// The end of the part of an address that begins at `at`, which includes its key.
std::size_t end_of_part(std::string_view address, std::size_t at) {
    for (const std::string_view prefix : {"module.", "data."})
        if (address.substr(at).starts_with(prefix)) at += prefix.size();
    while (at < address.size() && address[at] != '.') {
        const std::string_view close = address.substr(at).starts_with("[\"") ? "\"]" : "]";
        if (address[at] != '[') {
            ++at;
            continue;
        }
        const std::size_t end = address.find(close, at + 2);
        at = end == address.npos ? address.size() : end + close.size();
    }
    return at;
}

/// Builds the tree by names; pointers stay valid while it grows.
struct Branch {
    std::string name = {};
    std::optional<std::size_t> box = {};
    std::vector<std::unique_ptr<Branch>> children = {};
    std::map<std::string, Branch*> by_name = {};

    Branch& child(const std::string& wanted) {
        Branch*& found = by_name[wanted];
        if (found == nullptr) {
            children.push_back(std::make_unique<Branch>());
            found = children.back().get();
            found->name = wanted;
        }
        return *found;
    }
};

bool is_block(const GraphTree& group) {
    return std::all_of(group.children.begin(), group.children.end(), [&](const GraphTree& child) {
        return child.name.starts_with(group.name + "[");
    });
}

/// Groups very many resources next to each other by type.
void group_by_type(const Drawing& drawing, GraphTree& group) {
    std::map<std::string, std::size_t> count;
    std::size_t singles = 0;
    for (const GraphTree& child : group.children)
        if (child.box) ++count[drawing.boxes[*child.box].type], ++singles;
    if (singles <= kAlone) return;
    if (!group.name.empty() && singles == group.children.size() && is_block(group)) return;
    std::vector<GraphTree> rest, made;
    std::map<std::string, std::size_t> place;
    for (GraphTree& child : group.children) {
        const std::string type = child.box ? drawing.boxes[*child.box].type : "";
        if (!child.box || count[type] < kFewOfType) {
            rest.push_back(std::move(child));
            continue;
        }
        const auto [it, fresh] = place.emplace(type, made.size());
        if (fresh)
            made.push_back(
                {.name = group.name.empty() ? type : group.name + ": " + type, .of_type = true});
        made[it->second].children.push_back(std::move(child));
    }
    std::move(made.begin(), made.end(), std::back_inserter(rest));
    group.children = std::move(rest);
}

GraphTree tidy(const Drawing& drawing, const Branch& group) {
    GraphTree out{.name = group.name, .box = group.box};
    for (const auto& child : group.children) {
        GraphTree below = tidy(drawing, *child);
        // a group of one adds nothing
        if (!below.box && below.children.size() == 1) {
            GraphTree only = std::move(below.children.front());
            below = std::move(only);
        }
        out.children.push_back(std::move(below));
    }
    group_by_type(drawing, out);
    return out;
}

void collect_boxes(const GraphTree& tree, std::vector<std::size_t>& out) {
    if (tree.box) out.push_back(*tree.box);
    for (const GraphTree& child : tree.children) collect_boxes(child, out);
}

} // namespace

std::vector<std::string> group_path(std::string_view address) {
    std::vector<std::string> out;
    for (std::size_t at = 0; at < address.size();) {
        const std::size_t end = end_of_part(address, at);
        const std::size_t key = address.substr(0, end).find('[', at);
        if (key != address.npos) out.emplace_back(address.substr(0, key));
        out.emplace_back(address.substr(0, end));
        at = end + 1;
    }
    return out;
}

GraphTree graph_tree(const Drawing& drawing) {
    Branch root;
    for (std::size_t i = 0; i < drawing.boxes.size(); ++i) {
        Branch* at = &root;
        for (const std::string& name : group_path(drawing.boxes[i].address)) at = &at->child(name);
        // two boxes of one address, which no plan has, would lose one of them
        if (at->box) at = &at->child(fmt::format("{} ({})", drawing.boxes[i].address, i));
        at->box = i;
    }
    return tidy(drawing, root);
}

std::vector<std::size_t> GraphTree::boxes() const {
    std::vector<std::size_t> out;
    collect_boxes(*this, out);
    return out;
}

std::string_view heaviest_state(const Drawing& drawing, const std::vector<std::size_t>& boxes) {
    std::size_t most = 0;
    for (const std::size_t box : boxes) {
        const auto found =
            std::find(kWeights.begin(), kWeights.end(), state_of(drawing.boxes[box]));
        if (found != kWeights.end())
            most = std::max(most, static_cast<std::size_t>(found - kWeights.begin()));
    }
    return kWeights[most];
}

} // namespace hadeploy::cli
