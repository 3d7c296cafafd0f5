// Random resources of the host types on a real sshd: applied values are read back as applied, a
// manual change of any attribute is found and repaired, and destroy restores the original state.
// Not covered: host.package and host.service, which are tested with fake tools
// (host_fake_test.cpp), because this machine has no systemd and no package may be installed; and
// the types of own_host_test.cpp, host_unit_test.cpp and host_git_test.cpp.
#include "core/file.h"
#include "core/process.h"
#include "planner/plan/decide.h"
#include "ssh/real_host.h"

#include <doctest/doctest.h>
#include <functional>
#include <grp.h>
#include <pwd.h>
#include <random>
#include <unistd.h>

using namespace hadeploy;
using namespace hadeploy::test;
namespace fs = std::filesystem;

namespace {
class Dice {
  public:
    explicit Dice(unsigned seed) : engine_(seed) {}
    std::size_t below(std::size_t n) { return engine_() % n; }
    bool coin() { return below(2) == 0; }
    template<typename T>
    T one_of(std::initializer_list<T> all) {
        return *(all.begin() + below(all.size()));
    }

  private:
    std::mt19937 engine_;
};

/// The state of the host, as far as these resources can change it.
std::string snapshot(const Host& host) {
    return run_checked({.argv = {"sh", "-c",
                                 "cd \"$1\"; find . -printf '%P %y %m %U %G %l\\n' | sort; "
                                 "find . -type f -exec sha256sum {} + | sort; "
                                 "getent passwd; getent group; "
                                 "ls /var/lib/hadeploy 2>/dev/null | grep -e \"-$2-\" || :",
                                 "sh", host.dir.path.string(), std::to_string(::getpid())}})
        .out;
}

/// A manual change, and the expected plan: an attribute, or "" for a removed object.
struct Slip {
    std::string attribute;
    std::function<void()> make;
};

struct Sample {
    std::string type;
    Value written;
    std::vector<Slip> slips;
};

void shell(const std::string& script, std::vector<std::string> arguments) {
    std::vector<std::string> argv{"sh", "-ec", script, "sh"};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    run_checked({.argv = std::move(argv)});
}

std::string some_name(Dice& dice) {
    return dice.one_of<std::string>({"plain", "two words", "it's", "-dash", "ünïcode", "a\"b$c`d",
                                     "star*", "back\\slash", "new", ".hidden"});
}

Slip by(std::string attribute, const std::string& script, const std::string& path) {
    return {std::move(attribute), [=] { shell(script, {path}); }};
}

Sample some_file(Dice& dice, const Host& host) {
    const std::string path = host.path(some_name(dice));
    const auto content = dice.one_of<std::string>({"", "x", "one line\n", "no end\nof line",
                                                   "quotes ' \" $x `y` \\n\n", "ünïcode\n",
                                                   std::string(70'000, 'z') + "\n", "\n\n  \n"});
    return {
        "host.file",
        host.config({{"path", path},
                     {"content", content},
                     {"mode", dice.one_of<std::string>({"0644", "0600", "4755", "0400", "755"})},
                     {"owner", dice.one_of<std::string>({"root", "daemon", "1", "54321"})},
                     {"group", dice.one_of<std::string>({"root", "games", "60", "54321"})}}),
        {by("sha256", "printf other >\"$1\"", path), by("mode", "chmod 0711 -- \"$1\"", path),
         by("owner", "chown 4711 -- \"$1\"", path), by("group", "chgrp 4711 -- \"$1\"", path),
         by("", "rm -- \"$1\"", path)}};
}

Sample some_directory(Dice& dice, const Host& host) {
    const std::string path = host.path(some_name(dice));
    return {
        "host.directory",
        host.config({{"path", path},
                     {"mode", dice.one_of<std::string>({"0755", "0700", "2775", "1777", "6755"})},
                     {"owner", dice.one_of<std::string>({"root", "daemon", "54321"})},
                     {"group", dice.one_of<std::string>({"root", "games", "54321"})}}),
        {by("mode", "chmod 07711 -- \"$1\"", path), by("owner", "chown 4711 -- \"$1\"", path),
         by("group", "chgrp 4711 -- \"$1\"", path), by("", "rmdir -- \"$1\"", path)}};
}

Sample some_hosts(Dice& dice, const Host& host) {
    const std::string path = host.path("hosts");
    write_file(
        path,
        dice.one_of<std::string>({"", "127.0.0.1 localhost\n", "# no end", "\n\n1.2.3.4 x\n"}),
        0644);
    return {
        "host.hosts",
        host.config({{"path", path},
                     {"entries", Value::map({{"node1", "10.77.0.11"}, {"node2", "10.77.0.12"}})}}),
        {by("entries", "sed -i 's/10.77.0.11 node1/10.77.0.99 node1/' \"$1\"", path),
         by("entries", "sed -i /node2/d \"$1\"", path),
         by("", "sed -i '/BEGIN hadeploy/,/END hadeploy/d' \"$1\"", path)}};
}

Sample some_group(Dice& dice, const Host& host) {
    const std::string name = fmt::format("hadeploy-q{}", ::getpid());
    Sample sample{"host.group", host.config({{"name", name}}), {by("", "groupdel \"$1\"", name)}};
    if (!dice.coin()) return sample;
    sample.written = sample.written.with("gid", static_cast<std::int64_t>(61'000 + dice.below(99)));
    sample.slips.push_back(by("gid", "groupmod -g 61999 \"$1\"", name));
    return sample;
}

Sample some_user(Dice& dice, const Host& host) {
    const std::string name = fmt::format("hadeploy-p{}", ::getpid());
    const std::string keys = host.path("home") + "/.ssh/authorized_keys";
    Value::List groups{Value(dice.one_of<std::string>({"games", "adm", "60"}))};
    if (dice.coin()) groups.emplace_back("audio");
    return {"host.user",
            host.config({{"name", name},
                         {"home", host.path("home")},
                         {"shell", dice.one_of<std::string>({"/bin/sh", "/bin/bash"})},
                         {"system", dice.coin()},
                         {"groups", Value::list(groups)},
                         {"authorized_keys",
                          Value::list({Value(key_line("one")), Value(key_line("two"))})}}),
            {by("shell", "usermod -s /bin/false \"$1\"", name),
             by("groups", "usermod -G '' \"$1\"", name),
             {"authorized_keys", [=] { shell("sed -i /one/d \"$1\"", {keys}); }},
             by("home", "usermod -d /nowhere \"$1\"", name),
             by("", "userdel -r \"$1\" 2>/dev/null || userdel -f \"$1\"", name)}};
}

Sample some_command(Dice& dice, const Host& host) {
    const std::string path = host.path("made");
    Value written = host.config({{"run", "echo \"$WORD\" >" + path},
                                 {"undo", "rm -f " + path},
                                 {"environment", Value::map({{"WORD", some_name(dice)}})}});
    const bool creates = dice.coin();
    written =
        creates ? written.with("creates", path) : written.with("unless", "[ -e " + path + " ]");
    return {"host.command", written, {by("", "rm \"$1\"", path)}};
}

Sample some_line(Dice& dice, const Host& host) {
    const std::string path = host.path(some_name(dice));
    write_file(path,
               dice.one_of<std::string>({"a=1\n", "a=1\n#key=x\nb=2\n", "a=1\nkey=x\n#key=y\n"}),
               0640);
    return {"host.line",
            host.config({{"path", path},
                         {"regexp", "^#?key="},
                         {"after", "^a="},
                         {"line", "key=" + some_name(dice)}}),
            {by("line", "sed -i 's/^key=.*/key=other/' -- \"$1\"", path),
             by("line", "sed -i 's/^a=1$/a=1\\n#key=other/' -- \"$1\"", path),
             by("", "sed -i /key=/d -- \"$1\"", path)}};
}

Sample some_block(Dice& dice, const Host& host) {
    const std::string path = host.path(some_name(dice));
    write_file(path, dice.one_of<std::string>({"last\n", "first\n\nlast\n"}), 0600);
    return {"host.block",
            host.config(
                {{"path", path},
                 {"before", "^last$"},
                 {"content", "x\n\n" + some_name(dice) + dice.one_of<std::string>({"", "\n"})}}),
            {by("content", "sed -i 's/^x$/other/' -- \"$1\"", path),
             by("content", "sed -i '/^x$/,+1d' -- \"$1\"", path),
             by("", "sed -i '/BEGIN hadeploy/,/END hadeploy/d' -- \"$1\"", path)}};
}

Sample some_sample(Dice& dice, const Host& host) {
    switch (dice.below(8)) {
    case 0: return some_file(dice, host);
    case 1: return some_directory(dice, host);
    case 2: return some_hosts(dice, host);
    case 3: return some_group(dice, host);
    case 4: return some_user(dice, host);
    case 5: return some_line(dice, host);
    case 6: return some_block(dice, host);
    default: return some_command(dice, host);
    }
}

/// The planned action: "", "create", or the names of the attributes to change.
std::string planned(Managed& it) {
    const Decision d = it.decision();
    if (!d.action) return "";
    if (*d.action == Action::create) return "create";
    std::string names;
    for (const AttributeChange& c : d.changes) names += (names.empty() ? "" : " ") + c.name;
    return names;
}

void repair(Managed& it, const Value& written) {
    const Decision d = it.decision();
    if (d.action == Action::create) {
        it.create();
        return;
    }
    std::vector<std::string> changed;
    for (const AttributeChange& c : d.changes) changed.push_back(c.name);
    it.update(written, changed);
}

/// Removes users and groups of a failed sample.
struct Sweeper {
    ~Sweeper() {
        for (const char* kind : {"p", "q"}) {
            const std::string name = fmt::format("hadeploy-{}{}", kind, ::getpid());
            if (::getpwnam(name.c_str())) run_process({.argv = {"userdel", "-f", name}});
            if (::getgrnam(name.c_str())) run_process({.argv = {"groupdel", name}});
        }
    }
};
} // namespace

TEST_SUITE("real sshd" * doctest::skip(!SshServer::possible())) {

    TEST_CASE("any resource of a host: applied once, repaired after any change, removed without a "
              "trace") {
        const Sweeper sweeper;
        for (unsigned seed = 1; seed <= 60; ++seed) {
            const Host host;
            Dice dice(seed);
            Sample sample = some_sample(dice, host);
            const std::string before = snapshot(host);
            INFO("seed ", seed, ": ", sample.type, " ", display(sample.written.without("host")));
            Managed it(*host.endpoint, sample.type, sample.written);
            const std::string first = planned(it);
            REQUIRE((first == "create" || (first == "line" && sample.type == "host.line")));
            repair(it, sample.written);
            const std::string made = snapshot(host);
            CHECK(planned(it) == "");
            for (const Slip& slip : sample.slips) {
                INFO("slip: ", slip.attribute);
                slip.make();
                const std::string plan = planned(it);
                if (slip.attribute.empty())
                    CHECK(plan == "create");
                else
                    CHECK(plan.find(slip.attribute) != std::string::npos);
                repair(it, sample.written);
                CHECK(planned(it) == "");
                // a user that is created again may get another number
                if (sample.type != "host.user") CHECK(snapshot(host) == made);
            }
            it.remove();
            CHECK(snapshot(host) == before);
        }
    }

} // TEST_SUITE
