#include "providers/aws-ec2/rds_type.h"

#include "core/secrecy.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace hadeploy::aws {

namespace {

constexpr std::size_t kMostListed = 100; ///< objects of a request
constexpr std::size_t kMostGroupName = 255;
constexpr std::chrono::minutes kLongestUse{90}; ///< until a database that uses a group is gone

bool is_missing_in_rds(const ServiceError& error) {
    return error.code.ends_with("NotFound") || error.code.ends_with("NotFoundFault");
}

} // namespace

void check_rds_name(const Value& name, const std::string& noun, std::size_t most,
                    Diagnostics& problems) {
    if (!name.is_string()) return;
    check_text(name, {.noun = noun.c_str(), .most = most, .others = "-"}, problems);
    const std::string& text = name.as_string();
    const bool lower =
        std::none_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
    if (!text.empty() && text[0] >= 'a' && text[0] <= 'z' && lower && !text.ends_with('-') &&
        text.find("--") == text.npos)
        return;
    problems.add(fmt::format("{} cannot be {}", quoted(name), noun), name.loc())
        .with_hint("it begins with a letter, and has lower-case letters, digits and single dashes "
                   "between them");
}

void RdsType::check_name(const Value& name, std::size_t most, Diagnostics& problems) const {
    check_rds_name(name, fmt::format("the name of a {}", names_.noun), most, problems);
}

/// Adds the tags of an object, unless it was listed with its tags; false if the object has
/// disappeared since.
bool RdsType::add_tags(Region& region, Item& item) const {
    pugi::xml_node tags = item.root().child("TagList");
    std::shared_ptr<pugi::xml_document> answer;
    if (*names_.id_filter == '\0') try {
            const char* action = "ListTagsForResource";
            answer = region.rds().call(
                action, Params().add("ResourceName", item.required(names_.arn)), true);
            tags = result_of(*answer).child("TagList");
            if (!tags)
                throw wrong_answer(fmt::format("{}:{}", kRds.name, action),
                                   "the response has no <TagList>");
        } catch (const ServiceError& error) {
            if (!is_missing_in_rds(error)) throw;
            return false;
        }
    std::vector<std::pair<std::string, std::string>> all;
    for (const pugi::xml_node& tag : tags.children("Tag"))
        all.emplace_back(tag.child_value("Key"), tag.child_value("Value"));
    for (const auto& [key, value] : all) item.add_tag(key, value);
    return true;
}

/// The objects with these IDs, or all if there is no filter for them; without their tags.
std::vector<Item> RdsType::listed(Region& region, const std::vector<std::string>& ids) const {
    std::vector<Item> out;
    const bool filtered = *names_.id_filter != '\0' && !ids.empty();
    for (std::size_t at = 0; at == 0 || (filtered && at < ids.size()); at += kMostListed) {
        Params params;
        params.add("MaxRecords", std::to_string(kMostListed));
        if (filtered) {
            const auto first = ids.begin() + static_cast<std::ptrdiff_t>(at);
            const auto last =
                ids.begin() + static_cast<std::ptrdiff_t>(std::min(at + kMostListed, ids.size()));
            params.add("Filters.Filter.1.Name", std::string(names_.id_filter))
                .list("Filters.Filter.1.Values.Value", {first, last});
        }
        region.rds().each(names_.describe, params, names_.set, [&](const pugi::xml_node& node) {
            out.emplace_back(node);
            if (out.back().text(names_.id).empty())
                throw wrong_answer(
                    described_by(),
                    fmt::format("the response has a {} without its <{}>", names_.noun, names_.id));
        });
    }
    return out;
}

std::map<std::string, Item> RdsType::by_id(Region& region,
                                           const std::vector<std::string>& ids) const {
    std::map<std::string, Item> out;
    if (ids.empty()) return out;
    const std::set<std::string> wanted(ids.begin(), ids.end());
    for (Item& item : listed(region, {wanted.begin(), wanted.end()}))
        if (const std::string id = item.text(names_.id);
            wanted.contains(id) && add_tags(region, item))
            out.emplace(id, item);
    return out;
}

std::map<std::string, Item> RdsType::by_identity(Region& region,
                                                 const std::vector<std::string>& identities) const {
    std::map<std::string, Item> out;
    if (identities.empty()) return out;
    const std::set<std::string> wanted(identities.begin(), identities.end());
    for (Item& item : listed(region, {})) {
        if (out.size() == wanted.size()) break;
        if (item.text(names_.id).starts_with("default")) continue; // AWS's own
        if (add_tags(region, item) && wanted.contains(item.identity()))
            out.emplace(item.identity(), item);
    }
    return out;
}

std::optional<Item> RdsType::named(Region& region, const std::string& name) const {
    const auto there = by_id(region, {name});
    return there.empty() ? std::nullopt : std::optional(there.begin()->second);
}

std::string RdsType::create_named(Region& region, const Change& change, Params params,
                                  const std::string& name) const {
    params.add(names_.id, name);
    try {
        region.rds().call(names_.create, params, true);
    } catch (const ServiceError& error) { // created by an attempt whose response was lost
        if (!error.code.ends_with("AlreadyExists")) throw;
        const auto other = named(region, name);
        if (!other || other->identity() != change.identity) throw;
    }
    return name;
}

Params RdsType::creation_tags(const Tags& tags) const {
    return Params().pairs("Tags.Tag", tags);
}

void RdsType::retag(Region& region, const std::string& id, const Tags& set,
                    const std::vector<std::string>& gone) const {
    const auto item = named(region, id);
    if (!item) return; // the next plan finds that it is gone
    const std::string arn = item->required(names_.arn);
    if (!set.empty())
        region.rds().call("AddTagsToResource", creation_tags(set).add("ResourceName", arn), true);
    if (!gone.empty())
        region.rds().call("RemoveTagsFromResource",
                          Params().add("ResourceName", arn).list("TagKeys.member", gone), true);
}

RdsGroup::RdsGroup(RdsNames n) : RdsType(n) {
    create_before_destroy = true;
    removal_limit = kLongestUse;
}

std::vector<std::string> RdsGroup::exclusive(const Value& config) const {
    if (!config["name"].is_string()) return {};
    return {fmt::format("aws {} {}{}", names.noun, config.text("name"), scope_of(config))};
}

std::string RdsGroup::conflict(Region& region, const Value& config) const {
    if (!config["name"].is_string()) return {};
    const auto other = named(region, config.text("name"));
    const char* project = other ? other->tag(kProjectTag) : nullptr;
    if (project != nullptr && region.context().project == project) return {};
    return other ? fmt::format("the {} {}", names.noun, other->text(names.id)) : "";
}

std::string RdsGroup::create(Region& region, const Change& change, Params tags) const {
    std::string name = change.after.text("name");
    if (const auto other = named(region, name)) {
        if (other->identity() == change.identity) return name;
        name = generation_name(name, change.identity, kMostGroupName);
    }
    Params params = std::move(tags);
    specify(region, params, change.after);
    return create_named(region, change, std::move(params), name);
}

std::string RdsGroup::observed_name(const Item& item, const Value& config) const {
    const std::string actual = item.required(names.id), wanted = config.text("name");
    return actual == generation_name(wanted, item.identity(), kMostGroupName) ? wanted : actual;
}

} // namespace hadeploy::aws
