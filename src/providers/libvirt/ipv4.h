#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hadeploy::libvirt {

std::optional<std::uint32_t> parse_ipv4(std::string_view text);
std::string ipv4_text(std::uint32_t address);

/// A range of IPv4 addresses, "10.77.0.0/24".
struct Cidr {
    std::uint32_t base = 0;
    int prefix = 0;

    static std::optional<Cidr> parse(std::string_view text);
    /// From an address within the network and a prefix length or a netmask, as in libvirt's XML.
    static std::optional<Cidr> of(std::string_view address, std::string_view prefix,
                                  std::string_view netmask);

    [[nodiscard]] std::uint32_t last() const { return base | (prefix == 0 ? ~0U : ~mask()); }
    [[nodiscard]] bool contains(std::uint32_t address) const {
        return address >= base && address <= last();
    }
    [[nodiscard]] bool overlaps(const Cidr& other) const {
        return base <= other.last() && other.base <= last();
    }
    [[nodiscard]] std::string text() const {
        return ipv4_text(base) + "/" + std::to_string(prefix);
    }
    /// The first address, which libvirt gives to the host.
    [[nodiscard]] std::uint32_t gateway() const { return base + 1; }

  private:
    [[nodiscard]] std::uint32_t mask() const { return prefix == 0 ? 0U : ~0U << (32 - prefix); }
};

} // namespace hadeploy::libvirt
