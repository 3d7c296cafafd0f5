#include "planner/lang/functions.h"

#include "core/charset.h"
#include "core/gzip.h"
#include "core/hash.h"
#include "core/text.h"
#include "core/uuid.h"
#include "core/value_json.h"
#include "planner/yaml/yaml.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy {

namespace {

/// Writes block style. Strings and keys are quoted as in JSON, so that they cannot be mistaken for
/// other types.
void write_yaml(const Value& v, std::size_t depth, std::string& out) {
    const bool map = v.is_map() && !v.as_map().empty();
    const bool list = v.is_list() && !v.as_list().empty();
    if (!map && !list) {
        out += (depth > 0 ? " " : "") + to_open_json(v) + "\n";
        return;
    }
    if (depth > 0) out += '\n';
    const std::string margin(2 * depth, ' ');
    if (map)
        for (const Entry& e : v.as_map()) {
            out += margin + to_open_json(e.key) + ":";
            write_yaml(e.value, depth + 1, out);
        }
    else
        for (const Value& item : v.as_list()) {
            out += margin + "-";
            write_yaml(item, depth + 1, out);
        }
}

Value yaml_decoded(const Call& call) {
    Sources sources;
    Diagnostics diagnostics;
    const std::uint16_t index = sources.add("YAML", call.text(0));
    const bool secret = call[0].contains_secret();
    const Value out = secret ? read_secret_yaml(sources, index, "the text", diagnostics)
                             : read_yaml(sources, index, diagnostics);
    if (diagnostics.empty()) return out;
    const Error& first = diagnostics.list().front();
    throw call.mistake(fmt::format("line {}: {}", first.loc.line, first.message));
}

/// JSON is not parsed as YAML, although YAML is called a superset of JSON: tabs, long keys and
/// surrogate pairs are valid only in JSON.
Value json_decoded(const Call& call) {
    try {
        return from_foreign_json(call.text(0));
    } catch (const Error& error) {
        throw call.mistake(error.message, call[0].contains_secret() ? "" : error.hint);
    }
}

Value url_encoded(const Call& call) {
    std::string out;
    for (const char c : call.text(0)) {
        const auto byte = static_cast<unsigned char>(c);
        const bool plain =
            std::isalnum(byte) || std::string_view("-_.~").find(c) != std::string::npos;
        out += plain ? std::string(1, c) : fmt::format("%{:02X}", byte);
    }
    return out;
}

Value url_decoded(const Call& call) {
    const std::string& text = call.text(0);
    std::string out;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] != '%') {
            out += text[at] == '+' ? ' ' : text[at];
            continue;
        }
        const auto byte = unhex(text.substr(at + 1, 2));
        if (!byte || byte->size() != 1)
            throw call.mistake("% must be followed by two hexadecimal digits");
        out += *byte;
        at += 2;
    }
    if (!is_utf8(out)) throw call.mistake("the decoded text is not UTF-8");
    return out;
}

/// Reads the fields of the CSV row that begins at `at`, and advances `at` past the row. Quoted text
/// can span several lines.
std::vector<std::string> csv_line(const Call& call, const std::string& text, std::size_t& at) {
    std::vector<std::string> out(1);
    bool quoted = false, ended = false; // within quotes; after them
    for (; at < text.size(); ++at) {
        const char c = text[at];
        if (quoted) {
            const bool quote = c == '"' && at + 1 < text.size() && text[at + 1] == '"';
            if (c == '"' && !quote)
                quoted = false, ended = true;
            else
                out.back() += c;
            at += quote ? 1 : 0;
        } else if (c == ',') {
            out.emplace_back();
            ended = false;
        } else if (c == '\n') {
            return ++at, out;
        } else if (c == '"' && out.back().empty() && !ended) {
            quoted = true;
        } else if (c != '\r') {
            if (ended) throw call.mistake("unexpected text after a closing quote");
            out.back() += c;
        }
    }
    if (quoted) throw call.mistake("a quote is not closed");
    return out;
}

