#include "providers/aws-ec2/address_range.h"

#include <algorithm>
#include <arpa/inet.h>

namespace hadeploy::aws {

namespace {
bool read_address(std::string_view text, bool v6, unsigned char* bytes) {
    if (text.find('\0') != text.npos) return false;
    return ::inet_pton(v6 ? AF_INET6 : AF_INET, std::string(text).c_str(), bytes) == 1;
}
} // namespace

std::optional<AddressRange> AddressRange::parse(std::string_view text) {
    const std::size_t slash = text.find('/');
    if (slash == text.npos) return std::nullopt;
    AddressRange out;
    out.v6_ = text.find(':') != text.npos;
    const std::string_view digits = text.substr(slash + 1);
    if (digits.empty() || digits.size() > 3 || (digits.size() > 1 && digits[0] == '0') ||
        digits.find_first_not_of("0123456789") != digits.npos)
        return std::nullopt;
    out.length_ = std::stoi(std::string(digits));
    if (out.length_ > (out.v6_ ? 128 : 32) ||
        !read_address(text.substr(0, slash), out.v6_, out.bytes_.data()))
        return std::nullopt;
    for (int bit = out.length_; bit < 128; ++bit)
        out.bytes_[static_cast<std::size_t>(bit / 8)] &=
            static_cast<unsigned char>(~(0x80 >> (bit % 8)));
    return out;
}

std::string AddressRange::text() const {
    std::array<char, INET6_ADDRSTRLEN> shown{};
    ::inet_ntop(v6_ ? AF_INET6 : AF_INET, bytes_.data(), shown.data(), shown.size());
    return std::string(shown.data()) + "/" + std::to_string(length_);
}

bool AddressRange::is_huge() const {
    if (!v6_) return length_ < 8;
    const bool is_private = length_ >= 7 && (bytes_[0] & 0xfe) == 0xfc;
    return length_ < 16 && !is_private;
}

bool is_address(std::string_view text) {
    std::array<unsigned char, 16> bytes{};
    return read_address(text, false, bytes.data()) || read_address(text, true, bytes.data());
}

} // namespace hadeploy::aws
