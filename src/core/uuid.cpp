#include "core/uuid.h"

#include "core/error.h"
#include "core/hash.h"
#include "core/text.h"

#include <array>
#include <cctype>
#include <openssl/evp.h>

namespace hadeploy {

namespace {
constexpr std::size_t kBytes = 16;

/// Sets the version and the variant in 16 random or hashed bytes and formats them.
std::string format_uuid(std::string bytes, unsigned version) {
    bytes[6] = static_cast<char>((static_cast<unsigned char>(bytes[6]) & 0x0F) | version << 4);
    bytes[8] = static_cast<char>((static_cast<unsigned char>(bytes[8]) & 0x3F) | 0x80);
    std::string out = hex(bytes);
    for (const std::size_t at : {8, 13, 18, 23}) out.insert(at, 1, '-');
    return out;
}

std::string parse_uuid(std::string_view text) {
    std::string digits;
    for (const char c : text)
        if (c != '-') digits += c;
    std::string bytes;
    for (std::size_t i = 0; i < digits.size(); i += 2)
        bytes += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
    return bytes;
}
} // namespace

bool is_uuid(std::string_view text) {
    if (text.size() != 36) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : std::isxdigit(static_cast<unsigned char>(text[i])) == 0)
            return false;
    }
    return true;
}

std::string uuid_v4() {
    return format_uuid(random_bytes(kBytes), 4);
}

std::string uuid_v5(std::string_view name_space, std::string_view name) {
    if (!is_uuid(name_space))
        throw Error(ErrorKind::failed, in_quotes(name_space) + " is not a UUID");
    const std::string input = parse_uuid(name_space).append(name);
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    if (EVP_Digest(input.data(), input.size(), digest.data(), nullptr, EVP_sha1(), nullptr) != 1)
        throw Error(ErrorKind::failed, "OpenSSL does not provide SHA-1");
    return format_uuid({digest.begin(), digest.begin() + kBytes}, 5);
}

} // namespace hadeploy
