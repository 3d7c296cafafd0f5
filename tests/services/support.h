#pragma once

#include "common/http.h"
#include "common/rpc.h"

#include <filesystem>
#include <map>
#include <string>
#include <sys/types.h>
#include <thread>

namespace hadeploy::svc::test {

/// A directory that is removed at the end of the test.
class TempDir {
  public:
    TempDir();
    ~TempDir();
    std::string path() const { return path_; }
    std::string read(const std::string& name) const;

  private:
    std::string path_;
};

/// A real service on a free port; killed when this object is destroyed.
class Service {
  public:
    /// `environment` is the whole environment, apart from PORT=0 and NODE_NAME=test. With `root`
    /// the program runs in that root directory (chroot) as the images' user, and is /`program`
    /// there.
    Service(const std::string& program, std::map<std::string, std::string> environment,
            const std::string& root = {});
    ~Service();
    Service(const Service&) = delete;
    Service& operator=(const Service&) = delete;

    std::uint16_t port() const { return port_; }
    std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

    void kill_now();         ///< sends SIGKILL and waits
    int stop();              ///< sends SIGTERM and waits; returns the exit code
    int wait();              ///< waits until it ends by itself; returns the exit code
    std::string log() const; ///< the output so far

    Json call(const Json& request); ///< sends one frame and reads one

  private:
    void wait_for_port();
    int reap();

    TempDir directory_;
    pid_t pid_ = -1;
    std::uint16_t port_ = 0;
};

/// Waits until `condition` holds; false after a generous time limit.
bool eventually(const std::function<bool()>& condition);

/// Sends these bytes and returns everything until the peer closes.
std::string converse(std::uint16_t port, const std::string& bytes);

struct Reply {
    int status;
    Json body;
};
Reply post_json(std::uint16_t port, const std::string& path, const Json& body);
Reply get_json(std::uint16_t port, const std::string& path);
std::string get_text(std::uint16_t port, const std::string& path);

/// A fake Docker on a Unix socket: returns the body for each request's target and records the
/// request lines.
class FakeDocker {
  public:
    explicit FakeDocker(std::map<std::string, std::string> bodies);
    ~FakeDocker();
    std::string path() const { return directory_.path() + "/docker.sock"; }
    std::vector<std::string> requests();
    void answer_with(int status) { status_ = status; }

  private:
    void serve();

    TempDir directory_;
    std::map<std::string, std::string> bodies_;
    Socket listener_;
    std::atomic<bool> stopping_ = false;
    std::atomic<int> status_ = 200;
    std::mutex mutex_;
    std::vector<std::string> requests_;
    std::thread thread_;
};

} // namespace hadeploy::svc::test
