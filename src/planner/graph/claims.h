#pragma once

#include "planner/graph/graph.h"
#include "planner/graph/port_clashes.h"
#include "planner/spec/address.h"

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace hadeploy {

/// The claims of a spec's resources: names and addresses that only one resource can have.
class Claims {
  public:
    void add(const Node& node, const Value& config);
    /// The resource that claims this; nullptr if there is none.
    [[nodiscard]] const Node* owner(const std::string& claim) const {
        const auto it = names_.find(claim);
        return it == names_.end() ? nullptr : it->second;
    }
    /// The claims that begin with a prefix, with their resources.
    [[nodiscard]] std::vector<std::pair<std::string, const Node*>>
    within(const std::string& prefix) const {
        std::vector<std::pair<std::string, const Node*>> out;
        for (auto it = names_.lower_bound(prefix);
             it != names_.end() && it->first.starts_with(prefix); ++it)
            out.emplace_back(*it);
        return out;
    }
    /// Adds an error for each claim that two resources have, for each pair of overlapping networks,
    /// for each address outside its network, and for each port that is published twice.
    void check(Diagnostics& diagnostics) const;
    /// Warnings: an even number of voters, a string that looks like a reference, a resource that
    /// does not depend on a resource that it needs.
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
    std::map<std::string, std::size_t> voters_; ///< voters by group
    /// The claims of other resources that a resource needs.
    std::vector<std::pair<const Node*, std::string>> needs_;
    std::vector<Range> ranges_;    ///< networks
    std::vector<Range> addresses_; ///< addresses in the networks
    PortClashes ports_;
};

/// Adds an error for each part (see PartOf) of an object whose resource lists its parts itself, as
/// far as the spec or the ID shows which object that is.
/// @param values  of the nodes, as far as they are known
void check_parts(const Graph& graph, const std::vector<Value>& values, Diagnostics& diagnostics);

} // namespace hadeploy
