#include "providers/aws-ec2/elb_type.h"

#include "core/secrecy.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <set>

namespace hadeploy::aws {

namespace {
constexpr std::size_t kMostDescribed = 20; ///< objects of a DescribeTags
constexpr std::size_t kMostName = 32;
constexpr const char* kPageSize = "400";

std::vector<std::string> ids_of(const std::vector<Item>& items, const char* id) {
    std::vector<std::string> out;
    for (const Item& item : items) out.push_back(item.text(id));
    return out;
}

bool is_absent(const ServiceError& error) {
    return error.code.ends_with("NotFound");
}

} // namespace

std::vector<std::string> ElbType::claims(const Value& config) const {
    if (!config["name"].is_string() || config["region"].is_unknown() ||
        config["profile"].is_unknown())
        return {};
    return {fmt::format("aws {} {}{}", names_.noun, config.text("name"), scope_of(config))};
}

void ElbType::check_name(const Value& name, Diagnostics& problems) const {
    const std::string noun = fmt::format("the name of a {}", names_.noun);
    check_text(name, {.noun = noun.c_str(), .most = kMostName, .others = "-"}, problems);
    if (!name.is_string()) return;
    const std::string& text = name.as_string();
    if (text.empty() || text.starts_with('-') || text.ends_with('-') ||
        text.find("--") != text.npos || text.starts_with("internal-"))
        problems.add(fmt::format("{} cannot be {}", quoted(name), noun), name.loc())
            .with_hint("a dash is allowed only between letters and digits; AWS reserves names "
                       "that begin with internal-");
}

std::string ElbType::observed_name(const Item& item, const Value& config) const {
    const std::string actual = item.required(names_.name), wanted = config.text("name");
    return actual == generation_name(wanted, item.identity()) ? wanted : actual;
}

std::vector<Item> ElbType::listed(Region& region, const Params& params) const {
    std::vector<Item> out;
    client(region).each(names_.describe, params, names_.set, [&](const pugi::xml_node& node) {
        out.emplace_back(node);
        if (out.back().text(names_.id).empty())
            throw wrong_answer(described_by(), fmt::format("the response has a {} without its <{}>",
                                                           names_.noun, names_.id));
    });
    return out;
}

/// The objects with their tags, without those that were deleted since they were listed.
std::vector<Item> ElbType::with_tags(Region& region, std::vector<Item> items) const {
    std::vector<Item> out;
    for (std::size_t at = 0; at < items.size(); at += kMostDescribed) {
        const std::size_t end = std::min(at + kMostDescribed, items.size());
        const std::vector<Item> some(items.begin() + static_cast<std::ptrdiff_t>(at),
                                     items.begin() + static_cast<std::ptrdiff_t>(end));
        std::shared_ptr<pugi::xml_document> answer;
        try {
            answer = client(region).call(
                "DescribeTags", Params().list(names_.tagged, ids_of(some, names_.id)), true);
        } catch (const ServiceError& error) {
            if (!is_absent(error)) throw;
            if (some.size() > 1) // one of them was deleted
                for (const Item& item : some)
                    for (Item& one : with_tags(region, {item})) out.push_back(std::move(one));
            continue;
        }
        std::map<std::string, pugi::xml_node> described;
        for (const pugi::xml_node& one :
             result_of(*answer).child("TagDescriptions").children("member"))
            described[one.child_value(names_.owner)] = one;
        for (Item item : some) {
            const auto tags = described.find(item.text(names_.id));
            if (tags == described.end())
                throw wrong_answer(
                    "elasticloadbalancing:DescribeTags",
                    fmt::format("the response has no tags of {}", item.text(names_.id)));
            for (const pugi::xml_node& tag : tags->second.child("Tags").children("member"))
                item.add_tag(tag.child_value("Key"), tag.child_value("Value"));
            out.push_back(std::move(item));
        }
    }
    return out;
}

std::map<std::string, Item> ElbType::by_id(Region& region,
                                           const std::vector<std::string>& ids) const {
    if (ids.empty()) return {};
    std::vector<Item> wanted;
    for (Item& item : listed(region, Params().add("PageSize", std::string(kPageSize))))
        if (std::find(ids.begin(), ids.end(), item.text(names_.id)) != ids.end())
            wanted.push_back(std::move(item));
    std::map<std::string, Item> out;
    for (Item& item : with_tags(region, std::move(wanted))) out.emplace(item.text(names_.id), item);
    return out;
}

std::map<std::string, Item> ElbType::by_identity(Region& region,
                                                 const std::vector<std::string>& identities) const {
    if (identities.empty()) return {};
    const std::set<std::string> wanted(identities.begin(), identities.end());
    std::map<std::string, Item> out;
    for (Item& item :
         with_tags(region, listed(region, Params().add("PageSize", std::string(kPageSize)))))
        if (wanted.contains(item.identity())) out.emplace(item.identity(), item);
    return out;
}

std::optional<Item> ElbType::named(Region& region, const std::string& name) const {
    try {
        const auto items =
            with_tags(region, listed(region, Params().list(names_.looked_up, {name})));
        return items.empty() ? std::nullopt : std::optional(items.front());
    } catch (const ServiceError& error) {
        if (!is_absent(error)) throw;
        return std::nullopt;
    }
}

std::string ElbType::conflict(Region& region, const Value& config) const {
    if (!config["name"].is_string()) return {};
    const auto other = named(region, config.text("name"));
    return other ? fmt::format("the {} {}", names_.noun, other->text(names_.id)) : "";
}

/// Looks for the name first. If an object with this name and the same settings exists, such as the
/// generation that this one replaces, AWS returns that object.
std::string ElbType::create(Region& region, const Change& change, Params tags) const {
    std::string name = change.after.text("name");
    if (const auto other = named(region, name)) {
        if (other->identity() == change.identity) return other->text(names_.id);
        name = generation_name(name, change.identity);
    }
    Params params = std::move(tags);
    params.add(names_.new_name, name);
    specify(region, params, change.after);
    const auto answer = client(region).call(names_.create, params, false);
    if (names_.id == std::string_view(names_.name)) return name;
    return result_of(*answer).child(names_.set).child("member").child_value(names_.id);
}

Params ElbType::creation_tags(const Tags& tags) const {
    return Params().pairs("Tags.member", tags);
}

void ElbType::retag(Region& region, const std::string& id, const Tags& set,
                    const std::vector<std::string>& gone) const {
    if (!set.empty())
        client(region).call("AddTags", creation_tags(set).list(names_.tagged, {id}), true);
    if (gone.empty()) return;
    Params params;
    params.list(names_.tagged, {id});
    if (&service == &kElb)
        params.list("TagKeys.member", gone);
    else
        for (std::size_t i = 0; i < gone.size(); ++i)
            params.add(fmt::format("Tags.member.{}.Key", i + 1), gone[i]);
    client(region).call("RemoveTags", params, true);
}

std::vector<std::string> members_of(const pugi::xml_node& list, const char* element) {
    std::vector<std::string> out;
    for (const pugi::xml_node& member : list.children("member"))
        out.emplace_back(element == nullptr ? member.child_value() : member.child_value(element));
    return out;
}

std::map<std::string, std::string> elb_attributes(Region& region, const char* action,
                                                  const char* parameter, const std::string& id) {
    const auto answer = region.elb().call(action, Params().add(parameter, id), true);
    const pugi::xml_node list = result_of(*answer).child("Attributes");
    if (!list)
        throw wrong_answer(fmt::format("{}:{}", kElb.name, action),
                           "the response has no <Attributes>");
    std::map<std::string, std::string> out;
    for (const pugi::xml_node& one : list.children("member"))
        out[one.child_value("Key")] = one.child_value("Value");
    return out;
}

void set_elb_attributes(Region& region, const char* action, const char* parameter,
                        const std::string& id, const std::map<std::string, std::string>& values) {
    if (values.empty()) return;
    Params params;
    params.add(parameter, id).pairs("Attributes.member", values);
    region.elb().call(action, params, true);
}

std::string in_seconds(const Value& duration) {
    return std::to_string(duration.as_integer() / 1000);
}

Value from_seconds(const std::string& seconds) {
    return seconds.empty() ? Value() : Value(to_number(seconds) * 1000);
}

void check_seconds(const Value& duration, const char* noun, Diagnostics& problems) {
    if (duration.is_integer() && duration.as_integer() % 1000 != 0)
        problems.add(fmt::format("{} is not a whole number of seconds", noun), duration.loc())
            .with_hint("AWS allows only whole seconds");
}

} // namespace hadeploy::aws
