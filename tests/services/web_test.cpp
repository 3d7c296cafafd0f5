#include "support.h"

#include "common/text.h"
#include "web/pages.h"

#include <cstdlib>
#include <doctest/doctest.h>

using namespace hadeploy::svc;
using namespace hadeploy::svc::test;

namespace {

/// The web service with a database, on loopback.
struct App {
    TempDir data;
    Service database{"database", {{"DATA_DIR", data.path()}, {"LOGGER", "127.0.0.1:1"}}};
    Service web{"web", {{"DATABASE", database.address()}, {"LINGER_MS", "1"}}};

    App() {
        REQUIRE(eventually([&] { return get_json(web.port(), "/readyz").status == 200; }));
    }
    Reply put(const Json& body) { return post_json(web.port(), "/api/entities", body); }
};

std::string post_form(std::uint16_t port, const std::string& body) {
    return converse(port, "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: " +
                              std::to_string(body.size()) + "\r\n\r\n" + body);
}

} // namespace

TEST_CASE("the API creates, increments, and reports who served it") {
    App app;
    const Reply created = app.put({{"name", "apples"}, {"quantity", 3}, {"id", "one"}});
    CHECK(created.status == 200);
    CHECK(created.body.at("action") == "created");
    CHECK(created.body.at("served_by").at("node") == "test");
    const Reply again = app.put({{"name", "apples"}, {"quantity", 3}, {"id", "one"}});
    CHECK(again.body.at("replayed") == true);
    CHECK(app.put({{"name", "apples"}, {"quantity", 2}}).body.at("total") == 5);
    CHECK(get_json(app.web.port(), "/api/entities/apples").body.at("quantity") == 5);
    CHECK(get_json(app.web.port(), "/api/writes/one").body.at("quantity") == 3);
    CHECK(get_json(app.web.port(), "/api/check").body.at("integrity") == "ok");
}

TEST_CASE("names with any printable character are found by their path") {
    App app;
    const std::string name = "a/b ?%ä<x>";
    CHECK(app.put({{"name", name}, {"quantity", 1}}).status == 200);
    CHECK(get_json(app.web.port(), "/api/entities/" + url_encode(name)).body.at("name") == name);
}

TEST_CASE("pages of a list cover every entry once") {
    App app;
    for (int i = 0; i < 7; ++i)
        app.put(
            {{"name", "n" + std::to_string(i)}, {"quantity", 1}, {"id", "id" + std::to_string(i)}});
    std::vector<std::string> ids;
    for (Json next = 0; !next.is_null();) {
        const Json page = get_json(app.web.port(), "/api/writes?limit=3&after=" + next.dump()).body;
        for (const Json& write : page.at("writes")) ids.push_back(write.at("id"));
        next = page.at("next");
    }
    CHECK(ids == std::vector<std::string>{"id0", "id1", "id2", "id3", "id4", "id5", "id6"});
    std::size_t names = 0;
    for (Json next = ""; !next.is_null();) {
        const Json page =
            get_json(app.web.port(), "/api/entities?limit=3&after=" + next.get<std::string>()).body;
        names += page.at("entities").size();
        next = page.at("next");
    }
    CHECK(names == 7);
}

TEST_CASE("the list of writes can be limited to IDs that begin with a text") {
    App app;
    for (const char* id : {"a-1", "b-1", "a-2", "a-3", "A-4", "a", "aa-5", "b-2"})
        app.put({{"name", "n"}, {"quantity", 1}, {"id", id}});
    const auto ids = [&](const std::string& query) {
        std::vector<std::string> found;
        for (Json next = 0; !next.is_null();) {
            const Json page =
                get_json(app.web.port(), "/api/writes?" + query + "&after=" + next.dump()).body;
            for (const Json& write : page.at("writes")) found.push_back(write.at("id"));
            next = page.at("next");
        }
        return found;
    };
    const std::vector<std::string> ours{"a-1", "a-2", "a-3"};
    CHECK(ids("prefix=a-") == ours);
    CHECK(ids("prefix=a-&limit=1") == ours);
    CHECK(ids("prefix=a-3") == std::vector<std::string>{"a-3"});
    CHECK(ids("prefix=z").empty());
    CHECK(ids("prefix=").size() == 8);
    CHECK(get_json(app.web.port(), "/api/writes?prefix=a%25").status == 400);
    CHECK(get_json(app.web.port(), "/api/writes?prefix=a-").body.at("last") == 8);
}

