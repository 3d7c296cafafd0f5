#include "planner/lang/functions.h"

#include "core/file.h"
#include "core/hash.h"
#include "core/own_way.h"
#include "core/text.h"
#include "planner/lang/expr_parser.h"

#include <algorithm>
#include <cstdlib>
#include <fmt/format.h>
#include <fnmatch.h>
#include <optional>
#include <set>

namespace hadeploy {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxFile = 4u << 20;

std::string contents(const Call& call) {
    try {
        return read_own_way(call.file(0), kMaxFile);
    } catch (const Error& error) {
        throw call.passed_on(0, error.message, error.hint);
    }
}

bool is_file(const Call& call) {
    try {
        const auto there = look_own_way(call.file(0), true);
        return there && S_ISREG(there->st_mode);
    } catch (const Error& error) {
        if (error.kind != ErrorKind::conflict) return false; // it cannot be read
        throw call.passed_on(0, error.message, error.hint);
    }
}

/// Opens a directory to search it for files.
Fd open_root(const Call& call, const fs::path& root) {
    Fd directory;
    try {
        directory = open_own_way(root);
    } catch (const Error& error) {
        throw call.passed_on(0, error.message, error.hint);
    }
    if (directory) return directory;
    const bool there = look_own_way(root, true).has_value();
    const auto why = there ? std::errc::not_a_directory : std::errc::no_such_file_or_directory;
    throw call.mistake(fmt::format("{}: {}", call.quoted(0), std::make_error_code(why).message()));
}

std::string text_of(const Call& call) {
    std::string text = contents(call);
    for (std::size_t at = 0; at < text.size();) {
        const CodePoint c = first_code_point(std::string_view(text).substr(at));
        if (!c.valid)
            throw call.mistake(fmt::format("{} is not UTF-8 text", call.quoted(0)),
                               "filebase64() reads any file");
        at += c.size;
    }
    return text;
}

/// Resolves the names within a template: only the given values are visible.
class TemplateNames : public Names {
  public:
    TemplateNames(const Value& given, const Names& outer)
        : Names(outer.context()), given_(given), outer_(outer) {}
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

/// Prevents nested templates, which could call each other forever.
class Rendering {
  public:
    explicit Rendering(const Call& call) : busy_(call.names.context().in_template) {
        if (busy_) throw call.mistake("a template can't render another template");
        busy_ = true;
    }
    Rendering(const Rendering&) = delete;
    Rendering& operator=(const Rendering&) = delete;
    ~Rendering() { busy_ = false; }

