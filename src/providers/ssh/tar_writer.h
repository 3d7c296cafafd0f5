#pragma once

#include "core/archive.h"
#include "core/new_file.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace hadeploy::ssh::docker {

/// Writes a tar file whose entries have only a name, a mode and content: they belong to root, and
/// their time is 1970. All functions throw Error(failed).
class TarWriter {
  public:
    enum class Format {
        pax, ///< names in the encoding of the locale
        gnu, ///< names of any bytes
    };
    explicit TarWriter(const std::filesystem::path& path, Format format = Format::pax);

    void directory(const std::string& path, unsigned mode = 0755);
    void text(const std::string& path, std::string_view content, unsigned mode = 0644);
    void link(const std::string& path, const std::string& target);
    /// Copies a regular file.
    void copy(const std::string& path, const std::filesystem::path& source, unsigned mode = 0644);
    /// Copies an open file of `size` bytes, and returns the SHA-256 of the copy in hex digits.
    std::string copy(const std::string& path, const Fd& source, std::uint64_t size, unsigned mode);
    /// Copies the current file of an archive, which has `size` bytes.
    void copy(const std::string& path, struct archive* source, std::uint64_t size);
    void finish();

  private:
    using Entry = std::unique_ptr<archive_entry, Freed<archive_entry_free>>;
    static la_ssize_t append(archive*, void* self, const void* data, std::size_t size);
    static Entry entry(const std::string& path, unsigned type, unsigned mode, std::uint64_t size);
    void data(std::string_view bytes);
    void check(int code);

    NewFile file_;
    std::optional<Error> failure_;
    std::unique_ptr<struct archive, Freed<archive_write_free>> writer_;
};

} // namespace hadeploy::ssh::docker
