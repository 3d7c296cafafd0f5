// The scripts of packages and services, run here by a real shell against tools that only pretend.
#include "core/file.h"
#include "core/process.h"
#include "core/uuid.h"
#include "providers/ssh/place.h"
#include "ssh/host_case.h"
#include "ssh/server.h"

#include <doctest/doctest.h>
#include <unistd.h>

using namespace hadeploy;
using namespace hadeploy::test;
namespace fs = std::filesystem;

namespace {
Value texts(std::vector<std::string> all) {
    return Value::list(Value::List(all.begin(), all.end()));
}

/// A host whose tools are scripts. Their state is files in a directory.
struct Pretence {
    explicit Pretence(std::initializer_list<std::pair<const char*, const char*>> tools) {
        fs::create_directory(dir.path / "bin");
        for (const auto& [name, body] : tools)
            write_file(dir.path / "bin" / name,
                       fmt::format("#!/bin/sh\nwas=$PWD\ncd {}\n{}", dir.path.string(), body),
                       0755);
    }
    TempDir dir;
    std::string identity = fmt::format("pretence-{}", ::getpid());

    ProcessResult run(const std::string& script) const {
        return run_process(
            {.argv = {"sh"},
             .input = fmt::format("{2}cd {0}\nPATH={0}/bin:$PATH\n( set -eu\n{1}\n)\n",
                                  dir.path.string(), script, ssh::place_functions())});
    }
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
    std::string log() const {
        return fs::exists(dir.path / "log") ? read_file(dir.path / "log") : "";
    }
};

// Files installed/NAME are installed packages, files known/NAME what the lists know.
// The three forms that the scripts ask dpkg-query for: -W -f FORM -- NAMES.
constexpr const char* kDpkgQuery = R"sh(form=$3; shift 4; bad=0
for q in "$@"; do
    if [ ! -e "installed/$q" ]; then bad=1; continue; fi
    case $form in
    *=*) printf 'installed=%s ' "$q" ;;
    *Version*) echo "installed $q 1.0" ;;
    *) printf installed ;;
    esac
done
exit $bad
)sh";

// Files installed/NAME are installed packages, files known/NAME what the lists know.
constexpr const char* kAptGet = R"sh(mkdir -p installed known server
while :; do case $1 in -o) shift 2 ;; -*) shift ;; *) break ;; esac; done
echo "$*" >>log
verb=$1; shift
case $verb in
update) cp server/* known/ ;;
install)
    for q in "$@"; do
        [ -e "known/$q" ] || { echo "E: Unable to locate package $q"; exit 100; }
        : >"installed/$q"
    done ;;
remove) for q in "$@"; do rm "installed/$q"; done ;;
esac
)sh";

constexpr const char* kSystemctl = R"sh(echo "$*" >>log
case $* in
show*NeedDaemonReload*) echo no ;;
show*) printf 'LoadState=loaded\nActiveState=%s\nSubState=x\nUnitFileState=%s\n' "$(cat active)" "$(cat file)" ;;
is-enabled*) cat file ;;
start*|restart*) [ ! -e broken ] || exit 1; echo active >active ;;
*stop*) echo inactive >active ;;
*enable*) echo enabled >file ;;
*disable*) echo disabled >file ;;
esac
)sh";
} // namespace

TEST_SUITE("as root" * doctest::skip(!SshServer::possible())) {

    TEST_CASE("host.package: no name is a wish to remove, or a pattern of others") {
        const auto problems = [](const char* name) {
            return problems_of("host.package", Value::map({{"host", some_connection()},
                                                           {"packages", texts({name})}}))
                .size();
        };
        for (const char* bad :
             {"less-", "less=1", "less/stable", "less:i386", "task^", "^less$", "lib*", "l?ss",
              "?name(less)", "~nless", "-y", "a", ".less", "Less"})
            CHECK_MESSAGE(problems(bad) == 1, bad);
        for (const char* good : {"g++", "libstdc++6", "python3.11", "0ad", "a-b"})
            CHECK_MESSAGE(problems(good) == 0, good);

        const Pretence host{{"dpkg-query", kDpkgQuery},
                            {"apt-get", kAptGet},
                            {"apt-cache", "ls known\n"}}; // more than was asked for
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

    TEST_CASE(
        "host.package: only what is missing is installed, only what we installed is removed") {
        const Pretence host{{"dpkg-query", kDpkgQuery}, {"apt-get", kAptGet}};
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

    TEST_CASE("host.package: what another resource still wants stays, and is removed with that") {
        const Pretence host{{"dpkg-query", kDpkgQuery}, {"apt-get", kAptGet}};
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

    TEST_CASE("host.service: started, restarted, and given back as it was") {
        const Pretence host{{"systemctl", kSystemctl},
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
        // Stopped by hand: that is not the state to go back to.
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

        // Taken over as it was, repaired once: destroy leaves it running.
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

TEST_CASE(
    "host.file: what is new is on the disk before it takes the old one's place, and then that") {
    const Pretence host(
        {{"cat", "printf new\n"},
         {"chown", ":\n"}, // whoever runs this
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
