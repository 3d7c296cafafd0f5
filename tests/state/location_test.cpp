#include "helpers.h"
#include "state/location.h"

using namespace hadeploy;
using namespace testing;

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
        {"mysql://db/x", "is not the URL of a state"},
        {"", "is not the URL of a state"},
        {"postgresql://ann:pw@db/x", "contains a password"},
        {"postgresql://db/x?password=pw", "contains a password"},
        {"mysql://ann:pw@db/x", "contains a password"},
        {"postgresql://ann:pw/pw@db/x", "contains a password"},
        {"host=db password=pw", "is not the URL of a state"},
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
    CHECK(password_in("postgresql://ann:p@w@db/x?user=b") == "p@w");
    CHECK(password_in("postgresql://db:5432/x@y:z").empty());
    CHECK(error_of([] {
              postgres::check_url(StateLocation::of_url("postgresql://db:x:y/z%"));
          }).kind == ErrorKind::usage);
}
