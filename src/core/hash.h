#pragma once

#include <atomic>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace hadeploy {

/// SHA-256 of what is fed to it piece by piece.
class Sha256 {
  public:
    Sha256();
    ~Sha256();
    Sha256(Sha256&&) noexcept;
    Sha256& operator=(Sha256&&) noexcept;
    void update(std::string_view data);
    /// The 32 bytes of the digest. Ends the hash: neither call is allowed after it.
    std::string finish();

  private:
    struct Context;
    std::unique_ptr<Context> context_;
};

/// 64 lower-case hex digits.
std::string sha256_hex(std::string_view data);
/// Set when the user asks to stop while nothing is changed.
inline std::atomic<bool> stop_hashing{false};

/// Of a regular file of any size, without reading it into memory at once.
/// @throws Error(failed), Interrupted once stop_hashing is set
std::string sha256_file(const std::filesystem::path& path);

/// Of one of OpenSSL's digests ("MD5", "SHA1"), for texts whose check sum others ask for.
/// @throws Error(failed) where this OpenSSL does not offer it
std::string digest_hex(const char* algorithm, std::string_view data);

/// Bytes nobody can guess, from the system.
std::string random_bytes(std::size_t count);

/// Lower-case hex digits.
std::string hex(std::string_view bytes);
/// The way back, of digits in either case; nothing when it is something else.
std::optional<std::string> unhex(std::string_view digits);

/// Standard alphabet, padded, in one line.
std::string base64_encode(std::string_view bytes);
/// The way back; line ends and spaces are skipped.
/// @throws Error(failed) when it is not base64
std::string base64_decode(std::string_view text);

} // namespace hadeploy
