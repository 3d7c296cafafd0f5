#pragma once

#include "provider_api/files.h"
#include "providers/ssh/pool.h"

#include <functional>
#include <stop_token>
#include <string>
#include <string_view>

namespace hadeploy::ssh {

/// Parses the standard output of scripts/files_save.sh: passes the archive on, in pieces of any
/// size, and keeps the rest. (Frames keeps everything in memory.)
class ArchiveStream {
  public:
    using Take = std::function<void(std::string_view)>;
    ArchiveStream(std::string_view boundary, Take take);
    void feed(std::string_view piece);
    /// Whether the last mark has arrived.
    [[nodiscard]] bool complete() const { return part_ == Part::ended; }
    /// Whether the script has begun to send the archive.
    [[nodiscard]] bool started() const { return part_ != Part::noise; }
    [[nodiscard]] const std::string& compression() const { return compression_; }
    /// What the script prints after the archive.
    [[nodiscard]] const std::string& report() const { return report_; }

  private:
    enum class Part { noise, archive, report, ended };
    void pass(std::string_view text);

    const std::string mark_;
    const Take take_;
    Part part_ = Part::noise;
    std::string buffer_; ///< may end with the beginning of a mark
    std::string compression_, report_;
};

/// See KeepsFiles::save_files().
SavedFiles save_files(Pool& pool, const Login& login, const FilesAt& from,
                      const ArchiveStream::Take& take, const std::stop_token& stop);
/// See KeepsFiles::restore_files().
void restore_files(Pool& pool, const Login& login, const FilesAt& to, const Archive& archive,
                   bool overwrite, const std::stop_token& stop);

} // namespace hadeploy::ssh
