#include "providers/ssh/image_reference.h"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>

namespace hadeploy::ssh::docker {

namespace {

constexpr std::string_view kLowerAndDigits = "abcdefghijklmnopqrstuvwxyz0123456789";
constexpr std::string_view kDigestPrefix = "sha256:";
constexpr std::size_t kLongestTag = 128;

bool is_tag_start(unsigned char c) {
    return std::isalnum(c) != 0 || c == '_';
}

bool is_tag(std::string_view text) {
    return !text.empty() && text.size() <= kLongestTag &&
           is_tag_start(static_cast<unsigned char>(text[0])) &&
           std::all_of(text.begin(), text.end(),
                       [](unsigned char c) { return is_tag_start(c) || c == '.' || c == '-'; });
}

bool is_digest(std::string_view text) {
    return text.starts_with(kDigestPrefix) && text.size() == kDigestPrefix.size() + 64 &&
           text.find_first_not_of("0123456789abcdef", kDigestPrefix.size()) == text.npos;
}

/// Whether the part of a name before the first slash is a server.
bool names_a_server(std::string_view text) {
    return text == "localhost" || text.find_first_of(".:") != text.npos;
}

} // namespace

bool is_image_name(std::string_view text) {
    while (!text.empty()) {
        text.remove_prefix(std::min(text.find_first_not_of(kLowerAndDigits), text.size()));
        if (text.empty()) return true;
        const std::string_view separator = text.substr(0, text.find_first_of(kLowerAndDigits));
        if (separator != "." && separator != "_" && separator != "__" &&
            separator.find_first_not_of('-') != separator.npos)
            return false;
        text.remove_prefix(separator.size());
    }
    return false; // it is empty, or ends with a separator
}

bool is_registry(std::string_view text) {
    const std::size_t colon = text.find(':');
    const std::string_view host = text.substr(0, colon);
    if (host.empty() || !std::all_of(host.begin(), host.end(), [](unsigned char c) {
            return std::isalnum(c) != 0 || c == '.' || c == '-';
        }))
        return false;
    if (colon == text.npos) return names_a_server(host);
    const std::string_view port = text.substr(colon + 1);
    return !port.empty() && port.size() <= 5 && port.find_first_not_of("0123456789") == port.npos;
}

std::optional<ImageReference> parse_reference(std::string_view text) {
    ImageReference out{.server = std::string(kDockerHub)};
    if (const std::size_t at = text.find('@'); at != text.npos) {
        out.digest = text.substr(at + 1);
        if (!is_digest(out.digest)) return std::nullopt;
        text = text.substr(0, at);
    }
    const std::size_t slash = text.rfind('/');
    if (const std::size_t colon = text.rfind(':');
        colon != text.npos && (slash == text.npos || colon > slash)) {
        out.tag = text.substr(colon + 1);
        if (!is_tag(out.tag)) return std::nullopt;
        text = text.substr(0, colon);
    }
    if (const std::size_t first = text.find('/');
        first != text.npos && names_a_server(text.substr(0, first))) {
        out.server = text.substr(0, first);
        if (!is_registry(out.server)) return std::nullopt;
        text = text.substr(first + 1);
    }
    for (;;) {
        const std::size_t end = text.find('/');
        if (!is_image_name(text.substr(0, end))) return std::nullopt;
        if (end == text.npos) return out;
        text = text.substr(end + 1);
    }
}

std::string claim_of_login(std::string_view server, std::string_view place) {
    return fmt::format("login to {} on {}", server, place);
}

} // namespace hadeploy::ssh::docker
