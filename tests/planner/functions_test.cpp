#include "core/file.h"
#include "core/temp_dir.h"
#include "core/value_json.h"
#include "planner/lang/functions.h"
#include "planner/spec/load_spec.h"
#include "planner/spec/spec.h"
#include "support/expressions.h"

#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <set>
#include <unistd.h>

using namespace hadeploy;

TEST_CASE("each function gives what its example says") {
    std::set<std::string_view> names;
    for (const FunctionGroup& group : function_groups())
        for (const Function& f : group.functions) {
            CAPTURE(f.name);
            CHECK(names.insert(f.name).second);
            CHECK(f.doc.ends_with('.'));
            CHECK(f.example.find(f.name) != f.example.npos);
            CHECK(eval(std::string(f.example)) == to_json(from_json(f.result)));
        }
    CHECK(names.size() > 105);
}

TEST_CASE("functions report invalid arguments and their usage") {
    CHECK(eval("join(',', [[1]])") == "1:3: join(): a list can't be part of a string");
    CHECK(eval("split('', 'a')") == "1:3: split(): the separator is empty");
    CHECK(eval("regex('(', 'a')") == "1:3: regex(): \"(\" is not a regular expression: missing ): "
                                     "( (the syntax is that of RE2, as in "
                                     "Go and Terraform: no look-ahead, no backreferences)");
    CHECK(eval("regex('a(?!b)', 'ac')").find("invalid perl operator: (?!") != std::string::npos);
    CHECK(eval("regex('x', 'a')").starts_with("1:3: regex(): \"x\" does not match the text"));
    CHECK(eval("format('%d', 'a')") == "1:3: format(): %d needs an integer, got a string");
    CHECK(eval("format('%s')") == "1:3: format(): the format needs more than 0 values");
    CHECK(eval("format('a', 1)") == "1:3: format(): the format uses 0 of 1 values");
    CHECK(eval("format('%n', 1)").starts_with("1:3: format(): %n is not supported"));
    CHECK(eval("format('%99999d', 1)") == "1:3: format(): a width must be less than 10000");
    CHECK(eval("lookup({a: 1}, 'b')") ==
          "1:3: lookup(): the map has no \"b\" (a third argument is the default)");
    CHECK(eval("element([], 0)") == "1:3: element(): the list is empty");
    CHECK(eval("slice([1], 1, 3)") == "1:3: slice(): there is no slice from 1 to 3 in a list of 1");
    CHECK(eval("zipmap(['a'], [])") == "1:3: zipmap(): the lists have 1 keys and 0 values");
    CHECK(eval("one([1, 2])") == "1:3: one(): expected one element at most, got 2");
    CHECK(eval("sort([1, 'a'])") ==
          "1:3: sort(): the list must contain only strings or only numbers");
    CHECK(eval("coalesce(null, '')") == "1:3: coalesce(): all of the values are null or empty");
    CHECK(eval("min([])") == "1:3: min(): the list is empty");
    CHECK(eval("parseint('12x')") == "1:3: parseint(): \"12x\" is not an integer in base 10");
    CHECK(eval("abs(-9223372036854775808)").find("does not fit") != std::string::npos);
    CHECK(eval("sum([9223372036854775807, 1])").find("does not fit") != std::string::npos);
    CHECK(eval("pow(10, 1000)") == "1:3: pow(): the result is too large");
    CHECK(eval("jsondecode('{')") ==
          "1:3: jsondecode(): the text is not JSON (the error is at byte 2)");
    CHECK(eval("yamldecode('a: [')").starts_with("1:3: yamldecode(): line 1: "));
    CHECK(eval("base64decode('*')") == "1:3: base64decode(): the text is not base64");
    CHECK(eval("base64decode('/w==')") == "1:3: base64decode(): the decoded text is not UTF-8");
    CHECK(eval("uuidv5('x', 'a')").starts_with("1:3: uuidv5(): \"x\" is not a UUID"));
    CHECK(eval("cidrhost('10.0.0.0/33', 1)")
              .starts_with("1:3: cidrhost(): \"10.0.0.0/33\" is not a network"));
    CHECK(eval("cidrhost('10.0.0.0/30', 4)") ==
          "1:3: cidrhost(): 10.0.0.0/30 has 4 addresses: there is no number 4");
    CHECK(eval("cidrsubnet('10.0.0.0/30', 3, 0)") ==
          "1:3: cidrsubnet(): 10.0.0.0/30 has 2 bits left, not 3");
    CHECK(eval("cidrsubnets('10.0.0.0/24', 1, 1, 1)") ==
          "1:3: cidrsubnets(): 10.0.0.0/24 has no room for network 2 (/25)");
    CHECK(eval("formatdate('YYYY', 'today')")
              .starts_with("1:3: formatdate(): \"today\" is not a timestamp"));
    CHECK(eval("formatdate('x', '2026-03-01T12:30:00Z')")
              .starts_with("1:3: formatdate(): \"x\" is not supported in a pattern"));
    CHECK(eval("timeadd('2026-03-01T12:30:00Z', 'soon')").starts_with("1:3: timeadd(): "));
    CHECK(eval("log(0, 2)").starts_with("1:3: log(): the value must be above 0"));
    CHECK(eval("coalescelist([], [])") == "1:3: coalescelist(): all of the lists are empty");
    CHECK(eval("matchkeys([1], [], [])") == "1:3: matchkeys(): the lists have 1 values and 0 keys");
    CHECK(eval("transpose({a: 1})") ==
          "1:3: transpose(): \"a\": expected a list of strings, got an integer");
    CHECK(
        eval("transpose({a: ['b', 1]})") ==
        "1:3: transpose(): \"a\": expected a list of strings, got a list that contains an integer");
    CHECK(eval("urldecode('%zz')") ==
          "1:3: urldecode(): % must be followed by two hexadecimal digits");
    CHECK(eval("urldecode('%')") ==
          "1:3: urldecode(): % must be followed by two hexadecimal digits");
    CHECK(eval("urldecode('%ff')") == "1:3: urldecode(): the decoded text is not UTF-8");
    CHECK(eval("regexall('(x?x?x?x?x?x?){20}y', '" + std::string(100'000, 'x') + "')") == "[]");
    // each match reads the text to its end
    const std::string slow = std::string(200'000, 'a');
    CHECK(eval("regexall('a(.*x)?', '" + slow + "')").find("takes more than 5 s") !=
          std::string::npos);
    CHECK(eval("[for i in range(100000) : regexall('(a.*x)?', '" + slow.substr(0, 3000) + "')]")
              .find("takes more than 5 s") != std::string::npos);
    CHECK(eval("regexall('(?:)', 'aü')") == "[\"\",\"\",\"\"]");
    std::string groups;
    for (int i = 0; i < 100; ++i) groups += "()";
    CHECK(eval("regexall('" + groups + "', '" + std::string(100'000, 'x') + "')")
              .find("more than 64 MiB") != std::string::npos);
    CHECK(eval("regex('" + groups + "()', 'x')").find("more than 100 groups") != std::string::npos);
    CHECK(eval("regexall('a*', 'baac')") == "[\"\",\"aa\",\"\",\"\"]");
    CHECK(eval("regex('(?P<b>.)(?P<a>x)?', 'z')") == "{\"a\":null,\"b\":\"z\"}");
    CHECK(eval("regexall('(?P<d>[0-9])', 'a1b2')") == "[{\"d\":\"1\"},{\"d\":\"2\"}]");
    CHECK(eval("regex('(?P<b>.)(x)?', 'z')").find("has groups with and without names") !=
          std::string::npos);
    CHECK(eval("regex('(?i)(Z.)(x)?', 'zürich')") == "[\"zü\",null]");
    CHECK(eval("replace('a1b22', '/([a-z])([0-9]+)/', '$2$1$$$&$9$x')") == "\"1a$a1$x22b$b22$x\"");
    CHECK(eval("replace('aü', '/x*/', '-')") == "\"-a-ü-\"");
    CHECK(eval("csvdecode('a,b\\n1\\n')") == "1:3: csvdecode(): row 1 has 1 fields, the header 2");
    CHECK(eval("csvdecode('a,a\\n')") == "1:3: csvdecode(): there are two columns \"a\"");
    CHECK(eval("csvdecode('a\\n\"x')") == "1:3: csvdecode(): a quote is not closed");
    CHECK(eval("csvdecode('a\\n\"x\"y')") ==
          "1:3: csvdecode(): unexpected text after a closing quote");
    CHECK(eval("templatestring('$${b}', {a: 1})")
              .find("the template:1:3: the template has no \"b\"") != std::string::npos);
    CHECK(eval("tonumber('1 GiB')") == "1:3: tonumber(): \"1 GiB\" is not a number");
    CHECK(eval("tobool('yes')") ==
          "1:3: tobool(): only \"true\" and \"false\" are booleans, got \"yes\"");
}

TEST_CASE("functions split no characters and refuse invalid UTF-8") {
    const std::string byte =
        "1:3: regex(): the match is a part of a character, which is not valid text "
        "(\\C matches a single byte; . matches a character)";
    CHECK(eval("regex('\\\\C', 'é')") == byte);
    CHECK(eval("regex('(\\\\C)(\\\\C)', 'é')") == byte);
    CHECK(eval("regexall('\\\\C', 'aé')").find("part of a character") != std::string::npos);
    CHECK(eval("replace('é', '/\\\\C/', '-')").find("part of a character") != std::string::npos);
    CHECK(eval("regex('\\\\C\\\\C', 'é')") == "\"é\""); // whole characters again
    CHECK(eval("replace('aé', '/\\\\B/', '-')") == "\"aé-\"");
    CHECK(eval("regexall('\\\\B', 'é')") == "[\"\",\"\"]");
    CHECK(eval("trim('èxé', 'é')") == "\"èx\"");
    CHECK(eval("trim('ééxè', 'éa')") == "\"xè\"");
    CHECK(eval("trim('éé', 'é')") == "\"\"");
    CHECK(eval("trim('', 'é')") == "\"\"");
    CHECK(eval("format('%.1s|%3s|%-3s|', 'éa', 'é', 'é')") == "\"é|  é|é  |\"");
    CHECK(eval("format('%.0s|%.9s', 'é', 'é')") == "\"|é\"");
    CHECK(eval("formatlist('%.1s', ['éa'])") == "[\"é\"]");
    CHECK(eval("substr('éa', 0, 1)") == "\"é\"");
    CHECK(eval("split('é', 'aéè')") == "[\"a\",\"è\"]");
}

TEST_CASE("functions of bytes reject invalid input") {
    CHECK(eval("base64gunzip('d2Vi')") ==
          "1:3: base64gunzip(): the data is not in gzip format, or is damaged");
    CHECK(eval("base64gunzip('H4sIAAAAAAACAytPTQ==')") ==
          "1:3: base64gunzip(): the data is truncated");
    CHECK(eval("base64gunzip('')") == "1:3: base64gunzip(): the data is truncated");
    CHECK(eval("base64gunzip('*')") == "1:3: base64gunzip(): the text is not base64");
    CHECK(eval("base64gunzip('H4sIAAAAAAACA/v/DwCWMPiIAgAAAA==')").find("UTF-8") !=
          std::string::npos);
    CHECK(eval("base64gunzip(base64gzip(''))") == "\"\"");
    CHECK(eval("textencodebase64('ü€', 'ISO-8859-1')") ==
          "1:3: textencodebase64(): the text has a character that ISO-8859-1 cannot represent");
    CHECK(eval("textencodebase64('ü', 'ISO-8859-1')") == "\"/A==\"");
    CHECK(eval("textdecodebase64('gA==', 'windows-1252')") == "\"€\"");
    CHECK(eval("textdecodebase64('/w==', 'UTF-8')") ==
          "1:3: textdecodebase64(): the bytes are not valid UTF-8 text");
    CHECK(eval("textencodebase64('a', 'UTF-16')") ==
          "1:3: textencodebase64(): UTF-16 does not specify a byte order (use UTF-16LE or "
          "UTF-16BE)");
    CHECK(eval("textencodebase64('a', 'ASCII//TRANSLIT')")
              .starts_with("1:3: textencodebase64(): unknown encoding \"ASCII//TRANSLIT\""));
    CHECK(eval("textencodebase64('a', '')").find("unknown encoding") != std::string::npos);
}

TEST_CASE("formatdate supports every part of a pattern") {
    const auto at = [](const std::string& pattern, const char* zone) {
        return eval("formatdate(\"" + pattern + "\", '2026-03-01T00:05:09" + zone + "')");
    };
    CHECK(at("YYYY YY MMMM MMM MM M DD D", "Z") == "\"2026 26 March Mar 03 3 01 1\"");
    CHECK(at("EEEE EEE hh h HH H AA aa mm m ss s", "Z") ==
          "\"Sunday Sun 00 0 12 12 AM am 05 5 09 9\"");
    CHECK(at("Z ZZZ ZZZZ ZZZZZ", "Z") == "\"Z UTC +0000 +00:00\"");
    CHECK(at("Z ZZZ ZZZZ ZZZZZ", "-05:30") == "\"-05:30 -0530 -0530 -05:30\"");
    CHECK(at("h 'o''clock' '' ''''", "Z") == "\"0 o'clock ' ''\"");
    CHECK(at("'open", "Z") == "1:3: formatdate(): a quote in the pattern is not closed");
    CHECK(at("ZZ", "Z").starts_with("1:3: formatdate(): \"ZZ\" is not supported in a pattern"));
}

TEST_CASE("the namespaces of UUIDs have names") {
    for (const auto& [name, uuid] : {std::pair("dns", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
                                     {"url", "6ba7b811-9dad-11d1-80b4-00c04fd430c8"},
                                     {"oid", "6ba7b812-9dad-11d1-80b4-00c04fd430c8"},
                                     {"x500", "6ba7b814-9dad-11d1-80b4-00c04fd430c8"}})
        CHECK(eval(std::string("uuidv5('") + name + "', 'a')") ==
              eval(std::string("uuidv5('") + uuid + "', 'a')"));
    CHECK(eval("uuidv5('url', 'https://www.terraform.io/')") ==
          "\"9db6f67c-dd95-5ea0-aa5b-e70e5c5f7cf5\"");
}

TEST_CASE("keys and booleans may be written as texts") {
    CHECK(eval("matchkeys(['a', 'b', 'c'], [1, '2', true], ['1', 2, 'true'])") ==
          "[\"a\",\"b\",\"c\"]");
    CHECK(eval("matchkeys(['a', 'b'], [1, true], [2, 1.5])") == "[]");
    CHECK(eval("matchkeys(['a'], [[1]], [[1]])") == "[\"a\"]");
    CHECK(eval("alltrue(['true', true])") == "true");
    CHECK(eval("alltrue(['false', true])") == "false");
    CHECK(eval("alltrue([null])") == "false");
    CHECK(eval("anytrue([null, 'true'])") == "true");
    CHECK(eval("anytrue([null])") == "false");
    CHECK(eval("alltrue([])") == "true");
    CHECK(eval("anytrue([])") == "false");
    CHECK(eval("alltrue([1])") == "1:3: alltrue(): the list has an integer: it needs booleans");
    CHECK(eval("alltrue(['yes'])") == "1:3: alltrue(): the list has a string: it needs booleans");
    const Value later = Value::map({{"later", Value::unknown()}});
    CHECK(eval("alltrue([later, false])", later) == "false");
    CHECK(eval("anytrue([later, true])", later) == "true");
    CHECK(eval("alltrue([later, true])", later) == "{\"$unknown\":true}");
    CHECK(eval("anytrue(later)", later) == "{\"$unknown\":true}");
}

TEST_CASE("values are converted to a type") {
    CHECK(eval("convert('5', 'integer')") == "5");
    CHECK(eval("convert('1.5', 'number')") == "1.5");
    CHECK(eval("convert(true, 'string')") == "\"true\"");
    CHECK(eval("convert('1 GiB', 'bytes')") == "1073741824");
    CHECK(eval("convert(['b', 1, 'b'], 'set(string)')") == "[\"1\",\"b\"]");
    CHECK(
        eval("convert({a: {n: '1'}}, 'map(object({n: integer, on: optional(boolean, true)}))')") ==
        "{\"a\":{\"n\":1,\"on\":true}}");
    CHECK(eval("convert(null, 'string')") == "null");
    CHECK(eval("convert(['x', sensitive('1')], 'list(any)')") == "[\"x\",{\"$secret\":\"1\"}]");
    CHECK(eval("convert([sensitive('1')], 'list(integer)')") == "[{\"$secret\":1}]");
    CHECK(eval("convert([later], 'list(integer)')", Value::map({{"later", Value::unknown()}})) ==
          "[{\"$unknown\":true}]");
    CHECK(eval("convert('x', 'integer')") == "1:3: convert(): \"x\" is not a number");
    CHECK(eval("convert('1.5', 'integer')").starts_with("1:3: convert(): the value: expected"));
    CHECK(eval("convert({}, 'list(string)')").starts_with("1:3: convert(): the value: expected"));
    CHECK(eval("convert(1, 'strings')").starts_with("1:3: convert(): "));
    CHECK(eval("convert(sensitive('abcdef'), 'integer')") ==
          "1:3: convert(): (secret) is not a number");
}

TEST_CASE("networks are of IPv4 or IPv6") {
    CHECK(eval("cidrhost('fd00:77::/64', 10)") == "\"fd00:77::a\"");
    CHECK(eval("cidrhost('fd00:77::/64', -1)") == "\"fd00:77::ffff:ffff:ffff:ffff\"");
    CHECK(eval("cidrhost('::/0', -1)") == "\"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff\"");
    CHECK(eval("cidrhost('fd00::1:ff/120', 0)") == "\"fd00::1:0\"");
    CHECK(eval("cidrhost('fd00::/126', 4)") ==
          "1:3: cidrhost(): fd00::/126 has 4 addresses: there is no number 4");
    CHECK(eval("cidrsubnet('2001:db8::/32', 32, 4294967295)") == "\"2001:db8:ffff:ffff::/64\"");
    CHECK(eval("cidrsubnet('::/0', 128, 5)") == "\"::5/128\"");
    CHECK(eval("cidrsubnet('::/0', 0, 0)") == "\"::/0\"");
    CHECK(eval("cidrsubnet('fd00::/64', 65, 0)") ==
          "1:3: cidrsubnet(): fd00::/64 has 64 bits left, not 65");
    CHECK(eval("cidrsubnets('fd00:77::/48', 16, 8, 16)") ==
          "[\"fd00:77::/64\",\"fd00:77:0:100::/56\",\"fd00:77:0:200::/64\"]");
    CHECK(eval("cidrsubnets('::/0', 1, 1)") == "[\"::/1\",\"8000::/1\"]");
    CHECK(eval("cidrsubnets('::/0', 1, 1, 128)") ==
          "1:3: cidrsubnets(): ::/0 has no room for network 2 (/128)");
    CHECK(eval("cidrcontains('fd00:77::/64', 'fd00:77::5')") == "true");
    CHECK(eval("cidrcontains('fd00:77::/64', 'fd00:78::5')") == "false");
    CHECK(eval("cidrcontains('::/0', '10.0.0.1')") == "false");
    CHECK(eval("cidrcontains('10.0.0.0/8', '::ffff:10.0.0.1')") == "false");
    CHECK(eval("cidrnetmask('fd00::/64')") == "1:3: cidrnetmask(): only IPv4 networks have a mask "
                                              "(an IPv6 network uses its prefix length)");
    CHECK(eval("cidrhost('fd00::/129', 0)").find("is not a network") != std::string::npos);
    CHECK(eval("cidrhost('fd00:::/64', 0)").find("is not a network") != std::string::npos);
    CHECK(eval("cidrcontains('fd00::/8', 'x')") ==
          "1:3: cidrcontains(): \"x\" is not an IP address");
}

TEST_CASE("corner cases of functions") {
    CHECK(eval("cidrhost('0.0.0.0/0', -1)") == "\"255.255.255.255\"");
    CHECK(eval("cidrnetmask('0.0.0.0/0')") == "\"0.0.0.0\"");
    CHECK(eval("range(3, 0)") == "[3,2,1]");
    CHECK(eval("range(9223372036854775806, 9223372036854775807, 5)") == "[9223372036854775806]");
    CHECK(eval("substr('Zürich', -5, 2)") == "\"ür\"");
    CHECK(eval("format('%b|%08b|%-5b|%05b', 5, 5, 5, -2)") == "\"101|00000101|101  |-0010\"");
    CHECK(eval("title('blue-green don_t')") == "\"Blue-Green Don_t\"");
    CHECK(eval("tostring(null)") == "null");
    CHECK(eval("merge({a: 1}, null)") == "{\"a\":1}");
    CHECK(eval("format('%-5s|%5.1f|%05d|%x|%v|%q', 'ab', 1.25, 42, 255, [1], 'q\"')") ==
          "\"ab   |  1.2|00042|ff|[1]|\\\"q\\\\\\\"\\\"\"");
    CHECK(eval("format('%t %g %g %g %.3g', true, 1234567, 0.1, 123456, 1234567)") ==
          "\"true 1.234567e+06 0.1 123456 1.23e+06\"");
    CHECK(eval("formatlist('%s=%s', {a: 1, b: 2}, 'x')") == "{\"a\":\"1=x\",\"b\":\"2=x\"}");
    CHECK(eval("try(1 / 0, [][0], 'last')") == "\"last\"");
    CHECK(eval("try(1 / 0)") == "1:9: division by zero");
    CHECK(eval("can(1 / 0)") == "false");
    CHECK(eval("length('Zürich')") == "6");
    CHECK(eval("timeadd('2024-02-29T00:00:00+02:00', '-1d')") == "\"2024-02-28T00:00:00+02:00\"");
    CHECK(eval("regexall('(a+)+b', '" + std::string(5000, 'a') + "')") == "[]"); // in linear time
    CHECK(eval("csvdecode('a,b\\r\\n\"x, \"\"y\"\"\",\"1\\n2\"\\r\\n\\r\\n,\\r\\n')") ==
          "[{\"a\":\"x, \\\"y\\\"\",\"b\":\"1\\n2\"},{\"a\":\"\",\"b\":\"\"}]");
    CHECK(eval("csvdecode('')") == "[]");
    CHECK(eval("urldecode('a+b%C3%BC')") == "\"a bü\"");
    CHECK(eval("upper(sensitive('x'))") == "{\"$secret\":\"X\"}");
    CHECK(eval("pathexpand('~/x') != '~/x'") == "true");
    CHECK(eval("pathexpand('~ann/x')") == "\"~ann/x\"");
    CHECK(eval("log(10, 3)") == "2.095903274289385");
    CHECK(eval("tonumber('007')") == "7");
    CHECK(eval("tonumber('9223372036854775808')") == "9.223372036854776e+18");
}

TEST_CASE("jsondecode reads JSON, not the YAML that looks like it") {
    CHECK(eval("jsondecode(' \"\\\\ud83d\\\\ude00\" ')") ==
          "\"\xF0\x9F\x98\x80\""); // a surrogate pair
    CHECK(eval("jsondecode('{\\n\\t\"a\"\\t:\\t1\\n}')") == "{\"a\":1}");
    CHECK(eval("jsondecode('{\"a\"\\n:\\n1}')") == "{\"a\":1}");
    CHECK(eval("jsondecode('[\"a\",\\r\"b\"]')") == "[\"a\",\"b\"]");
    CHECK(eval("length(keys(jsondecode('{\"" + std::string(2000, 'k') + "\": 1}'))[0])") == "2000");
    CHECK(eval("jsondecode('{\"$secret\": 1, \"<<\": {\"b\": 2}}')[\"$secret\"]") == "1");
    CHECK(eval("issensitive(jsondecode('{\"$secret\": 1}'))") == "false");
    CHECK(eval("jsondecode('[1E5, -0.5, 9223372036854775807]')") ==
          "[100000.0,-0.5,9223372036854775807]");
    CHECK(eval("jsondecode('{\"a\": 1, \"a\": 2}')") ==
          "1:3: jsondecode(): an object has a duplicate key (the key is \"a\")");
    CHECK(eval("jsondecode(sensitive('{\"a\": 1, \"a\": 2}'))") ==
          "1:3: jsondecode(): an object has a duplicate key");
    for (const char* large :
         {"9223372036854775808", "-9223372036854775809", "100000000000000000000"})
        CHECK(eval(std::string("jsondecode('") + large + "')") ==
              "1:3: jsondecode(): a number does not fit in a 64-bit integer");
    CHECK(eval("jsondecode('" + std::string(65, '[') + std::string(65, ']') + "')") ==
          "1:3: jsondecode(): nested more than 64 levels deep");
}

TEST_CASE("parts of paths match basename(1) and dirname(1)") {
    CHECK(eval("[basename('a/b/'), basename('a'), basename('//'), basename('')]") ==
          R"(["b","a","/","."])");
    CHECK(
        eval("[dirname('a'), dirname(''), dirname('/a'), dirname('a/b/'), dirname('a//b/../c')]") ==
        R"([".",".","/","a/b","a"])");
}

TEST_CASE("files are found beside the file that names them") {
    namespace fs = std::filesystem;
    const fs::path dir = fs::temp_directory_path() / ("functions-" + std::to_string(::getpid()));
    fs::create_directories(dir);
    std::ofstream(dir / "a.txt") << "hello\n";
    std::ofstream(dir / "t.tpl") << "${join(\",\", [for n in nodes : \"<${n}>\"])} $${x}\n";
    std::ofstream(dir / "bad.tpl") << "one\n${nodse}\n";
    std::ofstream(dir / "loop.tpl")
        << "${templatefile(\"" << (dir / "t.tpl").string() << "\", {})}";
    std::ofstream(dir / "binary") << "\xff";
    const auto path = [&](const char* name) { return "'" + (dir / name).string() + "'"; };
    CHECK(eval("file(" + path("a.txt") + ")") == "\"hello\\n\"");
    CHECK(eval("fileexists(" + path("a.txt") + ")") == "true");
    CHECK(eval("filebase64(" + path("a.txt") + ")") == "\"aGVsbG8K\"");
    CHECK(eval("filesha256(" + path("a.txt") + ") == sha256(\"hello\\n\")") == "true");
    CHECK(eval("file('functions_test.cpp') != ''") == "true"); // path.module: see MapNames
    CHECK(eval("templatefile(" + path("t.tpl") + ", {nodes: ['a', 'b']})") ==
          "\"<a>,<b> ${x}\\n\"");
    CHECK(eval("templatefile(" + path("bad.tpl") + ", {nodes: []})")
              .find("bad.tpl:2:3: the template has no \"nodse\" (did you mean \"nodes\"?)") !=
          std::string::npos);
    CHECK(eval("templatefile(" + path("loop.tpl") + ", {})")
              .find("a template can't render another template") != std::string::npos);
    CHECK(eval("file(" + path("nothing") + ")").starts_with("1:3: file(): "));
    std::ofstream(dir / "b.txt") << "";
    fs::create_directories(dir / "sub" / "deep");
    std::ofstream(dir / "sub" / "c.txt") << "";
    std::ofstream(dir / "sub" / "deep" / "d.txt") << "";
    const std::string whole = "'" + dir.string() + "', ";
    CHECK(eval("fileset(" + whole + "'*.txt')") == "[\"a.txt\",\"b.txt\"]");
    CHECK(eval("fileset(" + whole + "'sub/?.txt')") == "[\"sub/c.txt\"]");
    CHECK(eval("fileset(" + whole + "'**/*.txt')") ==
          "[\"a.txt\",\"b.txt\",\"sub/c.txt\",\"sub/deep/d.txt\"]");
    CHECK(eval("fileset(" + whole + "'sub/**')") == "[\"sub/c.txt\",\"sub/deep/d.txt\"]");
    CHECK(eval("fileset(" + whole + "'**/deep/*')") == "[\"sub/deep/d.txt\"]");
    CHECK(eval("fileset(" + whole + "'*.no')") == "[]");
    CHECK(eval("fileset(" + path("none") + ", '*')").starts_with("1:3: fileset(): \""));
    CHECK(eval("filemd5(" + path("a.txt") + ") == md5(\"hello\\n\")") == "true");
    CHECK(eval("filesha1(" + path("a.txt") + ") == sha1(\"hello\\n\")") == "true");
    CHECK(eval("filesha512(" + path("a.txt") + ") == sha512(\"hello\\n\")") == "true");
    CHECK(eval("filebase64sha256(" + path("a.txt") + ") == base64sha256(\"hello\\n\")") == "true");
    CHECK(eval("file('/dev/zero')").starts_with("1:3: file(): "));
    CHECK(eval("file(" + path("binary") + ")").find("is not UTF-8 text (filebase64()") !=
          std::string::npos);
    fs::remove_all(dir);
}

TEST_SUITE("as root" * doctest::skip(::geteuid() != 0)) {
    TEST_CASE("nothing is read or looked for through another user's link") {
        const TempDir dir;
        write_file(dir.path / "secret", "root's own", 0600);
        std::filesystem::create_directory(dir.path / "files");
        write_file(dir.path / "files/a.yaml", "a: 1\n", 0600);
        std::filesystem::create_symlink("secret", dir.path / "link");
        std::filesystem::create_directory_symlink("files", dir.path / "ways");
        const std::string link = "'" + (dir.path / "link").string() + "'";
        const std::string ways = "'" + (dir.path / "ways").string();
        const std::vector<std::string> calls{
            "file(" + link + ")",         "fileexists(" + link + ")",
            "filebase64(" + link + ")",   "filesha256(" + link + ")",
            "filemd5(" + link + ")",      "templatefile(" + link + ", {})",
            "file(" + ways + "/a.yaml')", "fileexists(" + ways + "/a.yaml')",
            "fileset(" + ways + "', '*')"};
        for (const std::string& call : calls) {
            INFO(call);
            CHECK(eval(call).find("symbolic link") == std::string::npos); // a link of one's own
        }
        for (const char* name : {"link", "ways"})
            REQUIRE(::lchown((dir.path / name).c_str(), 65534, 65534) == 0);
        for (const std::string& call : calls) {
            const std::string said = eval(call);
            CHECK_MESSAGE(said.find("a symbolic link that another user may have created (write the "
                                    "path to which the link points)") != std::string::npos,
                          call << ": " << said);
        }
        for (const auto& file : {dir.path / "link", dir.path / "ways/a.yaml"}) {
            INFO(file.string()); // specs, modules, variables, secrets
            try {
                (void)disk_reader()(file);
                FAIL("it was read");
            } catch (const Error& error) {
                CHECK(error.kind == ErrorKind::spec);
                CHECK(error.message.find("a symbolic link that another user") != std::string::npos);
            }
        }
    }
} // TEST_SUITE
