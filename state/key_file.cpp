#include "state/key_file.h"

#include "core/file.h"
#include "core/hash.h"
#include "core/text.h"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <fmt/format.h>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

namespace hadeploy::state {

namespace {
constexpr std::size_t kMaxFile = 64 << 10;

std::string quoted_file(const std::filesystem::path& file) {
    return in_quotes(file.string(), 4096);
}

bool key_file_exists(const std::filesystem::path& file) {
    struct stat info {};
    return ::lstat(file.c_str(), &info) == 0;
}

std::string new_line() {
    return base64_encode(random_bytes(kKeySize)) + "\n";
}

/// Writes the key under a temporary name, which the next process reuses if this one is killed. Then
/// renames it without replacing an existing file.
void make_key(const std::filesystem::path& file) {
    const std::filesystem::path fresh = file.string() + ".new";
    write_file(fresh, new_line(), 0600);
    bool placed =
        ::renameat2(AT_FDCWD, fresh.c_str(), AT_FDCWD, file.c_str(), RENAME_NOREPLACE) == 0;
    if (!placed && errno == EINVAL) placed = ::link(fresh.c_str(), file.c_str()) == 0;
    const Error error = system_error("create the key", file, ErrorKind::state);
    ::unlink(fresh.c_str()); // another process was faster
    if (!placed && !key_file_exists(file)) throw error;
    sync_directory(file.has_parent_path() ? file.parent_path() : std::filesystem::path("."));
}
} // namespace

std::filesystem::path key_file(const std::filesystem::path& state) {
    return state.string() + ".key";
}

std::string parse_key(std::string_view text, const std::string& origin) {
    std::string key;
    try {
        key = base64_decode(text);
    } catch (const Error&) {
    }
    if (key.size() != kKeySize)
        throw Error(
            ErrorKind::state,
            fmt::format("{} contains no valid key: a key is {} bytes in base64", origin, kKeySize))
            .with_hint("to create one for a new state: openssl rand -base64 32");
    return key;
}

namespace {
/// Reads a key file, which must not be accessible to other users.
std::string read_text(const std::filesystem::path& file) {
    if (!key_file_exists(file))
        throw Error(ErrorKind::state,
                    fmt::format("the state's key {} is missing", quoted_file(file)))
            .with_hint("restore it from a backup, or set HADEPLOY_STATE_KEY to the key, or "
                       "HADEPLOY_STATE_KEY_FILE to its path; without the key, the secrets in the "
                       "state cannot be decrypted");
    const Fd fd = open_regular(file, ErrorKind::state);
    struct stat info {};
    if (::fstat(fd.get(), &info) != 0) throw system_error("examine", file, ErrorKind::state);
    if ((info.st_mode & 077) != 0)
        throw Error(ErrorKind::state,
                    fmt::format("the state's key {} is accessible to other users (mode {:04o})",
                                quoted_file(file), info.st_mode & 07777u))
            .with_hint(fmt::format("chmod 600 {}", file.string()));
    return read_file(file, kMaxFile, ErrorKind::state);
}
} // namespace

std::vector<std::string> parse_keys(const std::string& text, const std::string& origin) {
    std::vector<std::string> keys;
    std::istringstream words(text);
    for (std::string word; words >> word;) keys.push_back(parse_key(word, origin));
    if (keys.empty()) parse_key("", origin); // throws
    return keys;
}

std::vector<std::string> read_keys(const std::filesystem::path& file) {
    const std::string origin = "the key file " + quoted_file(file);
    std::vector<std::string> keys;
    std::istringstream lines(read_text(file));
    for (std::string line; std::getline(lines, line);)
        if (!line.empty()) keys.push_back(parse_key(line, origin));
    if (keys.empty()) parse_key("", origin); // throws
    return keys;
}

std::vector<std::string> read_or_make_keys(const std::filesystem::path& file) {
    if (!key_file_exists(file)) make_key(file);
    return read_keys(file);
}

void add_key(const std::filesystem::path& file) {
    (void)read_keys(file); // throws for a file that is not a key file, which stays unchanged
    const std::string all = new_line() + read_text(file);
    if (all.size() > kMaxFile)
        throw Error(ErrorKind::state, fmt::format("the key file {} is full", quoted_file(file)))
            .with_hint("remove the keys at its end that no copy of the state needs any more");
    try {
        rewrite_file(file, all);
    } catch (Error& error) {
        error.kind = ErrorKind::state;
        throw;
    }
}

} // namespace hadeploy::state
