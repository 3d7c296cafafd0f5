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

/// From statfs(2) and linux/magic.h: file systems whose locks and syncs depend on another machine.
constexpr std::array kNetworkFileSystems{
    FileSystem{0x6969, "NFS"},        FileSystem{0xFF534D42, "CIFS"}, FileSystem{0xFE534D42, "SMB"},
    FileSystem{0x517B, "SMB"},        FileSystem{0x65735546, "FUSE"}, FileSystem{0x01021997, "9P"},
    FileSystem{0x00C36400, "Ceph"},   FileSystem{0x5346414F, "AFS"},  FileSystem{0x6B414653, "AFS"},
    FileSystem{0x0BD00BD0, "Lustre"}, FileSystem{0x73757245, "Coda"},
};
constexpr std::string_view kHeader{"SQLite format 3\0", 16};

std::string quoted_path(const std::filesystem::path& path) {
    return in_quotes(path.string(), 4096);
}
} // namespace

std::optional<std::string_view> network_file_system(std::int64_t magic) {
    for (const FileSystem& fs : kNetworkFileSystems)
        if (fs.magic == (magic & 0xFFFFFFFF)) return fs.name;
    return std::nullopt;
}

namespace {
std::filesystem::path above(const std::filesystem::path& path) {
    return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

/// A user who can create files in the state's directory controls what hadeploy reads and writes.
void check_private(const std::filesystem::path& directory) {
    struct stat info {};
    if (::lstat(directory.c_str(), &info) != 0) return; // created later
    const auto error = [&](const std::string& what, std::string hint) {
        return Error(ErrorKind::state,
                     fmt::format("the state's directory {} {}", quoted_path(directory), what))
            .with_hint(std::move(hint));
    };
    if (!S_ISDIR(info.st_mode))
        throw error(fmt::format("is {}", file_type_name(info.st_mode)),
                    S_ISLNK(info.st_mode)
                        ? "replace the link by its target directory: a state belongs to one "
                          "project, and is locked under one name"
                        : "remove or rename it");
    if (info.st_uid != ::geteuid())
        throw error(fmt::format("belongs to another user (uid {})", info.st_uid),
                    fmt::format("run the command as that user; or check that nobody else has "
                                "changed its contents, then take it over: chown -R {} {}",
                                ::geteuid(), directory.string()));
    if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        throw error(
            fmt::format("is writable by other users (mode {:04o})", info.st_mode & 07777u),
            fmt::format("check that nobody else has changed its contents, then run: chmod 700 {}",
                        directory.string()));
}

/// SQLite would follow a link with such a name, and block when it opens a FIFO.
void check_files_beside(const std::filesystem::path& state) {
    for (const char* suffix : {"-journal", "-wal", "-shm", ".lock"}) {
        const std::filesystem::path file = state.string() + suffix;
        struct stat info {};
        if (::lstat(file.c_str(), &info) != 0 || S_ISREG(info.st_mode)) continue;
        throw Error(ErrorKind::state, fmt::format("{} is {}, but the state needs a regular file "
                                                  "there",
                                                  quoted_path(file), file_type_name(info.st_mode)))
            .with_hint(fmt::format("remove it: rm -r {}", file.string()));
    }
}
} // namespace

void check_directory(const std::filesystem::path& state) {
    auto directory = above(state);
    check_private(directory);
    check_files_beside(state);
    struct statfs info {};
    while (::statfs(directory.c_str(), &info) != 0) {
        if (errno != ENOENT || directory == "." || directory == directory.root_path())
            throw system_error("use the state's directory", directory, ErrorKind::state);
        directory = above(directory);
    }
    if (const auto name = network_file_system(info.f_type))
        throw Error(ErrorKind::state,
                    fmt::format("the state {} is on a network file system ({}), where locks cannot "
                                "exclude a second writer",
                                quoted_path(state), *name))
            .with_hint("keep it on a local disk");
}

void check_file(const std::filesystem::path& state) {
    struct stat named {};
    if (::lstat(state.c_str(), &named) == 0 && S_ISLNK(named.st_mode))
        throw Error(ErrorKind::state,
                    fmt::format("the state {} is a symbolic link", quoted_path(state)))
            .with_hint("replace the link by its target file: a state belongs to one project, and "
                       "is locked under one name");
    const Fd fd = open_regular(state, ErrorKind::state);
    struct stat info {};
    if (::fstat(fd.get(), &info) != 0) throw system_error("examine", state, ErrorKind::state);
    if (info.st_size == 0)
        throw Error(ErrorKind::state,
                    fmt::format("the state {} is empty (0 bytes)", quoted_path(state)))
            .with_hint(fmt::format("restore a backup; if nothing was ever deployed with it: "
                                   "rm {}",
                                   state.string()));
    if ((info.st_mode & 077) != 0)
        throw Error(ErrorKind::state,
                    fmt::format("the state {} is accessible to other users (mode {:04o}), and may "
                                "contain secrets",
                                quoted_path(state), info.st_mode & 07777u))
            .with_hint(fmt::format("chmod 600 {}", state.string()));
    char header[16] = "";
    const ssize_t n = ::pread(fd.get(), header, sizeof header, 0);
    if (n < 0) throw system_error("read", state, ErrorKind::state);
    if (std::string_view(header, static_cast<std::size_t>(n)) != kHeader)
        throw Error(ErrorKind::state, fmt::format("{} is not a state, or its beginning is damaged",
                                                  quoted_path(state)))
            .with_hint("restore a backup, or choose a different file for the state");
}

} // namespace hadeploy::state
