#include "chaos/settings.h"
#include "provider_api/normalize.h"

#include <doctest/doctest.h>

using namespace hadeploy;
using namespace hadeploy::chaos;

namespace {

Value section() {
    const Value host = Value::map({{"address", "10.77.0.11"},
                                   {"user", "root"},
                                   {"private_key_file", "/k"},
                                   {"host_key", "ssh-ed25519 AAAA"}});
    return Value::map({{"urls", Value::list({Value("http://10.77.0.11:5000")})},
                       {"hosts", Value::map({{"node1", host}})}});
}

Value normalized(const Value& value, Diagnostics& diagnostics) {
    const auto base = [](Loc, bool) { return std::filesystem::path("/"); };
    return normalize(settings_schema(), value, "chaos", {}, base, diagnostics);
}

std::string first_problem(const Value& value) {
    Diagnostics diagnostics;
    const Value checked = normalized(value, diagnostics);
    check_settings(checked, diagnostics);
    return diagnostics.empty() ? "" : diagnostics.list().front().message;
}

} // namespace

TEST_CASE("a node that is switched off is not asked") {
    Settings s;
    s.urls = {"http://10.77.0.11:5000", "http://10.77.0.12/x", "http://[fd00::13]:80",
              "http://app"};
    const auto at = [](const char* address) { return Value::map({{"address", address}}); };
    s.hosts = Value::map({{"a", at("10.77.0.11")}, {"b", at("10.77.0.1")}, {"c", at("fd00::13")}});
    CHECK(urls_without(s, "a") ==
          std::vector<std::string>{"http://10.77.0.12/x", "http://[fd00::13]:80", "http://app"});
    CHECK(urls_without(s, "b") == s.urls); // the beginning of another address
    CHECK(urls_without(s, "c").size() == 3);
    CHECK(urls_without(s, "unknown") == s.urls);
    s.urls = {"http://10.77.0.11:5000"};
    CHECK(urls_without(s, "a") == s.urls);
}

TEST_CASE("only hosts and urls are required") {
    Diagnostics diagnostics;
    const Settings s = parse_settings(normalized(section(), diagnostics));
    REQUIRE(diagnostics.empty());
    CHECK(s.urls == std::vector<std::string>{"http://10.77.0.11:5000"});
    CHECK(s.rate == 10);
    CHECK(s.max_lost == 0);
    CHECK(s.baseline == std::chrono::seconds(5));
    CHECK_FALSE(s.max_failed);
    CHECK(s.hosts["node1"].text("address") == "10.77.0.11");
}

TEST_CASE("values are converted to their units") {
    Diagnostics diagnostics;
    const Value value =
        section().with("max_gap", "1500ms").with("max_failed", 3).with("max_steady", "1m");
    const Settings s = parse_settings(normalized(value, diagnostics));
    REQUIRE(diagnostics.empty());
    CHECK(s.max_gap == std::chrono::milliseconds(1500));
    CHECK(s.max_failed == 3);
    CHECK(s.max_steady == std::chrono::minutes(1));
}

TEST_CASE("invalid settings are refused") {
    CHECK(first_problem(section()) == "");
    CHECK(first_problem(section().with("urls", Value::list({}))) != "");
    CHECK(first_problem(section().with("urls", Value::list({Value("10.77.0.11:5000")}))) ==
          "10.77.0.11:5000 is not a URL");
    CHECK(first_problem(section().with("verify", "writes")) != "");
    CHECK(first_problem(section().with("body", "{}")).find("$ID") != std::string::npos);
    CHECK(first_problem(section().with("hosts", Value::map({}))) != "");
    CHECK(first_problem(section().with("rate", 0)) != "");
}
