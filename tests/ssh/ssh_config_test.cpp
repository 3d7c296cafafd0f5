// Settings from the OpenSSH configuration, and the resulting connection.
#include "core/error.h"
#include "core/file.h"
#include "core/process.h"
#include "providers/ssh/connection.h"
#include "providers/ssh/login.h"
#include "ssh/host_case.h"
#include "ssh/server.h"

#include <doctest/doctest.h>

using namespace hadeploy;
using namespace hadeploy::ssh;
using hadeploy::test::TempDir;

namespace {
const std::string kHostKey =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";

HostConfig ask(const std::string& text, const std::string& host, const std::string& user = "") {
    return read_ssh_config({{"config", text}},
                           {.host = host, .user = user, .local_user = "ann", .home = "/home/ann"},
                           [](const std::string&) { return std::vector<ConfigFile>{}; });
}

std::string wrong(const std::string& text, const std::string& host = "web") {
    try {
        ask(text, host);
    } catch (const Error& error) {
        return error.message;
    }
    return "";
}

/// A home directory with an SSH configuration and known_hosts.
struct Home {
    TempDir dir;
    LocalUser user{"ann", dir.path};
    Home(const std::string& config, const std::string& known_hosts) {
        std::filesystem::create_directory(dir.path / ".ssh");
        write_file(dir.path / ".ssh/config", config);
        write_file(dir.path / ".ssh/known_hosts", known_hosts);
    }
    Resolved resolve(const Value& written) const { return resolve_connection(written, user); }
};
} // namespace

TEST_CASE("ssh_config: the first value of a setting counts, identities accumulate") {
    const std::string text = "Port 2200\n"
                             "Host web db !db9\n"
                             "  HostName = %h.example.com\n"
                             "  user ops   # who logs in\n"
                             "  IdentityFile ~/.ssh/%n\n"
                             "Host *\n"
                             "  User nobody\n"
                             "  Port 22\n"
                             "  IdentityFile \"/keys/of all\"\n"
                             "  IdentitiesOnly yes\n"
                             "  ServerAliveInterval 30\n";
    const HostConfig web = ask(text, "web");
    CHECK(web.host_name == "web.example.com");
    CHECK(web.user == "ops");
    CHECK(web.port == 2200);
    CHECK(web.identity_files == std::vector<std::string>{"/home/ann/.ssh/web", "/keys/of all"});
    CHECK(web.identities_only == true);
    const std::string by_alias = "Host web\n  HostKeyAlias site\n"
                                 "Host *\n  UserKnownHostsFile ~/.ssh/known/%k\n";
    CHECK(ask(by_alias, "web").user_known_hosts ==
          std::vector<std::string>{"/home/ann/.ssh/known/site"});
    CHECK(ask(by_alias, "db").user_known_hosts ==
          std::vector<std::string>{"/home/ann/.ssh/known/db"});
    const HostConfig other = ask(text, "other");
    CHECK(other.host_name.empty());
    CHECK(other.user == "nobody");
    CHECK(other.identity_files == std::vector<std::string>{"/keys/of all"});
}

TEST_CASE("ssh_config: Match") {
    const std::string text = "Host web\n HostName 10.0.0.1\n"
                             "Match host 10.0.0.* user root\n Port 1\n"
                             "Match originalhost web !localuser bob\n ProxyJump a,b\n"
                             "Match final host 10.0.0.1\n IdentityAgent none\n"
                             "Match canonical exec \"no such\"\n User canonical\n"
                             "Match all\n User all\n";
    CHECK(ask(text, "web", "root").port == 1);
    CHECK(!ask(text, "web", "ops").port);
    CHECK(ask(text, "web").proxy_jump == "a,b");
    CHECK(ask(text, "web").identity_agent == "none");
    CHECK(ask(text, "10.0.0.1").proxy_jump.empty());
    CHECK(ask(text, "web").user == "all");
    CHECK(wrong("Match exec true\n").find("config:1: `Match exec` is not supported") == 0);
    // criteria after one that does not match are not evaluated
    CHECK(wrong("Match host other exec true\n Port 1\n").empty());
}

