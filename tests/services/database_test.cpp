#include "support.h"

#include "common/text.h"

#include <array>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <random>
#include <set>
#include <unistd.h>

using namespace hadeploy::svc;
using namespace hadeploy::svc::test;

namespace {

/// An address without a listener: the database must work without its logger.
constexpr const char* kNoLogger = "127.0.0.1:1";

Json put(const std::string& id, const std::string& name, std::int64_t quantity) {
    return {{"op", "put"}, {"id", id}, {"name", name}, {"quantity", quantity}};
}

std::map<std::string, std::string> on(const TempDir& data, const std::string& logger = kNoLogger) {
    return {{"DATA_DIR", data.path()}, {"LOGGER", logger}};
}

void wait_until_ready(Service& database) {
    REQUIRE(eventually([&] { return database.call({{"op", "active"}}).at("ok") == true; }));
}

Json all_writes(Service& database) {
    Json all = Json::array();
    for (std::int64_t after = 0;;) {
        const Json page = database.call({{"op", "writes"}, {"after", after}, {"limit", 100}});
        for (const Json& write : page.at("writes")) all.push_back(write);
        if (page.at("writes").empty()) return all;
        after = all.back().at("seq");
    }
}

} // namespace

TEST_CASE("a new name is created, an existing one incremented, and both survive a restart") {
    const TempDir data;
    {
        Service database("database", on(data));
        wait_until_ready(database);
        const Json first = database.call(put("a", "apples", 3));
        CHECK(first.at("write").at("action") == "created");
        CHECK(first.at("write").at("node") == "test");
        const Json second = database.call(put("b", "apples", 4));
        CHECK(second.at("write").at("action") == "incremented");
        CHECK(second.at("write").at("total") == 7);
        CHECK(database.stop() == 0);
    }
    Service database("database", on(data));
    wait_until_ready(database);
    CHECK(database.call({{"op", "get"}, {"name", "apples"}}).at("entity").at("quantity") == 7);
    CHECK(database.call({{"op", "get"}, {"name", "pears"}}).at("code") == "not_found");
    CHECK(database.call({{"op", "check"}}).at("integrity") == "ok");
    CHECK(all_writes(database).size() == 2);
}

TEST_CASE("an ID writes once, and is refused for another write") {
    const TempDir data;
    Service database("database", on(data));
    wait_until_ready(database);
    database.call(put("a", "apples", 3));
    const Json again = database.call(put("a", "apples", 3));
    CHECK(again.at("replayed") == true);
    CHECK(again.at("write").at("total") == 3);
    CHECK(database.call(put("a", "apples", 4)).at("code") == "conflict");
    CHECK(database.call(put("a", "pears", 3)).at("code") == "conflict");
    CHECK(database.call({{"op", "get"}, {"name", "apples"}}).at("entity").at("quantity") == 3);
}

TEST_CASE("invalid requests are refused and write nothing") {
    const TempDir data;
    Service database("database", on(data));
    wait_until_ready(database);
    for (const Json& request :
         {put("", "a", 1), put("x", "", 1), put("x", "a", 0), put("x", "a\nb", 1),
          put("x y", "a", 1), Json{{"op", "put"}, {"id", "x"}},
          Json{{"op", "put"}, {"id", 1}, {"name", "a"}, {"quantity", 1}}, Json{{"op", "drop"}},
          Json{{"no", "op"}}})
        CHECK(database.call(request).at("code") == "invalid");
    CHECK(database.call({{"op", "list"}}).at("count") == 0);
}

TEST_CASE("killed after the commit and before the response was read: the same ID counts once") {
    const TempDir data;
    {
        Service database("database", on(data));
        wait_until_ready(database);
        const Deadline deadline = Clock::now() + std::chrono::seconds(20);
        Socket writer = connect_tcp({"127.0.0.1", database.port()}, deadline);
        write_frame(writer, put("lost-answer", "apples", 5), deadline);
        // The response is never read; another connection shows that the write was committed.
        REQUIRE(eventually([&] { return all_writes(database).size() == 1; }));
        database.kill_now();
    }
    Service database("database", on(data));
    wait_until_ready(database);
    const Json again = database.call(put("lost-answer", "apples", 5));
    CHECK(again.at("replayed") == true);
    CHECK(again.at("write").at("total") == 5);
}

