#include "providers/aws-ec2/aws_type.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <set>

namespace hadeploy::aws {

namespace {
constexpr std::chrono::seconds kLookAgain{3};
constexpr std::size_t kIdentityPart = 6;
} // namespace

std::string Item::required(const char* path) const {
    std::string out = text(path);
    if (out.empty())
        throw wrong_answer({}, fmt::format("the response has an object without its <{}>", path));
    return out;
}

const char* Item::tag(std::string_view key) const {
    for (const pugi::xml_node& tag : root().child("tagSet").children("item"))
        if (key == tag.child_value("key")) return tag.child_value("value");
    return nullptr;
}

std::string Item::identity() const {
    const char* identity = tag(kIdentityTag);
    return identity == nullptr ? "" : identity;
}

void Item::add(const char* element, const std::string& text) {
    root().append_child(element).text().set(text.c_str());
}

void Item::add_tag(const std::string& key, const std::string& value) {
    pugi::xml_node set = root().child("tagSet");
    if (!set) set = root().append_child("tagSet");
    pugi::xml_node tag = set.append_child("item");
    tag.append_child("key").text().set(key.c_str());
    tag.append_child("value").text().set(value.c_str());
}

std::string scope_of(const Value& config) {
    std::string out;
    if (!config.text("region").empty()) out += " in " + config.text("region");
    if (!config.text("profile").empty()) out += " of the profile " + config.text("profile");
    return out;
}

std::string generation_name(const std::string& name, const std::string& identity,
                            std::size_t most) {
    std::string out = name.substr(0, most - kIdentityPart - 1);
    while (out.ends_with('-')) out.pop_back();
    return fmt::format("{}-{}", out, identity.substr(0, kIdentityPart));
}

std::string AwsType::described_by() const {
    return fmt::format("{}:{}", service.name, names.describe);
}

void wait_until(Region& region, const AwsType& type, const std::string& id, const char* state,
                const std::function<bool(const Item&)>& reached) {
    const auto end = std::chrono::steady_clock::now() + type.limit;
    while (true) {
        const auto there = type.by_id(region, {id});
        if (!there.empty() && reached(there.begin()->second)) return;
        if (std::chrono::steady_clock::now() > end)
            throw Error(ErrorKind::failed,
                        fmt::format("the {} {} did not become {}", type.names.noun, id, state));
        pause_for(kLookAgain, region.stop());
    }
}

void require_zones(Region& region, const Value& subnets, std::size_t least, const char* whose,
                   bool apart) {
    const std::vector<std::string> ids = texts_of(subnets);
    if (ids.empty() || subnets.as_list().size() != ids.size()) return; // not known yet
    std::set<std::string> zones;
    std::size_t shown = 0;
    region.each("DescribeSubnets", Params().filter("subnet-id", ids), "subnetSet",
                [&](const pugi::xml_node& subnet) {
                    ++shown;
                    zones.insert(subnet.child_value("availabilityZone"));
                });
    if (shown < ids.size() || zones.size() >= (apart ? std::max(ids.size(), least) : least)) return;
    throw Error(ErrorKind::failed,
                fmt::format("the subnets of {} are in too few availability zones: {} in {}", whose,
                            ids.size(), fmt::join(zones, ", ")),
                subnets.loc())
        .with_hint(!apart ? "AWS requires at least two availability zones"
                          : fmt::format(
                                "AWS requires each subnet to be in a different availability zone{}",
                                least > 1 ? ", and at least two" : ""));
}

Schema with_common(Schema own, bool tagged, const char* id) {
    Schema out = std::move(own);
    if (tagged)
        out.push_back(
            {.name = "tags",
             .type = map_of(TypeKind::string),
             .doc = "Tags; they override the provider's tags with the same key. Other tags of the "
                    "object are left alone.",
             .default_value = Value::map({})});
    out.push_back({.name = "region",
                   .type = TypeKind::string,
                   .doc = "Region. Default: the provider's region.",
                   .filled = true,
                   .replaces = true});
    out.push_back({.name = "profile",
                   .type = TypeKind::string,
                   .doc = "Profile with the credentials. Default: the provider's credentials.",
                   .operational = true});
    out.push_back(
        {.name = "id", .type = TypeKind::string, .doc = id, .computed = true, .open = true});
    out.push_back({.name = "account",
                   .type = TypeKind::string,
                   .doc = "Account ID.",
                   .computed = true,
                   .open = true});
    return out;
}

std::int64_t to_number(const std::string& digits) {
    return std::strtoll(digits.c_str(), nullptr, 10);
}

std::vector<std::string> texts_of(const Value& list) {
    std::vector<std::string> out;
    if (list.is_list())
        for (const Value& item : list.as_list())
            if (item.is_string()) out.push_back(item.as_string());
    return out;
}

Value set_of_texts(std::vector<std::string> texts) {
    std::sort(texts.begin(), texts.end());
    texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
    return Value::list(Value::List(texts.begin(), texts.end()));
}

Tags wanted_tags(const Region& region, const Value& config) {
    Tags out = region.default_tags();
    if (config["tags"].is_map())
        for (const Entry& e : config["tags"].as_map())
            if (e.value.is_string()) out[e.key] = e.value.as_string();
    if (out.size() > kMostTags - kOwnTags)
        throw Error(ErrorKind::failed,
                    fmt::format("including the provider's, there are {} tags (at most {}: AWS "
                                "allows {}, of which hadeploy uses {})",
                                out.size(), kMostTags - kOwnTags, kMostTags, kOwnTags),
                    config["tags"].loc())
            .with_hint("remove some");
    return out;
}

Tags all_tags(const Region& region, const Change& change) {
    Tags out = wanted_tags(region, change.after);
    out[std::string(kProjectTag)] = region.context().project;
    out["hadeploy:address"] = change.address;
    out[std::string(kIdentityTag)] = change.identity;
    return out;
}

Value observed_tags(Region& region, const Item& item, const Value& config, const Value& recorded) {
    std::set<std::string> keys;
    Value::Map out;
    const auto add = [&](const std::string& key) {
        if (!keys.insert(key).second) return;
        if (const char* value = item.tag(key)) out.push_back({key, Value(value)});
    };
    for (const Value* tags : {&config["tags"], &recorded["tags"]})
        if (tags->is_map())
            for (const Entry& e : tags->as_map()) add(e.key);
    for (const auto& [key, wanted] : region.default_tags()) {
        const char* value = item.tag(key);
        if (keys.contains(key) || (value != nullptr && wanted == value)) continue;
        out.push_back({key, Value(value == nullptr ? "" : value)});
    }
    return Value::map(std::move(out));
}

} // namespace hadeploy::aws
