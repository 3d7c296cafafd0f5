#include "providers/libvirt/download.h"

#include "core/file.h"
#include "core/hash.h"
#include "core/http.h"
#include "core/secrecy.h"
#include "providers/libvirt/handle.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace hadeploy::libvirt {

namespace fs = std::filesystem;

namespace {

/// The target and the progress of one download.
class Transfer {
  public:
    Transfer(Session& session, const fs::path& target)
        : session_(session), target_(target),
          file_(open(target.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) {
        if (!file_) throw system_error("write", target_);
    }

    /// @return whether it could be written
    bool take(std::string_view piece, std::int64_t total) {
        hash_.update(piece);
        done_ += static_cast<std::int64_t>(piece.size());
        while (!piece.empty()) {
            const ssize_t n = write(file_.get(), piece.data(), piece.size());
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) {
                write_error_ = errno;
                return false;
            }
            piece.remove_prefix(static_cast<std::size_t>(n));
        }
        tell(total);
        return true;
    }

    /// @return the checksum
    std::string finish() {
        if (write_error_ == 0 && fsync(file_.get()) != 0) write_error_ = errno;
        if (write_error_ == 0) return hex(hash_.finish());
        errno = write_error_;
        throw system_error("write", target_);
    }

  private:
    void tell(std::int64_t total) {
        if (total > 0) {
            if (const std::int64_t tenths = done_ * 10 / total; tenths != told_tenths_) {
                told_tenths_ = tenths;
                session_.progress(fmt::format("downloading {} %", tenths * 10));
            }
        } else if (const std::int64_t mib = done_ >> 20; mib >= told_mib_ + 50) {
            told_mib_ = mib;
            session_.progress(fmt::format("downloading, {} MiB so far", mib));
        }
    }

    Session& session_;
    const fs::path& target_;
    Fd file_;
    Sha256 hash_;
    std::int64_t done_ = 0;
    std::int64_t told_tenths_ = -1;
    std::int64_t told_mib_ = 0;
    int write_error_ = 0;
};

std::string fetch(Session& session, const Value& url, const fs::path& target) {
    using End = http::Answer::End;
    Transfer transfer(session, target);
    const http::Answer answer = http::send({
        .url = url.as_string(),
        .secret_url = url.secret(),
        .connect_timeout = std::chrono::seconds(20),
        .most_silence = std::chrono::minutes(1),
        .most_redirects = 30,
        .most_bytes = 0,
        .sink = [&](auto piece, auto total) { return transfer.take(piece, total); },
        .stop = session.context.stop,
    });
    const bool complete = answer.end == End::complete;
    if ((complete && answer.status / 100 == 2) || answer.end == End::sink_refused)
        return transfer.finish();
    std::string why = answer.problem;
    if (complete) why = fmt::format("the server answers {}", answer.status);
    if (answer.end == End::redirected_off) why = "the server redirects too often";
    Error error(ErrorKind::failed,
                fmt::format("cannot download {}: {}", redacted(url, url.as_string()), why));
    if (complete && answer.status < 500)
        throw std::move(error).with_hint("check whether the image has moved");
    throw std::move(error).as_transient();
}

} // namespace

Image download_image(Session& session, const Value& url, const std::string& checksum) {
    const std::string wanted = checksum.substr(checksum.find(':') + 1);
    const fs::path cache = session.context.cache_dir / "downloads";
    const fs::path target = cache / wanted;
    if (fs::exists(target)) { // complete: renamed into place after the check
        session.progress("base image: found in the cache");
        return {target};
    }
    fs::create_directories(cache);
    const fs::path part = cache / fmt::format("{}.{}.part", wanted, getpid());
    struct Remove {
        const fs::path& path;
        ~Remove() {
            std::error_code ignored;
            fs::remove(path, ignored);
        }
    } const remove{part};
    const std::string actual = fetch(session, url, part);
    if (actual != wanted)
        throw Error(ErrorKind::failed,
                    fmt::format("the checksum of {} is wrong", redacted(url, url.as_string())))
            .with_note("expected: sha256:" + wanted)
            .with_note("actual:   sha256:" + actual)
            .with_hint(
                "if the image was updated on purpose, use the new checksum; otherwise do not trust "
                "it");
    fs::rename(part, target);
    return {target};
}

} // namespace hadeploy::libvirt