TEST_CASE("a second database stands by, healthy, and takes over when the first one ends") {
    const TempDir data;
    Service first("database", on(data));
    wait_until_ready(first);
    first.call(put("a", "apples", 1));
    Service second("database", on(data));
    REQUIRE(eventually([&] { return second.log().find("waiting-for-lock") != std::string::npos; }));
    CHECK(second.call({{"op", "ping"}}).at("standby") == true);
    CHECK(first.call({{"op", "ping"}}).at("standby") == false);
    for (const Json& request :
         {put("b", "apples", 1), Json{{"op", "list"}}, Json{{"op", "active"}}})
        CHECK(second.call(request).at("code") == "standby");
    SUBCASE("by a kill") {
        first.kill_now();
    }
    SUBCASE("as it should") {
        CHECK(first.stop() == 0);
    }
    wait_until_ready(second);
    CHECK(second.call(put("b", "apples", 1)).at("write").at("total") == 2);
}

TEST_CASE("the active database locks each file that it writes") {
    // A volume refuses writes to a file whose lock it has dropped, but not to a file without one.
    const TempDir data;
    Service database("database", on(data));
    wait_until_ready(database);
    database.call(put("a", "apples", 1));
    for (const char* name : {"/entities.lock", "/entities.db", "/entities.db-wal"}) {
        const int fd = open((data.path() + name).c_str(), O_RDWR | O_CLOEXEC);
        REQUIRE(fd >= 0);
        struct flock lock {};
        lock.l_type = F_WRLCK;
        lock.l_whence = SEEK_SET;
        CHECK(fcntl(fd, F_GETLK, &lock) == 0);
        CHECK_MESSAGE(lock.l_type != F_UNLCK, name);
        close(fd);
    }
}

TEST_CASE("a database whose file cannot be opened ends instead of standing by") {
    const TempDir data;
    std::filesystem::create_directory(data.path() + "/entities.db");
    Service database("database", on(data));
    CHECK(database.wait() != 0);
    CHECK_MESSAGE(database.log().find("cannot open") != std::string::npos, database.log());
}

TEST_CASE("a database that waits for a lock can be stopped") {
    const TempDir data;
    Service first("database", on(data));
    wait_until_ready(first);
    Service second("database", on(data));
    CHECK(second.stop() == 0);
}

TEST_CASE("with a standby, every write succeeds while active databases are killed and stopped") {
    const TempDir data;
    constexpr int kRounds = 10;
    // 127.0.0.1 and 127.0.0.2 are the addresses of one name.
    std::mutex mutex;
    std::map<std::uint32_t, std::unique_ptr<Service>> tasks;
    const auto start = [&](std::uint32_t address) {
        auto task = std::make_unique<Service>("database", on(data));
        const std::lock_guard lock(mutex);
        tasks[address] = std::move(task);
    };
    const std::array<std::uint32_t, 2> addresses = {(127U << 24) + 1, (127U << 24) + 2};
    for (const std::uint32_t address : addresses) start(address);
    RpcClient client({"database", 1}, [&](const Endpoint&, Deadline deadline,
                                          const std::vector<std::uint32_t>& last) {
        const bool second = !last.empty() && last.back() == addresses[0];
        std::uint16_t port = 0;
        {
            const std::lock_guard lock(mutex);
            port = tasks[addresses[second ? 1 : 0]]->port();
        }
        return connect_tcp({second ? "127.0.0.2" : "127.0.0.1", port}, deadline);
    });
    std::atomic<bool> over = false;
    std::atomic<int> written = 0;
    std::thread writer([&] {
        while (!over) {
            const std::string id = "w" + std::to_string(written);
            const Json reply =
                client.call(put(id, "apples", 1), Clock::now() + std::chrono::seconds(30));
            CHECK(reply.at("write").at("total") == ++written);
        }
    });
    std::mt19937 random(3);
    for (int round = 0; round < kRounds; ++round) {
        const int before = written;
        CHECK(eventually([&] { return written > before + 5; }));
        std::uint32_t active = 0;
        for (const std::uint32_t address : addresses)
            if (tasks[address]->call({{"op", "active"}}).at("ok") == true) active = address;
        REQUIRE(active != 0);
        // a second lock protects the data if somebody removes the file of the first
        if (round == kRounds / 2) std::filesystem::remove(data.path() + "/entities.lock");
        random() % 2 == 0 ? tasks[active]->kill_now() : void(tasks[active]->stop());
        start(active);
    }
    const int before = written;
    CHECK(eventually([&] { return written > before + 5; }));
    over = true;
    writer.join();
    int actives = 0;
    for (const auto& [address, task] : tasks) {
        if (task->call({{"op", "active"}}).at("ok") != true) continue;
        ++actives;
        CHECK(all_writes(*task).size() == static_cast<std::size_t>(written));
        CHECK(task->call({{"op", "check"}}).at("integrity") == "ok");
    }
    CHECK(actives == 1);
}