  private:
    bool& busy_;
};

/// @param name  for messages
Value rendered(const Call& call, const std::string& name, std::string template_text) {
    const Rendering guard(call);
    Sources sources;
    const std::uint16_t index = sources.add(name, std::move(template_text));
    const Value text = Value(sources.files()[index].text).at({1, 1, index});
    Value out;
    try {
        StringPool strings;
        out = evaluate(parse_string(text, sources, strings), TemplateNames(call[1], call.names));
    } catch (const Error& error) { // its location is in the template, which the sources lack
        throw call.passed_on(0, fmt::format("{}: {}", sources.describe(error.loc), error.message),
                             error.hint);
    }
    if (out.is_list() || out.is_map())
        throw call.mistake("a template must give text, not " + std::string(out.kind_name()));
    if (out.is_unknown() || out.is_string()) return out;
    const Value made = scalar_text(out);
    return out.secret() ? made.as_secret() : made;
}

std::vector<std::string> path_parts(const fs::path& path) {
    std::vector<std::string> out;
    for (const fs::path& part : path) out.push_back(part.string());
    return out;
}

/// Whether the parts of a pattern match those of a path; `**` matches any number of parts.
bool matches(const std::vector<std::string>& pattern, const std::vector<std::string>& path) {
    std::size_t p = 0, at = 0, retry = 0;
    std::optional<std::size_t> star; // the last `**`: it matches one more part if the rest fails
    while (at < path.size()) {
        if (p < pattern.size() && pattern[p] == "**") {
            star = p++;
            retry = at;
        } else if (p < pattern.size() && ::fnmatch(pattern[p].c_str(), path[at].c_str(), 0) == 0) {
            ++p;
            ++at;
        } else if (star) {
            p = *star + 1;
            at = ++retry;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == "**") ++p;
    return p == pattern.size();
}

/// Sorted by name, so that the result is the same on every machine.
Value file_set(const Call& call) {
    constexpr std::size_t kMost = 100'000;
    const Fd directory = open_root(call, call.file(0));
    const fs::path root = own_name(directory);
    const std::vector<std::string> pattern = path_parts(fs::path(call.text(1)).lexically_normal());
    std::error_code error;
    fs::recursive_directory_iterator at(root, error);
    if (error) throw call.mistake(fmt::format("{}: {}", call.quoted(0), error.message()));
    std::set<std::string> found;
    for (std::size_t seen = 0; at != fs::end(at); at.increment(error)) {
        if (++seen > kMost) throw call.mistake(fmt::format("there are more than {} files", kMost));
        const fs::path path = at->path().lexically_relative(root);
        if (at->is_regular_file(error) && matches(pattern, path_parts(path)))
            found.insert(path.string());
        if (static_cast<std::size_t>(at.depth()) + 1 >= pattern.size() &&
            std::find(pattern.begin(), pattern.end(), "**") == pattern.end())
            at.disable_recursion_pending(); // no deeper directory matches
    }
    if (error) throw call.mistake(fmt::format("{}: {}", call.quoted(0), error.message()));
    Value::List out;
    for (const std::string& path : found) out.push_back(path);
    return Value::list(std::move(out));
}

/// Like basename(1), ignores trailing slashes.
Value last_part(const Call& call) {
    const std::string& path = call.text(0);
    const auto end = path.find_last_not_of('/');
    if (end == path.npos) return path.empty() ? "." : "/";
    const auto slash = path.find_last_of('/', end);
    const auto begin = slash == path.npos ? 0 : slash + 1;
    return path.substr(begin, end + 1 - begin);
}

/// Never empty, because a path joined to an empty directory would be below the root.
Value without_last_part(const Call& call) {
    const fs::path path = fs::path(call.text(0)).parent_path().lexically_normal();
    std::string out = path.string();
    while (out.size() > 1 && out.back() == '/') out.pop_back();
    return out.empty() ? "." : out;
}

Value expanded_path(const Call& call) {
    const std::string& text = call.text(0);
    if (text != "~" && !text.starts_with("~/")) return text;
    call.names.context().external_inputs.note();
    const char* home = std::getenv("HOME");
    if (home == nullptr || *home == '\0') throw call.mistake("HOME is not set");
    return text.size() <= 2 ? std::string(home) : (fs::path(home) / text.substr(2)).string();
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
             "The text of a file on this machine. A relative path is relative to the directory of "
             "the file that contains the expression. A link in the path is followed only if it "
             "belongs to root or to the user who runs hadeploy. Both apply to all functions here.",
             R"(file("files/motd"))", R"("Welcome.\n")",
             [](const Call& c) -> Value { return text_of(c); }},
            {"fileexists", "path: string", "Whether the file exists.",
             R"(fileexists("no/such.file"))", "false",
             [](const Call& c) -> Value { return is_file(c); }},
            {"filebase64", "path: string", "The contents of any file, in base64.",
             R"(filebase64("files/motd"))", R"("V2VsY29tZS4K")",
             [](const Call& c) -> Value { return base64_encode(contents(c)); }},
            {"filesha256", "path: string", "SHA-256 of the file in hexadecimal.",
             R"(filesha256("files/motd"))",
             R"("59d6413948a585db9a15042888fcd7ca4c85416ac2f71f1a80c9c83df78b3a56")",
             [](const Call& c) -> Value { return sha256_hex(contents(c)); }},
            {"templatefile", "path: string, values: map",
             "The text of a file with each `${...}` evaluated; the expressions can use only the "
             "given "
             "values.",
             R"(templatefile("files/app.conf.tmpl", {port: 8080}))", R"("port = 8080\n")",
             [](const Call& c) { return rendered(c, c.text(0), text_of(c)); }},
            {"templatestring", "text: string, values: map",
             "`templatefile` for a text in the spec, where `$${` represents `${` of the template.",
             R"(templatestring("$${n} nodes", {n: 3}))", R"("3 nodes")",
             [](const Call& c) { return rendered(c, "the template", c.text(0)); }},
            {"fileset", "path: string, pattern: string",
             "The files below a directory whose relative path matches the pattern, sorted. `*` and "
             "`?` match within a name; `**` matches any number of directories.",
             R"(fileset("files", "*.tmpl"))", R"(["app.conf.tmpl"])", file_set},
            {"filemd5", "path: string", "MD5 of the file; not suitable for security.",
             R"(filemd5("files/motd"))", R"("6032f3e326f913d4b23909386b577253")",
             [](const Call& c) -> Value { return digest_hex("MD5", contents(c)); }},
            {"filesha1", "path: string", "SHA-1 of the file; not suitable for security.",
             R"(filesha1("files/motd"))", R"("d7d981c73ae1f1d96453d29867e5ea0ae9d86052")",
             [](const Call& c) -> Value { return digest_hex("SHA1", contents(c)); }},
            {"filesha512", "path: string", "SHA-512 of the file in hexadecimal.",
             R"(substr(filesha512("files/motd"), 0, 16))", R"("6c72edb3865cc715")",
             [](const Call& c) -> Value { return digest_hex("SHA512", contents(c)); }},
            {"filebase64sha256", "path: string", "SHA-256 of the file in base64.",
             R"(filebase64sha256("files/motd"))",
             R"("WdZBOUilhduaFQQoiPzXykyFQWrC9x8agMnIPfeLOlY=")",
             [](const Call& c) -> Value {
                 return base64_encode(unhex(sha256_hex(contents(c))).value_or(""));
             }},
            {"filebase64sha512", "path: string", "SHA-512 of the file in base64.",
             R"(substr(filebase64sha512("files/motd"), 0, 16))", R"("bHLts4ZcxxWpzIM5")",
             [](const Call& c) -> Value {
                 return base64_encode(unhex(digest_hex("SHA512", contents(c))).value_or(""));
             }},
            {"basename", "path: string", "The last part of a path.", R"(basename("/etc/motd"))",
             R"("motd")", last_part},
            {"dirname", "path: string", "The path without its last part; `.` for a single name.",
             R"(dirname("/etc/motd"))", R"("/etc")", without_last_part},
            {"abspath", "path: string", "The absolute path of a file.", R"(abspath("/srv/../etc"))",
             R"("/etc")", [](const Call& c) -> Value { return c.file(0).string(); }},
            {"pathexpand", "path: string",
             "The path with a leading `~` replaced by your home directory.",
             R"(pathexpand("/etc/motd"))", R"("/etc/motd")", expanded_path},
            {"pathjoin", "parts: string...", "The parts joined into one path.",
             R"(pathjoin("/srv", "web", "../db"))", R"("/srv/db")", joined_path},
        }};
}

} // namespace hadeploy
