#include "common/entity.h"
#include "common/env.h"
#include "common/text.h"

#include <cstdlib>
#include <doctest/doctest.h>
#include <stdexcept>

using namespace hadeploy::svc;

TEST_CASE("html_escape escapes all characters that open a tag or end an attribute") {
    CHECK(html_escape("<b a=\"x\" c='y'>&") == "&lt;b a=&quot;x&quot; c=&#39;y&#39;&gt;&amp;");
    CHECK(html_escape("äpfel") == "äpfel");
}

TEST_CASE("quote keeps any value on one line") {
    CHECK(quote("a\nb\"c\\d\x01\x7f") == "\"a\\nb\\\"c\\\\d\\x01\\x7f\"");
}

TEST_CASE("url_decode refuses malformed escapes and supports both meanings of plus") {
    CHECK(url_decode("a%2Fb+c", true) == "a/b c");
    CHECK(url_decode("a+b", false) == "a+b");
    CHECK_FALSE(url_decode("%", true));
    CHECK_FALSE(url_decode("%4", true));
    CHECK_FALSE(url_decode("%zz", true));
    CHECK(url_decode(url_encode("ä/b c?%"), false) == "ä/b c?%");
}

TEST_CASE("parse_integer accepts complete decimal integers only") {
    CHECK(parse_integer("-12") == -12);
    for (const char* text : {"", " 1", "1 ", "1.5", "0x1", "99999999999999999999", "+1", "1e3"})
        CHECK_FALSE(parse_integer(text));
}

TEST_CASE("printable_length counts code points and refuses deceptive characters") {
    CHECK(printable_length("äöü") == 3);
    CHECK(printable_length("") == 0);
    for (const char* text : {"\xff", "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80", "a\nb",
                             "a\x1b[31m", "\u202eabc", "\u2028", "\u0085"})
        CHECK_FALSE(printable_length(text));
}

TEST_CASE("names, quantities and IDs have limits, and each refusal names its limit") {
    CHECK(name_problem("apples and pears").empty());
    CHECK(name_problem(std::string(64, 'x')).empty());
    CHECK(name_problem(std::string(65, 'x')).find("at most 64") != std::string::npos);
    CHECK_FALSE(name_problem("").empty());
    CHECK_FALSE(name_problem(" apples").empty());
    CHECK(quantity_problem(1).empty());
    CHECK(quantity_problem(kMostQuantity).empty());
    CHECK_FALSE(quantity_problem(0).empty());
    CHECK_FALSE(quantity_problem(-1).empty());
    CHECK_FALSE(quantity_problem(kMostQuantity + 1).empty());
    CHECK(id_problem("run-1:42.a_b").empty());
    for (const char* id : {"", "a b", "a/b", "a\"", "ä"}) CHECK_FALSE(id_problem(id).empty());
}

TEST_CASE("the error for an invalid environment variable contains its name and value") {
    ::setenv("TEST_PORT", "70000", 1);
    CHECK_THROWS_WITH_AS(env_port("TEST_PORT", 1), doctest::Contains("TEST_PORT is \"70000\""),
                         std::runtime_error);
    ::setenv("TEST_PEER", "nowhere", 1);
    CHECK_THROWS_WITH_AS(env_endpoint("TEST_PEER", "a:1"), doctest::Contains("HOST:PORT"),
                         std::runtime_error);
    ::unsetenv("TEST_PORT");
    ::unsetenv("TEST_PEER");
    CHECK(env_port("TEST_PORT", 5000) == 5000);
}
