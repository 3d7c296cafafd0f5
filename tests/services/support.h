#pragma once

#include "common/http.h"
#include "common/rpc.h"

#include <filesystem>
#include <map>
#include <string>
#include <sys/types.h>
#include <thread>

namespace hadeploy::svc::test {

/// A directory that is gone when the test is.
class TempDir {
  public:
    TempDir();
    ~TempDir();
    std::string path() const { return path_; }
    std::string read(const std::string& name) const;

  private:
    std::string path_;
};

/// One of the services as it is built, on a port of its own choice; killed at the latest with
/// this object.
class Service {
  public:
    /// `environment` is all that it gets; PORT=0 and NODE_NAME=test are added. With `root` it
    /// runs in there (chroot), as the user that the images use, and `program` is /`program`.
    Service(const std::string& program, std::map<std::string, std::string> environment,
            const std::string& root = {});
    ~Service();
    Service(const Service&) = delete;
    Service& operator=(const Service&) = delete;

    std::uint16_t port() const { return port_; }
    std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

    void kill_now();         ///< SIGKILL, and wait
    int stop();              ///< SIGTERM, and wait; the exit code
    std::string log() const; ///< what it has printed so far

    Json call(const Json& request); ///< one frame there, one back

  private:
    void wait_for_port();
    int reap();

    TempDir directory_;
    pid_t pid_ = -1;
    std::uint16_t port_ = 0;
};

/// Waits for `condition`; false when it did not come true within the (generous) bound.
bool eventually(const std::function<bool()>& condition);

/// Sends these bytes and gives back everything until the peer closes.
std::string converse(std::uint16_t port, const std::string& bytes);

struct Reply {
    int status;
    Json body;
};
Reply post_json(std::uint16_t port, const std::string& path, const Json& body);
Reply get_json(std::uint16_t port, const std::string& path);
std::string get_text(std::uint16_t port, const std::string& path);

/// A stand-in for Docker on a unix socket: answers every request with the body that belongs to
/// its target, and remembers the request lines.
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
