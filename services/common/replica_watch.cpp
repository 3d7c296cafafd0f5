#include "common/replica_watch.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <sys/xattr.h>
#include <utility>

namespace hadeploy::svc {
namespace {

constexpr std::string_view kReplica = "<POSIX(";

/// A volume of this size is healed within the first ones, a large one within the last.
constexpr std::array<std::chrono::seconds, 5> kPauses{
    std::chrono::seconds(10), std::chrono::seconds(20), std::chrono::seconds(60),
    std::chrono::seconds(240), std::chrono::seconds(600)};

} // namespace

// A Gluster volume lists each replica as "<POSIX(…) …>".
std::size_t reachable_replicas(const std::string& path) {
    std::array<char, 4096> text{};
    const ssize_t size = ::getxattr(path.c_str(), "glusterfs.pathinfo", text.data(), text.size());
    const std::string_view info(text.data(), size < 0 ? 0 : static_cast<std::size_t>(size));
    std::size_t count = 0;
    for (auto at = info.find(kReplica); at != info.npos; at = info.find(kReplica, at + 1)) ++count;
    return count;
}

ReplicaWatch::ReplicaWatch(std::function<std::size_t()> replicas, Deadline now)
    : replicas_(std::move(replicas)), last_(replicas_()), check_(now + kInterval) {
    plan(0, now);
}

bool ReplicaWatch::is_due(Deadline now) {
    if (now < check_) return false;
    check_ = now + kInterval;
    const std::size_t before = std::exchange(last_, replicas_());
    if (last_ > before) {
        plan(0, now);
        return true;
    }
    if (last_ == 0 || now < reopen_) return false;
    plan(attempt_ + 1, now);
    return true;
}

void ReplicaWatch::plan(std::size_t attempt, Deadline now) {
    attempt_ = std::min(attempt, kPauses.size() - 1);
    reopen_ = now + kPauses[attempt_];
}

} // namespace hadeploy::svc
