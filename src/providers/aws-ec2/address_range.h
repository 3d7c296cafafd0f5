#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hadeploy::aws {

/// A range of IPv4 or IPv6 addresses, "10.20.0.0/16" or "2001:db8::/32".
class AddressRange {
  public:
    /// nullopt for anything else. Bits beyond the length are dropped, as EC2 drops them.
    static std::optional<AddressRange> parse(std::string_view text);

    [[nodiscard]] bool is_v6() const { return v6_; }
    [[nodiscard]] int length() const { return length_; }
    /// In the spelling that EC2 returns.
    [[nodiscard]] std::string text() const;
    /// Whether the range is larger than any single owner's network: larger than an IPv4 /8, or than
    /// an IPv6 /16 outside the private range fc00::/7.
    [[nodiscard]] bool is_huge() const;

  private:
    std::array<unsigned char, 16> bytes_{};
    int length_ = 0;
    bool v6_ = false;
};

/// Whether the string is an IPv4 or IPv6 address.
bool is_address(std::string_view text);

} // namespace hadeploy::aws
