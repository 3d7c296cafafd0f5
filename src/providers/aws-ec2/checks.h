#pragma once

#include "core/error.h"
#include "core/value.h"

#include <string>
#include <string_view>

/// Checks of a config against the limits that AWS documents, before any request is sent. They
/// accept null and unknown values.
namespace hadeploy::aws {

/// The characters that AWS allows in a string, apart from letters and digits.
struct TextRule {
    const char* noun; ///< "the name of a security group"
    std::size_t most; ///< characters
    std::string_view others;
};
inline constexpr std::string_view kGroupOthers = " ._-:/()#,@[]+=&;{}!$*";

/// AWS allows 50 tags; kOwnTags of them are hadeploy's own.
inline constexpr std::size_t kMostTags = 50, kOwnTags = 3;

/// Lower-case letters, digits and dashes, because a region becomes part of host names.
bool is_region(std::string_view text);

void check_region(const Value& region, Diagnostics& problems);
/// @param region  "" if it is not known
void check_zone(const Value& zone, const std::string& region, Diagnostics& problems);
/// Checks keys and values, and the number of tags.
void check_tags(const Value& tags, Diagnostics& problems);
/// @param prefix  "subnet-"
/// @param noun    "a subnet"
void check_id(const Value& id, std::string_view prefix, std::string_view noun,
              Diagnostics& problems);
/// As check_id(), for each ID of a list.
void check_ids(const Value& ids, std::string_view prefix, std::string_view noun,
               Diagnostics& problems);
/// @param kind  the beginning of the ARN's resource part: "targetgroup/"
/// @param hint  for example "use ${NAME.id} of an aws.target_group"
void check_arn(const Value& arn, std::string_view service, std::string_view kind,
               std::string_view noun, const char* hint, Diagnostics& problems);
void check_text(const Value& text, const TextRule& rule, Diagnostics& problems);
/// Checks a name that is only looked up, such as a profile's: no control characters.
void check_plain(const Value& text, std::string_view noun, Diagnostics& problems);
/// Checks the attributes that all types have, and the availability zone.
void check_common(const Value& config, Diagnostics& problems);

} // namespace hadeploy::aws
