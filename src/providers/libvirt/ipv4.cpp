#include "providers/libvirt/ipv4.h"

#include <arpa/inet.h>
#include <bit>
#include <charconv>
#include <fmt/format.h>

namespace hadeploy::libvirt {

std::optional<std::uint32_t> parse_ipv4(std::string_view text) {
    in_addr address = {};
    if (inet_pton(AF_INET, std::string(text).c_str(), &address) != 1) return std::nullopt;
    return ntohl(address.s_addr);
}

std::string ipv4_text(std::uint32_t a) {
    return fmt::format("{}.{}.{}.{}", a >> 24, (a >> 16) & 255, (a >> 8) & 255, a & 255);
}

namespace {
std::optional<Cidr> make(std::optional<std::uint32_t> address, int prefix) {
    if (!address || prefix < 0 || prefix > 32) return std::nullopt;
    const std::uint32_t mask = prefix == 0 ? 0U : ~0U << (32 - prefix);
    return Cidr{*address & mask, prefix};
}

int parse_prefix(std::string_view text) {
    int prefix = -1;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), prefix);
    return error == std::errc{} && end == text.data() + text.size() ? prefix : -1;
}
} // namespace

std::optional<Cidr> Cidr::parse(std::string_view text) {
    const std::size_t slash = text.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    return make(parse_ipv4(text.substr(0, slash)), parse_prefix(text.substr(slash + 1)));
}

std::optional<Cidr> Cidr::of(std::string_view address, std::string_view prefix,
                             std::string_view netmask) {
    if (const auto mask = parse_ipv4(netmask))
        return make(parse_ipv4(address), std::popcount(*mask));
    return make(parse_ipv4(address), parse_prefix(prefix));
}

} // namespace hadeploy::libvirt