TEST_CASE("ssh_config: Include") {
    std::vector<std::string> asked;
    const auto files = [&](const std::string& pattern) {
        asked.push_back(pattern);
        return std::vector<ConfigFile>{{"one", "Host db\n Port 5\nHost *\n User inc\n"}};
    };
    const std::string text = "Include config.d/*\nHost web\n Include ~/more\n Port 7\n";
    const auto of = [&](const std::string& host) {
        asked.clear();
        return read_ssh_config({{"config", text}},
                               {.host = host, .user = "", .local_user = "", .home = "/h"}, files);
    };
    CHECK(of("db").port == 5);
    CHECK(asked == std::vector<std::string>{"config.d/*"});
    CHECK(of("web").port == 7);
    CHECK(of("web").user == "inc");
    CHECK(asked == std::vector<std::string>{"config.d/*", "/h/more"});
    const auto circle = [](const std::string&) {
        return std::vector<ConfigFile>{{"self", "Include self\n"}};
    };
    CHECK_THROWS_AS(read_ssh_config({{"config", "Include self\n"}}, {}, circle), Error);
}

TEST_CASE("ssh_config: unsupported settings that matter are an error, but only for their host") {
    CHECK(wrong("Host web\n ProxyCommand nc %h %p\n") == "config:2: ProxyCommand is not supported");
    CHECK(wrong("Host db\n ProxyCommand nc %h %p\n").empty());
    CHECK(wrong("ProxyCommand none\nCanonicalizeHostname no\n").empty());
    CHECK(wrong("CertificateFile x\n") == "config:1: CertificateFile is not supported");
    CHECK(wrong("Prot 22\n") == "config:1: OpenSSH has no setting \"Prot\"");
    CHECK(wrong("HostNme x\n") == "config:1: OpenSSH has no setting \"HostNme\"");
    // obsolete settings, and settings of other clients
    CHECK(wrong("UseRoaming no\nUseKeychain yes\nRhostsRSAAuthentication no\nKeepAlive yes\n"
                "GSSAPIKeyExchange yes\nPasswordAuthentication no\nAppleMultiPath no\n")
              .empty());
    CHECK(wrong("IgnoreUnknown Use*\nUseKeychain yes\n").empty());
    CHECK(wrong("Port 70000\n") == "config:1: \"70000\" is not a port");
    CHECK(wrong("User \"ann\n") == "config:1: a quote is not closed");
    CHECK(wrong("User\n") == "config:1: \"User\" has no value");
    CHECK(wrong("IdentityFile %Z\n") == "config:1: the token \"%Z\" is not supported");
}

TEST_CASE("a connection: the spec first, then the configuration, then the defaults") {
    const Home home("Host web\n HostName 10.0.0.1\n Port 2222\n User ops\n IdentityFile ~/k\n",
                    "[10.0.0.1]:2222 " + kHostKey + "\n");
    const Value alias = home.resolve(Value::map({{"address", "web"}})).connection;
    CHECK(alias["address"] == Value("10.0.0.1"));
    CHECK(alias["port"] == Value(2222));
    CHECK(alias["user"] == Value("ops"));
    CHECK(alias["host_key"] == Value(kHostKey));
    CHECK(alias["identity_files"].as_list().at(0) == Value(home.user.home + "/k"));
    const Resolved written = home.resolve(Value::map(
        {{"address", "web"}, {"port", 23}, {"user", "root"}, {"private_key_file", "/key"}}));
    CHECK(written.connection["port"] == Value(23));
    CHECK(written.connection["user"] == Value("root"));
    CHECK(written.connection["private_key_file"] == Value("/key"));
    CHECK(!written.connection.has("identity_files"));
    CHECK(!written.connection.has("host_key")); // another port, another host
    CHECK(written.place == "10.0.0.1:23");
    const Value plain = home.resolve(Value::map({{"address", "[::1]"}})).connection;
    CHECK(plain == Value::map({{"address", "::1"}, {"port", 22}, {"user", "root"}}));
    const Value none =
        home.resolve(Value::map({{"address", "web"}, {"config_file", "/dev/null"}})).connection;
    CHECK(none["address"] == Value("web"));
}

TEST_CASE("a connection: secrets stay secret, and no message names the host") {
    const Home home("", "");
    const auto secret = [](const char* text) { return Value(text).as_secret(); };
    const Value open = Value::map({{"address", "10.0.0.1"}, {"user", "ops"}, {"port", 2200}});
    CHECK_FALSE(home.resolve(open).connection.contains_secret());
    CHECK(login_from(home.resolve(open).connection).name() == "ops@10.0.0.1:2200");
    for (const Value& config :
         {open.with("address", secret("q7z")), open.with("user", secret("q7z")),
          open.with("port", Value(443).as_secret())}) {
        const Value connection = home.resolve(config).connection;
        for (const Entry& e : config.as_map())
            CHECK(connection[e.key].secret() == e.value.secret());
        const Login login = login_from(connection);
        CHECK(login.name() == "(secret)");
        CHECK(login.route() != "(secret)"); // identifies the host
    }
}

