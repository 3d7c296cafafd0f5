// mysql.* with a real MariaDB server, which runs as another user than root, on a real sshd.
#include "core/file.h"
#include "core/process.h"
#include "providers/ssh/mysql_grants.h"
#include "ssh/real_host.h"
#include "support/has.h"

#include <csignal>
#include <doctest/doctest.h>
#include <sys/prctl.h>
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
    Mariadb() {
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
            const std::string data = "--datadir=" + (dir_.path / "data").string(),
                              log = "--general-log-file=" + (dir_.path / "log").string(),
                              at = "--socket=" + socket(),
                              errors = "--log-error=" + (dir_.path / "errors").string();
            ::execl(kMariadbd, kMariadbd, "--no-defaults", "--user=nobody", "--skip-networking",
                    "--general-log", data.c_str(), log.c_str(), at.c_str(), errors.c_str(),
                    nullptr);
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
    TempDir dir_;
    pid_t pid_ = -1;
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

        app.remove();
        CHECK(app.read().state == Observation::State::absent);
        database.remove();
        CHECK(server.sql("SHOW DATABASES LIKE 'app%'") == "app_2\n");

        server.stop();
        const Observation down = theirs.read();
        CHECK(down.state == Observation::State::blocked);
        CHECK(has(down.error->message, "does not answer: ERROR 2002"));
    }

} // TEST_SUITE
