#include "planner/functions.h"

#include "core/hash.h"
#include "core/text.h"
#include "core/uuid.h"
#include "planner/yaml.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace hadeploy {

namespace {

/// Block style; strings and keys quoted as in JSON, so that none is taken for something else.
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

/// Reads a text of the YAML that specs are written in; JSON is a part of it.
Value decoded(const Call& call, std::string_view what) {
    Sources sources;
    Problems problems;
    const std::uint16_t index = sources.add(std::string(what), call.text(0));
    const Value out = read_yaml(sources, index, problems);
    if (problems.empty()) return out;
    const Error& first = problems.list().front();
    throw call.mistake(fmt::format("line {}: {}", first.loc.line, first.message));
}

Value json_decoded(const Call& call) {
    if (!nlohmann::json::accept(call.text(0))) throw call.mistake("the text is not JSON");
    return decoded(call, "JSON");
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

Value base64_decoded(const Call& call) {
    std::string out;
    try {
        out = base64_decode(call.text(0));
    } catch (const Error&) {
        throw call.mistake("the text is not base64");
    }
    for (std::size_t at = 0; at < out.size();) {
        const CodePoint c = first_code_point(std::string_view(out).substr(at));
        if (!c.valid) throw call.mistake("what is encoded is not UTF-8 text");
        at += c.size;
    }
    return out;
}

Value named_uuid(const Call& call) {
    const std::string& space = call.text(0);
    if (space == "dns") return uuid_v5(kUuidNamespaceDns, call.text(1));
    if (!is_uuid(space))
        throw call.mistake(fmt::format("{} is not a UUID", in_quotes(space)),
                           "the namespace is a UUID or \"dns\"");
    return uuid_v5(space, call.text(1));
}

} // namespace

FunctionGroup encoding_functions() {
    return {"Encoding and hashes",
            {
                {"jsonencode", "value: any", "The value as JSON on one line.",
                 R"(jsonencode({a: [1, true]}))", R"("{\"a\":[1,true]}")",
                 [](const Call& c) -> Value { return to_open_json(c[0]); }},
                {"jsondecode", "text: string", "The value that JSON tells.",
                 R"(jsondecode("{\"a\": [1]}"))", R"({"a": [1]})", json_decoded},
                {"yamlencode", "value: any", "The value as YAML.", R"(yamlencode({a: [1, "x"]}))",
                 R"("\"a\":\n  - 1\n  - \"x\"\n")",
                 [](const Call& c) -> Value {
                     std::string out;
                     write_yaml(c[0], 0, out);
                     return out;
                 }},
                {"yamldecode", "text: string", "The value that YAML 1.2 tells.",
                 R"(yamldecode("a: [1, no]"))", R"({"a": [1, "no"]})",
                 [](const Call& c) { return decoded(c, "YAML"); }},
                {"base64encode", "text: string", "Base64 of the text.", R"(base64encode("web"))",
                 R"("d2Vi")", [](const Call& c) -> Value { return base64_encode(c.text(0)); }},
                {"base64decode", "text: string", "The text that base64 stands for.",
                 R"(base64decode("d2Vi"))", R"("web")", base64_decoded},
                {"urlencode", "text: string", "The text as it may stand in a URL.",
                 R"(urlencode("a b&c"))", R"("a%20b%26c")", url_encoded},
                {"sha256", "text: string", "SHA-256 in hexadecimal.", R"(sha256("web"))",
                 R"("4b5e57f6eb2f42b9039b3d1e13929295f231749c510cbe341cd68036d9af97e2")",
                 [](const Call& c) -> Value { return sha256_hex(c.text(0)); }},
                {"sha1", "text: string", "SHA-1 in hexadecimal; not for what has to be safe.",
                 R"(sha1("web"))", R"("ca84d1343b96baa8137c943ed1860e522cacb238")",
                 [](const Call& c) -> Value { return digest_hex("SHA1", c.text(0)); }},
                {"md5", "text: string", "MD5 in hexadecimal; not for what has to be safe.",
                 R"(md5("web"))", R"("2567a5ec9705eb7ac2c984033e06189d")",
                 [](const Call& c) -> Value { return digest_hex("MD5", c.text(0)); }},
                {"uuidv5", "namespace: string, name: string",
                 "The UUID of a name within a namespace (a UUID, or `dns`).",
                 R"(uuidv5("dns", "example.org"))", R"("aad03681-8b63-5304-89e0-8ca8f49461b5")",
                 named_uuid},
            }};
}

} // namespace hadeploy
