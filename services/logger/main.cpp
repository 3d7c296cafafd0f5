#include "common/log.h"
#include "common/replica_watch.h"
#include "common/service.h"
#include "logger/log_file.h"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

namespace {

using namespace hadeploy::svc;

constexpr std::uint16_t kPort = 7001;
constexpr Limits kLimits{.most = 64, .each = 16};
constexpr auto kLockPause = std::chrono::milliseconds(500);

/// Opens the log file once its lock is free, answers requests from it, and opens it again for
/// replicas of the volume that came back.
class Logger {
  public:
    explicit Logger(std::string directory)
        : directory_(std::move(directory)), opener_([this] { keep_open(); }) {}

    ~Logger() {
        {
            const std::lock_guard lock(mutex_);
            stopping_ = true;
        }
        stop_.notify_all();
        opener_.join();
    }

    Json answer(const Json& request) {
        const std::lock_guard lock(mutex_);
        if (!file_) throw RpcError("starting", "the log file is not open yet");
        const std::string op = request.at("op");
        if (op == "append")
            append(request.at("lines"));
        else if (op != "last" && op != "ping")
            throw RpcError("invalid", "unknown op " + op);
        return {{"ok", true}, {"seq", file_->last()}};
    }

  private:
    void append(const Json& lines) {
        try {
            file_->append(lines);
        } catch (const RpcError&) {
            throw;
        } catch (const Json::exception&) {
            throw;
        } catch (const std::exception& error) {
            leave_at_once("log-failed", error.what());
        }
    }

    void keep_open() {
        std::unique_lock lock(mutex_);
        while (!stopping_) {
            if (file_ && replicas_->is_due(Clock::now())) {
                log_info("reopening", {{"reason", "to write to all replicas of the volume"}});
                file_.reset();
            }
            if (!file_) try_open();
            const auto pause = file_ ? ReplicaWatch::kInterval : kLockPause;
            stop_.wait_for(lock, pause, [this] { return stopping_; });
        }
    }

    void try_open() {
        try {
            file_ = std::make_unique<LogFile>(directory_);
            log_info("ready", {{"last", std::to_string(file_->last())}});
            waits_ = false;
            if (!replicas_)
                replicas_.emplace([this] { return reachable_replicas(directory_); }, Clock::now());
        } catch (const LogLocked& locked) {
            if (!waits_) log_info("waiting-for-lock", {{"reason", locked.what()}});
            waits_ = true;
        } catch (const std::exception& error) {
            leave_at_once("log-failed", error.what());
        }
    }

    std::string directory_;
    std::mutex mutex_;
    std::condition_variable stop_;
    bool stopping_ = false;
    bool waits_ = false; ///< for the lock
    std::unique_ptr<LogFile> file_;
    std::optional<ReplicaWatch> replicas_; ///< since the file was opened for the first time
    std::thread opener_;
};

void run() {
    Logger logger(env_text("DATA_DIR", "/data"));
    ConnectionServer server(env_port("PORT", kPort), kLimits, rpc_handler([&](const Json& request) {
                                return logger.answer(request);
                            }));
    log_info("listening", {{"port", std::to_string(server.port())}});
    wait_for_stop();
    server.finish({}, std::chrono::seconds(5));
}

bool is_healthy() {
    return rpc_ping(env_port("PORT", kPort));
}

} // namespace

int main(int argc, char** argv) {
    return service_main(argc, argv, run, is_healthy);
}
