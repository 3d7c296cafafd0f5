#include "core/hash.h"

#include "core/error.h"
#include "core/file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <unistd.h>

namespace hadeploy {

struct Sha256::Context {
    EVP_MD_CTX* md = EVP_MD_CTX_new();
    Context() {
        if (md == nullptr || EVP_DigestInit_ex(md, EVP_sha256(), nullptr) != 1)
            throw Error(ErrorKind::failed, "OpenSSL does not provide SHA-256");
    }
    ~Context() { EVP_MD_CTX_free(md); }
    Context(const Context&) = delete;
    Context& operator=(const Context&) = delete;
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::string_view data) {
    EVP_DigestUpdate(context_->md, data.data(), data.size());
}

std::string Sha256::finish() {
    std::array<unsigned char, 32> digest{};
    EVP_DigestFinal_ex(context_->md, digest.data(), nullptr);
    return {digest.begin(), digest.end()};
}

std::string sha256_hex(std::string_view data) {
    Sha256 hash;
    hash.update(data);
    return hex(hash.finish());
}

std::string sha256_file(const std::filesystem::path& path) {
    const Fd fd = open_regular(path);
    Sha256 hash;
    std::string buffer(1u << 20, '\0');
    for (;;) {
        if (stop_hashing) throw Interrupted();
        const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) throw system_error("read", path);
        if (n == 0) return hex(hash.finish());
        hash.update({buffer.data(), static_cast<std::size_t>(n)});
    }
}

std::string digest_hex(const char* algorithm, std::string_view data) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    const EVP_MD* md = EVP_get_digestbyname(algorithm);
    if (md == nullptr ||
        EVP_Digest(data.data(), data.size(), digest.data(), &size, md, nullptr) != 1)
        throw Error(ErrorKind::failed, std::string("OpenSSL does not provide ") + algorithm);
    return hex({reinterpret_cast<const char*>(digest.data()), size});
}

std::string random_bytes(std::size_t count) {
    std::string out(count, '\0');
    if (RAND_bytes(reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(count)) != 1)
        throw Error(ErrorKind::failed, "the system provides no random numbers");
    return out;
}

std::string hex(std::string_view bytes) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string out;
    out.reserve(2 * bytes.size());
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        out += kDigits[byte >> 4];
        out += kDigits[byte & 15];
    }
    return out;
}

std::optional<std::string> unhex(std::string_view digits) {
    const auto value = [](char c) {
        if (c >= '0' && c <= '9') return c - '0';
        if (c >= 'a' && c <= 'f') return c - 'a' + 10;
        return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
    };
    if (digits.size() % 2 != 0) return std::nullopt;
    std::string out;
    out.reserve(digits.size() / 2);
    for (std::size_t i = 0; i < digits.size(); i += 2) {
        const int high = value(digits[i]), low = value(digits[i + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        out += static_cast<char>(high * 16 + low);
    }
    return out;
}

std::string base64_encode(std::string_view bytes) {
    std::string out(4 * ((bytes.size() + 2) / 3) + 1, '\0'); // OpenSSL appends a NUL
    const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                     reinterpret_cast<const unsigned char*>(bytes.data()),
                                     static_cast<int>(bytes.size()));
    out.resize(static_cast<std::size_t>(size));
    return out;
}

std::string base64_decode(std::string_view text) {
    std::string clean;
    std::copy_if(text.begin(), text.end(), std::back_inserter(clean),
                 [](char c) { return c != '\n' && c != '\r' && c != ' '; });
    const std::size_t padding = clean.ends_with("==") ? 2 : clean.ends_with("=") ? 1 : 0;
    const auto first_pad = clean.find('=');
    const bool whole = clean.size() % 4 == 0 &&
                       (first_pad == std::string::npos || first_pad == clean.size() - padding);
    std::string out(clean.size() / 4 * 3, '\0');
    const int size = whole ? EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                             reinterpret_cast<const unsigned char*>(clean.data()),
                                             static_cast<int>(clean.size()))
                           : -1;
    if (size < 0) throw Error(ErrorKind::failed, "the text is not valid base64");
    out.resize(static_cast<std::size_t>(size) - padding);
    return out;
}

} // namespace hadeploy
