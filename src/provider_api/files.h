#pragma once

#include "core/value.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

// Backups of files: additional interfaces of a few resource types and endpoints.
namespace hadeploy {

/// A directory on a machine whose files a backup saves.
struct FilesAt {
    std::string path;
    bool mount_point = false; ///< a file system must be mounted at this path
};

/// A ResourceType whose objects are directories with users' files.
class HoldsFiles {
  public:
    virtual ~HoldsFiles() = default;
    virtual FilesAt files(const Value& attributes) const = 0;
};

/// The location of a compressed tar archive within a local file.
struct Archive {
    std::filesystem::path file;
    std::uint64_t offset = 0, size = 0; ///< bytes
    std::string compression;            ///< the program that unpacks it: "zstd" or "gzip"
};

/// The result of saving files.
struct SavedFiles {
    std::string compression;          ///< as in Archive
    std::int64_t entries = 0;         ///< files, directories and others in the directory
    std::vector<std::string> remarks; ///< files that changed while they were read
};

/// An OpenEndpoint that can save and restore files.
class KeepsFiles {
  public:
    virtual ~KeepsFiles() = default;
    /// Saves the files below a directory with owners, modes, ACLs, extended attributes and links,
    /// as a compressed tar archive, whose bytes are passed to `take` in order.
    /// @throws Error, Interrupted; the bytes that were passed are then useless
    virtual SavedFiles save_files(const FilesAt& from,
                                  const std::function<void(std::string_view)>& take) = 0;
    /// Replaces the contents of a directory by the contents of such an archive. The directory
    /// changes only after the whole archive was unpacked beside it.
    /// @param overwrite  the directory need not be empty
    /// @throws Error, Interrupted
    virtual void restore_files(const FilesAt& to, const Archive& archive, bool overwrite) = 0;
};

} // namespace hadeploy
