#include "providers/aws-ec2/addresses.h"

#include "core/error.h"
#include "core/http.h"
#include "core/text.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <fmt/format.h>

namespace hadeploy::aws {

namespace {

bool is_printable(unsigned char c) {
    return c > 0x20 && c < 0x7f;
}

bool has_good_port(std::string_view authority) {
    const std::size_t bracket = authority.find(']');
    const std::size_t colon = authority.find(':', bracket == authority.npos ? 0 : bracket);
    if (colon == authority.npos) return true;
    const std::string_view digits = authority.substr(colon + 1);
    return !digits.empty() && digits.size() <= 5 &&
           digits.find_first_not_of("0123456789") == digits.npos &&
           std::stoi(std::string(digits)) <= 65'535;
}

/// This machine, or an address at which only ECS, EKS or EC2 itself responds.
bool is_near(const std::string& host) {
    constexpr std::array<std::string_view, 7> near{
        "localhost",      "::1",          "169.254.169.254", "169.254.170.2",
        "169.254.170.23", "fd00:ec2::23", "fd00:ec2::254"};
    if (std::find(near.begin(), near.end(), host) != near.end()) return true;
    std::array<unsigned char, 4> bytes{};
    return ::inet_pton(AF_INET, host.c_str(), bytes.data()) == 1 && bytes[0] == 127;
}

} // namespace

std::string url_problem(std::string_view url) {
    const std::string lower = lower_case(url);
    if (!lower.starts_with("http://") && !lower.starts_with("https://"))
        return "does not begin with https:// or http://";
    if (!std::all_of(url.begin(), url.end(), is_printable) || url.find('\\') != url.npos)
        return "contains a character that is not allowed in a URL";
    const std::size_t begin = url.find("://") + 3;
    const std::string_view authority =
        url.substr(begin, std::min(url.find_first_of("/?#", begin), url.size()) - begin);
    if (authority.find('@') != authority.npos) return "contains a user";
    if (http::host_of(url).empty()) return "has no host";
    return has_good_port(authority) ? "" : "has no valid port";
}

bool leaves_unencrypted(std::string_view url) {
    return !lower_case(url).starts_with("https://") && !is_near(lower_case(http::host_of(url)));
}

void require_safe_url(std::string_view url, std::string_view what, const char* hint) {
    if (const std::string problem = url_problem(url); !problem.empty())
        throw Error(ErrorKind::failed, fmt::format("{} {}", what, problem));
    if (leaves_unencrypted(url))
        throw Error(ErrorKind::failed, fmt::format("{} uses http:// with the host {}", what,
                                                   in_quotes(http::authority_of(url))))
            .with_hint(hint);
}

void require_token(std::string_view text, std::string_view what) {
    if (std::all_of(text.begin(), text.end(), is_printable)) return;
    throw Error(ErrorKind::failed,
                fmt::format("{} contains a space, a line break or another character that no "
                            "credentials have",
                            what))
        .with_hint("set it again; in a file from Windows, each line ends with a carriage return");
}

void require_header(std::string_view text, std::string_view what) {
    if (std::none_of(text.begin(), text.end(),
                     [](unsigned char c) { return c < 0x20 || c == 0x7f; }))
        return;
    throw Error(ErrorKind::failed,
                fmt::format("{} contains a line break or another control character", what))
        .with_hint("set it again without a line break");
}

} // namespace hadeploy::aws
