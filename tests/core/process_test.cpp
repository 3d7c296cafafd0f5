#include "core/process.h"

#include "core/error.h"
#include "core/file.h"
#include "temp_dir.h"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace hadeploy;
using namespace std::chrono_literals;

namespace {
ProcessSpec shell(std::string script) {
    return {.argv = {"sh", "-c", std::move(script)}};
}

bool no_child_left() {
    return ::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD;
}

/// Waits until a process that is not a child has ended, limited by the test's timeout.
bool dies(pid_t pid) {
    for (;;) {
        if (::kill(pid, 0) != 0) return true;
        const std::string path = "/proc/" + std::to_string(pid) + "/stat";
        try {
            if (read_file(path).find(") Z") != std::string::npos) return true;
        } catch (const Error&) {
            return true;
        }
        std::this_thread::sleep_for(5ms);
    }
}
} // namespace

TEST_CASE("both streams and the status are returned") {
    const auto result = run_process(shell("echo out; echo err >&2; exit 3"));
    CHECK(result.status == 3);
    CHECK(result.out == "out\n");
    CHECK(result.err == "err\n");
    CHECK(run_process(shell("kill -KILL $$")).status == 137);
    CHECK(no_child_left());
}

TEST_CASE("arguments are not interpreted by a shell") {
    const auto result = run_process({.argv = {"printf", "%s|", "a b", "$(x)", ";", ""}});
    CHECK(result.out == "a b|$(x)|;||");
}

TEST_CASE("input and output larger than a pipe") {
    const std::string big(3'000'000, 'x');
    ProcessSpec spec{.argv = {"cat"}, .input = big};
    CHECK(run_process(spec).out == big);
    spec.argv = {"true"}; // does not read, but must not cause a SIGPIPE
    CHECK(run_process(spec).status == 0);
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
    CHECK(sigismember(&blocked, SIGPIPE) == 0);
}

TEST_CASE("lines are passed on as they arrive, also the last one without a line end") {
    std::vector<std::string> lines;
    ProcessSpec spec = shell("printf 'one\\ntw'; printf 'o\\n\\nend'");
    spec.on_line = [&](std::string_view line) { lines.emplace_back(line); };
    CHECK(run_process(spec).out == "one\ntwo\n\nend");
    CHECK(lines == std::vector<std::string>{"one", "two", "", "end"});
}

TEST_CASE("directory and environment") {
    const TempDir dir;
    ProcessSpec spec = shell("pwd -P; echo \"$GREETING\"; test -n \"$PATH\"");
    spec.directory = dir.path;
    spec.environment = {{"GREETING", "hello"}};
    const auto result = run_process(spec);
    CHECK(result.out == std::filesystem::canonical(dir.path).string() + "\nhello\n");
    CHECK(result.status == 0);
    spec.directory = dir / "none";
    CHECK_THROWS_AS(run_process(spec), Error);
}

TEST_CASE("the child inherits only its three streams") {
    const Fd open(::open("/dev/null", O_RDONLY)); // not close-on-exec
    REQUIRE(open.get() > 2);
    const auto result = run_process(shell("ls /proc/$$/fd"));
    CHECK(result.out == "0\n1\n2\n");
}

TEST_CASE("a program that cannot be started") {
    try {
        run_process({.argv = {"no-such-program-here"}});
        FAIL("no error");
    } catch (const Error& e) {
        CHECK(e.message == "cannot run \"no-such-program-here\": No such file or directory");
    }
    CHECK(no_child_left());
}

TEST_CASE("a stop ends the whole process group and leaves no zombie") {
    const TempDir dir;
    std::stop_source stop;
    ProcessSpec spec = shell("trap '' TERM; sleep 1000 & echo $! >&2; echo $$; wait; sleep 1000");
    spec.stop = stop.get_token();
    spec.grace = 20ms;
    std::vector<pid_t> pids;
    spec.on_line = [&](std::string_view line) {
        pids.push_back(std::stoi(std::string(line)));
        if (pids.size() == 2) stop.request_stop();
    };
    CHECK_THROWS_AS(run_process(spec), Interrupted);
    REQUIRE(pids.size() == 2);
    for (const pid_t pid : pids) CHECK(dies(pid));
    CHECK(no_child_left());
    CHECK_THROWS_AS(run_process(spec), Interrupted); // already requested: not started
}

