#include "support.h"

#include "logger/log_file.h"

#include <doctest/doctest.h>

#include <fstream>

using namespace hadeploy::svc;
using namespace hadeploy::svc::test;

namespace {

Json write_of(std::int64_t seq) {
    return {{"seq", seq},
            {"id", "id" + std::to_string(seq)},
            {"name", "apples"},
            {"quantity", 2},
            {"action", seq == 1 ? "created" : "incremented"},
            {"total", 2 * seq},
            {"at", "2026-03-01T09:15:02.041Z"},
            {"node", "node1"}};
}

Json writes(std::int64_t from, std::int64_t to) {
    Json list = Json::array();
    for (std::int64_t seq = from; seq <= to; ++seq) list.push_back(write_of(seq));
    return list;
}

std::string expected_lines(std::int64_t to) {
    std::string text;
    for (std::int64_t seq = 1; seq <= to; ++seq) text += log_line_of(write_of(seq));
    return text;
}

void append_raw(const TempDir& data, const std::string& bytes) {
    std::ofstream(data.path() + "/entities.log", std::ios::app | std::ios::binary) << bytes;
}

std::size_t lines_in(const TempDir& data) {
    const std::string text = data.read("entities.log");
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

} // namespace

TEST_CASE("a line has time, event, quantity and node, and a name cannot forge another line") {
    Json write = write_of(1);
    CHECK(log_line_of(write) ==
          "2026-03-01T09:15:02.041Z seq=1 created name=\"apples\" quantity=2 total=2 "
          "id=id1 node=\"node1\"\n");
    write["name"] = "x\" seq=9\ncreated";
    const std::string line = log_line_of(write);
    CHECK(std::count(line.begin(), line.end(), '\n') == 1);
    CHECK(line.find("x\\\" seq=9\\ncreated") != std::string::npos);
}

TEST_CASE("appending continues after the last line, and repeated writes change nothing") {
    const TempDir data;
    {
        LogFile file(data.path());
        CHECK(file.last() == 0);
        file.append(writes(1, 3));
        file.append(writes(2, 3));
        CHECK_THROWS_AS(file.append(writes(5, 6)), RpcError);
    }
    LogFile file(data.path());
    CHECK(file.last() == 3);
    file.append(writes(1, 5));
    CHECK(data.read("entities.log") == expected_lines(5));
}

TEST_CASE("an incomplete line after a crash is removed and written again") {
    const TempDir data;
    for (const std::size_t length : {1UL, 20UL, 40UL, log_line_of(write_of(3)).size() - 1}) {
        std::filesystem::remove(data.path() + "/entities.log");
        append_raw(data, expected_lines(2) + log_line_of(write_of(3)).substr(0, length));
        LogFile file(data.path());
        CHECK(file.last() == 2);
        file.append(writes(3, 4));
        CHECK(data.read("entities.log") == expected_lines(4));
    }
}

TEST_CASE("another file is not mistaken for the log") {
    const TempDir data;
    append_raw(data, "hello\n");
    CHECK_THROWS_WITH_AS(LogFile(data.path()), doctest::Contains("move it away"),
                         std::runtime_error);
    CHECK(data.read("entities.log") == "hello\n");
}

TEST_CASE(
    "the database acknowledges without its logger, and the logger later gets each line once") {
    const TempDir data;
    const TempDir logs;
    Service first("logger", {{"DATA_DIR", logs.path()}});
    const std::uint16_t port = first.port();
    first.kill_now();
    Service database("database",
                     {{"DATA_DIR", data.path()}, {"LOGGER", "127.0.0.1:" + std::to_string(port)}});
    REQUIRE(eventually([&] { return database.call({{"op", "ping"}}).at("ok") == true; }));
    for (int i = 1; i <= 300; ++i)
        REQUIRE(database
                    .call({{"op", "put"},
                           {"id", "a" + std::to_string(i)},
                           {"name", "n"},
                           {"quantity", 1}})
                    .at("ok") == true);
    CHECK(lines_in(logs) == 0);
    // Killed repeatedly while it receives writes: in the end the log is complete, in order and
    // without duplicates.
    for (std::size_t round = 0; round < 5; ++round) {
        Service logger("logger", {{"DATA_DIR", logs.path()}, {"PORT", std::to_string(port)}});
        eventually([&] { return lines_in(logs) > round * 20; });
        logger.kill_now();
        append_raw(logs, "2026-03-01T torn li");
        database.call(
            {{"op", "put"}, {"id", "b" + std::to_string(round)}, {"name", "n"}, {"quantity", 1}});
    }
    Service logger("logger", {{"DATA_DIR", logs.path()}, {"PORT", std::to_string(port)}});
    REQUIRE(eventually([&] { return lines_in(logs) >= 305; }));
    std::istringstream text(logs.read("entities.log"));
    int expected = 0;
    for (std::string line; std::getline(text, line);) {
        ++expected;
        CHECK(line.find(" seq=" + std::to_string(expected) +
                        (expected == 1 ? " created" : " incremented")) == 24);
    }
    CHECK(expected == 305);
}

TEST_CASE("a second logger waits for the first one's lock") {
    const TempDir logs;
    Service first("logger", {{"DATA_DIR", logs.path()}});
    REQUIRE(eventually([&] { return first.call({{"op", "last"}}).at("ok") == true; }));
    Service second("logger", {{"DATA_DIR", logs.path()}});
    REQUIRE(eventually([&] { return second.log().find("waiting-for-lock") != std::string::npos; }));
    CHECK(second.call({{"op", "last"}}).at("code") == "starting");
    first.kill_now();
    CHECK(eventually([&] { return second.call({{"op", "last"}}).at("ok") == true; }));
}
