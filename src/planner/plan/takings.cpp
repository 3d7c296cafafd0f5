#include "planner/plan/takings.h"

#include "core/secrecy.h"

#include <algorithm>

namespace hadeploy {

std::vector<Taking> Holders::takings(const Node& node, const Value& config,
                                     const RecordedResource* recorded) {
    const bool has_all = recorded != nullptr && recorded->config == config &&
                         !prior_.unfinished.contains(node.address);
    if (prior_.recorded.empty() || has_all) return {};
    std::vector<Taking> out;
    for (const std::string& claim : node.type->claims(config)) {
        const auto found = by_claim().find(claim);
        if (found == by_claim().end()) continue;
        for (const std::string& holder : found->second)
            if (holder != node.address) out.push_back({0, holder, without_secrets(claim, config)});
    }
    return out;
}

/// The addresses of recorded objects by their recorded and observed claims.
const Holders::Addresses& Holders::by_claim() {
    if (by_claim_) return *by_claim_;
    by_claim_.emplace();
    for (const auto& [address, r] : prior_.recorded) {
        const ResourceType* type = registry_.type(r.type);
        if (type == nullptr) continue;
        std::vector<std::string> claims = type->claims(r.config);
        const auto seen = prior_.observed.find(address);
        if (seen != prior_.observed.end() && seen->second.attributes.is_map())
            for (std::string& claim : type->claims(r.config.with_all(seen->second.attributes)))
                claims.push_back(std::move(claim));
        std::sort(claims.begin(), claims.end());
        claims.erase(std::unique(claims.begin(), claims.end()), claims.end());
        for (std::string& claim : claims) (*by_claim_)[std::move(claim)].push_back(address);
    }
    return *by_claim_;
}

void add_take_overs(const Plan& plan, const std::multimap<std::string, std::string>& take_overs,
                    std::vector<Taking>& takings) {
    if (take_overs.empty()) return;
    for (StepId id = 0; id < plan.steps.size(); ++id) {
        const Step& step = plan.steps[id];
        if (!step.node || step.first_half) continue;
        const auto [begin, end] = take_overs.equal_range(step.address);
        for (auto it = begin; it != end; ++it) takings.push_back({id, it->second, "", true});
    }
}

} // namespace hadeploy
