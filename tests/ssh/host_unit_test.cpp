// host.unit on a host with an /etc of its own: the files and systemd-analyze are real, systemctl is
// a script. Not covered: what systemd itself does.
#include "core/process.h"
#include "ssh/own_host.h"
#include "support/has.h"

#include <doctest/doctest.h>

using namespace hadeploy;
using namespace hadeploy::test;
namespace fs = std::filesystem;

namespace {
// Keeps the properties of units in /mnt/UNIT.active and /mnt/UNIT.file, and its calls in /mnt/log.
constexpr const char* kUnitSystemctl = R"sh(#!/bin/sh
echo "$*" >>/mnt/log
for u in "$@"; do :; done
get() { cat "/mnt/$u.$1" 2>/dev/null || echo "$2"; }
known() { [ -e "/etc/systemd/system/$u" ] || [ -e "/mnt/$u.vendor" ]; }
case $* in
show*)
    if known; then echo LoadState=loaded; else echo LoadState=not-found; fi
    printf 'ActiveState=%s\nSubState=x\nUnitFileState=%s\nType=notify\nResult=success\n' "$(get active inactive)" "$(get file '')" ;;
*is-active*) [ "$(get active)" = active ] ;;
daemon-reload|*reset-failed*) ;;
*reenable*|*enable*) echo enabled >"/mnt/$u.file" ;;
*disable*) echo disabled >"/mnt/$u.file" ;;
*try-restart*) ;;
*start*) [ ! -e /mnt/broken ] && known && echo active >"/mnt/$u.active" ;;
*stop*) echo inactive >"/mnt/$u.active" ;;
esac
)sh";

struct UnitHost : OwnHost {
    UnitHost() { write_file(dir.path / "bin/systemctl", kUnitSystemctl, 0755); }
    static bool possible() { return OwnHost::possible() && fs::exists("/usr/bin/systemd-analyze"); }
    fs::path unit(const char* name) const { return dir.path / "etc/systemd/system" / name; }
    /// The calls of systemctl since the last time, without those that only read.
    std::string calls() const {
        const fs::path log = dir.path / "mnt/log";
        std::istringstream all(read_file(log));
        std::string out;
        for (std::string line; std::getline(all, line);)
            if (!line.starts_with("show ") && !has(line, "is-active"))
                out += (out.empty() ? "" : ", ") + line;
        write_file(log, "");
        return out;
    }
};
} // namespace

