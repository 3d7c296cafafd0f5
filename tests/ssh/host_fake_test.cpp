// The scripts of packages and services, run by a real shell with fake tools.
#include "core/uuid.h"
#include "providers/ssh/explain.h"
#include "providers/ssh/place.h"
#include "ssh/host_case.h"
#include "ssh/pretence.h"
#include "support/has.h"

#include <doctest/doctest.h>
#include <unistd.h>

using namespace hadeploy;
using namespace hadeploy::test;
namespace fs = std::filesystem;

namespace {
Value texts(std::vector<std::string> all) {
    return Value::list(Value::List(all.begin(), all.end()));
}

/// A fake host, and the types that manage it.
struct PretendedHost : Pretence {
    using Pretence::Pretence;
    std::string identity = fmt::format("pretence-{}", ::getpid());

    Observation look(std::string_view type, const Value& config) const {
        ReadRequest request;
        request.config = config;
        request.identity = identity;
        const ProcessResult r = run("set +eu\n" + type_named(type).probe(request));
        return type_named(type).parse(request, {r.status, r.out, r.err});
    }
    ProcessResult change(std::string_view type, Change::Kind kind, const Value& before,
                         const Value& after, std::vector<std::string> changed = {}) const {
        Change c;
        c.kind = kind;
        c.type = registry().type(type);
        c.identity = identity;
        c.before = before;
        c.after = after;
        c.changed = std::move(changed);
        ProcessResult last;
        for (const ssh::Command& command : type_named(type).commands(c)) {
            last = run(command.script);
            if (last.status != 0) break;
        }
        return last;
    }
};

// Files installed/NAME are installed packages; they contain the virtual packages that they provide.
// Supports the calls of dpkg-query in the scripts: -W -f FORM [-- NAMES].
constexpr const char* kDpkgQuery =
    R"sh([ ! -e unreadable ] || { echo "dpkg-query: error: parsing file '/var/lib/dpkg/updates/0001'" >&2; exit 2; }
form=$3; shift 3; bad=0
if [ $# = 0 ]; then # all
    for q in installed/*; do
        [ -e "$q" ] || continue
        case $form in provider*) printf 'provider ' ;; esac
        printf 'installed %s ' "${q#installed/}"
        case $form in *Version*) printf '1.0 ' ;; esac
        printf '%s' "$(cat "$q")"
        case $form in *,*) echo , ;; *) echo ;; esac
    done
    exit
fi
shift
for q in "$@"; do
    if [ ! -e "installed/$q" ]; then
        echo "dpkg-query: no packages found matching $q" >&2
        bad=1
        continue
    fi
    version=1.0
    [ ! -e "versions/$q" ] || version=$(cat "versions/$q")
    case $form in
    '${Version}') echo "$version" ;;
    *Version*) echo "installed $q $version" ;;
    *Package*) echo "installed $q " ;;
    *) printf installed ;;
    esac
done
exit $bad
)sh";

// Files known/NAME are the packages in the lists; each contains the package to install for it.
constexpr const char* kAptGet = R"sh(mkdir -p installed known server
while :; do case $1 in -o) shift 2 ;; -*) shift ;; *) break ;; esac; done
echo "$*" >>log
if [ -e interrupted ]; then
    echo "E: dpkg was interrupted, you must manually run 'dpkg --configure -a' to correct the problem. "
    exit 100
fi
verb=$1; shift
case $verb in
update) cp server/* known/ ;;
install)
    for q in "$@"; do
        version=
        case $q in --*) continue ;; *=*) version=${q#*=} q=${q%%=*} ;; esac
        case $version in 9*) echo "E: Version '$version' for '$q' was not found"; exit 100 ;; esac
        [ -z "$version" ] || { mkdir -p versions; echo "$version" >"versions/$q"; }
        [ -e "known/$q" ] || { echo "E: Unable to locate package $q"; exit 100; }
        real=$(cat "known/$q")
        if [ -n "$real" ]; then echo "other, $q (= 1)" >"installed/$real"; else : >"installed/$q"; fi
    done ;;
remove) for q in "$@"; do rm "installed/$q"; done ;;
esac
)sh";

// Files active, file, type, result, invocation, exited: properties of the only unit; load, if it
// exists, its LoadState. Not covered: the behaviour of systemd itself.
constexpr const char* kSystemctl = R"sh(echo "$*" >>log
get() { cat "$1" 2>/dev/null || echo "$2"; }
case $* in
show*)
    printf 'LoadState=%s\nActiveState=%s\nSubState=x\nUnitFileState=%s\n' "$(get load loaded)" "$(cat active)" "$(cat file)"
    printf 'Type=%s\nResult=%s\nInvocationID=%s\nExecMainExitTimestampMonotonic=%s\nExecMainCode=1\nExecMainStatus=3\n' \
        "$(get type notify)" "$(get result success)" "$(get invocation 1)" "$(get exited 0)" ;;
daemon-reload) [ ! -e init-script ] || echo loaded >load ;;
is-enabled*) cat file ;;
start*|restart*) [ ! -e broken ] && [ "$(get load loaded)" = loaded ] || exit 1
    case $(get type notify) in oneshot) echo inactive >active ;; *) echo active >active ;; esac ;;
*stop*) echo inactive >active ;;
*enable*) echo enabled >file ;;
*disable*) echo disabled >file ;;
esac
)sh";
} // namespace

TEST_SUITE("as root" * doctest::skip(!SshServer::possible())) {

    TEST_CASE("host.package: a name is never a request to remove, or a pattern") {
        const auto diagnostics = [](const char* name) {
            return problems_of("host.package", Value::map({{"host", some_connection()},
                                                           {"packages", texts({name})}}))
                .size();
        };
        for (const char* bad :
             {"less-", "less=1", "less/stable", "less:i386", "task^", "^less$", "lib*", "l?ss",
              "?name(less)", "~nless", "-y", "a", ".less", "Less"})
            CHECK_MESSAGE(diagnostics(bad) == 1, bad);
        for (const char* good : {"g++", "libstdc++6", "python3.11", "0ad", "a-b"})
            CHECK_MESSAGE(diagnostics(good) == 0, good);

        const PretendedHost host{{"dpkg-query", kDpkgQuery},
                                 {"apt-get", kAptGet},
                                 {"apt-cache", "ls known\n"}}; // more than requested
        host.run("mkdir installed known server; : >known/g++; : >known/python3x11; : >known/less; "
                 ": >server/less");
        const auto create = [&](const char* name) {
            return host.change(
                "host.package", Change::Kind::create, {},
                config_of("host.package",
                          Value::map({{"host", some_connection()}, {"packages", texts({name})}})));
        };
        CHECK(create("g++").status == 0);
        for (const char* other : {"python3.11", "less+"}) {
            const ProcessResult refused = create(other);
            CHECK(refused.status == 100);
            CHECK(refused.err == fmt::format("E: Unable to locate package {}\n", other));
        }
        CHECK(host.log() == "install g++\nupdate\nupdate\n");
        host.run("rm -f /var/lib/hadeploy/" + host.identity);
    }

    TEST_CASE("host.package: only missing packages are installed, only ours are removed") {
        const PretendedHost host{{"dpkg-query", kDpkgQuery}, {"apt-get", kAptGet}};
        const auto config = [](std::vector<std::string> packages) {
            return config_of("host.package", Value::map({{"host", some_connection()},
                                                         {"packages", texts(packages)}}));
        };
        const Value both = config({"jq", "rsync"});
        host.run("mkdir installed server known; : >installed/rsync; : >server/jq; : >server/tree");
        CHECK(host.look("host.package", both).attributes["packages"] == texts({"rsync"}));

        const ProcessResult made = host.change("host.package", Change::Kind::create, {}, both);
        INFO(made.err);
        CHECK(made.status == 0);
        // Not found at first, so the lists are fetched.
        CHECK(host.log() == "install jq\nupdate\ninstall jq\n");
        CHECK(host.look("host.package", both).attributes["packages"] == both["packages"]);

        const Value three = config({"jq", "rsync", "tree"});
        CHECK(host.change("host.package", Change::Kind::update, both, three, {"packages"}).status ==
              0);
        const Observation seen = host.look("host.package", both);
        CHECK(seen.attributes["packages"] == texts({"jq", "rsync", "tree"}));
        CHECK(host.change("host.package", Change::Kind::update, seen.attributes, both, {"packages"})
                  .status == 0);
        CHECK(host.look("host.package", both).attributes["packages"] == both["packages"]);
        CHECK(!fs::exists(host.dir.path / "installed/tree"));

        CHECK(host.change("host.package", Change::Kind::remove, both, {}).status == 0);
        CHECK(fs::exists(host.dir.path / "installed/rsync"));
        CHECK(!fs::exists(host.dir.path / "installed/jq"));
        CHECK(!fs::exists("/var/lib/hadeploy/" + host.identity));

        const ProcessResult unknown =
            host.change("host.package", Change::Kind::create, {}, config({"nonsense"}));
        CHECK(unknown.status == 100);
        CHECK(unknown.err.find("Unable to locate package nonsense") != std::string::npos);
        host.change("host.package", Change::Kind::remove, config({"nonsense"}), {});
    }

    TEST_CASE("host.package: a pinned version is installed, also another one later") {
        const PretendedHost host{{"dpkg-query", kDpkgQuery}, {"apt-get", kAptGet}};
        const ssh::SshType& type = type_named("host.package");
        const auto config = [](const char* version) {
            return config_of("host.package", Value::map({{"host", some_connection()},
                                                         {"packages", texts({"jq", "rsync"})},
                                                         {"pins", Value::map({{"jq", version}})}}));
        };
        host.run("mkdir installed server known; : >known/jq; : >known/rsync; : >server/jq");
        const Value first = config("1.6");
        CHECK(host.change("host.package", Change::Kind::create, {}, first).status == 0);
        CHECK(host.log() == "install --allow-downgrades jq=1.6 rsync\n");
        const Value seen = host.look("host.package", first).attributes;
        CHECK(seen["pins"] == first["pins"]);
        CHECK_FALSE(type.restarts(seen, first));
        CHECK(type.restarts(seen, config("1.7")));
        CHECK(host.look("host.package", config("1.7")).attributes["pins"] == first["pins"]);
        // the notes, and so what destroy removes, stay as they are
        const ProcessResult newer =
            host.change("host.package", Change::Kind::update, seen, config("1.7"), {"pins"});
        CHECK_MESSAGE(newer.status == 0, newer.err);
        CHECK(host.log().ends_with("rsync\ninstall --allow-downgrades jq=1.7\n"));
        CHECK(host.look("host.package", config("1.7")).attributes["pins"] == config("1.7")["pins"]);
        const ProcessResult unknown =
            host.change("host.package", Change::Kind::update, seen, config("9"), {"pins"});
        const Error error = ssh::explain_failure("h", "installing jq", unknown.status, unknown.err);
        CHECK(error.message.find("E: Version '9' for 'jq' was not found") != std::string::npos);
        CHECK(error.hint.find("apt-cache madison") != std::string::npos);
        CHECK(host.change("host.package", Change::Kind::remove, first, {}).status == 0);
        CHECK(!fs::exists(host.dir.path / "installed/jq"));
    }

    TEST_CASE("host.package: a virtual package is installed if a package provides it") {
        const PretendedHost host{{"dpkg-query", kDpkgQuery}, {"apt-get", kAptGet}};
        const Value config = config_of(
            "host.package",
            Value::map({{"host", some_connection()}, {"packages", texts({"awk", "jq"})}}));
        host.run("mkdir installed server known; echo mawk >known/awk; : >known/jq");
        CHECK(host.look("host.package", config).state == Observation::State::absent);
        const ProcessResult made = host.change("host.package", Change::Kind::create, {}, config);
        CHECK_MESSAGE(made.status == 0, made.err);
        const Observation seen = host.look("host.package", config);
        CHECK(seen.attributes["packages"] == config["packages"]);
        CHECK(seen.attributes["versions"]["awk"] == Value("1.0"));
        CHECK(host.change("host.package", Change::Kind::create, {}, config).status == 0);
        CHECK(host.log() == "install awk jq\n"); // once
        CHECK(host.change("host.package", Change::Kind::remove, config, {}).status == 0);
        CHECK(!fs::exists(host.dir.path / "installed/mawk"));

        // A virtual package that was provided before stays.
        host.run("echo 'awk, x' >installed/gawk");
        CHECK(host.change("host.package", Change::Kind::create, {}, config).status == 0);
        CHECK(host.look("host.package", config).attributes["packages"] == config["packages"]);
        CHECK(host.change("host.package", Change::Kind::remove, config, {}).status == 0);
        CHECK(fs::exists(host.dir.path / "installed/gawk"));
        CHECK(!fs::exists(host.dir.path / "installed/jq"));
    }

    TEST_CASE("host.package: an interrupted installation is completed first") {
        const PretendedHost host{
            {"dpkg-query", kDpkgQuery},
            {"apt-get", kAptGet},
            {"dpkg", "echo \"dpkg $*\" >>log; [ -e hopeless ] || rm interrupted\n"}};
        const Value config = config_of(
            "host.package", Value::map({{"host", some_connection()}, {"packages", texts({"jq"})}}));
        host.run("mkdir installed server known; : >known/jq; : >interrupted; : >hopeless");
        const ProcessResult hopeless =
            host.change("host.package", Change::Kind::create, {}, config);
        const Error error =
            ssh::explain_failure("h", "installing jq", hopeless.status, hopeless.err);
        CHECK(error.message.find("dpkg was interrupted") != std::string::npos);
        CHECK(error.hint.find("dpkg --configure -a") != std::string::npos);
        host.run("rm hopeless");
        CHECK(host.change("host.package", Change::Kind::create, {}, config).status == 0);
        CHECK(host.log().ends_with("configure -a\ninstall jq\n"));
        host.run(": >unreadable");
        const Observation unread = host.look("host.package", config);
        REQUIRE(unread.state == Observation::State::failed);
        CHECK(unread.error->message.find("dpkg-query: error: parsing file") != std::string::npos);
        CHECK(unread.error->hint.find("dpkg --configure -a") != std::string::npos);
        host.run("rm unreadable");
        CHECK(host.change("host.package", Change::Kind::remove, config, {}).status == 0);
    }

    TEST_CASE("host.package: a mirror that does not answer is the cause") {
        const PretendedHost host{
            {"dpkg-query", kDpkgQuery},
            {"apt-get", "case $* in *update*) echo '0% [Working]'; exec sleep 20 ;; esac\n"
                        "echo 'E: Unable to locate package jq'; exit 100\n"}};
        host.run("mkdir installed server known");
        const Value config = config_of("host.package", Value::map({{"host", some_connection()},
                                                                   {"packages", texts({"jq"})},
                                                                   {"timeout", Value("1s")}}));
        const ProcessResult done = host.change("host.package", Change::Kind::create, {}, config);
        const Error error = ssh::explain_failure("h", "installing jq", done.status, done.err);
        CHECK(error.message ==
              "installing jq failed on h: apt-get update took longer than 1 s (exit status 100)");
        CHECK(has(error.hint, "mirrors"));
        REQUIRE(error.notes.size() == 1);
        CHECK(has(error.notes[0].text, "0% [Working]"));
    }

    TEST_CASE("host.package: a package that another resource needs stays, and is removed with "
              "that") {
        const PretendedHost host{{"dpkg-query", kDpkgQuery}, {"apt-get", kAptGet}};
        const auto config = [](std::vector<std::string> packages) {
            return config_of("host.package", Value::map({{"host", some_connection()},
                                                         {"packages", texts(packages)}}));
        };
        const ssh::SshType& type = type_named("host.package");
        host.run("mkdir installed server known; : >known/jq; : >known/tree");
        const Value both = config({"jq", "tree"});
        CHECK(host.change("host.package", Change::Kind::create, {}, both).status == 0);
        const std::string other = uuid_v5(kUuidNamespaceDns, host.identity);
        const auto run = [&](Change change) {
            change.type = &type;
            change.identity = host.identity;
            change.left_to = {{type.shares(config({"jq"})).at(0), other}};
            std::string all = "set -eu\n";
            for (const ssh::Command& c : type.commands(change)) all += c.script + "\n";
            return host.run(all).status;
        };
        CHECK(run({.kind = Change::Kind::remove, .before = both}) == 0);
        CHECK(fs::exists(host.dir.path / "installed/jq"));
        CHECK(!fs::exists(host.dir.path / "installed/tree"));
        CHECK(host.run("cat /var/lib/hadeploy/" + other).out == "jq\n");
        host.run("rm -f /var/lib/hadeploy/" + other);
    }

    TEST_CASE("host.service: a one-shot unit that ran successfully counts as running") {
        const PretendedHost host{{"systemctl", kSystemctl}};
        const Value once =
            config_of("host.service", Value::map({{"host", some_connection()}, {"name", "once"}}));
        host.run("echo inactive >active; echo enabled >file; echo oneshot >type");
        const auto running = [&](const Value& config) {
            return host.look("host.service", config).attributes["running"];
        };
        CHECK(running(once) == Value(false)); // it has not run yet
        const ProcessResult made = host.change("host.service", Change::Kind::create, {}, once);
        CHECK_MESSAGE(made.status == 0, made.err);
        CHECK(running(once) == Value(true)); // even if systemd has forgotten that it ran
        CHECK(running(once.with("running", false)) == Value(false));
        host.run("echo exit-code >result");
        CHECK(running(once) == Value(false));
        CHECK(host.change("host.service", Change::Kind::remove, once, {}).status == 0);
        host.run("echo success >result");
        CHECK(running(once) == Value(false));
        host.run("echo 12345 >exited"); // started by somebody else, known to systemd
        CHECK(running(once) == Value(true));
    }

    TEST_CASE("host.service: a service that ends right after its start has failed") {
        for (const char* after :
             {"echo failed >active", "echo activating >active", "echo 2 >invocation"}) {
            INFO(after);
            const PretendedHost host{{"systemctl", kSystemctl},
                                     {"journalctl", "echo \"the service's last words\"\n"},
                                     {"sleep", after}}; // it ends during the check after the start
            const Value crash = config_of(
                "host.service", Value::map({{"host", some_connection()}, {"name", "crash"}}));
            host.run("echo inactive >active; echo disabled >file; echo simple >type");
            const ProcessResult made = host.change("host.service", Change::Kind::create, {}, crash);
            CHECK(made.status != 0);
            const Error error = ssh::explain_failure("h", "starting crash", made.status, made.err);
            CHECK(error.message.find("crash.service does not stay up") != std::string::npos);
            CHECK(error.message.find("exit status 3") != std::string::npos);
            REQUIRE(error.notes.size() == 1);
            CHECK(error.notes[0].text.find("last words") != std::string::npos);
            host.change("host.service", Change::Kind::remove, crash, {});
        }
    }

    TEST_CASE("host.service: a missing unit, and a unit of a new init script") {
        const PretendedHost host{{"systemctl", kSystemctl}, {"journalctl", ":\n"}};
        const auto config = [](bool wanted) {
            return config_of("host.service", Value::map({{"host", some_connection()},
                                                         {"name", "legacy"},
                                                         {"running", wanted},
                                                         {"enabled", wanted}}));
        };
        host.run("echo inactive >active; echo '' >file; echo not-found >load");
        const Observation unwanted = host.look("host.service", config(false));
        REQUIRE(unwanted.state == Observation::State::present);
        CHECK(unwanted.attributes["running"] == Value(false));
        CHECK(unwanted.attributes["enabled"] == Value(false));
        CHECK(host.look("host.service", config(true)).state == Observation::State::absent);
        CHECK(host.change("host.service", Change::Kind::create, {}, config(true)).status != 0);
        host.run(": >init-script");
        CHECK(host.change("host.service", Change::Kind::create, {}, config(true)).status == 0);
        CHECK(host.log().find("daemon-reload") < host.log().find("enable -- legacy"));
        host.change("host.service", Change::Kind::remove, config(true), {});
    }

    TEST_CASE("host.service: started, restarted, and restored") {
        const PretendedHost host{{"systemctl", kSystemctl},
                                 {"journalctl", "echo \"the service's last words\"\n"}};
        const Value web =
            config_of("host.service", Value::map({{"host", some_connection()}, {"name", "web"}}));
        host.run("echo inactive >active; echo disabled >file");
        CHECK(host.look("host.service", web).attributes["running"] == Value(false));
        const ProcessResult made = host.change("host.service", Change::Kind::create, {}, web);
        INFO(made.err);
        CHECK(made.status == 0);
        CHECK(host.look("host.service", web).attributes["running"] == Value(true));
        CHECK(host.look("host.service", web).attributes["enabled"] == Value(true));
        // Stopped by hand: not the state to restore.
        host.run("echo inactive >active");
        CHECK(host.change("host.service", Change::Kind::update, web, web, {"running"}).status == 0);
        CHECK(host.look("host.service", web).attributes["running"] == Value(true));
        fs::remove(host.dir.path / "log");
        CHECK(host.change("host.service", Change::Kind::update, web, web, {"restart_on"}).status ==
              0);
        CHECK(host.log().find("restart -- web.service") != std::string::npos);
        CHECK(host.change("host.service", Change::Kind::remove, web, {}).status == 0);
        CHECK(host.look("host.service", web).attributes["running"] == Value(false));
        CHECK(host.look("host.service", web).attributes["enabled"] == Value(false));
        CHECK(!fs::exists("/var/lib/hadeploy/" + host.identity));

        // Adopted unchanged, repaired once: destroy leaves it running.
        host.run("echo active >active; echo enabled >file; echo inactive >active");
        CHECK(host.change("host.service", Change::Kind::update, web, web, {"running"}).status == 0);
        CHECK(host.change("host.service", Change::Kind::remove, web, {}).status == 0);
        CHECK(host.look("host.service", web).attributes["running"] == Value(true));

        host.run(": >broken");
        const ProcessResult failed =
            host.change("host.service", Change::Kind::update, web, web, {"running"});
        CHECK(failed.status != 0);
        CHECK(failed.err.find("last words") != std::string::npos);
    }

} // TEST_SUITE

TEST_CASE("host.file: the new file is synced before it replaces the old one, then the directory") {
    const PretendedHost host(
        {{"cat", "printf new\n"},
         {"chown", ":\n"}, // for any test user
         {"sync", R"sh(what="$(cd "$was" && /bin/cat "$2" 2>/dev/null)" || what='the directory'
echo "sync $what" >>log
)sh"},
         {"mv", R"sh(cd "$was"
echo "$(/bin/cat "$3") takes the place of $(/bin/cat "$4")" >>"${0%/bin/mv}/log"
exec /bin/mv "$@"
)sh"}});
    const std::string path = (host.dir.path / "f").string();
    write_file(path, "old");
    const Value config = config_of("host.file", Value::map({{"host", some_connection()},
                                                            {"path", Value(path)},
                                                            {"content", Value("new")}}));
    const ProcessResult done =
        host.change("host.file", Change::Kind::update, config, config, {"content"});
    CHECK_MESSAGE(done.status == 0, done.err);
    CHECK(host.log() == "sync new\nnew takes the place of old\nsync the directory\n");
    CHECK(read_file(path) == "new");
}
