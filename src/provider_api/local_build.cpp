#include "provider_api/local_build.h"

#include "embedded/apt_sources.h"

#include <chrono>
#include <fcntl.h>
#include <sys/file.h>
#include <thread>
#include <utility>

namespace hadeploy {

std::string_view apt_source_functions() {
    return embedded::apt_sources;
}

BuildLock::BuildLock(const std::filesystem::path& path, const Notice& progress,
                     std::stop_token stop)
    : file_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
    if (!file_) throw system_error("open", path);
    bool reported = false;
    while (::flock(file_.get(), LOCK_EX | LOCK_NB) != 0) {
        if (stop.stop_requested()) throw Interrupted();
        if (!std::exchange(reported, true) && progress)
            progress("waiting for a build of the same image that is running");
        std::this_thread::sleep_for(std::chrono::milliseconds(200));
    }
}

} // namespace hadeploy
