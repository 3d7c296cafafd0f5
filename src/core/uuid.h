#pragma once

#include <string>
#include <string_view>

namespace hadeploy {

/// The namespaces of RFC 4122, appendix C, for domain names, URLs, ISO object identifiers and X.500
/// distinguished names.
inline constexpr std::string_view kUuidNamespaceDns = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
inline constexpr std::string_view kUuidNamespaceUrl = "6ba7b811-9dad-11d1-80b4-00c04fd430c8";
inline constexpr std::string_view kUuidNamespaceOid = "6ba7b812-9dad-11d1-80b4-00c04fd430c8";
inline constexpr std::string_view kUuidNamespaceX500 = "6ba7b814-9dad-11d1-80b4-00c04fd430c8";

/// A random UUID (RFC 4122, version 4) in lower case: "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx".
std::string uuid_v4();

/// The UUID (RFC 4122, version 5) of a name within a namespace, which is given as a UUID too.
/// Deterministic.
/// @throws Error(failed) when the namespace is not a UUID
std::string uuid_v5(std::string_view name_space, std::string_view name);

/// Whether the text consists of hex digits, in either case, in the form 8-4-4-4-12.
bool is_uuid(std::string_view text);

} // namespace hadeploy
