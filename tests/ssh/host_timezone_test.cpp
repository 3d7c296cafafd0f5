// host.timezone on a real /etc: one of the test's own, in a mount namespace.
#include "core/file.h"
#include "core/process.h"
#include "providers/ssh/explain.h"
#include "providers/ssh/place.h"
#include "ssh/host_case.h"
#include "ssh/server.h"

#include <doctest/doctest.h>
#include <unistd.h>

using namespace hadeploy;
using namespace hadeploy::test;
namespace fs = std::filesystem;

namespace {
constexpr const char* kZones = "/usr/share/zoneinfo";

/// A directory that stands for /etc in scripts, with notes and zones of its own.
struct Etc {
    Etc() {
        for (const char* name : {"etc", "lib", "zones/Europe", "zones/Etc"})
            fs::create_directories(dir.path / name);
        for (const char* zone : {"Europe/Berlin", "Europe/Paris", "Etc/UTC"})
            write_file(dir.path / "zones" / zone, "TZif");
        for (const char* name : {"passwd", "group"})
            fs::copy_file(fs::path("/etc") / name, dir.path / "etc" / name);
    }
    TempDir dir;
    fs::path localtime() const { return dir.path / "etc/localtime"; }
    std::string timezone() const { return read_file(dir.path / "etc/timezone"); }
    std::string target() const { return fs::read_symlink(localtime()).string(); }

    static ProcessResult enter(const fs::path& at, const std::string& script) {
        return run_process(
            {.argv = {"unshare", "--mount", "--propagation", "private", "sh"},
             .input = fmt::format("mount --bind {0}/etc /etc && mount --bind {0}/lib "
                                  "/var/lib && mount --bind {0}/zones {1} || exit 99\n"
                                  "{2}( set -eu\n{3}\n)\n",
                                  at.string(), kZones, ssh::place_functions(), script)});
    }
    static bool possible() {
        if (::geteuid() != 0 || !fs::is_directory(kZones)) return false;
        const Etc etc;
        return enter(etc.dir.path, "true").status == 0;
    }

    static Value config(const char* zone) {
        return config_of("host.timezone",
                         Value::map({{"host", some_connection()}, {"zone", zone}}));
    }
    std::string seen(const char* zone = "Etc/UTC") const {
        const ReadRequest request{.config = config(zone), .identity = "0000"};
        const ssh::SshType& type = type_named("host.timezone");
        const ProcessResult r = enter(dir.path, "set +eu\n" + type.probe(request));
        return type.parse(request, {r.status, r.out, r.err}).attributes.text("zone");
    }
    ProcessResult change(Change::Kind kind, const char* zone) const {
        Change change;
        change.kind = kind;
        change.identity = "0000";
        (kind == Change::Kind::remove ? change.before : change.after) = config(zone);
        ProcessResult last;
        for (const ssh::Command& command : type_named("host.timezone").commands(change))
            last = enter(dir.path, command.script);
        return last;
    }
};
constexpr auto kCreate = Change::Kind::create;
constexpr auto kUpdate = Change::Kind::update;
constexpr auto kRemove = Change::Kind::remove;
} // namespace

TEST_SUITE("mount namespaces" * doctest::skip(!Etc::possible())) {

    TEST_CASE("host.timezone: set, changed by hand, set again, and the first zone at the end") {
        const Etc etc;
        fs::create_symlink("../usr/share/zoneinfo/Etc/UTC", etc.localtime());
        write_file(etc.dir.path / "etc/timezone", "Etc/UTC\n", 0644);
        CHECK(etc.seen() == "Etc/UTC");
        const ProcessResult made = etc.change(kCreate, "Europe/Berlin");
        CHECK_MESSAGE(made.status == 0, made.err);
        CHECK(etc.target() == "/usr/share/zoneinfo/Europe/Berlin");
        CHECK(etc.timezone() == "Europe/Berlin\n");
        CHECK(etc.seen() == "Europe/Berlin");

        fs::remove(etc.localtime());
        fs::create_symlink("/usr/share/zoneinfo/Europe/Paris", etc.localtime());
        CHECK(etc.seen() == "Europe/Paris (/etc/timezone: Europe/Berlin)");
        CHECK(etc.change(kUpdate, "Europe/Berlin").status == 0);
        CHECK(etc.seen() == "Europe/Berlin");

        const ProcessResult removed = etc.change(kRemove, "Europe/Berlin");
        CHECK_MESSAGE(removed.status == 0, removed.err);
        CHECK(etc.target() == "../usr/share/zoneinfo/Etc/UTC");
        CHECK(etc.timezone() == "Etc/UTC\n");
        CHECK(fs::is_empty(etc.dir.path / "lib"));
        CHECK(std::distance(fs::directory_iterator(etc.dir.path / "etc"), {}) == 4);
    }

    TEST_CASE("host.timezone: a host without a zone, and one whose localtime is a file") {
        const Etc etc;
        CHECK(etc.seen() == "UTC");
        CHECK(etc.change(kCreate, "Europe/Berlin").status == 0);
        CHECK(!fs::exists(etc.dir.path / "etc/timezone")); // it has none
        CHECK(etc.change(kRemove, "Europe/Berlin").status == 0);
        CHECK(!fs::is_symlink(etc.localtime()));

        write_file(etc.localtime(), "TZif");
        CHECK(etc.seen() == "(a file, not a link)");
        CHECK(etc.change(kCreate, "Europe/Berlin").status == 0);
        CHECK(etc.seen() == "Europe/Berlin");
        CHECK(etc.change(kRemove, "Europe/Berlin").status == 0);
        CHECK(etc.seen() == "Europe/Berlin"); // the file is gone
    }

    TEST_CASE("host.timezone: a zone that the host does not have changes nothing") {
        const Etc etc;
        fs::create_symlink("/usr/share/zoneinfo/Etc/UTC", etc.localtime());
        const ProcessResult failed = etc.change(kCreate, "Europe/Berlni");
        REQUIRE(failed.status != 0);
        const Error error = ssh::explain_failure("h", "setting the time zone Europe/Berlni",
                                                 failed.status, failed.err);
        CHECK(error.message ==
              "setting the time zone Europe/Berlni failed on h: the host has no time zone "
              "Europe/Berlni (exit status 1)");
        CHECK(error.hint.find("package tzdata") != std::string::npos);
        CHECK(etc.target() == "/usr/share/zoneinfo/Etc/UTC");
        CHECK(fs::is_empty(etc.dir.path / "lib"));
        fs::remove(etc.localtime());
        fs::create_symlink("/usr/share/zoneinfo/Mars/Olympus", etc.localtime());
        CHECK(etc.seen() == "Mars/Olympus (no such zone on the host)");
    }

} // TEST_SUITE
