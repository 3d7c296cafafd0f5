// mysql.* with a real MariaDB server, which runs as another user than root, on a real sshd.
#include "core/file.h"
#include "core/process.h"
#include "providers/ssh/mysql_grants.h"
#include "ssh/real_host.h"
#include "support/has.h"

#include <csignal>
#include <doctest/doctest.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace hadeploy;
using namespace hadeploy::test;
namespace fs = std::filesystem;

namespace {
constexpr const char* kMariadbd = "/usr/sbin/mariadbd";

class Mariadb {
  public:
    /// @param networking  options for connections over TCP; without them it has only its socket
    explicit Mariadb(std::vector<std::string> networking = {"--skip-networking"})
        : networking_(std::move(networking)) {
        const std::string data = (dir_.path / "data").string();
        fs::create_directory(data);
        for (const std::string& path : {dir_.path.string(), data})
            REQUIRE(::chown(path.c_str(), 65534, 65534) == 0);
        const ProcessResult made =
            run_process({.argv = {"mariadb-install-db", "--no-defaults", "--user=nobody",
                                  "--skip-test-db", "--skip-name-resolve", "--datadir=" + data}});
        REQUIRE_MESSAGE(made.status == 0, made.err, made.out);
        start();
    }
    ~Mariadb() { stop(); }
    Mariadb(const Mariadb&) = delete;
    Mariadb& operator=(const Mariadb&) = delete;

    static bool possible() {
        return SshServer::possible() && fs::exists(kMariadbd) &&
               fs::exists("/usr/bin/mariadb-install-db");
    }
    void start() {
        pid_ = ::fork();
        if (pid_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            std::vector<std::string> argv{kMariadbd,
                                          "--no-defaults",
                                          "--user=nobody",
                                          "--general-log",
                                          "--datadir=" + (dir_.path / "data").string(),
                                          "--general-log-file=" + (dir_.path / "log").string(),
                                          "--socket=" + socket(),
                                          "--log-error=" + (dir_.path / "errors").string()};
            argv.insert(argv.end(), networking_.begin(), networking_.end());
            std::vector<char*> words;
            for (std::string& word : argv) words.push_back(word.data());
            words.push_back(nullptr);
            ::execv(kMariadbd, words.data());
            ::_exit(127);
        }
        for (int i = 0; i < 600 && run_process({.argv = as_root("SELECT 1")}).status != 0; ++i)
            std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    void stop() {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGTERM);
        ::waitpid(pid_, nullptr, 0);
        pid_ = -1;
    }
    std::string sql(const std::string& statement) const {
        const ProcessResult done = run_process({.argv = as_root(statement)});
        REQUIRE_MESSAGE(done.status == 0, done.err);
        return done.out;
    }
    /// Whether this user can log in and run a statement.
    bool may(const std::string& user, const std::string& password, const std::string& statement) {
        std::vector<std::string> argv = as_root(statement);
        argv[2] = "--user=" + user;
        argv.push_back("--password=" + password);
        return run_process({.argv = argv}).status == 0;
    }
    std::string socket() const { return (dir_.path / "s").string(); }
    std::string log() const { return read_file(dir_.path / "log"); }

  private:
    std::vector<std::string> as_root(const std::string& statement) const {
        return {"mariadb", "--no-defaults", "--user=root", "--socket=" + socket(), "-N", "-B",
                "-e",      statement};
    }
    std::vector<std::string> networking_;
    TempDir dir_;
    pid_t pid_ = -1;
};

/// A certificate for "localhost", and the authority that signed it. The server must be able to read
/// its key.
struct Certificate {
    Certificate() {
        ::chmod(dir.path.c_str(), 0755);
        const auto openssl = [](std::vector<std::string> argv) {
            argv.insert(argv.begin(), "openssl");
            const ProcessResult made = run_process({.argv = std::move(argv)});
            REQUIRE_MESSAGE(made.status == 0, made.err);
        };
        openssl({"req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", file("ca.key"), "-out",
                 file("ca.pem"), "-subj", "/CN=hadeploy test authority", "-days", "2"});
        openssl({"req", "-newkey", "rsa:2048", "-nodes", "-keyout", file("key"), "-out",
                 file("request"), "-subj", "/CN=localhost"});
        write_file(file("names"), "subjectAltName=DNS:localhost\n");
        openssl({"x509", "-req", "-in", file("request"), "-CA", file("ca.pem"), "-CAkey",
                 file("ca.key"), "-CAcreateserial", "-out", file("pem"), "-days", "2", "-extfile",
                 file("names")});
        for (const char* read : {"key", "pem", "ca.pem"}) ::chmod(file(read).c_str(), 0644);
    }
    std::string file(const char* name) const { return (dir.path / name).string(); }
    TempDir dir;
};

Value privileges(std::initializer_list<std::pair<const char*, std::vector<const char*>>> all) {
    Value map = Value::map({});
    for (const auto& [object, names] : all)
        map = map.with(object, Value::list(Value::List(names.begin(), names.end())));
    return map;
}
} // namespace

TEST_CASE("mysql.user: the hash is that of MariaDB") { // SELECT PASSWORD('password')
    CHECK(ssh::mysql::password_hash("password") == "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19");
}