Value csv_decoded(const Call& call) {
    const std::string& text = call.text(0);
    std::size_t at = 0;
    const std::vector<std::string> names = csv_line(call, text, at);
    for (auto name = names.begin(); name != names.end(); ++name)
        if (std::find(names.begin(), name, *name) != name)
            throw call.mistake(fmt::format("there are two columns {}", call.quoted(0, *name)));
    Value::List out;
    while (at < text.size()) {
        const std::vector<std::string> fields = csv_line(call, text, at);
        if (fields.size() == 1 && fields[0].empty()) continue; // an empty line
        if (fields.size() != names.size())
            throw call.mistake(fmt::format("row {} has {} fields, the header {}", out.size() + 1,
                                           fields.size(), names.size()));
        Value::Map row;
        for (std::size_t i = 0; i < names.size(); ++i) row.push_back({names[i], fields[i]});
        out.push_back(Value::map(std::move(row)));
    }
    return Value::list(std::move(out));
}

std::string base64_of(const std::string& digits) {
    return base64_encode(unhex(digits).value_or(""));
}

std::string bytes_of(const Call& call) {
    try {
        return base64_decode(call.text(0));
    } catch (const Error&) {
        throw call.mistake("the text is not base64");
    }
}

/// @throws Error(spec) if the bytes are not UTF-8
Value text_from(const Call& call, std::string bytes) {
    if (!is_utf8(bytes)) throw call.mistake("the decoded text is not UTF-8");
    return bytes;
}

/// Returns the result of `convert`. Turns an exception into an error of the call about an argument.
template<class Convert>
std::string attempted(const Call& call, std::size_t argument, Convert convert) {
    try {
        return convert();
    } catch (const Error& error) {
        throw call.passed_on(argument, error.message, error.hint);
    }
}

Value base64_decoded(const Call& call) {
    return text_from(call, bytes_of(call));
}

Value gunzipped(const Call& call) {
    const std::string file = bytes_of(call);
    return text_from(call, attempted(call, 0, [&] { return gunzip(file, kMaxValueWeight); }));
}

Value in_charset(const Call& call) {
    return base64_encode(
        attempted(call, 1, [&] { return to_charset(call.text(0), call.text(1)); }));
}

Value out_of_charset(const Call& call) {
    const std::string bytes = bytes_of(call);
    return text_from(call, attempted(call, 1, [&] { return from_charset(bytes, call.text(1)); }));
}

Value named_uuid(const Call& call) {
    const std::string& space = call.text(0);
    for (const auto& [name, uuid] : {std::pair("dns", kUuidNamespaceDns),
                                     {"url", kUuidNamespaceUrl},
                                     {"oid", kUuidNamespaceOid},
                                     {"x500", kUuidNamespaceX500}})
        if (space == name) return uuid_v5(uuid, call.text(1));
    if (!is_uuid(space))
        throw call.mistake(fmt::format("{} is not a UUID", call.quoted(0)),
                           "the namespace is a UUID, or \"dns\", \"url\", \"oid\" or \"x500\"");
    return uuid_v5(space, call.text(1));
}

} // namespace

