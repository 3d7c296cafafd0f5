#include "providers/ssh/dockerignore.h"

#include <algorithm>

namespace hadeploy::ssh::docker {

namespace {

std::string_view without_spaces(std::string_view text) {
    constexpr std::string_view kSpaces = " \t\r\v\f";
    text.remove_prefix(std::min(text.find_first_not_of(kSpaces), text.size()));
    return text.substr(0, text.find_last_not_of(kSpaces) + 1);
}

/// A path without empty components, "." and "..": "/a//b/../c/" -> "a/c".
std::string clean(std::string_view path) {
    std::vector<std::string_view> parts;
    while (!path.empty()) {
        const std::size_t end = std::min(path.find('/'), path.size());
        const std::string_view part = path.substr(0, end);
        path.remove_prefix(std::min(end + 1, path.size()));
        if (part.empty() || part == ".") continue;
        if (part == ".." && !parts.empty() && parts.back() != "..")
            parts.pop_back();
        else
            parts.push_back(part);
    }
    std::string out;
    for (const std::string_view part : parts) {
        if (!out.empty()) out += '/';
        out += part;
    }
    return out;
}

/// Takes a class such as [a-z] or [^.] off the pattern.
/// @returns whether it has the character; false, too, if it does not end
bool class_has(std::string_view& pattern, char c) {
    pattern.remove_prefix(1);
    const bool negated = pattern.starts_with('^');
    if (negated) pattern.remove_prefix(1);
    bool found = false;
    const auto next = [&] {
        if (pattern.size() > 1 && pattern[0] == '\\') pattern.remove_prefix(1);
        const char one = pattern[0];
        pattern.remove_prefix(1);
        return one;
    };
    for (bool first = true; !pattern.empty() && (first || pattern[0] != ']'); first = false) {
        const char low = next();
        char high = low;
        if (pattern.size() > 1 && pattern[0] == '-' && pattern[1] != ']') {
            pattern.remove_prefix(1);
            high = next();
        }
        found |= low <= c && c <= high;
    }
    if (pattern.empty()) return false;
    pattern.remove_prefix(1);
    return found != negated;
}

bool matches(std::string_view pattern, std::string_view path);

/// Whether the rest of a pattern after `*` matches the path after some characters of a name.
bool matches_after_star(std::string_view rest, std::string_view path) {
    for (;; path.remove_prefix(1)) {
        if (matches(rest, path)) return true;
        if (path.empty() || path[0] == '/') return false;
    }
}

/// Whether the rest of a pattern after `**` matches the path after some directories.
bool matches_after_stars(std::string_view rest, std::string_view path) {
    if (rest.starts_with('/')) rest.remove_prefix(1);
    if (rest.empty()) return true;
    for (;;) {
        if (matches(rest, path)) return true;
        const std::size_t slash = path.find('/');
        if (slash == path.npos) return false;
        path.remove_prefix(slash + 1);
    }
}

bool matches(std::string_view pattern, std::string_view path) {
    while (!pattern.empty()) {
        if (pattern.starts_with("**")) return matches_after_stars(pattern.substr(2), path);
        if (pattern[0] == '*') return matches_after_star(pattern.substr(1), path);
        if (path.empty()) return false;
        const char c = path[0];
        path.remove_prefix(1);
        if (pattern[0] == '[') {
            if (!class_has(pattern, c)) return false;
            continue;
        }
        if (pattern[0] == '?') {
            if (c == '/') return false;
        } else {
            if (pattern[0] == '\\' && pattern.size() > 1) pattern.remove_prefix(1);
            if (pattern[0] != c) return false;
        }
        pattern.remove_prefix(1);
    }
    return path.empty();
}

/// Whether the pattern matches the path or a directory above it.
bool covers(std::string_view pattern, std::string_view path) {
    for (std::size_t end = path.find('/'); end != path.npos; end = path.find('/', end + 1))
        if (matches(pattern, path.substr(0, end))) return true;
    return matches(pattern, path);
}

} // namespace

IgnoredFiles::IgnoredFiles(std::string_view text) {
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.starts_with('#')) continue;
        line = without_spaces(line);
        const bool exception = line.starts_with('!');
        if (exception) line = without_spaces(line.substr(1));
        std::string pattern = clean(line);
        if (pattern.empty()) continue;
        has_exceptions_ |= exception;
        patterns_.push_back({std::move(pattern), exception});
    }
}

bool IgnoredFiles::ignores(std::string_view path) const {
    bool ignored = false;
    for (const Pattern& pattern : patterns_)
        if (pattern.exception == ignored && covers(pattern.text, path)) ignored = !ignored;
    return ignored;
}

} // namespace hadeploy::ssh::docker