TEST_CASE("invalid input gets a clear response and writes nothing") {
    App app;
    for (const Json& body :
         {Json(3), Json{{"name", "a"}}, Json{{"name", "a"}, {"quantity", 1.5}},
          Json{{"name", "a"}, {"quantity", "1"}}, Json{{"name", "a"}, {"quantity", 0}},
          Json{{"name", "a"}, {"quantity", 18446744073709551615ULL}},
          Json{{"name", ""}, {"quantity", 1}},
          Json{{"name", std::string(65, 'x')}, {"quantity", 1}},
          Json{{"name", "a"}, {"quantity", 1}, {"id", "a b"}}, Json{{"name", 5}, {"quantity", 1}}})
        CHECK(app.put(body).status == 400);
    CHECK(get_json(app.web.port(), "/api/writes?after=x").status == 400);
    CHECK(get_json(app.web.port(), "/api/nothing").status == 404);
    CHECK(get_json(app.web.port(), "/api/entities/nothing").status == 404);
    CHECK(get_json(app.web.port(), "/api/writes").body.at("last") == 0);
    app.put({{"name", "a"}, {"quantity", 1}, {"id", "x"}});
    CHECK(app.put({{"name", "a"}, {"quantity", 2}, {"id", "x"}}).status == 409);
}

TEST_CASE("without a database: 503, alive but not ready, and nothing is acknowledged") {
    Service web("web",
                {{"DATABASE", "127.0.0.1:1"}, {"REQUEST_TIMEOUT_MS", "200"}, {"LINGER_MS", "1"}});
    CHECK(post_json(web.port(), "/api/entities", {{"name", "a"}, {"quantity", 1}}).status == 503);
    CHECK(get_json(web.port(), "/readyz").status == 503);
    CHECK(get_text(web.port(), "/healthz").starts_with("HTTP/1.1 200"));
    CHECK(get_text(web.port(), "/").starts_with("HTTP/1.1 503"));
    const std::string page = post_form(web.port(), "id=form1&name=apples&quantity=4");
    CHECK(page.starts_with("HTTP/1.1 503"));
    CHECK(page.find("value=\"form1\"") != std::string::npos);
    CHECK(page.find("value=\"apples\"") != std::string::npos);
}

TEST_CASE("a task passes its check once the database has responded, and during a later outage") {
    const TempDir data;
    const auto passes = [](const Service& web) {
        const std::string program = HADEPLOY_SERVICES_DIR "/web --healthcheck";
        return std::system(("PORT=" + std::to_string(web.port()) + " " + program).c_str()) == 0;
    };
    Service database("database", {{"DATA_DIR", data.path()}, {"LOGGER", "127.0.0.1:1"}});
    database.kill_now();
    Service web("web", {{"DATABASE", database.address()},
                        {"REQUEST_TIMEOUT_MS", "200"},
                        {"WATCHDOG_MS", "50"},
                        {"LINGER_MS", "1"}});
    CHECK_FALSE(passes(web));
    CHECK(get_text(web.port(), "/healthz").starts_with("HTTP/1.1 200"));
    {
        Service late("database", {{"DATA_DIR", data.path()},
                                  {"LOGGER", "127.0.0.1:1"},
                                  {"PORT", std::to_string(database.port())}});
        CHECK(eventually([&] { return passes(web); }));
    }
    CHECK(get_json(web.port(), "/readyz").status == 503);
    CHECK(passes(web));

    const Service patient("web", {{"DATABASE", database.address()},
                                  {"REQUEST_TIMEOUT_MS", "200"},
                                  {"START_MS", "1"},
                                  {"LINGER_MS", "1"}});
    CHECK(passes(patient)); // no task would serve if the database stays away
}

TEST_CASE("each container counts its requests and errors, without checks and polls") {
    Service web("web",
                {{"DATABASE", "127.0.0.1:1"}, {"REQUEST_TIMEOUT_MS", "200"}, {"LINGER_MS", "1"}});
    const auto counts = [&](const char* key) {
        return get_json(web.port(), "/api/requests").body.at(key).get<int>();
    };
    for (const char* path : {"/healthz", "/readyz", "/startz", "/api/requests"})
        get_text(web.port(), path);
    CHECK(counts("requests") == 0);
    CHECK(counts("errors") == 0);
    for (const char* path : {"/style.css", "/nothing", "/api/writes?after=x"})
        get_text(web.port(), path);
    CHECK(counts("requests") == 3);
    CHECK(counts("errors") == 0);
    CHECK(get_text(web.port(), "/").starts_with("HTTP/1.1 503"));
    CHECK(post_json(web.port(), "/api/entities", {{"name", "a"}, {"quantity", 1}}).status == 503);
    CHECK(counts("requests") == 5);
    CHECK(counts("errors") == 2);
    CHECK(get_json(web.port(), "/api/requests").body.at("served_by").at("node") == "test");
}

