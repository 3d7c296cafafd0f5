#include "provider_api/schema.h"

#include "core/did_you_mean.h"
#include "core/text.h"
#include "provider_api/normalize.h"
#include "provider_api/units.h"
#include "support/has.h"

#include <doctest/doctest.h>
#include <limits>

using namespace hadeploy;
using K = TypeKind;

namespace {
const BaseDirectory kBase = [](Loc, bool) { return std::filesystem::path("/project/modules/web"); };

/// The result for one value: its canonical form, and its first problem.
struct Outcome {
    Value value;
    std::string error, hint;
    Loc loc;
    std::size_t count = 0;
};

Outcome check(Attribute a, const Value& v) {
    Diagnostics diagnostics;
    if (a.name.empty()) a.name = "field";
    Outcome out;
    out.value = normalize(Schema{a}, Value::map({{a.name, v}}), "owner", Loc{1, 1, 0}, kBase,
                          diagnostics)[a.name];
    out.count = diagnostics.list().size();
    if (!diagnostics.empty()) {
        out.error = diagnostics.list()[0].message;
        out.hint = diagnostics.list()[0].hint;
        out.loc = diagnostics.list()[0].loc;
    }
    return out;
}
Outcome check(Type type, const Value& v) {
    return check(Attribute{.name = "field", .type = type}, v);
}

Value good(Type type, const Value& v) {
    const Outcome out = check(type, v);
    CHECK_MESSAGE(out.count == 0, out.error);
    return out.value;
}
std::string bad(Type type, const Value& v) {
    const Outcome out = check(type, v);
    CHECK(out.count == 1);
    CHECK(out.error.starts_with("owner: field: "));
    return out.error.substr(std::min<std::size_t>(out.error.size(), 14)) +
           (out.hint.empty() ? "" : " | " + out.hint);
}
bool lacks(const std::string& text, std::string_view part) {
    return text.find(part) == std::string::npos;
}
} // namespace