TEST_CASE("processes that a stopped child leaves in its group are ended") {
    std::stop_source stop;
    pid_t left = 0;
    ProcessSpec spec = shell("sh -c 'trap \"\" TERM; echo $$; exec sleep 1000' & wait");
    spec.stop = stop.get_token();
    spec.grace = 600s; // the child itself ends immediately
    spec.on_line = [&](std::string_view line) {
        left = std::stoi(std::string(line));
        stop.request_stop();
    };
    CHECK_THROWS_AS(run_process(spec), Interrupted);
    REQUIRE(left > 0);
    CHECK(dies(left));
}

TEST_CASE("SIGTERM is sent first, so that the child can clean up") {
    const TempDir dir;
    std::stop_source stop;
    ProcessSpec spec = shell("trap 'echo bye > \"$OUT\"; exit 0' TERM; echo ready; "
                             "while :; do sleep 0.01; done");
    spec.environment = {{"OUT", dir / "bye"}};
    spec.stop = stop.get_token();
    spec.grace = 60s;
    spec.on_line = [&](std::string_view) { stop.request_stop(); };
    CHECK_THROWS_AS(run_process(spec), Interrupted);
    CHECK(read_file(dir / "bye") == "bye\n");
}

TEST_CASE("a child that exceeds its timeout is ended") {
    ProcessSpec spec = shell("sleep 1000");
    spec.timeout = 20ms;
    CHECK_THROWS_WITH_AS(run_process(spec), "\"sh\" did not end within 0.02 s", Error);
    ProcessSpec noisy{.argv = {"yes"}};
    noisy.timeout = 20ms;
    CHECK_THROWS_AS(run_process(noisy), Error);
    CHECK(no_child_left());
}

TEST_CASE("remaining processes that hold the pipes are not waited for") {
    const auto result = run_process(shell("sleep 1000 & echo $!"));
    const pid_t left = std::stoi(result.out);
    CHECK(::kill(left, 0) == 0);
    CHECK(::kill(left, SIGKILL) == 0);
    CHECK(dies(left));
}

TEST_CASE("an exception from the line callback ends the child") {
    pid_t pid = 0;
    ProcessSpec spec = shell("echo $$; exec sleep 1000");
    spec.on_line = [&](std::string_view line) {
        pid = std::stoi(std::string(line));
        throw std::runtime_error("enough");
    };
    CHECK_THROWS_AS(run_process(spec), std::runtime_error);
    CHECK(dies(pid));
    CHECK(no_child_left());
}

TEST_CASE("many children at once") {
    std::vector<std::thread> threads;
    std::atomic<int> right = 0;
    for (int t = 0; t < 8; ++t)
        threads.emplace_back([&, t] {
            for (int i = 0; i < 10; ++i) {
                const std::string text = std::to_string(t * 100 + i);
                if (run_process({.argv = {"cat"}, .input = text}).out == text) ++right;
            }
        });
    for (std::thread& thread : threads) thread.join();
    CHECK(right == 80);
    CHECK(no_child_left());
}

TEST_CASE("a failure shows the last lines") {
    CHECK(run_checked(shell("echo fine")).out == "fine\n");
    try {
        run_checked(shell("for i in $(seq 30); do echo line $i >&2; done; exit 7"));
        FAIL("no error");
    } catch (const Error& e) {
        CHECK(e.message == "\"sh\" failed with status 7");
        REQUIRE(e.notes.size() == 1);
        CHECK(e.notes[0].text.starts_with("line 21\n"));
        CHECK(e.notes[0].text.ends_with("line 30"));
    }
}
