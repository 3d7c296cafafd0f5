#include "helpers.h"
#include "state/location.h"
#include "state/postgres_connect.h"

using namespace hadeploy;
using namespace testing;

TEST_CASE("the schema of an environment") {
    auto location = StateLocation::of_url("postgresql:///infra?schema=shop");
    location.extend_schema("staging");
    CHECK(location.text() == "postgresql:///infra?schema=shop_staging");
    CHECK_THROWS_AS(location.extend_schema(std::string(60, 'a')), Error);
}

TEST_CASE("the schema is taken from the URL, and the rest is left to libpq") {
    const auto plain = StateLocation::of_url("postgresql://ann@db.example/infra");
    CHECK(plain.url == "postgresql://ann@db.example/infra");
    CHECK(plain.schema == "hadeploy");
    CHECK(plain.text() == "postgresql://ann@db.example/infra?schema=hadeploy");
    const auto full = StateLocation::of_url(
        "postgres://db:5433,standby/infra?sslmode=require&schema=shop-2&target_session_attrs=any");
    CHECK(full.url == "postgres://db:5433,standby/infra?sslmode=require&target_session_attrs=any");
    CHECK(full.schema == "shop-2");
    CHECK(StateLocation::of_url("postgresql:///infra?schema=a").url == "postgresql:///infra");
    CHECK(StateLocation("/a/state.db").text() == "/a/state.db");
}

TEST_CASE("URLs of something else, passwords and invalid schemas are rejected") {
    const std::pair<const char*, const char*> cases[] = {
        {"mysql://db/x", "does not begin with postgresql://"},
        {"", "does not begin with postgresql://"},
        {"postgresql://ann:pw@db/x", "contains a password"},
        {"postgresql://db/x?password=pw", "contains a password"},
        {"postgresql://db/x?PASSWORD=pw", "contains a password"},
        {"postgresql://db/x?pass%77ord=pw", "contains a password"},
        {"postgresql://db/x?a=b&sslpassword=pw", "contains a password"},
        {"postgresql://db/x?scram_client_key=pw", "contains a password"},
        {"postgresql://ann:pw?pw@db/x", "contains a password"},
        {"postgresql://db?password=pw@x", "contains a password"},
        {"postgresql://ann:@pw/x", "contains a password"},
        {"postgresql://ann:,pw/x", "has a port that is not a number"},
        {"postgresql://ann%3apw@db/x", "contains a password"},
        {"mysql://ann:pw@db/x", "does not begin with postgresql://"},
        {"host=db password=pw", "does not begin with postgresql://"},
        {"postgresql://ann:pw/pw@db/x", "has an @ in the wrong place"},
        {"postgresql://ann:pw@pw@db/x", "has an @ in the wrong place"},
        {"postgresql://ann:pw/x", "has a port that is not a number"},
        {"postgresql://db,ann:pw?connect_timeout=3", "has a port that is not a number"},
        {"postgresql://db/x?schema=a&schema=b", "has two parameters `schema`"},
        {"postgresql://db/x?schema=a&sche%6da=b", "has two parameters `schema`"},
        {"postgresql://db/x?schema=", "can't be the schema"},
        {"postgresql://db/x?schema=A", "can't be the schema"},
        {"postgresql://db/x?schema=a%22b", "can't be the schema"},
        {"postgresql://db/x?schema=pg_temp", "can't be the schema"},
    };
    for (const auto& [url, says] : cases) {
        CAPTURE(url);
        const Error error = error_of([&, given = url] { (void)StateLocation::of_url(given); });
        CHECK(error.kind == ErrorKind::usage);
        CHECK(has(error.message, says));
        CHECK_FALSE(has(error.message, "pw"));
        CHECK_FALSE(error.hint.empty());
    }
}

TEST_CASE("the user may be given, and hosts with or without ports") {
    for (const char* url :
         {"postgresql://ann@db/x", "postgresql://a%40b@db/x", "postgresql://[::1]:5432,db:5433/x",
          "postgresql://[fe80::1]/x", "postgresql:///x", "postgresql://%2Fvar%2Frun/x",
          "postgresql:///x?host=/tmp"}) {
        CAPTURE(url);
        CHECK(StateLocation::of_url(url).url == url);
        CHECK_NOTHROW(postgres::check_url(StateLocation::of_url(url)));
    }
}

TEST_CASE("however a password is written into a URL, no message contains it") {
    constexpr const char* secret = "Canary71";
    const std::vector<std::string> before{"",    "?", "/",    "#",   "%",  "%3f",     "a/b?c", ":",
                                          "@",   "&", "a=b",  "%zz", "[",  "]",       ",",     "\n",
                                          "%00", " ", "5432", "x@y", "//", "\xc3\xa4"};
    const std::vector<std::string> forms{
        "{0}://ann:{1}@db/x",
        "{0}://ann:{1}@db,standby/x",
        "{0}://ann:{1}/x",
        "{0}://ann:{1}",
        "{0}://:{1}@db/x",
        "{0}://ann:{1}@/x",
        "{0}://ann:{1}@[::1]:5432/x",
        "{0}://db/x?password={1}",
        "{0}://db/x?PassWord={1}",
        "{0}://db/x?%70assword={1}",
        "{0}://db/x?a=b&password={1}",
        "{0}://db/x?sslpassword={1}",
        "{0}://db/x?scram_client_key={1}",
        "{0}://db/x?oauth_client_secret={1}",
        "{0}://db/x?pwd={1}",
        "{0}://db/x?passwd={1}",
        "{0}://db/x?pass={1}",
        "{0}://db?password={1}",
        "{0}://ann:{1}@db/x?schema=A",
        "{0}://ann:{1}@db:y/x",
        "{0}://db,ann:{1}@standby/x",
        "{0}://ann%3A{1}@db/x",
        "{0}://db/x?ann:{1}@db",
        "{0}://a@db,b:{1}@c/x",
        "{0}://db/x?schema=a&password={1}",
    };
    for (const std::string scheme :
         {"postgresql", "postgres", "mysql", "POSTGRESQL", "postgresql "})
        for (const std::string& form : forms)
            for (const std::string& first : before)
                for (const bool at_the_end : {false, true}) {
                    // what follows a / or ? there is not a password, but a database or parameter
                    const bool no_user = form.find('@') == form.npos && form.find('=') == form.npos;
                    if (no_user && first.find_first_of("/?") != first.npos) continue;
                    const std::string password = at_the_end ? secret + first : first + secret;
                    const std::string url = fmt::format(fmt::runtime(form), scheme, password);
                    CAPTURE(url);
                    try {
                        const auto location = StateLocation::of_url(url);
                        postgres::check_url(location);
                        FAIL_CHECK("accepted: " << location.text());
                    } catch (const Error& error) {
                        CHECK(error.kind == ErrorKind::usage);
                        CHECK((error.message + error.hint).find(secret) == std::string::npos);
                    }
                }
}