FunctionGroup encoding_functions() {
    return {"Encoding and hashes",
            {
                {"jsonencode", "value: any", "The value as JSON on one line.",
                 R"(jsonencode({a: [1, true]}))", R"("{\"a\":[1,true]}")",
                 [](const Call& c) -> Value { return to_open_json(c[0]); }},
                {"jsondecode", "text: string", "The value of a JSON text.",
                 R"(jsondecode("{\"a\": [1]}"))", R"({"a": [1]})", json_decoded},
                {"yamlencode", "value: any", "The value as YAML.", R"(yamlencode({a: [1, "x"]}))",
                 R"("\"a\":\n  - 1\n  - \"x\"\n")",
                 [](const Call& c) -> Value {
                     std::string out;
                     write_yaml(c[0], 0, out);
                     return out;
                 }},
                {"yamldecode", "text: string", "The value of a YAML 1.2 text.",
                 R"(yamldecode("a: [1, no]"))", R"({"a": [1, "no"]})", yaml_decoded},
                {"base64encode", "text: string", "The text in base64.", R"(base64encode("web"))",
                 R"("d2Vi")", [](const Call& c) -> Value { return base64_encode(c.text(0)); }},
                {"base64decode", "text: string", "The text decoded from base64.",
                 R"(base64decode("d2Vi"))", R"("web")", base64_decoded},
                {"base64gzip", "text: string", "The text compressed by gzip, in base64.",
                 R"(base64gunzip(base64gzip("web")))", R"("web")",
                 [](const Call& c) -> Value { return base64_encode(gzip(c.text(0))); }},
                {"base64gunzip", "text: string",
                 "The text decoded from base64 and decompressed by gzip; at most 64 MiB.",
                 R"(base64gunzip("H4sIAAAAAAACAytPTQIAUTjJFQMAAAA="))", R"("web")", gunzipped},
                {"textencodebase64", "text: string, encoding: string",
                 "The text in a different encoding, such as `UTF-16LE`, `ISO-8859-1` or "
                 "`windows-1252`, in base64.",
                 R"(textencodebase64("web", "UTF-16LE"))", R"("dwBlAGIA")", in_charset},
                {"textdecodebase64", "text: string, encoding: string",
                 "The inverse of `textencodebase64`.",
                 R"(textdecodebase64("dwBlAGIA", "UTF-16LE"))", R"("web")", out_of_charset},
                {"urlencode", "text: string", "The text encoded for use in a URL.",
                 R"(urlencode("a b&c"))", R"("a%20b%26c")", url_encoded},
                {"urldecode", "text: string", "The inverse of `urlencode`.",
                 R"(urldecode("a%20b%26c"))", R"("a b&c")", url_decoded},
                {"csvdecode", "text: string",
                 "The rows of comma-separated values, each a map whose keys are the names in the "
                 "first line.",
                 R"(csvdecode("name,port\nweb,80\n"))", R"([{"name": "web", "port": "80"}])",
                 csv_decoded},
                {"sha256", "text: string", "SHA-256 in hexadecimal.", R"(sha256("web"))",
                 R"("4b5e57f6eb2f42b9039b3d1e13929295f231749c510cbe341cd68036d9af97e2")",
                 [](const Call& c) -> Value { return sha256_hex(c.text(0)); }},
                {"sha512", "text: string", "SHA-512 in hexadecimal.",
                 R"(substr(sha512("web"), 0, 16))", R"("cbead8fe640f4d4a")",
                 [](const Call& c) -> Value { return digest_hex("SHA512", c.text(0)); }},
                {"base64sha256", "text: string", "SHA-256 in base64.", R"(base64sha256("web"))",
                 R"("S15X9usvQrkDmz0eE5KSlfIxdJxRDL40HNaANtmvl+I=")",
                 [](const Call& c) -> Value { return base64_of(sha256_hex(c.text(0))); }},
                {"base64sha512", "text: string", "SHA-512 in base64.",
                 R"(substr(base64sha512("web"), 0, 16))", R"("y+rY/mQPTUqaNDVt")",
                 [](const Call& c) -> Value { return base64_of(digest_hex("SHA512", c.text(0))); }},
                {"sha1", "text: string", "SHA-1 in hexadecimal; not suitable for security.",
                 R"(sha1("web"))", R"("ca84d1343b96baa8137c943ed1860e522cacb238")",
                 [](const Call& c) -> Value { return digest_hex("SHA1", c.text(0)); }},
                {"md5", "text: string", "MD5 in hexadecimal; not suitable for security.",
                 R"(md5("web"))", R"("2567a5ec9705eb7ac2c984033e06189d")",
                 [](const Call& c) -> Value { return digest_hex("MD5", c.text(0)); }},
                {"uuidv5", "namespace: string, name: string",
                 "The UUID of a name within a namespace, which is a UUID, `dns`, `url`, `oid` or "
                 "`x500`.",
                 R"(uuidv5("dns", "example.org"))", R"("aad03681-8b63-5304-89e0-8ca8f49461b5")",
                 named_uuid},
            }};
}

} // namespace hadeploy
