#include "providers/aws-ec2/ec2_type.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy::aws {

namespace {
constexpr std::size_t kMostValues = 200; ///< per filter
}

std::map<std::string, Item>
Ec2Type::found(Region& region, std::vector<std::string> wanted, const std::string& filter,
               const std::function<std::string(const Item&)>& key) const {
    std::sort(wanted.begin(), wanted.end());
    wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
    std::map<std::string, Item> out;
    for (std::size_t at = 0; at < wanted.size(); at += kMostValues) {
        const auto first = wanted.begin() + static_cast<std::ptrdiff_t>(at);
        const auto last =
            wanted.begin() + static_cast<std::ptrdiff_t>(std::min(at + kMostValues, wanted.size()));
        Params params;
        params.filter(filter, {first, last});
        if (names_.page > 0) params.add("MaxResults", std::to_string(names_.page));
        if (*names_.option != '\0') params.add(names_.option, true);
        region.each(names_.describe, params, names_.set, [&](const pugi::xml_node& item) {
            unfold(item, [&](const pugi::xml_node& one) {
                const Item object(one);
                const std::string its_key = key(object);
                if (object.text(names_.id).empty() || its_key.empty())
                    throw wrong_answer(
                        described_by(),
                        fmt::format("the response has a {} without its ID or its tag {}",
                                    names_.noun, kIdentityTag));
                const auto [place, fresh] = out.emplace(its_key, object);
                // an earlier object, now terminated, can have the same identity
                if (!fresh && is_gone(place->second)) place->second = object;
            });
        });
    }
    return out;
}

std::map<std::string, Item> Ec2Type::by_id(Region& region,
                                           const std::vector<std::string>& ids) const {
    return found(region, ids, names_.id_filter,
                 [&](const Item& item) { return item.text(names_.id); });
}

std::map<std::string, Item> Ec2Type::by_identity(Region& region,
                                                 const std::vector<std::string>& identities) const {
    return found(region, identities, "tag:" + std::string(kIdentityTag),
                 [](const Item& item) { return item.identity(); });
}

Params Ec2Type::creation_tags(const Tags& tags) const {
    Params out;
    specify_tags(out, 1, names_.tagged, tags);
    return out;
}

void Ec2Type::retag(Region& region, const std::string& id, const Tags& set,
                    const std::vector<std::string>& gone) const {
    Params added, dropped;
    added.add("ResourceId.1", id).pairs("Tag", set);
    dropped.add("ResourceId.1", id);
    for (std::size_t i = 0; i < gone.size(); ++i)
        dropped.add(fmt::format("Tag.{}.Key", i + 1), gone[i]);
    if (!set.empty()) region.change("CreateTags", added, true);
    if (!gone.empty()) region.change("DeleteTags", dropped, true);
}

void specify_tags(Params& params, int n, const char* what, const Tags& tags) {
    const std::string prefix = "TagSpecification." + std::to_string(n);
    params.add(prefix + ".ResourceType", std::string(what)).pairs(prefix + ".Tag", tags);
}

} // namespace hadeploy::aws
