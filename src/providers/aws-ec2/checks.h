#pragma once

#include "core/error.h"
#include "core/value.h"

#include <string>
#include <string_view>

/// Checks of a config against what AWS documents, before anything is sent. They accept null and
/// unknown values.
namespace hadeploy::aws {

/// What AWS allows in a text besides letters and digits.
struct TextRule {
    const char* noun; ///< "the name of a security group"
    std::size_t most; ///< characters
    std::string_view others;
};
inline constexpr std::string_view kGroupOthers = " ._-:/()#,@[]+=&;{}!$*";

/// Tags of AWS: at most 50, of which hadeploy's own are kOwnTags.
inline constexpr std::size_t kMostTags = 50, kOwnTags = 3;

/// Lower-case letters, digits and dashes: it becomes a part of host names.
bool is_region(std::string_view text);

void check_region(const Value& region, Diagnostics& problems);
/// @param region  "" if it is not known
void check_zone(const Value& zone, const std::string& region, Diagnostics& problems);
/// Keys and values, and their number.
void check_tags(const Value& tags, Diagnostics& problems);
/// @param prefix  "subnet-"
/// @param noun    "a subnet"
void check_id(const Value& id, std::string_view prefix, std::string_view noun,
              Diagnostics& problems);
/// The same of each ID of a list.
void check_ids(const Value& ids, std::string_view prefix, std::string_view noun,
               Diagnostics& problems);
/// @param kind  the beginning of the resource in it: "targetgroup/"
/// @param hint  for example "use ${NAME.id} of an aws.target_group"
void check_arn(const Value& arn, std::string_view service, std::string_view kind,
               std::string_view noun, const char* hint, Diagnostics& problems);
void check_text(const Value& text, const TextRule& rule, Diagnostics& problems);
/// A name that is only looked up, such as that of a profile: no control characters.
void check_plain(const Value& text, std::string_view noun, Diagnostics& problems);
/// The attributes that all types have, and the zone.
void check_common(const Value& config, Diagnostics& problems);

} // namespace hadeploy::aws
