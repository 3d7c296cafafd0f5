#pragma once

#include "core/value.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <unistd.h>

/// The function that a fuzzer, or the replay of a corpus, calls for each input. Each target defines
/// it. An input that ends the process is a finding.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace hadeploy::fuzz {

/// Aborts unless a condition holds that must hold for every input.
inline void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "does not hold: %s\n", what);
    std::abort();
}

/// Splits an input.
class Input {
  public:
    Input(const std::uint8_t* data, std::size_t size)
        : rest_(reinterpret_cast<const char*>(data), size) {}
    /// The text before the next `end`, or the whole rest.
    std::string_view until(char end) {
        const std::size_t at = std::min(rest_.find(end), rest_.size());
        const std::string_view part = rest_.substr(0, at);
        rest_.remove_prefix(std::min(at + 1, rest_.size()));
        return part;
    }
    [[nodiscard]] std::string_view rest() const { return rest_; }

  private:
    std::string_view rest_;
};

/// A public key value, so that sealed values in a corpus can be opened: 32 bytes in base64.
inline constexpr const char* kKey = "aGFkZXBsb3kgZnV6emluZyBrZXksIG5vIHNlY3JldCE=";

/// A directory, in memory if possible, for input that can only be read from a file. Removed at the
/// end of the process.
class Directory {
  public:
    Directory() {
        std::string name = std::filesystem::exists("/dev/shm") ? "/dev/shm" : "/tmp";
        name += "/hadeploy-fuzz-XXXXXX";
        require(::mkdtemp(name.data()) != nullptr, "a directory could be made");
        path_ = name;
    }
    ~Directory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;
    std::filesystem::path operator/(const char* name) const { return path_ / name; }
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

/// Whether two values are equal, including source locations, secrets and unknowns.
inline bool same(const Value& a, const Value& b) {
    if (a.kind() != b.kind() || a.secret() != b.secret()) return false;
    if (a.loc() != b.loc()) return false;
    if (a.is_list()) {
        if (a.as_list().size() != b.as_list().size()) return false;
        for (std::size_t i = 0; i < a.as_list().size(); ++i)
            if (!same(a.as_list()[i], b.as_list()[i])) return false;
        return true;
    }
    if (!a.is_map()) return a.is_unknown() || a == b;
    if (a.as_map().size() != b.as_map().size()) return false;
    for (std::size_t i = 0; i < a.as_map().size(); ++i) {
        const Entry &x = a.as_map()[i], &y = b.as_map()[i];
        if (x.key != y.key || x.loc != y.loc || !same(x.value, y.value)) return false;
    }
    return true;
}

} // namespace hadeploy::fuzz
