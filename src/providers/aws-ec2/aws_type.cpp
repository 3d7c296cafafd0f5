#include "providers/aws-ec2/aws_type.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace hadeploy::aws {

namespace {
constexpr std::size_t kMostValues = 200; ///< of a filter
constexpr std::chrono::seconds kLookAgain{3};

std::map<std::string, Item> described(Region& region, const AwsType& type,
                                      std::vector<std::string> wanted, const std::string& filter,
                                      const std::function<std::string(const Item&)>& key) {
    std::sort(wanted.begin(), wanted.end());
    wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
    std::map<std::string, Item> out;
    for (std::size_t at = 0; at < wanted.size(); at += kMostValues) {
        const auto first = wanted.begin() + static_cast<std::ptrdiff_t>(at);
        const auto last =
            wanted.begin() + static_cast<std::ptrdiff_t>(std::min(at + kMostValues, wanted.size()));
        Params params;
        params.filter(filter, {first, last});
        if (type.names.page > 0) params.add("MaxResults", std::to_string(type.names.page));
        if (*type.names.option != '\0') params.add(type.names.option, true);
        region.each(type.names.describe, params, type.names.set, [&](const pugi::xml_node& item) {
            type.unfold(item, [&](const pugi::xml_node& one) {
                const Item object(one);
                const std::string its_key = key(object);
                if (object.text(type.names.id).empty() || its_key.empty())
                    throw wrong_answer(
                        fmt::format("ec2:{}", type.names.describe),
                        fmt::format("the answer has a {} without its ID or its tag {}",
                                    type.names.noun, kIdentityTag));
                const auto [place, fresh] = out.emplace(its_key, object);
                // an identity can have an earlier object, which has ended
                if (!fresh && type.is_gone(place->second)) place->second = object;
            });
        });
    }
    return out;
}
} // namespace

std::string Item::required(const char* path) const {
    std::string out = text(path);
    if (out.empty())
        throw wrong_answer({}, fmt::format("the answer has an object without its <{}>", path));
    return out;
}

const char* Item::tag(std::string_view key) const {
    for (const pugi::xml_node& tag : root().child("tagSet").children("item"))
        if (key == tag.child_value("key")) return tag.child_value("value");
    return nullptr;
}

std::map<std::string, Item> describe(Region& region, const AwsType& type,
                                     const std::vector<std::string>& ids) {
    return described(region, type, ids, type.names.id_filter,
                     [&](const Item& item) { return item.text(type.names.id); });
}

std::map<std::string, Item> describe_own(Region& region, const AwsType& type,
                                         const std::vector<std::string>& identities) {
    return described(region, type, identities, "tag:" + std::string(kIdentityTag),
                     [&](const Item& item) {
                         const char* identity = item.tag(kIdentityTag);
                         return std::string(identity == nullptr ? "" : identity);
                     });
}

void wait_until(Region& region, const AwsType& type, const std::string& id, const char* state,
                const std::function<bool(const Item&)>& reached) {
    const auto end = std::chrono::steady_clock::now() + type.limit;
    while (true) {
        const auto there = describe(region, type, {id});
        if (!there.empty() && reached(there.begin()->second)) return;
        if (std::chrono::steady_clock::now() > end)
            throw Error(ErrorKind::failed,
                        fmt::format("the {} {} did not become {}", type.names.noun, id, state));
        pause_for(kLookAgain, region.stop());
    }
}

Schema with_common(Schema own, bool tagged) {
    Schema out = std::move(own);
    if (tagged)
        out.push_back(
            {.name = "tags",
             .type = map_of(TypeKind::string),
             .doc = "Tags, over those of the provider. Other tags of the object are left.",
             .default_value = Value::map({})});
    out.push_back({.name = "region",
                   .type = TypeKind::string,
                   .doc = "Region, if it is not the provider's.",
                   .filled = true,
                   .replaces = true});
    out.push_back({.name = "profile",
                   .type = TypeKind::string,
                   .doc = "Profile with the credentials, if it is not the provider's.",
                   .operational = true});
    out.push_back(
        {.name = "id", .type = TypeKind::string, .doc = "ID.", .computed = true, .open = true});
    out.push_back({.name = "account",
                   .type = TypeKind::string,
                   .doc = "Number of the account.",
                   .computed = true,
                   .open = true});
    return out;
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

std::map<std::string, std::string> wanted_tags(const Region& region, const Value& config) {
    std::map<std::string, std::string> out = region.default_tags();
    if (config["tags"].is_map())
        for (const Entry& e : config["tags"].as_map())
            if (e.value.is_string()) out[e.key] = e.value.as_string();
    if (out.size() > kMostTags - kOwnTags)
        throw Error(ErrorKind::failed,
                    fmt::format("with those of the provider there are {} tags (at most {}: AWS "
                                "allows {}, and hadeploy adds {})",
                                out.size(), kMostTags - kOwnTags, kMostTags, kOwnTags),
                    config["tags"].loc())
            .with_hint("remove some");
    return out;
}

std::map<std::string, std::string> all_tags(const Region& region, const Change& change) {
    std::map<std::string, std::string> out = wanted_tags(region, change.after);
    out["hadeploy:project"] = region.context().project;
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

void specify_tags(Params& params, int n, const char* what,
                  const std::map<std::string, std::string>& tags) {
    const std::string prefix = "TagSpecification." + std::to_string(n);
    params.add(prefix + ".ResourceType", std::string(what));
    int number = 0;
    for (const auto& [key, value] : tags) {
        const std::string tag = prefix + ".Tag." + std::to_string(++number);
        params.add(tag + ".Key", key).add(tag + ".Value", value);
    }
}

} // namespace hadeploy::aws
