#pragma once

#include <string>
#include <string_view>

namespace hadeploy {

/// RFC 4122's namespaces: for names that are host names, URLs, ISO object identifiers, and names of
/// an X.500 directory.
inline constexpr std::string_view kUuidNamespaceDns = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
inline constexpr std::string_view kUuidNamespaceUrl = "6ba7b811-9dad-11d1-80b4-00c04fd430c8";
inline constexpr std::string_view kUuidNamespaceOid = "6ba7b812-9dad-11d1-80b4-00c04fd430c8";
inline constexpr std::string_view kUuidNamespaceX500 = "6ba7b814-9dad-11d1-80b4-00c04fd430c8";

/// A random UUID in lower case: "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx".
std::string uuid_v4();

/// The UUID that belongs to a name within a namespace (itself a UUID): always the same for both.
/// @throws Error(failed) when the namespace is no UUID
std::string uuid_v5(std::string_view name_space, std::string_view name);

/// 8-4-4-4-12 hex digits, in either case.
bool is_uuid(std::string_view text);

} // namespace hadeploy
