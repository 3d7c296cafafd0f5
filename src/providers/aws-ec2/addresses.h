#pragma once

#include <string>
#include <string_view>

/// Checks of values that come from the environment, profiles and services, and become part of
/// requests.
namespace hadeploy::aws {

/// The problem with a service's URL, as the end of a sentence that begins with the source of the
/// URL: "has no host". "" if the URL is valid.
std::string url_problem(std::string_view url);

/// Whether requests to a URL cross the network without encryption. False for https, for this
/// machine, and for the addresses of the metadata services of EC2, ECS and EKS.
bool leaves_unencrypted(std::string_view url);

/// @param what  the source of the URL, for the message
/// @throws Error(failed) if the URL is invalid, or credentials from it would not be encrypted
void require_safe_url(std::string_view url, std::string_view what, const char* hint);

/// Credentials and tokens become headers. A line break in a value would start a new header.
/// @param what  source of the value, "AWS_SESSION_TOKEN"; the message never shows the value itself
/// @throws Error(failed) unless the value is printable ASCII without spaces
void require_token(std::string_view text, std::string_view what);
/// As require_token(), but the value may contain spaces.
void require_header(std::string_view text, std::string_view what);

} // namespace hadeploy::aws