TEST_CASE("requests beyond the capacity of a slow database are refused at once") {
    constexpr int kTurns = 16;
    std::atomic<int> asked = 0;
    std::atomic<bool> released = false;
    ConnectionServer slow(0, {.most = 64, .each = 64}, rpc_handler([&](const Json&) {
                              ++asked;
                              CHECK(eventually([&] { return released.load(); }));
                              return Json{{"ok", true}, {"node", "slow"}};
                          }));
    Service web("web", {{"DATABASE", "127.0.0.1:" + std::to_string(slow.port())},
                        {"REQUEST_TIMEOUT_MS", "20000"},
                        {"LINGER_MS", "1"}});
    std::atomic<int> served = 0;
    std::vector<std::thread> visitors;
    for (int i = 0; i < kTurns; ++i)
        visitors.emplace_back([&] { served += get_json(web.port(), "/readyz").status == 200; });
    CHECK(eventually([&] { return asked == kTurns; }));
    const Reply late = get_json(web.port(), "/api/entities");
    CHECK(late.status == 503);
    CHECK(late.body.at("error").at("code") == "busy");
    CHECK(asked == kTurns);
    CHECK(get_text(web.port(), "/healthz").starts_with("HTTP/1.1 200"));
    released = true;
    for (std::thread& visitor : visitors) visitor.join();
    CHECK(served == kTurns);
}

TEST_CASE("a write interrupted by a dying database succeeds with its successor, and counts once") {
    App app;
    app.put({{"name", "apples"}, {"quantity", 1}});
    const std::string port = std::to_string(app.database.port());
    app.database.kill_now();
    std::thread successor([&] {
        Service next("database",
                     {{"DATA_DIR", app.data.path()}, {"LOGGER", "127.0.0.1:1"}, {"PORT", port}});
        CHECK(eventually([&] {
            const Reply reply = app.put({{"name", "apples"}, {"quantity", 1}, {"id", "again"}});
            return reply.status == 200 && reply.body.at("total") == 2;
        }));
    });
    successor.join();
}

TEST_CASE("the form saves once, however often it is sent, and the page reports the result") {
    App app;
    for (int i = 0; i < 2; ++i) {
        const std::string answer =
            post_form(app.web.port(), "id=form1&name=green+apples&quantity=4");
        CHECK(answer.starts_with("HTTP/1.1 303"));
        CHECK(answer.find("Location: /?done=form1\r\n") != std::string::npos);
    }
    const std::string page = get_text(app.web.port(), "/?done=form1");
    CHECK(page.find("Created “green apples” with 4.") != std::string::npos);
    CHECK(page.find("Cache-Control: no-store") != std::string::npos);
    CHECK(post_form(app.web.port(), "id=form1&name=pears&quantity=4").starts_with("HTTP/1.1 409"));
    CHECK(post_form(app.web.port(), "id=f2&name=pears&quantity=4x").starts_with("HTTP/1.1 400"));
}

TEST_CASE("the page shows all stored or sent data as text") {
    App app;
    const std::string evil = "<script>alert(1)</script>\"'&";
    CHECK(app.put({{"name", evil}, {"quantity", 1}}).status == 200);
    const std::string refused =
        post_form(app.web.port(), "id=%22%3E%3Cb%3E&name=" + url_encode(evil) + "&quantity=%22%3E");
    for (const std::string& page : {get_text(app.web.port(), "/?done=%3Cb%3E"), refused}) {
        CHECK(page.find("<script") == std::string::npos);
        CHECK(page.find("\"><b>") == std::string::npos);
        CHECK(page.find("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;") !=
              std::string::npos);
    }
    const std::string rendered =
        render_page({"<n>", "\"c\""}, {"i", "n", "1"}, {Notice::Kind::Problem, "<p>"}, Json());
    CHECK(rendered.find("<n>") == std::string::npos);
    CHECK(rendered.find("\"c\"<") == std::string::npos);
    CHECK(rendered.find(">&lt;p&gt;<") != std::string::npos);
}

TEST_CASE("every service stops gracefully, with exit code 0") {
    App app;
    CHECK(app.web.stop() == 0);
    CHECK(app.database.stop() == 0);
}