TEST_SUITE("mount namespaces" * doctest::skip(!UnitHost::possible())) {

    TEST_CASE("host.unit: made, changed, stopped by hand, removed") {
        const UnitHost host;
        const auto unit = [&](const std::string& lines) {
            return host.config({{"name", "app.service"},
                                {"content", "[Service]\nExecStart=/bin/sleep 60\n" + lines}});
        };
        Managed app(*host.endpoint, "host.unit", unit("[Install]\nWantedBy=multi-user.target"));
        CHECK(app.read().state == Observation::State::absent);
        app.create();
        CHECK(host.calls() == "daemon-reload, -q reenable -- app.service, restart -- app.service");
        CHECK(read_file(host.unit("app.service")).ends_with("WantedBy=multi-user.target\n"));
        CHECK(app.decision().action == std::nullopt);
        write_file(host.dir.path / "mnt/app.service.active", "inactive\n");
        CHECK(app.decision().action == Action::update);
        (void)host.calls();
        app.update(unit("[Install]\nWantedBy=multi-user.target"), {"running"});
        CHECK(host.calls() == "start -- app.service");
        app.update(unit("Nice=5\n").with("on_change", "nothing"), {"content"});
        CHECK(host.calls() == "daemon-reload, -q reenable -- app.service, start -- app.service");
        app.remove();
        CHECK(host.calls() == "-q stop -- app.service, -q disable -- app.service, daemon-reload, "
                              "reset-failed -- app.service");
        CHECK(!fs::exists(host.unit("app.service")));
        CHECK(host.forgot());
    }

    TEST_CASE("host.unit: a file that systemd does not accept changes nothing") {
        const UnitHost host;
        const auto unit = [&](const char* name, const char* content) {
            return host.config({{"name", name}, {"content", content}});
        };
        const auto refused = [&](const char* name, const char* content) {
            Managed one(*host.endpoint, "host.unit", unit(name, content));
            return error_of([&] { one.create(); }).message;
        };
        CHECK(has(refused("app.service", "[Service]\nExecStart=/bin/true\nNicee=5\n"),
                  "systemd does not accept the file: app.service:3: Unknown key 'Nicee'"));
        CHECK(has(refused("app.timer", "[Timer]\nOnCalendar=never\n"),
                  "app.timer:2: Failed to parse calendar specification"));
        CHECK(!fs::exists(host.unit("")));
        CHECK(host.calls() == "");
        CHECK(host.forgot());
    }

    TEST_CASE("host.unit: a run that was interrupted before the restart is completed") {
        const UnitHost host;
        const Value written = host.config(
            {{"name", "app.service"}, {"content", "[Service]\nExecStart=/bin/sleep 60\n"}});
        Managed app(*host.endpoint, "host.unit", written);
        app.create();
        write_file(host.dir.path / "mnt/broken", "");
        const Value next = written.with("content", "[Service]\nExecStart=/bin/sleep 61\n");
        CHECK(has(error_of([&] { app.update(next, {"content"}); }).message, "does not restart"));
        CHECK(has(app.read().attributes.text("content"), "an earlier run was interrupted"));
        fs::remove(host.dir.path / "mnt/broken");
        (void)host.calls();
        app.update(next, {"content"});
        CHECK(has(host.calls(), "restart -- app.service"));
        CHECK(app.decision().action == std::nullopt);
    }

    TEST_CASE("host.unit: a drop-in, and a file that was there before") {
        const UnitHost host;
        // a unit that every machine with systemd has
        write_file(host.dir.path / "mnt/systemd-journald.service.vendor", "");
        write_file(host.dir.path / "mnt/systemd-journald.service.active", "active\n");
        Managed limits(*host.endpoint, "host.unit",
                       host.config({{"name", "systemd-journald.service"},
                                    {"drop_in", "limits"},
                                    {"content", "[Service]\nLimitNOFILE=65536\n"}}));
        limits.create();
        CHECK(host.calls() == "daemon-reload, restart -- systemd-journald.service");
        CHECK(limits.decision().action == std::nullopt);
        limits.remove();
        CHECK(host.calls() == "daemon-reload, reset-failed -- systemd-journald.service, "
                              "try-restart -- systemd-journald.service");
        CHECK(!fs::exists(host.unit("systemd-journald.service.d")));

        const std::string theirs = "[Timer]\nOnCalendar=weekly\n";
        fs::create_directories(host.unit(""));
        write_file(host.unit("job.timer"), theirs, 0644);
        write_file(host.dir.path / "mnt/job.timer.active", "active\n");
        write_file(host.dir.path / "mnt/job.timer.file", "enabled\n");
        Managed same(*host.endpoint, "host.unit",
                     host.config({{"name", "job.timer"}, {"content", theirs}}));
        CHECK(same.decision().action == Action::adopt);
        Managed timer(*host.endpoint, "host.unit",
                      host.config({{"name", "job.timer"},
                                   {"content", "[Timer]\nOnCalendar=daily\nUnit=job.service\n"}}));
        write_file(host.unit("job.service"), "[Service]\nExecStart=/bin/true\n", 0644);
        CHECK(timer.decision().action == Action::update);
        timer.create();
        timer.remove();
        CHECK(read_file(host.unit("job.timer")) == theirs);
        CHECK(has(host.calls(), "-q enable -- job.timer, restart -- job.timer"));
        CHECK(host.forgot());
    }

} // TEST_SUITE