TEST_CASE("killed repeatedly under load: no acknowledged write is lost or counted twice") {
    const TempDir data;
    constexpr int kKills = 12;
    constexpr int kClients = 4;
    std::mutex mutex;
    std::map<std::string, std::int64_t> attempted;
    std::set<std::string> acknowledged;
    std::mt19937 random(7);
    std::atomic<int> serial = 0;
    for (int round = 0; round < kKills; ++round) {
        Service database("database", on(data));
        wait_until_ready(database);
        std::atomic<bool> over = false;
        std::vector<std::thread> clients;
        for (int i = 0; i < kClients; ++i)
            clients.emplace_back([&, port = database.port()] {
                while (!over) {
                    const int number = ++serial;
                    const std::string id = "w" + std::to_string(number);
                    {
                        const std::lock_guard lock(mutex);
                        attempted[id] = number % 9 + 1;
                    }
                    try {
                        const Deadline deadline = Clock::now() + std::chrono::seconds(20);
                        Socket socket = connect_tcp({"127.0.0.1", port}, deadline);
                        write_frame(socket,
                                    put(id, "e" + std::to_string(number % 3), number % 9 + 1),
                                    deadline);
                        const auto reply = read_frame(socket, deadline);
                        const std::lock_guard lock(mutex);
                        if (reply && reply->at("ok") == true) acknowledged.insert(id);
                    } catch (const NetworkError&) {
                        return; // killed: the outcome of this write is unknown
                    }
                }
            });
        const auto count = [&] {
            const std::lock_guard lock(mutex);
            return acknowledged.size();
        };
        const std::size_t before = count();
        CHECK(eventually([&] { return count() > before + 3; }));
        std::this_thread::sleep_for(std::chrono::milliseconds(random() % 80));
        database.kill_now();
        over = true;
        for (std::thread& client : clients) client.join();
    }
    Service database("database", on(data));
    wait_until_ready(database);
    const auto sent_again = attempted;
    for (const auto& [id, quantity] : sent_again)
        CHECK(database.call(put(id, "e" + std::to_string(std::stoi(id.substr(1)) % 3), quantity))
                  .at("ok") == true);
    std::map<std::string, std::int64_t> sums;
    std::set<std::string> seen;
    std::int64_t seq = 0;
    for (const Json& write : all_writes(database)) {
        CHECK(write.at("seq") == ++seq);
        CHECK(seen.insert(write.at("id")).second);
        CHECK(attempted.contains(write.at("id")));
        sums[write.at("name")] += write.at("quantity").get<std::int64_t>();
        CHECK(write.at("total") == sums[write.at("name")]);
    }
    CHECK(acknowledged.size() > kKills);
    for (const std::string& id : acknowledged) CHECK(seen.contains(id));
    CHECK(seen.size() == attempted.size());
    CHECK(database.call({{"op", "check"}}).at("integrity") == "ok");
}
