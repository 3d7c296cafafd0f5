#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <httplib.h>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace hadeploy::aws::test {

/// A server on loopback that answers each request with the next of some texts, and keeps the
/// requests.
class FakeService {
  public:
    struct Reply {
        int status = 200;
        std::string body;
        std::string date = {};
        bool broken = false; ///< the connection ends without an answer
    };

    FakeService() {
        const auto answer = [this](const httplib::Request& in, httplib::Response& out) {
            const std::lock_guard lock(mutex);
            requests.push_back(in);
            if (replies.empty()) {
                out.status = 404;
                return;
            }
            const Reply reply = replies.front();
            if (replies.size() > 1 || !keep_last) replies.pop_front();
            out.status = reply.status;
            if (!reply.date.empty()) out.set_header("Date", reply.date);
            if (reply.broken) {
                out.set_content_provider(100, "text/xml", [](auto, auto, auto&) { return false; });
                return;
            }
            out.set_content(reply.body, "text/xml");
        };
        server_.Post(".*", answer);
        server_.Get(".*", answer);
        server_.Put(".*", answer);
        port_ = server_.bind_to_any_port("127.0.0.1");
        thread_ = std::thread([this] { server_.listen_after_bind(); });
        while (!server_.is_running()) std::this_thread::yield();
    }
    ~FakeService() {
        server_.stop();
        thread_.join();
    }
    std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
    std::size_t count() {
        const std::lock_guard lock(mutex);
        return requests.size();
    }

    std::mutex mutex;
    std::deque<Reply> replies;
    bool keep_last = false;
    std::vector<httplib::Request> requests;

  private:
    httplib::Server server_;
    int port_ = 0;
    std::thread thread_;
};

/// The environment of a test.
struct Variables {
    std::map<std::string, std::string> all;
    std::function<std::string(const std::string&)> function() {
        return [this](const std::string& name) { return all[name]; };
    }
};

} // namespace hadeploy::aws::test
