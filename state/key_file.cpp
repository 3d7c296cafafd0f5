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

std::string shown(const std::filesystem::path& file) {
    return in_quotes(file.string(), 4096);
}

bool is_there(const std::filesystem::path& file) {
    struct stat info {};
    return ::lstat(file.c_str(), &info) == 0;
}

std::string new_line() {
    return base64_encode(random_bytes(kKeySize)) + "\n";
}

/// Written whole under another name first, which the next one takes up if this one is killed; the
/// name that counts is given once.
void make_key(const std::filesystem::path& file) {
    const std::filesystem::path fresh = file.string() + ".new";
    write_file(fresh, new_line(), 0600);
    bool placed =
        ::renameat2(AT_FDCWD, fresh.c_str(), AT_FDCWD, file.c_str(), RENAME_NOREPLACE) == 0;
    if (!placed && errno == EINVAL) placed = ::link(fresh.c_str(), file.c_str()) == 0;
    const Error error = system_error("make the key", file, ErrorKind::state);
    ::unlink(fresh.c_str()); // somebody else was faster
    if (!placed && !is_there(file)) throw error;
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
        throw Error(ErrorKind::state,
                    fmt::format("{} holds no key: a key is {} bytes in base64", origin, kKeySize))
            .with_hint("a new one, for a new state: openssl rand -base64 32");
    return key;
}

namespace {
/// A key file's text, where it is as private as it has to be.
std::string read_text(const std::filesystem::path& file) {
    if (!is_there(file))
        throw Error(ErrorKind::state, fmt::format("the state's key {} is missing", shown(file)))
            .with_hint("put it back from a backup, or name another place: HADEPLOY_STATE_KEY_FILE; "
                       "nothing else opens what is secret in the state");
    const Fd fd = open_regular(file, ErrorKind::state);
    struct stat info {};
    if (::fstat(fd.get(), &info) != 0) throw system_error("look at", file, ErrorKind::state);
    if ((info.st_mode & 077) != 0)
        throw Error(ErrorKind::state,
                    fmt::format("the state's key {} is open to other users (mode {:04o})",
                                shown(file), info.st_mode & 07777u))
            .with_hint(fmt::format("chmod 600 {}", file.string()));
    return read_file(file, kMaxFile, ErrorKind::state);
}
} // namespace

std::vector<std::string> read_keys(const std::filesystem::path& file) {
    const std::string origin = "the key file " + shown(file);
    std::vector<std::string> keys;
    std::istringstream lines(read_text(file));
    for (std::string line; std::getline(lines, line);)
        if (!line.empty()) keys.push_back(parse_key(line, origin));
    if (keys.empty()) parse_key("", origin); // says what is missing
    return keys;
}

std::vector<std::string> read_or_make_keys(const std::filesystem::path& file) {
    if (!is_there(file)) make_key(file);
    return read_keys(file);
}

void add_key(const std::filesystem::path& file) {
    (void)read_keys(file); // what is no key file stays as it is
    const std::string all = new_line() + read_text(file);
    if (all.size() > kMaxFile)
        throw Error(ErrorKind::state, fmt::format("the key file {} is full", shown(file)))
            .with_hint("take out the keys at its end that no copy of a state needs any more");
    try {
        rewrite_file(file, all);
    } catch (Error& error) {
        error.kind = ErrorKind::state;
        throw;
    }
}

} // namespace hadeploy::state
