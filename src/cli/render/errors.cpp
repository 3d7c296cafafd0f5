#include "cli/render/errors.h"

#include "cli/render/text.h"
#include "core/text.h"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <map>

namespace hadeploy::cli {

namespace {
constexpr std::size_t kSourceColumns = 120; ///< maximum width of a source line
constexpr std::size_t kBeforeCaret = 60;    ///< maximum width before the caret in a shortened line

constexpr std::size_t kShownCauses = 20; ///< the first errors usually explain the others

constexpr std::size_t kLookedAt = 1024; ///< bytes examined on either side of the place

/// A printable source line, and the column (from 0) of the place in it.
struct Excerpt {
    std::string line;
    std::size_t caret = 0;
    std::size_t carets = 1;
};

/// Width of the word at the place in columns, to be underlined by carets.
std::size_t word_length(std::string_view rest) {
    std::size_t n = 0;
    while (n < rest.size()) {
        const CodePoint c = first_code_point(rest.substr(n));
        const bool in_word = c.code < 0x80 ? std::isalnum(static_cast<int>(c.code)) != 0 ||
                                                 c.code == '_' || c.code == '.' || c.code == '-'
                                           : c.valid && !is_invisible(c);
        if (!in_word) break;
        n += c.size;
    }
    return std::max<std::size_t>(1, columns_of(rest.substr(0, n)));
}

Excerpt excerpt_of(std::string_view line, std::size_t column) {
    std::size_t at = std::min<std::size_t>(column == 0 ? 0 : column - 1, line.size());
    if (at > kLookedAt) { // bound the work for very long lines; shortened further below
        std::size_t begin = at - kLookedAt;
        while (begin < at && (static_cast<unsigned char>(line[begin]) & 0xC0) == 0x80) ++begin;
        line.remove_prefix(begin);
        at -= begin;
    }
    line = line.substr(0, at + kLookedAt);
    // printable() expands tabs, so that the caret is at the right column
    const std::string before = printable(line.substr(0, at), true);
    Excerpt out{before + printable(line.substr(at), true), columns_of(before),
                word_length(line.substr(at))};
    if (columns_of(out.line) <= kSourceColumns) return out;
    if (out.caret > kBeforeCaret) {
        std::size_t skip = 0; // in bytes: whole characters from the front
        std::size_t dropped = 0;
        while (out.caret - dropped > kBeforeCaret) {
            const std::size_t size = first_code_point(std::string_view(out.line).substr(skip)).size;
            dropped += columns_of(std::string_view(out.line).substr(skip, size));
            skip += size;
        }
        out.line = "..." + out.line.substr(skip);
        out.caret = out.caret - dropped + 3;
    }
    out.line = fit(out.line, kSourceColumns);
    out.carets = std::min(out.carets, std::max<std::size_t>(1, kSourceColumns - out.caret));
    return out;
}

/// Whether a line contains the beginning of a private key, which may be there by mistake. Files in
/// OpenSSH's format begin with "openssh-key-v1", here in base64.
bool shows_private_key(std::string_view line) {
    return line.find("PRIVATE KEY") != line.npos || line.find("b3BlbnNzaC1rZXktdjE") != line.npos;
}

/// The source line with carets under the place; "" if there is no such line.
std::string source_block(Loc loc, const Sources& sources, const Style& style,
                         std::string_view margin) {
    const Sources::Line line = sources.line(loc);
    if (line.text.empty() || shows_private_key(line.text)) return {};
    const Excerpt e = excerpt_of(line.text, line.column);
    const std::string number = std::to_string(loc.line);
    const std::string bar = style.paint(Tint::dim, "|");
    return fmt::format("{0}{1} {2} {3}\n{0}{4} {2} {5}{6}\n", margin,
                       style.paint(Tint::dim, number), bar, e.line, std::string(number.size(), ' '),
                       std::string(e.caret, ' '),
                       style.paint(Tint::red, std::string(e.carets, '^')));
}

/// Puts a label before the first line and aligns the other lines with its text.
std::string labelled(std::string_view margin, std::string_view label, Tint tint,
                     std::string_view text, const Style& style) {
    std::string out;
    for (const std::string& line : split_lines(printable(text, true))) {
        out += margin;
        out +=
            out.size() == margin.size() ? style.paint(tint, label) : std::string(label.size(), ' ');
        out += line + "\n";
    }
    return out;
}

std::string render_note(const Note& note, const Sources& sources, const Style& style) {
    const std::string place =
        note.loc.known() ? printable(sources.describe(note.loc)) + ": " : std::string();
    return labelled("  ", "note: ", Tint::cyan, place + note.text, style) +
           source_block(note.loc, sources, style, "    ");
}

/// Name and colour of a kind of message.
struct Severity {
    std::string_view name;
    Tint tint;
};
constexpr Severity kError{"error", Tint::red}, kWarning{"warning", Tint::yellow};

/// An error, and the addresses of other resources that failed for the same reason.
struct Cause {
    const Error* error;
    std::vector<std::string> also = {};
};

/// Merges errors with the same cause: a host that does not answer, or one place in the spec that
/// is wrong for each instance.
std::vector<Cause> by_cause(const std::vector<Error>& errors) {
    const auto one_cause = [](const Error& a, const Error& b) {
        const bool of_world = a.kind == ErrorKind::unreachable || a.kind == ErrorKind::failed;
        const bool one_place = a.loc.known() && a.loc == b.loc;
        const auto same_text = [](const Note& x, const Note& y) { return x.text == y.text; };
        return (of_world || one_place) && a.kind == b.kind && a.message == b.message &&
               a.hint == b.hint && !a.address.empty() && !b.address.empty() &&
               std::equal(a.notes.begin(), a.notes.end(), b.notes.begin(), b.notes.end(),
                          same_text);
    };
    std::vector<Cause> out;
    std::map<std::string_view, std::size_t> first; ///< by the message
    for (const Error* error : in_order(errors)) {
        const auto [at, fresh] = first.emplace(error->message, out.size());
        if (!fresh && one_cause(*out[at->second].error, *error))
            out[at->second].also.push_back(error->address);
        else
            out.push_back({error});
    }
    return out;
}

std::string also_text(const std::vector<std::string>& addresses) {
    constexpr std::size_t shown = 5;
    const auto end =
        addresses.begin() + static_cast<std::ptrdiff_t>(std::min(addresses.size(), shown));
    std::string out =
        printable(fmt::format("{}", fmt::join(std::vector(addresses.begin(), end), ", ")));
    if (addresses.size() > shown) out += fmt::format(" and {} more", addresses.size() - shown);
    return out;
}

std::string render_error(const Cause& cause, const Severity& severity, const Sources& sources,
                         const Style& style) {
    const Error& error = *cause.error;
    std::string out;
    if (error.loc.known())
        out += style.paint(Tint::bold, printable(sources.describe(error.loc)) + ":") + " ";
    const std::vector<std::string> message = split_lines(printable(error.message, true));
    out += style.paint(severity.tint, fmt::format("{}:", severity.name)) + " " +
           style.paint(Tint::bold, message.empty() ? "failed" : message.front()) + "\n";
    for (std::size_t i = 1; i < message.size(); ++i) out += "  " + message[i] + "\n";
    out += source_block(error.loc, sources, style, "  ");
    if (!error.address.empty())
        out += labelled("  ", "resource: ", Tint::dim, printable(error.address), style);
    if (!cause.also.empty())
        out += labelled("  ", "also: ", Tint::dim, also_text(cause.also), style);
    for (const Note& note : error.notes) out += render_note(note, sources, style);
    if (!error.hint.empty()) out += labelled("  ", "hint: ", Tint::green, error.hint, style);
    return out;
}

} // namespace

int exit_code(ErrorKind kind) {
    switch (kind) {
    case ErrorKind::failed:
    case ErrorKind::conflict:
    case ErrorKind::state: return 1;
    case ErrorKind::usage: return 64;
    case ErrorKind::spec: return 65;
    case ErrorKind::unreachable: return 69;
    case ErrorKind::locked: return 75;
    }
    return 1;
}

int exit_code(const std::vector<Error>& errors) {
    if (errors.empty()) return 0;
    const int code = exit_code(errors.front().kind);
    const bool agree = std::all_of(errors.begin(), errors.end(),
                                   [&](const Error& e) { return exit_code(e.kind) == code; });
    return agree ? code : 1;
}

std::string_view kind_name(ErrorKind kind) {
    switch (kind) {
    case ErrorKind::failed: return "failed";
    case ErrorKind::usage: return "usage";
    case ErrorKind::spec: return "spec";
    case ErrorKind::unreachable: return "unreachable";
    case ErrorKind::conflict: return "conflict";
    case ErrorKind::state: return "state";
    case ErrorKind::locked: return "locked";
    }
    return "failed";
}

std::vector<const Error*> in_order(const std::vector<Error>& errors) {
    std::vector<const Error*> out;
    for (const Error& e : errors) out.push_back(&e);
    std::stable_sort(out.begin(), out.end(), [](const Error* a, const Error* b) {
        if (a->loc.known() != b->loc.known()) return a->loc.known();
        if (a->loc != b->loc) return a->loc < b->loc;
        return a->address < b->address;
    });
    // two phases can report the same error
    const auto same = [](const Error* a, const Error* b) {
        return a->message == b->message && a->loc == b->loc && a->address == b->address;
    };
    out.erase(std::unique(out.begin(), out.end(), same), out.end());
    return out;
}

namespace {
std::string render_all(const std::vector<Error>& errors, const Severity& severity,
                       const Sources& sources, const Style& style) {
    const std::vector<Cause> causes = by_cause(errors);
    std::string out;
    const std::size_t shown = std::min(causes.size(), kShownCauses);
    for (std::size_t i = 0; i < shown; ++i)
        out += (out.empty() ? "" : "\n") + render_error(causes[i], severity, sources, style);
    if (causes.size() <= 1) return out;
    out += "\n" + style.paint(severity.tint, counted(causes.size(), severity.name));
    if (causes.size() > shown)
        out += fmt::format("; the first {} are shown, --json prints all", shown);
    return out + "\n";
}
} // namespace

std::string render_errors(const std::vector<Error>& errors, const Sources& sources,
                          const Style& style) {
    return render_all(errors, kError, sources, style);
}

std::string render_warnings(const std::vector<Error>& warnings, const Sources& sources,
                            const Style& style) {
    return render_all(warnings, kWarning, sources, style);
}

nlohmann::json errors_json(const std::vector<Error>& errors, const Sources& sources) {
    nlohmann::json out = nlohmann::json::array();
    for (const Error* error : in_order(errors)) out.push_back(error_json(*error, sources));
    return out;
}

nlohmann::json error_json(const Error& error, const Sources& sources) {
    const auto place = [&](Loc loc) -> nlohmann::json {
        if (!loc.known()) return nullptr;
        return {{"file", sources.path(loc).string()}, {"line", loc.line}, {"column", loc.column}};
    };
    nlohmann::json notes = nlohmann::json::array();
    for (const Note& note : error.notes)
        notes.push_back({{"text", note.text}, {"place", place(note.loc)}});
    return {{"kind", kind_name(error.kind)}, {"message", error.message},  {"hint", error.hint},
            {"address", error.address},      {"place", place(error.loc)}, {"notes", notes}};
}

} // namespace hadeploy::cli
