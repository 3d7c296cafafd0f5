#pragma once

#include "services/support.h"

#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

namespace hadeploy::chaos::test {

/// The demo's real app on loopback. Its database can be killed and started again on the same data,
/// as if it had moved to another node.
class RealApp {
  public:
    RealApp() : logger_("logger", {{"DATA_DIR", data_.path()}}) {
        start_database("0");
        web_ = std::make_unique<svc::test::Service>(
            "web", std::map<std::string, std::string>{{"DATABASE", database_->address()},
                                                      {"REQUEST_TIMEOUT_MS", "200"}});
        wait();
    }

    std::string url() const { return "http://" + web_->address(); }
    void kill_database() { database_->kill_now(); }
    void start_database() { start_database(std::to_string(database_->port())); }
    void wait() {
        if (!svc::test::eventually([&] {
                return svc::test::get_text(web_->port(), "/readyz").find(" 200 ") !=
                       std::string::npos;
            }))
            throw std::runtime_error("the app did not get ready");
    }

  private:
    void start_database(const std::string& port) {
        database_ = std::make_unique<svc::test::Service>(
            "database", std::map<std::string, std::string>{{"DATA_DIR", data_.path()},
                                                           {"LOGGER", logger_.address()},
                                                           {"PORT", port}});
    }

    svc::test::TempDir data_;
    svc::test::Service logger_;
    std::unique_ptr<svc::test::Service> database_, web_;
};

/// A small app with the same API that can be made to misbehave.
class FakeApp {
  public:
    std::atomic<int> forget_each = 0;     ///< forget one of this many acknowledged writes; 0: none
    std::atomic<bool> invent = false;     ///< return a write that was never sent
    std::atomic<bool> fail_reads = false; ///< respond with 503
    std::atomic<bool> cut_writes =
        false; ///< accept a write and close in the middle of the response
    std::atomic<int> delay_ms = 0;
    std::atomic<int> most_at_once = 0; ///< highest number of concurrent requests
    std::function<void(const std::string& id)> on_write = [](const std::string&) {};

    std::string url() const { return "http://127.0.0.1:" + std::to_string(server_.port()); }
    std::set<std::string> ids() {
        const std::lock_guard lock(mutex_);
        return ids_;
    }

    /// Of the last request for the list of writes.
    std::string asked_prefix() {
        const std::lock_guard lock(mutex_);
        return asked_prefix_;
    }

  private:
    svc::HttpResponse handle(const svc::HttpRequest& request) {
        const int now = ++at_once_;
        for (int seen = most_at_once;
             seen < now && !most_at_once.compare_exchange_weak(seen, now);) {
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(delay_ms));
        svc::HttpResponse response = answer(request);
        --at_once_;
        return response;
    }

    svc::HttpResponse answer(const svc::HttpRequest& request) {
        if (request.method == "POST") {
            const std::string id = svc::Json::parse(request.body).at("id");
            on_write(id);
            const std::lock_guard lock(mutex_);
            const bool forget = forget_each > 0 && ++count_ % forget_each == 0;
            if (!forget) ids_.insert(id);
            svc::HttpResponse done = svc::HttpResponse::json(200, "{}");
            if (cut_writes) {
                done.headers["Content-Length"] = "100";
                done.stream = [](svc::Socket&, const std::atomic<bool>&) {};
            }
            return done;
        }
        if (request.path == "/api/writes") {
            const std::lock_guard lock(mutex_);
            asked_prefix_ = request.query.contains("prefix") ? request.query.at("prefix") : "";
            svc::Json list = svc::Json::array();
            for (const std::string& id : ids_)
                if (id.starts_with(asked_prefix_)) list.push_back(id);
            if (invent && !list.empty()) list.push_back(list.front().get<std::string>() + "0000");
            return svc::HttpResponse::json(200, list.dump());
        }
        if (request.path != "/api/entities") return svc::HttpResponse::text(404, "no");
        return svc::HttpResponse::json(fail_reads ? 503 : 200, "{}");
    }

    std::mutex mutex_;
    std::set<std::string> ids_;
    std::string asked_prefix_;
    int count_ = 0;
    std::atomic<int> at_once_ = 0;
    svc::ConnectionServer server_{
        0, {256, 256}, svc::http_handler([this](const svc::HttpRequest& r) { return handle(r); })};
};

} // namespace hadeploy::chaos::test