TEST_CASE("scalars become canonical") {
    CHECK(good(K::string, "x") == Value("x"));
    CHECK(good(K::string, 8080) == Value("8080"));
    CHECK(good(K::integer, 3) == Value(3));
    CHECK(good(K::integer, 3.0).is_integer());
    CHECK(good(K::number, 1.5) == Value(1.5));
    CHECK(good(K::boolean, false) == Value(false));
    CHECK(good(K::bytes, "512 MiB") == Value(512 << 20));
    CHECK(good(K::bytes, "1 GB") == Value(1'000'000'000));
    CHECK(good(K::bytes, "1.5GiB") == Value(std::int64_t{3} << 29));
    CHECK(good(K::bytes, 4096) == Value(4096));
    CHECK(good(K::bytes, "4096") == Value(4096));
    CHECK(good(K::duration, "30s") == Value(30'000));
    CHECK(good(K::duration, "500ms") == Value(500));
    CHECK(good(K::duration, "1h 30m") == Value(5'400'000));
    CHECK(good(K::duration, "1m12s") == Value(72'000));
    CHECK(good(K::duration, 0) == Value(0));
    CHECK(good(K::duration, good(K::duration, "500ms")) == Value(500)); // of a variable
    CHECK(good(K::port, 443) == Value(443));
    CHECK(good(K::ipv4, "10.77.0.11") == Value("10.77.0.11"));
    CHECK(good(K::cidr, "10.77.0.0/24") == Value("10.77.0.0/24"));
    CHECK(good(K::cidr, "0.0.0.0/0") == Value("0.0.0.0/0"));
    CHECK(good(K::mode, "644") == Value("0644"));
    CHECK(good(K::mode, "4755") == Value("4755"));
    CHECK(good(K::name, "node-1.example_x") == Value("node-1.example_x"));
    CHECK(good(K::name, std::string(63, 'a')) == Value(std::string(63, 'a')));
    CHECK(good(K::path, "/srv//a/./b/") == Value("/srv/a/b"));
    CHECK(good(K::path, "/srv/Größe \"x\"") == Value("/srv/Größe \"x\""));
    CHECK(good(K::local_path, "files/motd") == Value("/project/modules/web/files/motd"));
    CHECK(good(K::local_path, "../x") == Value("/project/modules/x"));
    CHECK(good(K::local_path, "/etc/motd") == Value("/etc/motd"));
}

TEST_CASE("canonical values stay as they are") {
    const std::vector<std::pair<Type, Value>> cases{{K::bytes, "1.5 GiB"},
                                                    {K::duration, "90s"},
                                                    {K::mode, "644"},
                                                    {K::path, "/a//b"},
                                                    {K::local_path, "x"},
                                                    {K::cidr, "10.0.0.0/8"},
                                                    {list_of(K::bytes), Value::list({"1 KiB"})}};
    for (const auto& [type, value] : cases) {
        const Value once = good(type, value);
        CHECK(good(type, once) == once);
    }
}

TEST_CASE("an error about a type names the expected and the actual one") {
    CHECK(bad(K::string, false) == "expected a string, got a boolean (quote it: \"no\")");
    CHECK(bad(K::string, true) == "expected a string, got a boolean (quote it: \"yes\")");
    CHECK(bad(K::string, 1.1) == "expected a string, got the number 1.1 (quote it: \"1.1\")");
    CHECK(bad(K::string, Value::list({})) == "expected a string, got a list");
    CHECK(bad(K::integer, "3") == "expected an integer, got the string \"3\" (remove the quotes)");
    CHECK(bad(K::integer, 1.5) == "expected an integer, got the number 1.5");
    CHECK(has(bad(K::integer, 1e20), "which is out of range"));
    CHECK(has(bad(K::integer, std::numeric_limits<double>::quiet_NaN()), "got nan"));
    CHECK(has(bad(K::number, std::numeric_limits<double>::infinity()), "got inf"));
    CHECK(has(bad(K::boolean, "yes"), "write true or false"));
    CHECK(bad(K::mode, 644) ==
          "expected a file mode in octal such as \"0644\", got the integer 644 "
          "(quote it, with its leading zero: \"0644\")");
    CHECK(has(bad(K::mode, "0888"), "got the string \"0888\""));
    CHECK(bad(K::port, 70000) == "70000 is not a port (1 to 65535)");
    CHECK(bad(K::port, 0) == "0 is not a port (1 to 65535)");
    CHECK(has(bad(K::ipv4, "10.77.0.256"), "expected an IPv4 address"));
    CHECK(has(bad(K::ipv4, "010.1.1.1"), "expected an IPv4 address"));
    CHECK(has(bad(K::cidr, "10.77.0.0"), "/length is missing"));
    CHECK(has(bad(K::cidr, "10.77.0.0/33"), "expected a network"));
    CHECK(has(bad(K::cidr, "10.77.0.9/24"), "the network is 10.77.0.0/24"));
    CHECK(has(bad(K::connection, "node1"), "expected a connection"));
    CHECK(has(bad(list_of(K::string), "a"), "write a list as [a, b]"));
    CHECK(has(bad(map_of(K::string), Value::list({})), "expected a map, got a list"));
}

TEST_CASE("sizes and durations name their units") {
    CHECK(has(bad(K::bytes, "2gb"), "\"2gb\" has an unknown unit \"gb\" (units: B, kB, MB, GB, TB, "
                                    "KiB, MiB, GiB, TiB)"));
    CHECK(has(bad(K::bytes, "lots"), "expected a size, got \"lots\""));
    CHECK(has(bad(K::bytes, "-1 GiB"), "is negative"));
    CHECK(has(bad(K::bytes, -1), "-1 is negative"));
    CHECK(has(bad(K::bytes, "99999999 TiB"), "too large"));
    CHECK(has(bad(K::bytes, "99999999999999999999"), "too large"));
    CHECK(has(bad(K::bytes, "1 GiB 2 MiB"), "expected a size"));
    CHECK(has(bad(K::bytes, ""), "expected a size, got \"\""));
    CHECK(has(bad(K::duration, "30"), "has no unit (units: ms, s, m, h, d)"));
    CHECK(has(bad(K::duration, 30), "write \"30s\" or \"30ms\""));
    CHECK(has(bad(K::duration, "5 min"), "unknown unit \"min\""));
    CHECK(has(bad(K::duration, "1. s"), "expected a duration"));
    CHECK(has(bad(K::duration, "-3s"), "is negative"));
    CHECK(has(bad(K::duration, "200000000000d"), "too large"));
}

TEST_CASE("names show the offending character escaped, and what is allowed") {
    CHECK(bad(K::name, "a;rm -rf /") ==
          "\"a;rm -rf /\" contains \";\" (allowed: letters, digits, \".\", \"_\" and \"-\"; the "
          "first a letter or a digit; at most 63)");
    CHECK(has(bad(K::name, "$(x)"), "contains \"$\""));
    CHECK(has(bad(K::name, "-x"), "begins with \"-\""));
    CHECK(has(bad(K::name, "_apt"), "begins with \"_\""));
    CHECK(good(K::account, "_apt") == Value("_apt"));
    CHECK(has(bad(K::account, "-x"), "the first a letter, a digit or \"_\""));
    CHECK(good(K::line, "ssh-ed25519 AAAA ann\r\n") == Value("ssh-ed25519 AAAA ann"));
    CHECK(has(bad(K::line, "one\ntwo\n"), "expected one line, got several"));
    CHECK(has(bad(K::line, std::string("a\0b", 3)), "contains a NUL"));
    CHECK(has(bad(K::name, "a\nb"), "\"a\\nb\" contains \"\\n\""));
    CHECK(has(bad(K::name, "a\x1b[31m"), "contains \"\\x1B\""));
    CHECK(has(bad(K::name, "a\u202Eb"), "contains \"\\u{202E}\""));
    CHECK(has(bad(K::name, "n\u043Ede"), "contains \"\\u{043E}\"")); // a Cyrillic o
    CHECK(has(bad(K::name, "a\xFF"), "contains \"\\xFF\""));
    CHECK(has(bad(K::name, std::string(64, 'a')), "64 characters (allowed: at most 63)"));
    CHECK(has(bad(K::name, ""), "the name is empty"));
    CHECK(has(bad(K::name, false), "quote it: \"no\""));
    CHECK(has(bad(K::name, ".."), "begins with \".\""));
}

TEST_CASE("paths are absolute, visible and below the root") {
    CHECK(has(bad(K::path, "etc/motd"), "expected an absolute path"));
    for (const char* windows : {"C:\\x", "C:/x", "c:\\", "\\\\host\\x"})
        for (const K kind : {K::path, K::local_path}) {
            CHECK(has(bad(kind, windows), "is a Windows path"));
            CHECK(has(bad(kind, windows), "with /"));
        }
    CHECK(good(K::local_path, "c:x").as_string().ends_with("c:x"));
    CHECK(has(bad(K::path, "../../etc/shadow"), "expected an absolute path"));
    CHECK(has(bad(K::path, "/srv/../../etc/shadow"), "contains \"..\""));
    CHECK(has(bad(K::path, "/"), "is the root directory"));
    CHECK(has(bad(K::path, "//."), "is the root directory"));
    CHECK(has(bad(K::path, ""), "the path is empty"));
    CHECK(has(bad(K::path, "/a\u202Eb"), "contains \"\\u{202E}\""));
    CHECK(has(bad(K::path, std::string("/a\0b", 4)), "contains \"\\x00\""));
    CHECK(has(bad(K::path, "/" + std::string(4096, 'a')), "4097 bytes"));
    CHECK(has(bad(K::local_path, "~/key"), "begins with ~"));
    CHECK(has(bad(K::local_path, "a\tb"), "contains \"\\t\""));
    CHECK(good(K::path, "/a/..b") == Value("/a/..b"));
}

TEST_CASE("unknown keys: the nearest one, or all of them") {
    const Schema schema{{.name = "memory", .type = K::bytes},
                        {.name = "vcpus", .type = K::integer},
                        {.name = "id", .type = K::string, .computed = true}};
    const auto problems_of = [&](const std::string& key) {
        Diagnostics diagnostics;
        normalize(schema, Value::map({Entry{key, Value(1), Loc{7, 3, 0}}}), "libvirt.domain \"n\"",
                  Loc{5, 1, 0}, kBase, diagnostics);
        return diagnostics;
    };
    const Error near = problems_of("memroy").list().at(0);
    CHECK(near.message == "libvirt.domain \"n\": unknown key \"memroy\"");
    CHECK(near.hint == "did you mean \"memory\"?");
    CHECK(near.loc == Loc{7, 3, 0});
    CHECK(near.kind == ErrorKind::spec);
    CHECK(problems_of("colour").list().at(0).hint == "known keys: memory, vcpus");
    CHECK(has(problems_of("a\nb").list().at(0).message, "unknown key \"a\\nb\""));
    CHECK(has(problems_of("id").list().at(0).message, "id: cannot be set"));
}

TEST_CASE("missing, default, null and computed attributes") {
    const Schema schema{
        {.name = "name", .type = K::name, .doc = "What it is called.", .required = true},
        {.name = "timeout", .type = K::duration, .default_value = Value("30s")},
        {.name = "note", .type = K::string}};
    Diagnostics diagnostics;
    const Value empty = normalize(schema, {}, "x", Loc{5, 1, 0}, kBase, diagnostics);
    REQUIRE(diagnostics.list().size() == 1);
    CHECK(diagnostics.list()[0].message == "x: missing \"name\" (name)");
    CHECK(diagnostics.list()[0].hint == "What it is called.");
    CHECK(diagnostics.list()[0].loc == Loc{5, 1, 0});
    CHECK(empty["timeout"] == Value(30'000));

    Diagnostics none;
    const Value config =
        normalize(schema, Value::map({{"name", "a"}, {"timeout", Value()}, {"note", Value()}}), "x",
                  {}, kBase, none);
    CHECK(none.empty());
    CHECK(config == Value::map({{"name", "a"}, {"timeout", 30'000}}));
}

TEST_CASE("all problems are reported, each at its own place") {
    const Schema schema{{.name = "port", .type = K::port},
                        {.name = "mode", .type = K::mode},
                        {.name = "names", .type = list_of(K::name)}};
    Diagnostics diagnostics;
    normalize(schema,
              Value::map({{"port", Value(70000).at({2, 7, 0})},
                          {"mode", Value(644).at({3, 7, 0})},
                          {"names", Value::list({"ok", Value("a b").at({4, 15, 0}), Value()})}}),
              "x", Loc{1, 1, 0}, kBase, diagnostics);
    REQUIRE(diagnostics.list().size() == 4);
    std::vector<std::string> seen;
    for (const Error& e : diagnostics.list()) seen.push_back(std::to_string(e.loc.line));
    CHECK(seen == std::vector<std::string>{"2", "3", "4", "1"});
    CHECK(has(diagnostics.list()[2].message, "x: names[1]: \"a b\" contains \" \""));
    CHECK(has(diagnostics.list()[3].message, "x: names[2]: expected a name, got nothing"));
}

TEST_CASE("limits are shown in the value's own unit") {
    const Attribute memory{.name = "memory", .type = K::bytes, .min = 512 << 20};
    CHECK(check(memory, 1).error == "owner: memory: 1 B is below the minimum of 512 MiB");
    CHECK(check(memory, "512 MiB").count == 0);
    const Attribute replicas{.name = "replicas", .type = K::integer, .min = 0, .max = 100};
    CHECK(check(replicas, -1).error == "owner: replicas: -1 is below the minimum of 0");
    CHECK(check(replicas, 1'000'000'000).error ==
          "owner: replicas: 1000000000 is above the maximum of 100");
    const Attribute timeout{.name = "timeout", .type = K::duration, .min = 1};
    CHECK(check(timeout, "0s").error == "owner: timeout: 0s is below the minimum of 1ms");
    const Attribute hosts{.name = "hosts", .type = list_of(K::name), .min = 1, .max = 2};
    CHECK(check(hosts, Value::list({})).error ==
          "owner: hosts: 0 entries are below the minimum of 1 entry");
    CHECK(check(hosts, Value::list({"a", "b", "c"})).count == 1);
}

TEST_CASE("one_of") {
    const Attribute mode{.name = "mode", .type = K::string, .one_of = {"nat", "isolated", "no"}};
    CHECK(check(mode, "nat").count == 0);
    CHECK(check(mode, "isolatd").error ==
          "owner: mode: \"isolatd\" is not one of: nat, isolated, no");
    CHECK(check(mode, "isolatd").hint == "did you mean \"isolated\"?");
    CHECK(has(check(mode, false).error, "quote it: \"no\""));
    const Attribute many{.name = "m", .type = list_of(K::string), .one_of = {"a", "b"}};
    CHECK(has(check(many, Value::list({"a", "c"})).error, "m[1]: \"c\" is not one of"));
}

TEST_CASE("unknown values pass every check") {
    const Value unknown = Value::unknown();
    for (const Type& type :
         {Type(K::bytes), Type(K::name), Type(K::connection), Type(K::local_path), list_of(K::port),
          map_of(K::mode), object_of({{.name = "a"}})})
        CHECK(good(type, unknown).is_unknown());
    CHECK(good(list_of(K::port), Value::list({80, unknown})).as_list()[1].is_unknown());
    CHECK(check({.name = "a", .type = K::integer, .min = 3, .max = 4}, unknown).count == 0);
    CHECK(check({.name = "a", .type = K::string, .one_of = {"x"}}, unknown).count == 0);
    CHECK(check({.name = "a", .type = K::string, .required = true}, unknown).count == 0);
    Diagnostics diagnostics;
    CHECK(normalize(Schema{{.name = "a", .required = true}}, unknown, "x", {}, kBase, diagnostics)
              .is_unknown());
    CHECK(diagnostics.empty());
}

TEST_CASE("an object drops foreign keys of a resource, but not written ones") {
    const Type type = object_of(
        {{.name = "pool", .type = K::name, .required = true}, {.name = "size", .type = K::bytes}});
    const Value from_resource = Value::map({{"pool", "p"}, {"size", "1 KiB"}, {"kernel", "/x"}});
    CHECK(good(type, from_resource) == Value::map({{"pool", "p"}, {"size", 1024}}));
    const Value written =
        Value::map({Entry{"pool", "p", Loc{2, 1, 0}}, Entry{"sise", "1 KiB", Loc{3, 1, 0}}});
    const Outcome out = check(type, written);
    CHECK(out.error == "owner: field: unknown key \"sise\"");
    CHECK(out.hint == "did you mean \"size\"?");
    CHECK(out.loc == Loc{3, 1, 0});

    // An object that passed a resource's schema counts as the resource's, not as written by hand.
    Diagnostics diagnostics;
    const Schema volume{{.name = "pool", .type = K::name}, {.name = "format", .type = K::string}};
    const Value resource = normalize(
        volume,
        Value::map({Entry{"pool", "p", Loc{2, 1, 0}}, Entry{"format", "raw", Loc{3, 1, 0}}}), "v",
        {}, kBase, diagnostics);
    CHECK(diagnostics.empty());
    CHECK(good(type, resource) == Value::map({{"pool", "p"}}));
    CHECK(has(check(type, Value::map({{"kernel", "/x"}})).error, "missing \"pool\""));
}

TEST_CASE("connections") {
    const Value given = Value::map({{"address", "10.0.0.1"}, {"private_key_file", "key"}});
    CHECK(good(K::connection, given) ==
          Value::map({{"address", "10.0.0.1"},
                      {"machine", ""},
                      {"port", 22},
                      {"private_key_file", "/project/modules/web/key"},
                      {"user", "root"}}));
    const std::string path_of_error =
        check(map_of(K::connection), Value::map({{"n1", Value::map({{"port", 0}})}})).error;
    CHECK(path_of_error == "owner: field[\"n1\"]: missing \"address\" (address)");
    CHECK(check(K::connection, Value::map({{"name", "n"}, {"connection", given}})).hint ==
          "use its attribute: ${...connection}");
}

TEST_CASE("secrets stay secret and are not quoted back") {
    const Attribute password{.name = "password", .type = K::string, .secret = true};
    CHECK(check(password, "s3cret").value.secret());
    CHECK(lacks(check(password, Value::list({"s3cret"})).error, "s3cret"));
    CHECK(lacks(check({.name = "n", .type = K::name, .secret = true}, "s3 cret").error, "cret\""));
    const Outcome marked = check(K::port, Value("s3cret").as_secret());
    CHECK(lacks(marked.error + marked.hint, "s3cret"));
    CHECK(good(K::bytes, Value("1 KiB").as_secret()).secret());
    CHECK(
        lacks(check({.name = "n", .type = K::string, .secret = true, .one_of = {"a"}}, "s3").error,
              "s3"));
    CHECK(
        lacks(check({.name = "n", .type = K::integer, .secret = true, .max = 9}, 77).error, "77"));
}

TEST_CASE("values keep their place") {
    const Loc loc{4, 9, 2};
    CHECK(good(K::bytes, Value("1 KiB").at(loc)).loc() == loc);
    CHECK(good(list_of(K::bytes), Value::list({Value("1 KiB").at(loc)})).as_list()[0].loc() == loc);
}

TEST_CASE("a single value of a variable") {
    Diagnostics diagnostics;
    const Attribute memory{.name = "memory", .type = K::bytes, .default_value = Value("1 GiB")};
    CHECK(normalize(memory, {}, "variable \"memory\"", kBase, diagnostics) == Value(1 << 30));
    CHECK(diagnostics.empty());
    normalize(memory, "x", "variable \"memory\"", kBase, diagnostics);
    CHECK(diagnostics.list().at(0).message == "variable \"memory\": expected a size, got \"x\"");
    normalize({.name = "n", .type = K::integer, .required = true}, {}, "variable \"n\"", kBase,
              diagnostics);
    CHECK(diagnostics.list().at(1).message == "variable \"n\": expected an integer, got nothing");
}

TEST_CASE("did you mean") {
    CHECK(did_you_mean("memroy", {"vcpus", "memory"}) == "memory");
    CHECK(did_you_mean("Memory", {"vcpus", "memory"}) == "memory");
    CHECK(did_you_mean("libvirt.domian", {"libvirt.domain", "libvirt.network"}) ==
          "libvirt.domain");
    CHECK(did_you_mean("prot", {"path", "port"}) == "port"); // two swapped letters are one mistake
    CHECK_FALSE(did_you_mean("colour", {"vcpus", "memory"}));
    CHECK_FALSE(did_you_mean("x", {"y"}));
    CHECK_FALSE(did_you_mean("", {"y"}));
    CHECK_FALSE(did_you_mean(std::string(100'000, 'a'), {std::string(100'000, 'b')}));
}

TEST_CASE("amounts for people") {
    CHECK(show_bytes(0) == "0 B");
    CHECK(show_bytes(1) == "1 B");
    CHECK(show_bytes(1 << 30) == "1 GiB");
    CHECK(show_bytes(1'500'000) == "1.5 MB");
    CHECK(show_bytes(1536 << 20) == "1.5 GiB");
    CHECK(show_bytes(123'456'789) == "117.7 MiB");
    CHECK(show_bytes(-(1 << 10)) == "-1 KiB");
    CHECK(has(show_bytes(std::numeric_limits<std::int64_t>::max()), " TiB"));
    CHECK(has(show_bytes(std::numeric_limits<std::int64_t>::min()), "-9223372036854775808 B"));
    CHECK(show_duration(0) == "0s");
    CHECK(show_duration(500) == "500ms");
    CHECK(show_duration(1'500) == "1.5s");
    CHECK(show_duration(59'990) == "1m");
    CHECK(show_duration(72'000) == "1m 12s");
    CHECK(show_duration(3'600'000) == "1h");
    CHECK(show_duration(90'061'000) == "1d 1h 1m 1s");
    CHECK(show_duration(-30'000) == "-30s");
}

TEST_CASE("quoted text has no characters that a terminal interprets") {
    CHECK(in_quotes("a\"b\\") == "\"a\\\"b\\\\\"");
    CHECK(in_quotes("\xE2\x80") == "\"\\xE2\\x80\"");
    CHECK(in_quotes("\xC0\x80") == "\"\\xC0\\x80\"");
    CHECK(in_quotes("größe 日本 😀") == "\"größe 日本 😀\"");
    CHECK(in_quotes("gro\u0308ße") == "\"gro\\u{0308}ße\""); // an o and its dots
    CHECK(in_quotes("сервер") == "\"сервер\"");
    CHECK(in_quotes("n\u043Ede") == "\"n\\u{043E}de\""); // a Cyrillic o
    CHECK(in_quotes("\u043E") == "\"\\u{043E}\"");
    CHECK(in_quotes("a\u00A0b\u3000") == "\"a\\u{00A0}b\\u{3000}\"");
    CHECK(in_quotes("\u202E\u200B\u0085") == "\"\\u{202E}\\u{200B}\\u{0085}\"");
    CHECK(in_quotes("abcdef", 3) == "\"abc...\"");
}
