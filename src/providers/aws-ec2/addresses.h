#pragma once

#include <string>
#include <string_view>

/// Checks of what comes from the environment, from profiles and from services, and becomes a part
/// of requests.
namespace hadeploy::aws {

/// The fault of a URL of a service, which can follow its source in a message; "" for none.
std::string url_problem(std::string_view url);

/// Whether requests to a URL go over the network without encryption: not those with https, and not
/// those to this machine and to the addresses of the metadata services of EC2, ECS and EKS.
bool leaves_unencrypted(std::string_view url);

/// @param what  the source of the URL, for the message
/// @throws Error(failed) if the URL has a fault, or credentials from it would not be encrypted
void require_safe_url(std::string_view url, std::string_view what, const char* hint);

/// Credentials and tokens become headers, in which a line end would begin another one.
/// @param what  the source for the message, which never shows the value: "AWS_SESSION_TOKEN"
/// @throws Error(failed) unless the text is printable ASCII without blanks
void require_token(std::string_view text, std::string_view what);
/// The same for a text that can contain blanks.
void require_header(std::string_view text, std::string_view what);

} // namespace hadeploy::aws