TEST_CASE("mysql.user: grants are parsed, and changed without revoking what stays") {
    using namespace ssh::mysql;
    const Grants seen =
        parse_grants({"GRANT PROCESS ON *.* TO `app`@`%` IDENTIFIED BY PASSWORD "
                      "'*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19' REQUIRE SSL WITH GRANT OPTION",
                      "GRANT `reader` TO `app`@`%`", "GRANT PROXY ON ''@'%' TO 'app'@'%'",
                      "GRANT SELECT, INSERT ON `app\\_db`.* TO `app`@`%`",
                      "GRANT SELECT ON `any_db`.* TO `app`@`%`",
                      "GRANT SELECT (`a`, `b`), UPDATE ON `app_db`.`t_1` TO `app`@`%`",
                      "GRANT EXECUTE ON PROCEDURE `app`.`p` TO `app`@`%`",
                      "GRANT ALL PRIVILEGES ON `b`.* TO `app`@`%`",
                      "GRANT ALL PRIVILEGES ON `d`.* TO `app`@`%` WITH GRANT OPTION",
                      "SET DEFAULT ROLE `reader` FOR `app`@`%`"});
    CHECK(seen.password_hash == "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19");
    CHECK(seen.privileges == privileges({{"*.*", {"GRANT OPTION", "PROCESS"}},
                                         {"PROCEDURE `app`.`p`", {"EXECUTE"}},
                                         {"`any_db`.*", {"SELECT"}},
                                         {"app_db.*", {"INSERT", "SELECT"}},
                                         {"app_db.t_1", {"SELECT (`a`, `b`)", "UPDATE"}},
                                         {"b.*", {"ALL"}},
                                         {"d.*", {"ALL", "GRANT OPTION"}}}));
    CHECK(change_grants("'app'@'%'", seen.privileges,
                        privileges({{"*.*", {"PROCESS"}},
                                    {"app_db.*", {"ALL"}},
                                    {"b.*", {"GRANT OPTION", "SELECT"}},
                                    {"c.t", {"SELECT"}}})) ==
          "REVOKE GRANT OPTION ON *.* FROM 'app'@'%';\n"
          "GRANT ALL ON `app\\_db`.* TO 'app'@'%';\n"
          "REVOKE ALL PRIVILEGES ON `b`.* FROM 'app'@'%';\n"
          "GRANT SELECT ON `b`.* TO 'app'@'%' WITH GRANT OPTION;\n"
          "GRANT SELECT ON `c`.`t` TO 'app'@'%';\n"
          "REVOKE EXECUTE ON PROCEDURE `app`.`p` FROM 'app'@'%';\n"
          "REVOKE SELECT ON `any_db`.* FROM 'app'@'%';\n"
          "REVOKE SELECT (`a`, `b`), UPDATE ON `app_db`.`t_1` FROM 'app'@'%';\n"
          "REVOKE ALL PRIVILEGES ON `d`.* FROM 'app'@'%';\n"
          "REVOKE GRANT OPTION ON `d`.* FROM 'app'@'%';\n");
}

