#include "providers/aws-ec2/checks.h"

#include "core/secrecy.h"
#include "core/text.h"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <vector>

namespace hadeploy::aws {

namespace {

constexpr std::size_t kMostKey = 128, kMostValue = 256; ///< characters of a tag

bool is_alphanumeric(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0;
}

bool has_control(std::string_view text) {
    return std::any_of(text.begin(), text.end(),
                       [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

/// The problem of a tag's key; "" if there is none.
std::string key_problem(const std::string& key, const std::string& shown) {
    const std::string lower = lower_case(key);
    if (key.empty()) return "a tag has an empty key";
    if (lower.starts_with("aws:")) return fmt::format("the tag {} is reserved for AWS", shown);
    if (lower.starts_with("hadeploy:"))
        return fmt::format("the tag {} is reserved for hadeploy's own tags", shown);
    if (const std::size_t n = count_characters(key); n > kMostKey)
        return fmt::format("the tag key {} has {} characters (at most {})", shown, n, kMostKey);
    if (has_control(key)) return fmt::format("the tag key {} contains a control character", shown);
    return {};
}

std::string value_problem(const Value& value, const std::string& shown) {
    if (!value.is_string()) return {};
    if (const std::size_t n = count_characters(value.as_string()); n > kMostValue)
        return fmt::format("the value of the tag {} has {} characters (at most {})", shown, n,
                           kMostValue);
    if (has_control(value.as_string()))
        return fmt::format("the value of the tag {} contains a control character", shown);
    return {};
}

} // namespace

bool is_region(std::string_view text) {
    return !text.empty() && text.size() <= 63 && is_alphanumeric(text.front()) &&
           is_alphanumeric(text.back()) && std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
           });
}

void check_region(const Value& region, Diagnostics& problems) {
    if (!region.is_string() || is_region(region.as_string())) return;
    problems.add(fmt::format("{} is not an AWS region", quoted(region)), region.loc())
        .with_hint("for example eu-central-1: lower-case letters, digits and dashes");
}

void check_zone(const Value& zone, const std::string& region, Diagnostics& problems) {
    if (!zone.is_string() || zone.as_string().empty()) return;
    const std::string& text = zone.as_string();
    if (!is_region(text))
        problems.add(fmt::format("{} is not an availability zone", quoted(zone)), zone.loc())
            .with_hint("for example eu-central-1a; the data source `aws.zones` lists them");
    else if (!region.empty() && (text.size() <= region.size() || !text.starts_with(region)))
        problems
            .add(fmt::format("the availability zone {} is not in the region {}", quoted(zone),
                             in_quotes(region)),
                 zone.loc())
            .with_hint("use a zone of the region; the data source `aws.zones` lists them");
}

void check_tags(const Value& tags, Diagnostics& problems) {
    if (!tags.is_map()) return;
    for (const Entry& e : tags.as_map()) {
        const Loc loc = e.value.loc().known() ? e.value.loc() : tags.loc();
        const std::string shown = quoted(tags, e.key, 40);
        std::string problem = key_problem(e.key, shown);
        if (problem.empty()) problem = value_problem(e.value, shown);
        if (problem.empty()) continue;
        Error& error = problems.add(std::move(problem), loc);
        if (const std::string lower = lower_case(e.key);
            lower.starts_with("aws:") || lower.starts_with("hadeploy:"))
            error.hint = "choose a key that does not begin with \"aws:\" or \"hadeploy:\"";
    }
    if (const std::size_t n = tags.as_map().size(); n > kMostTags - kOwnTags)
        problems
            .add(fmt::format("there are {} tags (at most {}: AWS allows {}, of which hadeploy "
                             "uses {})",
                             n, kMostTags - kOwnTags, kMostTags, kOwnTags),
                 tags.loc())
            .with_hint("remove some");
}

void check_id(const Value& id, std::string_view prefix, std::string_view noun,
              Diagnostics& problems) {
    if (!id.is_string() || id.as_string().empty()) return;
    const std::string_view text = id.as_string();
    if (text.starts_with(prefix) && text.size() > prefix.size() &&
        std::all_of(text.begin() + static_cast<std::ptrdiff_t>(prefix.size()), text.end(),
                    is_alphanumeric))
        return;
    problems.add(fmt::format("{} is not the ID of {}", quoted(id), noun), id.loc())
        .with_hint(fmt::format("such an ID begins with {}; to refer to a resource, use "
                               "${{NAME.id}}",
                               prefix));
}

void check_ids(const Value& ids, std::string_view prefix, std::string_view noun,
               Diagnostics& problems) {
    if (!ids.is_list()) return;
    for (const Value& id : ids.as_list()) check_id(id, prefix, noun, problems);
}

void check_arn(const Value& arn, std::string_view service, std::string_view kind,
               std::string_view noun, const char* hint, Diagnostics& problems) {
    if (!arn.is_string()) return;
    // arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE
    std::vector<std::string_view> parts;
    std::string_view rest = arn.as_string();
    for (std::size_t colon = 0; parts.size() < 5 && (colon = rest.find(':')) != rest.npos;) {
        parts.push_back(rest.substr(0, colon));
        rest.remove_prefix(colon + 1);
    }
    if (parts.size() == 5 && parts[0] == "arn" && parts[2] == service && rest.starts_with(kind) &&
        rest.size() > kind.size() && rest.find_first_of(" \t\r\n") == rest.npos)
        return;
    problems.add(fmt::format("{} is not the ARN of {}", quoted(arn), noun), arn.loc())
        .with_hint(hint);
}

void check_text(const Value& text, const TextRule& rule, Diagnostics& problems) {
    if (!text.is_string()) return;
    const std::string& all = text.as_string();
    if (const std::size_t n = count_characters(all); n > rule.most)
        problems.add(fmt::format("{} has {} characters (at most {})", rule.noun, n, rule.most),
                     text.loc());
    const auto wrong = std::find_if(all.begin(), all.end(), [&](char c) {
        return !is_alphanumeric(c) && rule.others.find(c) == rule.others.npos;
    });
    if (wrong == all.end()) return;
    const std::string_view rest(&*wrong, static_cast<std::size_t>(all.end() - wrong));
    problems
        .add(fmt::format("{} contains {}, which AWS does not allow", rule.noun,
                         quoted(text, rest.substr(0, first_code_point(rest).size))),
             text.loc())
        .with_hint(fmt::format("allowed: letters, digits and {}{}",
                               rule.others.starts_with(' ') ? "blanks and " : "",
                               rule.others.substr(rule.others.find_first_not_of(' '))));
}

void check_plain(const Value& text, std::string_view noun, Diagnostics& problems) {
    if (text.is_string() && has_control(text.as_string()))
        problems.add(fmt::format("{} contains a control character", noun), text.loc());
}

void check_common(const Value& config, Diagnostics& problems) {
    check_region(config["region"], problems);
    check_plain(config["profile"], "the profile", problems);
    check_zone(config["availability_zone"],
               is_region(config.text("region")) ? config.text("region") : "", problems);
    check_tags(config["tags"], problems);
}

} // namespace hadeploy::aws
