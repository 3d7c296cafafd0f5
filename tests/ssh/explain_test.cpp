#include "providers/ssh/explain.h"
#include "support/has.h"

#include <doctest/doctest.h>

using namespace hadeploy;
using namespace hadeploy::ssh;

namespace {
Error failure(int status, std::string_view err) {
    return explain_failure("h", "x", status, err);
}

} // namespace

TEST_CASE("a failure names step, host and cause") {
    const Error plain = explain_failure("root@h:22", "installing jq", 3, "noise\nE: no luck\n\n");
    CHECK(plain.message == "installing jq failed on root@h:22: E: no luck (exit status 3)");
    REQUIRE(plain.notes.size() == 1);
    CHECK(plain.notes[0].text == "standard error:\nnoise\nE: no luck");
    const Error both = explain_failure("h", "x", 1, "one line\n", "printed\n");
    REQUIRE(both.notes.size() == 1);
    CHECK(both.notes[0].text == "standard output:\nprinted");
    std::string much;
    for (int i = 1; i <= 20; ++i) much += "line " + std::to_string(i) + "\n";
    CHECK(failure(1, much).notes[0].text.starts_with(
        "standard error, the last 15 of 20 lines:\nline 6\n"));
    CHECK(has(failure(5, "").message, "exit status 5"));
    CHECK(has(failure(137, "").message, "killed by signal 9"));
}

TEST_CASE("the message has the relevant line") {
    const auto cause = [](std::string_view err) { return cause_in(err); };
    CHECK(cause("volume set: failed: option : nonsense.option does not exist\n"
                "Did you mean performance.open-behind or performance.flush-behind?\n") ==
          "volume set: failed: option : nonsense.option does not exist");
    CHECK(cause("E: Failed to fetch http://deb/jq.deb  404  Not Found\n"
                "E: Unable to fetch some archives, maybe run apt-get update?\n") ==
          "E: Failed to fetch http://deb/jq.deb  404  Not Found");
    CHECK(cause("Setting up x (1.0) ...\ndpkg: error processing package x (--configure):\n"
                " installed x package post-installation script subprocess returned error exit "
                "status 1\nErrors were encountered while processing:\n x\n"
                "E: Sub-process /usr/bin/dpkg returned an error code (1)\n") ==
          "installed x package post-installation script subprocess returned error exit status 1");
    CHECK(cause("docker: Error response from daemon: no such image.\nSee 'docker run --help'.\n") ==
          "docker: Error response from daemon: no such image.");
    CHECK(cause("Traceback (most recent call last):\n  File \"x\", line 1\nValueError: bad\n") ==
          "ValueError: bad");
    CHECK(cause("hadeploy: it does not stay up\nthe service's error\n") == "it does not stay up");
    CHECK(cause("first\nsecond\n") == "second");
    CHECK(cause("") == "");
}

TEST_CASE("common causes are recognized anywhere in the output") {
    const Error lock = failure(
        100,
        "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 7 (apt-get)\n"
        "E: Unable to acquire the dpkg frontend lock\n");
    CHECK(has(lock.message, "process 7 (apt-get)"));
    CHECK(has(lock.hint, "another package manager"));
    CHECK(has(failure(1, "cat: write error: No space left on device\nbye\n").message,
              "the disk is full"));
    CHECK(has(failure(1, "sh: 1: cannot create /x: Read-only file system\n").message, "read-only"));
    CHECK(has(failure(1, "chown: invalid user: 'ann:root'\n").hint, "host.user"));
    CHECK(has(failure(1, "chown: unknown user/group ann:root\n").hint, "host.user"));
    CHECK(has(failure(1, "tee: /x: Disk quota exceeded\n").message, "disk quota"));
    const Error behind = failure(
        100,
        "E: Release file for http://deb.example.org/bookworm/InRelease is not valid yet (invalid "
        "for another 2h 37min 10s). Updates for this repository will not be applied.\n");
    CHECK(has(behind.message, "invalid for another 2h 37min 10s"));
    CHECK(has(behind.hint, "clock is behind"));
    const Error skewed = failure(
        1,
        "Error response from daemon: rpc error: x509: certificate has expired or is not yet valid: "
        "current time 2020-01-01T00:00:00Z is before 2026-01-01T00:00:00Z\n");
    CHECK(has(skewed.message, "is before 2026"));
    CHECK(has(skewed.hint, "clocks must agree"));
    const Error parent =
        failure(2, "sh: 5: cannot create /a/b/.hadeploy-1: Directory nonexistent\n");
    CHECK(has(parent.message, "its parent directory does not exist"));
    CHECK(has(parent.hint, "host.directory"));
    const Error busy = failure(8, "userdel: user worker is currently used by process 71\n");
    CHECK(has(busy.message, "process 71"));
    CHECK(has(busy.hint, "force: true"));
    const Error missing = failure(127, "sh: 3: docker: not found\n");
    CHECK(has(missing.message, "`docker` is not installed"));
    CHECK(!missing.hint.empty());
}

TEST_CASE("no answer: sudo, an unsuitable shell, a shell that dies") {
    CHECK(has(explain_no_answer("h", false, "sudo: a password is required\n").message,
              "sudo requires a password"));
    CHECK(has(explain_no_answer("h", false, "ops is not in the sudoers file.\n").message,
              "may not use sudo"));
    CHECK(has(explain_no_answer("h", false, "bash: exec: sudo: not found\n").message,
              "sudo is not installed"));
    CHECK(has(explain_no_answer("h", false, "This account is currently not available.\n").message,
              "This account is currently not available."));
    CHECK(has(explain_no_answer("h", true, "").message, "ended while a step was running"));
}

TEST_CASE("an earlier run's operation, and a result that is gone") {
    const Error busy = explain_busy("root@h:22", "4711");
    CHECK(busy.message ==
          "commands of an earlier run are still running on root@h:22 (process 4711)");
    CHECK(has(busy.hint, "kill 4711"));
    CHECK(
        has(explain_no_result("root@h:22").message, "the result that the host had stored is gone"));
}