TEST_SUITE("MariaDB" * doctest::skip(!Mariadb::possible())) {

    TEST_CASE("mysql.database, mysql.user: made, changed by hand, repaired, removed") {
        const Host host;
        Mariadb server;
        const Value at = Value::map({{"socket", server.socket()}});
        const auto config = [&](std::initializer_list<std::pair<std::string_view, Value>> more) {
            return host.config(more).with("server", at);
        };
        server.sql("CREATE DATABASE theirs CHARACTER SET utf8mb4; CREATE DATABASE app_2");
        const Value written = config({{"name", "app_1"}});
        Managed database(*host.endpoint, "mysql.database", written);
        CHECK(database.read().state == Observation::State::absent);
        CHECK(database.create().text("collation").starts_with("utf8mb4_"));
        server.sql("ALTER DATABASE app_1 CHARACTER SET latin1");
        CHECK(database.read().attributes.text("charset") == "latin1");
        database.update(written, {"charset", "collation"});
        database.update(written.with("charset", "latin1"), {"charset"});
        CHECK(database.read().attributes.text("collation").starts_with("latin1_"));
        Managed theirs(*host.endpoint, "mysql.database", config({{"name", "theirs"}}));
        CHECK(theirs.decision().action == Action::adopt);

        const auto user = [&](const char* password, const Value& rights) {
            return config({{"name", "app"}, {"password", password}, {"privileges", rights}});
        };
        const Value rights = privileges({{"app_1.*", {"INSERT", "SELECT"}}});
        Managed app(*host.endpoint, "mysql.user", user("first 'secret' \\\"", rights));
        CHECK(app.read().state == Observation::State::absent);
        app.create();
        CHECK(app.decision().action == std::nullopt);
        CHECK(server.may("app", "first 'secret' \\\"", "SHOW TABLES IN app_1"));
        CHECK(!server.may("app", "first 'secret' \\\"", "SHOW TABLES IN app_2"));

        app.update(user("the-second-secret", rights), {"password"});
        CHECK(!server.may("app", "first 'secret' \\\"", "SELECT 1"));
        CHECK(server.may("app", "the-second-secret", "SELECT 1"));
        for (const char* secret : {"first", "second"}) CHECK(!has(server.log(), secret));

        server.sql("SET PASSWORD FOR app@localhost = PASSWORD('by hand'); GRANT DROP ON app_1.* TO "
                   "app@localhost; GRANT SELECT ON `app_1`.* TO app@localhost; REVOKE INSERT ON "
                   "`app\\_1`.* FROM app@localhost");
        const Decision drift = app.decision();
        CHECK(drift.action == Action::update);
        CHECK(drift.changes.size() == 2);
        app.update(user("the-second-secret", rights), {"password", "privileges"});
        CHECK(app.decision().action == std::nullopt);
        CHECK(server.may("app", "the-second-secret", "SHOW TABLES IN app_1"));

        // a user that was there before keeps its login when the resource is removed
        server.sql("CREATE USER old@localhost IDENTIFIED BY 'x'");
        Managed old(*host.endpoint, "mysql.user", config({{"name", "old"}, {"password", "x"}}));
        CHECK(old.decision().action == Action::adopt);
        old.create();
        old.remove();
        CHECK(server.may("old", "x", "SELECT 1"));
        const auto seen_by_old = [&](const char* password) {
            const Value login = at.with("user", "old").with("password", password);
            return Managed(*host.endpoint, "mysql.database",
                           host.config({{"name", "app_1"}, {"server", login}}))
                .read();
        };
        CHECK(seen_by_old("x").state == Observation::State::absent); // it may not see others'
        const Observation refused = seen_by_old("wrong");
        REQUIRE(refused.state == Observation::State::failed);
        CHECK(has(refused.error->message, "ERROR 1045"));
        CHECK(has(refused.error->hint, "`password`"));

        Managed kept(*host.endpoint, "mysql.user",
                     config({{"name", "kept"}, {"password", "x"}, {"keep", true}}));
        kept.create();
        kept.remove();
        CHECK(server.may("kept", "x", "SELECT 1"));

        app.remove();
        CHECK(app.read().state == Observation::State::absent);
        database.remove();
        CHECK(server.sql("SHOW DATABASES LIKE 'app%'") == "app_2\n");

        server.stop();
        const Observation down = theirs.read();
        CHECK(down.state == Observation::State::blocked);
        CHECK(has(down.error->message, "does not answer: ERROR 2002"));
    }

    TEST_CASE("mysql.database: the connection is encrypted and the certificate verified") {
        const Host host;
        const Certificate certificate;
        const std::string port = std::to_string(free_port());
        const std::vector<std::string> plain{"--bind-address=127.0.0.1", "--port=" + port};
        std::vector<std::string> with_tls = plain;
        for (const auto& [option, file] :
             {std::pair{"--ssl-key=", "key"}, {"--ssl-cert=", "pem"}, {"--ssl-ca=", "ca.pem"}})
            with_tls.push_back(option + certificate.file(file));
        const auto read = [&](const Mariadb& server, const char* address, const char* tls,
                              const char* ca = nullptr) {
            server.sql("CREATE DATABASE IF NOT EXISTS app; CREATE OR REPLACE USER encrypted@'%' "
                       "IDENTIFIED BY 'x' REQUIRE SSL; GRANT ALL ON app.* TO encrypted@'%'; CREATE "
                       "OR REPLACE USER any@'%' IDENTIFIED BY 'x'; GRANT ALL ON app.* TO any@'%'");
            Value at = Value::map({{"address", address},
                                   {"port", std::stoi(port)},
                                   {"user", std::string_view(tls) == "off" ? "any" : "encrypted"},
                                   {"password", "x"},
                                   {"tls", tls}});
            if (ca != nullptr) at = at.with("ca", certificate.file(ca));
            return Managed(*host.endpoint, "mysql.database",
                           host.config({{"name", "app"}, {"server", at}}))
                .read();
        };
        {
            const Mariadb server(with_tls);
            for (const char* tls : {"prefer", "off"})
                CHECK(read(server, "127.0.0.1", tls).state == Observation::State::present);
            CHECK(read(server, "localhost", "verify", "ca.pem").state ==
                  Observation::State::present);
            CHECK(read(server, "localhost", "verify", "absent").state ==
                  Observation::State::blocked);
            // an authority that the host does not trust; an address that is not in the certificate
            for (const Observation& refused : {read(server, "localhost", "verify"),
                                               read(server, "127.0.0.1", "verify", "ca.pem")}) {
                REQUIRE(refused.state == Observation::State::failed);
                CHECK(has(refused.error->message, "no TLS connection to the MariaDB server on"));
                CHECK(has(refused.error->hint, "`ca`"));
            }
        }
        Mariadb server(plain);
        if (server.sql("SELECT @@have_ssl") == "YES\n") return; // since 11.4 it makes its own
        const Observation refused = read(server, "localhost", "verify", "ca.pem");
        REQUIRE(refused.state == Observation::State::failed);
        CHECK(has(refused.error->message, "ERROR 2026"));
    }

} // TEST_SUITE
