#include "planner/functions.h"

#include "core/file.h"
#include "core/hash.h"
#include "core/text.h"

#include <fmt/format.h>

namespace hadeploy {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxFile = 4u << 20;

std::string contents(const Call& call) {
    try {
        return read_file(call.file(0), kMaxFile, ErrorKind::spec);
    } catch (const Error& error) {
        throw call.mistake(error.message, error.hint);
    }
}

std::string text_of(const Call& call) {
    std::string text = contents(call);
    for (std::size_t at = 0; at < text.size();) {
        const CodePoint c = first_code_point(std::string_view(text).substr(at));
        if (!c.valid)
            throw call.mistake(fmt::format("{} is not UTF-8 text", in_quotes(call.text(0))),
                               "filebase64() reads any file");
        at += c.size;
    }
    return text;
}

/// The names within a template: what it was given, and nothing else.
class TemplateNames : public Names {
  public:
    TemplateNames(const Value& given, const Names& outer) : given_(given), outer_(outer) {}
    Value resolve(const std::string& name, const Path& path, Loc loc,
                  std::size_t& used) const override {
        if (name == "path") return outer_.resolve(name, path, loc, used);
        used = 0;
        return follow(given_, {Value(name)}, 0, loc, "the template");
    }

  private:
    const Value& given_;
    const Names& outer_;
};

/// A template does not call for a template: they could do so for ever.
class Rendering {
  public:
    explicit Rendering(const Call& call) {
        if (busy_) throw call.mistake("a template can't call for a template");
        busy_ = true;
    }
    Rendering(const Rendering&) = delete;
    Rendering& operator=(const Rendering&) = delete;
    ~Rendering() { busy_ = false; }

  private:
    static thread_local bool busy_;
};
thread_local bool Rendering::busy_ = false;

Value rendered(const Call& call) {
    const Rendering guard(call);
    Sources sources;
    const std::uint16_t index = sources.add(call.text(0), text_of(call));
    const Value text = Value(sources.files()[index].text).at({1, 1, index});
    Value out;
    try {
        out = evaluate(*parse_string(text, sources), TemplateNames(call[1], call.names));
    } catch (const Error& error) { // its place is in the template, which no one else knows
        throw call.mistake(fmt::format("{}: {}", sources.describe(error.loc), error.message),
                           error.hint);
    }
    if (out.is_list() || out.is_map())
        throw call.mistake("a template gives text, this one " + std::string(out.kind_name()));
    return out.is_unknown() ? out : Value(scalar_text(out));
}

Value joined_path(const Call& call) {
    fs::path out;
    for (std::size_t i = 0; i < call.size(); ++i) out /= call.text(i);
    return out.lexically_normal().string();
}

} // namespace

FunctionGroup file_functions() {
    return {
        "Files",
        {
            {"file", "path: string",
             "The text of a file of this machine. A relative path goes from the directory of the "
             "file that "
             "the expression stands in; this holds for all functions here.",
             "", "", [](const Call& c) -> Value { return text_of(c); }},
            {"fileexists", "path: string", "Whether there is such a file.",
             R"(fileexists("no/such.file"))", "false",
             [](const Call& c) -> Value {
                 std::error_code ignored;
                 return fs::is_regular_file(c.file(0), ignored);
             }},
            {"filebase64", "path: string", "The file in base64, whatever is in it.", "", "",
             [](const Call& c) -> Value { return base64_encode(contents(c)); }},
            {"filesha256", "path: string", "SHA-256 of the file in hexadecimal.", "", "",
             [](const Call& c) -> Value { return sha256_hex(contents(c)); }},
            {"templatefile", "path: string, values: map",
             "The text of a file with its `${...}` filled in, which see the values and nothing "
             "else.",
             "", "", rendered},
            {"basename", "path: string", "The last part of a path.", R"(basename("/etc/motd"))",
             R"("motd")",
             [](const Call& c) -> Value { return fs::path(c.text(0)).filename().string(); }},
            {"dirname", "path: string", "The path without its last part.",
             R"(dirname("/etc/motd"))", R"("/etc")",
             [](const Call& c) -> Value { return fs::path(c.text(0)).parent_path().string(); }},
            {"abspath", "path: string", "The whole path of a file.", R"(abspath("/srv/../etc"))",
             R"("/etc")", [](const Call& c) -> Value { return c.file(0).string(); }},
            {"pathjoin", "parts: string...", "The parts as one path.",
             R"(pathjoin("/srv", "web", "../db"))", R"("/srv/db")", joined_path},
        }};
}

} // namespace hadeploy
