// A host with BusyBox tools, such as Alpine: which resources work there.
#include "core/file.h"
#include "core/process.h"
#include "providers/ssh/exec.h"
#include "providers/ssh/operation.h"
#include "providers/ssh/provider.h"
#include "ssh/host_case.h"
#include "ssh/server.h"

#include <csignal>
#include <doctest/doctest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace hadeploy;
using namespace hadeploy::ssh;
using namespace hadeploy::test;
namespace fs = std::filesystem;

namespace {
constexpr const char* kBusybox = "/bin/busybox";

/// A view of this machine in which /usr/bin (and links to it) contains only applets of BusyBox.
/// /etc has a passwd without bash; /usr/sbin is unchanged, for sshd.
class Alpine {
  public:
    Alpine() {
        fs::create_directory(bin());
        fs::copy_file(kBusybox, bin() + "/busybox");
        run_checked({.argv = {kBusybox, "--install", "-s", bin()}});
        for (const fs::directory_entry& link : fs::directory_iterator(bin())) {
            if (link.path().filename() == "busybox") continue;
            fs::remove(link.path());
            fs::create_symlink("busybox", link.path());
        }
        write_file(dir_.path / "passwd",
                   "root:x:0:0:root:/root:/bin/sh\n"
                   "sshd:x:100:65534::/run/sshd:/usr/sbin/nologin\n",
                   0644);
    }
    void become() const {
        const std::string passwd = (dir_.path / "passwd").string();
        if (::unshare(CLONE_NEWNS) != 0 ||
            ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
            ::mount(bin().c_str(), "/usr/bin", nullptr, MS_BIND, nullptr) != 0 ||
            ::mount(passwd.c_str(), "/etc/passwd", nullptr, MS_BIND, nullptr) != 0)
            ::_exit(1);
    }
    static bool possible() {
        if (!SshServer::possible() || !fs::exists(kBusybox)) return false;
        const pid_t child = ::fork();
        if (child == 0) ::_exit(::unshare(CLONE_NEWNS) == 0 ? 0 : 1);
        int status = 1;
        return ::waitpid(child, &status, 0) == child && status == 0;
    }

  private:
    [[nodiscard]] std::string bin() const { return (dir_.path / "bin").string(); }
    TempDir dir_;
};

struct BusyboxHost {
    Alpine alpine;
    SshServer server{"", "ed25519", [this] { alpine.become(); }};
    TempDir dir;
    Value connection = server.connection();
    std::shared_ptr<Pool> pool = std::make_shared<Pool>();
    SshEndpoint endpoint{pool, login_from(connection), {}};

    Value config(std::initializer_list<std::pair<std::string_view, Value>> more) const {
        Value all = Value::map({{"host", connection}});
        for (const auto& [key, value] : more) all = all.with(key, value);
        return all;
    }
    std::string path(const std::string& name) const { return (dir.path / name).string(); }
};
} // namespace

TEST_SUITE("busybox" * doctest::skip(!Alpine::possible())) {

    TEST_CASE("files, directories and commands are created, read back and removed") {
        BusyboxHost host;
        Managed file(host.endpoint, "host.file",
                     host.config({{"path", host.path("file")}, {"content", "hello\n"}}));
        file.create();
        CHECK(read_file(host.path("file")) == "hello\n");
        CHECK(file.read().attributes["content"] == Value("hello\n"));
        const Value again =
            host.config({{"path", host.path("file")}, {"content", "other\n"}, {"mode", "0600"}});
        file.update(again, {"content", "sha256", "mode"});
        CHECK(read_file(host.path("file")) == "other\n");
        Managed large(host.endpoint, "host.file",
                      host.config({{"path", host.path("large")},
                                   {"content", std::string(300'000, 'x') + "\n"}}));
        large.create();
        CHECK(fs::file_size(host.path("large")) == 300'001);
        Managed directory(host.endpoint, "host.directory",
                          host.config({{"path", host.path("directory")}, {"mode", "0750"}}));
        directory.create();
        CHECK(directory.read().attributes["mode"] == Value("0750"));
        Managed command(host.endpoint, "host.command",
                        host.config({{"run", "echo done; sleep 0.3; busybox | head -n 1"}}));
        CHECK(command.create().text("stdout").starts_with("done\nBusyBox"));
        for (Managed* one : {&command, &directory, &large, &file}) one->remove();
        CHECK(!fs::exists(host.path("file")));
        CHECK(!fs::exists(host.path("directory")));
    }

    TEST_CASE("names are written to a hosts file without a newline at its end, and removed") {
        BusyboxHost host;
        write_file(host.path("hosts"), "127.0.0.1 localhost", 0644);
        Managed names(host.endpoint, "host.hosts",
                      host.config({{"path", host.path("hosts")},
                                   {"entries", Value::map({{"node1", "10.0.0.1"}})}}));
        names.create();
        CHECK(read_file(host.path("hosts")) ==
              "# BEGIN hadeploy (managed by hadeploy)\n10.0.0.1 node1\n# END hadeploy\n"
              "127.0.0.1 localhost");
        names.remove();
        CHECK(read_file(host.path("hosts")) == "127.0.0.1 localhost");
    }

    TEST_CASE("a change outlives its connection with BusyBox too") {
        BusyboxHost host;
        std::vector<SectionResult> results;
        const std::vector<Section> sections{
            {.script = "kill -9 $PPID; sleep 0.5; echo two"},
            {.script = "head -c 200000 /dev/zero | tr '\\0' x; echo err >&2"},
            {.script = "exit 3"}};
        const Outcome outcome = run_operation(
            *host.pool, login_from(host.connection), sections,
            [&](std::size_t, SectionResult result) { results.push_back(std::move(result)); },
            [](std::string_view) {}, {});
        CHECK(!outcome.broken);
        REQUIRE(results.size() == 3);
        CHECK(results[0].out == "two\n");
        CHECK(results[1].out == std::string(200'000, 'x'));
        CHECK(results[1].err == "err\n");
        CHECK(results[2].status == 3);
        for (const auto& left : fs::directory_iterator("/run/hadeploy"))
            CHECK(left.path().filename().string().find(host.pool->lineage) == std::string::npos);
    }
}
