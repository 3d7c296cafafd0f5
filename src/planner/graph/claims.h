#pragma once

#include "planner/graph/graph.h"
#include "planner/spec/address.h"

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace hadeploy {

/// Things that only one resource of a spec can have: real names, addresses.
class Claims {
  public:
    void add(const Node& node, const Value& config);
    /// The resource that claims this; nullptr if there is none.
    [[nodiscard]] const Node* owner(const std::string& claim) const {
        const auto it = names_.find(claim);
        return it == names_.end() ? nullptr : it->second;
    }
    /// The claims that begin with a prefix, with the resources that make them.
    [[nodiscard]] std::vector<std::pair<std::string, const Node*>>
    within(const std::string& prefix) const {
        std::vector<std::pair<std::string, const Node*>> out;
        for (auto it = names_.lower_bound(prefix);
             it != names_.end() && it->first.starts_with(prefix); ++it)
            out.emplace_back(*it);
        return out;
    }
    /// Adds an error for each thing that two resources claim, for networks that overlap, and for
    /// addresses outside their network.
    void check(Diagnostics& diagnostics) const;
    /// Remarks that are not errors: an even number of voters, a text that looks like a reference, a
    /// resource without a dependency on one that it needs.
    [[nodiscard]] std::vector<std::string> remarks(const Graph& graph) const;

  private:
    struct Range {
        const Node* node;
        NetworkUse use;
        Value config;
    };
    void check_ranges(Diagnostics& diagnostics) const;
    void add_unordered(const Graph& graph, std::vector<std::string>& remarks) const;

    std::map<std::string, const Node*> names_;
    std::vector<Error> duplicates_;
    std::map<std::string, std::size_t> voters_; ///< by group
    /// Claims of others that resources need.
    std::vector<std::pair<const Node*, std::string>> needs_;
    std::vector<Range> ranges_;    ///< networks
    std::vector<Range> addresses_; ///< addresses in these networks
};

} // namespace hadeploy
