#include "core/curl.h"
#include "core/file.h"
#include "core/hash.h"
#include "providers/libvirt/handle.h"
#include "providers/libvirt/image.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <memory>
#include <mutex>
#include <unistd.h>

namespace hadeploy::libvirt {

namespace fs = std::filesystem;

namespace {

/// The target and the progress of one download.
struct Transfer {
    Session& session;
    int fd;
    Sha256 hash = {};
    std::int64_t told_percent = -1;
    std::int64_t told_mib = 0;
    int write_error = 0;
};

std::size_t on_data(char* data, std::size_t, std::size_t size, void* user) {
    auto& transfer = *static_cast<Transfer*>(user);
    transfer.hash.update({data, size});
    for (std::size_t done = 0; done < size;) {
        const ssize_t n = write(transfer.fd, data + done, size - done);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            transfer.write_error = errno;
            return 0;
        }
        done += static_cast<std::size_t>(n);
    }
    return size;
}

int on_progress(void* user, curl_off_t total, curl_off_t done, curl_off_t, curl_off_t) {
    auto& transfer = *static_cast<Transfer*>(user);
    if (transfer.session.setting.stop.stop_requested()) return 1;
    if (total > 0) {
        if (const std::int64_t percent = done * 10 / total; percent != transfer.told_percent) {
            transfer.told_percent = percent;
            transfer.session.progress(fmt::format("downloading {} %", percent * 10));
        }
    } else if (const std::int64_t mib = done >> 20; mib >= transfer.told_mib + 50) {
        transfer.told_mib = mib;
        transfer.session.progress(fmt::format("downloading, {} MiB so far", mib));
    }
    return 0;
}

std::string fetch(Session& session, const std::string& url, const fs::path& target) {
    static std::once_flag once;
    std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
    const Fd file(open(target.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!file) throw system_error("write", target);
    Transfer transfer{.session = session, .fd = file.get()};
    const std::unique_ptr<CURL, Freed<curl_easy_cleanup>> curl(curl_easy_init());
    curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
    curl_easy_setopt(curl.get(), CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl.get(), CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl.get(), CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(curl.get(), CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(curl.get(), CURLOPT_CONNECTTIMEOUT, 20L);
    curl_easy_setopt(curl.get(), CURLOPT_LOW_SPEED_LIMIT, 1L); // gives up after a silent minute
    curl_easy_setopt(curl.get(), CURLOPT_LOW_SPEED_TIME, 60L);
    curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl.get(), CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, on_data);
    curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &transfer);
    curl_easy_setopt(curl.get(), CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl.get(), CURLOPT_XFERINFODATA, &transfer);
    const CURLcode result = curl_easy_perform(curl.get());
    session.check_stop();
    if (transfer.write_error != 0) {
        errno = transfer.write_error;
        throw system_error("write", target);
    }
    if (result != CURLE_OK) {
        long status = 0;
        curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
        const bool gone = result == CURLE_HTTP_RETURNED_ERROR && status < 500;
        Error error(ErrorKind::failed,
                    fmt::format("cannot download {}: {}", url,
                                gone ? fmt::format("the server answers {}", status)
                                     : curl_easy_strerror(result)));
        if (gone) throw std::move(error).with_hint("check whether the image has moved");
        throw std::move(error).as_transient();
    }
    if (fsync(file.get()) != 0) throw system_error("write", target);
    return hex(transfer.hash.finish());
}

} // namespace

Image download_image(Session& session, const std::string& url, const std::string& checksum) {
    const std::string wanted = checksum.substr(checksum.find(':') + 1);
    const fs::path cache = session.setting.cache_dir / "downloads";
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
        throw Error(ErrorKind::failed, fmt::format("the checksum of {} is wrong", url))
            .with_note("expected: sha256:" + wanted)
            .with_note("actual:   sha256:" + actual)
            .with_hint(
                "if the image was updated on purpose, use the new checksum; otherwise do not trust "
                "it");
    fs::rename(part, target);
    return {target};
}

} // namespace hadeploy::libvirt