TEST_CASE("a connection: the default user also counts for Match") {
    const Home home("Match user root\n Port 2222\nMatch user ann\n Port 2223\n",
                    "a " + kHostKey + "\n");
    CHECK(home.resolve(Value::map({{"address", "web"}})).connection["port"] == Value(2222));
    const Value ann = Value::map({{"address", "web"}, {"user", "ann"}});
    CHECK(home.resolve(ann).connection["port"] == Value(2223));
    const Home jump("Host web\n ProxyJump a\nMatch originalhost a user ann\n Port 2224\n",
                    "[a]:2224 " + kHostKey + "\n");
    CHECK(jump.resolve(Value::map({{"address", "web"}})).connection["jump_host"]["port"] ==
          Value(2224));
}

TEST_CASE("a connection: settings that are used or rejected") {
    const std::string ecdsa =
        "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBEmKSENjQEezOmxkZM"
        "y7opKgwFB9nkt5YRrYMjNuG5N87uRgg6CLrbo5wAdT/y6v0mKV0U2w0WZ2YB/++Tpockg=";
    const Home home("AddressFamily inet6\nHostKeyAlgorithms ssh-ed25519\n",
                    "web " + ecdsa + "\nweb " + kHostKey + "\n");
    const Value web = home.resolve(Value::map({{"address", "web"}})).connection;
    CHECK(web["address_family"] == Value("inet6"));
    CHECK(web["host_key"] == Value(kHostKey));
    const Home any("AddressFamily any\n", "");
    CHECK(!any.resolve(Value::map({{"address", "web"}})).connection.has("address_family"));
    const Home none("Host web\n PubkeyAuthentication no\n", "");
    CHECK_THROWS_AS(none.resolve(Value::map({{"address", "web"}})), Error);
    CHECK_NOTHROW(none.resolve(Value::map({{"address", "db"}})));
    CHECK_NOTHROW(none.resolve(Value::map({{"address", "web"}, {"private_key_file", "/key"}})));
}

TEST_CASE("a connection: jump hosts, the nearest innermost") {
    const std::string known =
        "a " + kHostKey + "\n[10.0.0.2]:24 " + kHostKey + "\nweb " + kHostKey + "\n";
    const Home home("Host web\n ProxyJump a,root@b:24\nHost b\n HostName 10.0.0.2\n User bob\n",
                    known);
    const Resolved web = home.resolve(Value::map({{"address", "web"}}));
    const Value second = web.connection["jump_host"];
    CHECK(second["address"] == Value("10.0.0.2"));
    CHECK(second["port"] == Value(24));
    CHECK(second["user"] == Value("root"));
    CHECK(second["host_key"] == Value(kHostKey));
    const Value first = second["jump_host"];
    CHECK(first["address"] == Value("a"));
    CHECK(first["user"] == Value("ann")); // as in `ssh`
    CHECK(first["jump_host"].is_null());
    CHECK(web.place == "web:22 via 10.0.0.2:24 via a:22");
    const Home circle("Host web\n ProxyJump a\nHost a\n ProxyJump a\n", known);
    CHECK_THROWS_AS(circle.resolve(Value::map({{"address", "web"}})), Error);
    const Home unknown("Host web\n ProxyJump stranger\n", known);
    CHECK_THROWS_AS(unknown.resolve(Value::map({{"address", "web"}})), Error);
    const Home given("Host web\n ProxyJump none\n", known);
    CHECK(given.resolve(Value::map({{"address", "web"}})).connection["jump_host"].is_null());
}

TEST_CASE("comparison with OpenSSH itself") {
    const TempDir dir;
    const std::string text = "Host web *.prod !x.prod\n HostName %h.example.com\n Port 2200\n"
                             "Match host *.example.com\n User ops\n ProxyJump a,b\n"
                             "Host *\n User late\n IdentityFile /k/%h\n";
    write_file(dir.path / "config", text);
    for (const std::string host : {"web", "y.prod", "x.prod", "other"}) {
        const std::string out =
            run_checked({.argv = {"ssh", "-G", "-F", dir.path / "config", host}}).out;
        const HostConfig mine = ask(text, host);
        const std::string name = mine.host_name.empty() ? host : mine.host_name;
        INFO(host << "\n" << out);
        CHECK(("\n" + out).find("\nhostname " + name + "\n") != std::string::npos);
        CHECK(("\n" + out).find("\nuser " + mine.user + "\n") != std::string::npos);
        CHECK(("\n" + out).find(fmt::format("\nport {}\n", mine.port.value_or(22))) !=
              std::string::npos);
        CHECK((out.find("\nproxyjump ") != std::string::npos) == !mine.proxy_jump.empty());
    }
}
