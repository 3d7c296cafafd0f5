#pragma once

#include <atomic>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace hadeploy {

/// Incremental SHA-256 (FIPS 180-4).
class Sha256 {
  public:
    Sha256();
    ~Sha256();
    Sha256(Sha256&&) noexcept;
    Sha256& operator=(Sha256&&) noexcept;
    void update(std::string_view data);
    /// Returns the 32 bytes of the digest. No member function may be called afterwards.
    std::string finish();

  private:
    struct Context;
    std::unique_ptr<Context> context_;
};

/// The SHA-256 digest as 64 lower-case hex digits.
std::string sha256_hex(std::string_view data);
/// Makes sha256_file() throw Interrupted. It is set when the user asks to stop and no change is in
/// progress.
inline std::atomic<bool> stop_hashing{false};

/// The SHA-256 digest of a regular file of any size, as 64 lower-case hex digits. Reads the file in
/// blocks.
/// @throws Error(failed), Interrupted once stop_hashing is set
std::string sha256_file(const std::filesystem::path& path);

/// A digest by its OpenSSL name ("MD5", "SHA1"), for checksums that other software requires.
/// @throws Error(failed) when this OpenSSL does not provide it
std::string digest_hex(const char* algorithm, std::string_view data);

/// Cryptographically secure random bytes.
std::string random_bytes(std::size_t count);

/// Encodes bytes as lower-case hex digits.
std::string hex(std::string_view bytes);
/// Decodes hex digits of either case; nullopt for any other text.
std::optional<std::string> unhex(std::string_view digits);

/// Base64 (RFC 4648) in the standard alphabet, padded, on one line.
std::string base64_encode(std::string_view bytes);
/// Decodes base64, ignoring newlines and spaces.
/// @throws Error(failed) when the text is not base64
std::string base64_decode(std::string_view text);

} // namespace hadeploy
