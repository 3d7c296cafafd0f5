#include "common/log.h"
#include "common/service.h"
#include "logger/log_file.h"

#include <condition_variable>
#include <mutex>
#include <thread>

namespace {

using namespace hadeploy::svc;

constexpr std::uint16_t kPort = 7001;
constexpr Limits kLimits{.most = 64, .each = 16};

/// Opens the log file once its lock is free, and answers requests from it.
class Logger {
  public:
    explicit Logger(std::string directory)
        : directory_(std::move(directory)), opener_([this] { open_patiently(); }) {}

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

    void open_patiently() {
        std::unique_lock lock(mutex_);
        for (bool told = false; !stopping_; told = true) {
            try {
                file_ = std::make_unique<LogFile>(directory_);
                log_info("ready", {{"last", std::to_string(file_->last())}});
                return;
            } catch (const LogLocked& locked) {
                if (!told) log_info("waiting-for-lock", {{"reason", locked.what()}});
            } catch (const std::exception& error) {
                leave_at_once("log-failed", error.what());
            }
            stop_.wait_for(lock, std::chrono::milliseconds(500), [this] { return stopping_; });
        }
    }

    std::string directory_;
    std::mutex mutex_;
    std::condition_variable stop_;
    bool stopping_ = false;
    std::unique_ptr<LogFile> file_;
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
