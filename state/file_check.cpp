#include "state/file_check.h"

#include "core/file.h"
#include "core/text.h"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace hadeploy::state {

namespace {
struct FileSystem {
    std::int64_t magic;
    std::string_view name;
};

/// From statfs(2) and linux/magic.h: file systems whose locks or syncs end at somebody else's door.
constexpr std::array kNetworkFileSystems{
    FileSystem{0x6969, "NFS"},        FileSystem{0xFF534D42, "CIFS"}, FileSystem{0xFE534D42, "SMB"},
    FileSystem{0x517B, "SMB"},        FileSystem{0x65735546, "FUSE"}, FileSystem{0x01021997, "9P"},
    FileSystem{0x00C36400, "Ceph"},   FileSystem{0x5346414F, "AFS"},  FileSystem{0x6B414653, "AFS"},
    FileSystem{0x0BD00BD0, "Lustre"}, FileSystem{0x73757245, "Coda"},
};
constexpr std::string_view kHeader{"SQLite format 3\0", 16};

std::string shown(const std::filesystem::path& path) {
    return in_quotes(path.string(), 4096);
}
} // namespace

std::optional<std::string_view> network_file_system(std::int64_t magic) {
    for (const FileSystem& fs : kNetworkFileSystems)
        if (fs.magic == (magic & 0xFFFFFFFF)) return fs.name;
    return std::nullopt;
}

void check_directory(const std::filesystem::path& state) {
    const auto above = [](const std::filesystem::path& path) {
        return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
    };
    auto directory = above(state);
    struct statfs info {};
    while (::statfs(directory.c_str(), &info) != 0) {
        if (errno != ENOENT || directory == "." || directory == directory.root_path())
            throw system_error("use the state's directory", directory, ErrorKind::state);
        directory = above(directory);
    }
    if (const auto name = network_file_system(info.f_type))
        throw Error(ErrorKind::state,
                    fmt::format("the state {} is on a network file system ({}), where two writers "
                                "cannot be kept apart",
                                shown(state), *name))
            .with_hint("keep it on a disk of this machine");
}

void check_file(const std::filesystem::path& state) {
    const Fd fd = open_regular(state, ErrorKind::state);
    struct stat info {};
    if (::fstat(fd.get(), &info) != 0) throw system_error("look at", state, ErrorKind::state);
    if (info.st_size == 0)
        throw Error(ErrorKind::state, fmt::format("the state {} is empty (0 bytes)", shown(state)))
            .with_hint(fmt::format("put a backup in its place; if nothing was ever deployed with "
                                   "it: rm {}",
                                   state.string()));
    if ((info.st_mode & 077) != 0)
        throw Error(ErrorKind::state,
                    fmt::format("the state {} is open to other users (mode {:04o}), and may hold "
                                "secrets",
                                shown(state), info.st_mode & 07777u))
            .with_hint(fmt::format("chmod 600 {}", state.string()));
    char header[16] = "";
    const ssize_t n = ::pread(fd.get(), header, sizeof header, 0);
    if (n < 0) throw system_error("read", state, ErrorKind::state);
    if (std::string_view(header, static_cast<std::size_t>(n)) != kHeader)
        throw Error(ErrorKind::state,
                    fmt::format("{} is not a state, or its beginning is damaged", shown(state)))
            .with_hint("put a backup in its place, or choose another file for the state");
}

} // namespace hadeploy::state
