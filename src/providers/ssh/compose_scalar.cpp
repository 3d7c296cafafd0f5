#include "providers/ssh/compose_scalar.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <fmt/format.h>
#include <optional>
#include <vector>

namespace hadeploy::ssh::docker {

namespace {
bool digits(std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

bool one_of(std::string_view text, std::initializer_list<std::string_view> words) {
    return std::find(words.begin(), words.end(), text) != words.end();
}

/// Whether it is one of the words in the form `word`, `Word` or `WORD`.
bool is_word(std::string_view text, std::initializer_list<std::string_view> words) {
    std::string lower(text);
    for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (!one_of(lower, words)) return false;
    const auto is_upper = [](char c) { return c >= 'A' && c <= 'Z'; };
    const std::string_view rest = text.substr(1);
    return std::none_of(rest.begin(), rest.end(), is_upper) ||
           std::all_of(text.begin(), text.end(), is_upper);
}

std::string without_char(std::string text, char c) {
    std::erase(text, c);
    return text;
}

/// "17", "0x11", "0b10001", "0o21", "021" and "+17", with or without _ between the digits, become
/// "17".
std::optional<std::string> integer(const std::string& text) {
    std::string rest = without_char(text, '_');
    const bool negative = rest.starts_with('-');
    if (negative || rest.starts_with('+')) rest.erase(0, 1);
    int base = 10;
    if (rest.size() > 1 && rest[0] == '0') {
        const char kind = static_cast<char>(std::tolower(static_cast<unsigned char>(rest[1])));
        base = kind == 'x' ? 16 : kind == 'b' ? 2 : 8;
        rest.erase(0, kind == 'x' || kind == 'b' || kind == 'o' ? 2 : 1);
    }
    std::uint64_t value = 0;
    const char* end = rest.data() + rest.size();
    const auto [stop, error] = std::from_chars(rest.data(), end, value, base);
    const bool large = negative && value > std::uint64_t{1} << 63;
    if (rest.empty() || stop != end || error != std::errc() || large) return std::nullopt;
    return (negative && value != 0 ? "-" : "") + std::to_string(value);
}

/// In Go's format: the shortest form, with an exponent only from 1e21 and below 1e-4.
std::string shown(double value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
    const double size = std::abs(value);
    const bool exponent = value != 0 && (size >= 1e21 || size < 1e-4);
    std::array<char, 400> out{};
    const auto end =
        std::to_chars(out.data(), out.data() + out.size(), value,
                      exponent ? std::chars_format::scientific : std::chars_format::fixed);
    return {out.data(), end.ptr};
}

/// [-+] digits [. digits] [e[-+]digits], with digits on at least one side of the point.
std::optional<double> decimal_number(const std::string& text) {
    std::string plain = without_char(text, '_');
    const std::size_t sign = plain.find_first_not_of("+-");
    if (sign > 1 || plain.find_first_not_of("0123456789.eE+-") != plain.npos) {
        const std::string_view rest = std::string_view(text).substr(sign > 1 ? 0 : sign);
        if (is_word(rest.starts_with('.') ? rest.substr(1) : "", {"inf"}))
            return text[0] == '-' ? -INFINITY : INFINITY;
        if (one_of(text, {".nan", ".NaN", ".NAN"})) return NAN;
        return std::nullopt;
    }
    if (plain.find_first_of("0123456789") == plain.npos) return std::nullopt;
    if (plain.starts_with('+')) plain.erase(0, 1);
    if (plain.ends_with('.')) plain += '0';
    double value = 0;
    const char* end = plain.data() + plain.size();
    const auto [stop, error] = std::from_chars(plain.data(), end, value);
    if (plain.empty() || stop != end || error != std::errc()) return std::nullopt;
    return value;
}

/// A date like 2024-1-2, optionally followed by a time.
bool is_date(std::string_view text) {
    std::array<std::size_t, 3> sizes{};
    for (std::size_t part = 0; part < sizes.size(); ++part) {
        while (sizes[part] < text.size() && digits(text.substr(sizes[part], 1))) ++sizes[part];
        text.remove_prefix(sizes[part]);
        if (part < 2 && !text.starts_with('-')) return false;
        if (part < 2) text.remove_prefix(1);
    }
    const auto short_one = [](std::size_t size) { return size == 1 || size == 2; };
    if (sizes[0] != 4 || !short_one(sizes[1]) || !short_one(sizes[2])) return false;
    return text.empty() || (text.size() > 5 && one_of(text.substr(0, 1), {"t", "T", " "}) &&
                            digits(text.substr(1, 1)) && text.find(':') != text.npos);
}

/// As in Go's time.ParseDuration: "1m30s", "1.5h", "0".
bool is_duration(std::string_view text) {
    if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
    if (text == "0") return true;
    bool any = false;
    while (!text.empty()) {
        const std::size_t number = text.find_first_not_of("0123456789.");
        const std::string_view value = text.substr(0, number);
        if (number == std::string_view::npos || std::count(value.begin(), value.end(), '.') > 1 ||
            value.find_first_not_of('.') == value.npos)
            return false;
        text.remove_prefix(number);
        const std::size_t end = std::min(text.find_first_of("0123456789."), text.size());
        if (!one_of(text.substr(0, end), {"ns", "us", "µs", "μs", "ms", "s", "m", "h"}))
            return false;
        text.remove_prefix(end);
        any = true;
    }
    return any;
}

/// "512M", "1.5 GiB", "1024": forms that every Docker reads. Newer versions need a `B` after an
/// `i`, older ones digits on both sides of a point.
bool is_size(std::string_view text) {
    const auto take_digits = [&] {
        const std::size_t count = std::min(text.find_first_not_of("0123456789"), text.size());
        text.remove_prefix(count);
        return count > 0;
    };
    if (!take_digits()) return false;
    if (text.starts_with('.')) {
        text.remove_prefix(1);
        if (!take_digits()) return false;
    }
    if (text.starts_with(' ')) text.remove_prefix(1);
    std::string unit(text);
    for (char& c : unit) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (!unit.empty() && std::string_view("kmgtp").find(unit[0]) != std::string_view::npos)
        return one_of(std::string_view(unit).substr(1), {"", "b", "ib"});
    return one_of(unit, {"", "b"});
}

bool is_port(std::string_view text) {
    return digits(text) && text.size() <= 5 && std::stoi(std::string(text)) <= 65535;
}

/// The number of ports in "80" or "80-89"; 0 if the text is neither.
int ports_in(std::string_view text) {
    const std::size_t dash = std::min(text.find('-'), text.size());
    const std::string_view first = text.substr(0, dash);
    const std::string_view last = dash == text.size() ? first : text.substr(dash + 1);
    if (!is_port(first) || !is_port(last)) return 0;
    return std::max(0, std::stoi(std::string(last)) - std::stoi(std::string(first)) + 1);
}

/// "1.2.3.4" or "[::1]"
bool is_address(std::string text) {
    in6_addr parsed{};
    const int family = text.starts_with('[') && text.ends_with(']') ? AF_INET6 : AF_INET;
    if (family == AF_INET6) {
        text.pop_back();
        text.erase(0, 1);
    }
    return ::inet_pton(family, text.c_str(), &parsed) == 1;
}

/// [[address:]published:]target[/protocol]
bool is_port_mapping(std::string text) {
    std::size_t colon = text.rfind(':');
    std::string target = colon == text.npos ? text : text.substr(colon + 1);
    if (const std::size_t slash = target.find('/'); slash != target.npos) {
        if (!is_word(target.substr(slash + 1), {"tcp", "udp", "sctp"})) return false;
        target.resize(slash);
    }
    const int inside = ports_in(target);
    if (inside == 0 || colon == text.npos) return inside != 0;
    text.resize(colon);
    colon = text.rfind(':');
    const std::string published = colon == text.npos ? text : text.substr(colon + 1);
    const std::string address = colon == text.npos ? "" : text.substr(0, colon);
    if (!address.empty() && !is_address(address)) return false;
    if (published.empty()) return true;
    const int outside = ports_in(published);
    return outside != 0 && (inside == 1 || inside == outside);
}

/// [source:]target[:options], without empty parts.
bool is_mount(std::string_view text) {
    if (text.size() > 2 && std::isalpha(static_cast<unsigned char>(text[0])) != 0 && text[1] == ':')
        return true; // a Windows path
    std::size_t parts = 1;
    for (std::size_t at = 0; (at = text.find(':', at)) != text.npos; ++at) ++parts;
    return !text.empty() && parts <= 3 && !text.starts_with(':') && !text.ends_with(':') &&
           text.find("::") == text.npos;
}

/// Whether every quote of a command line is closed.
bool is_command(std::string_view text) {
    char quote = 0;
    bool in_word = false;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (quote == 0 && !in_word && c == '#') { // a comment
            at = std::min(text.find('\n', at), text.size());
        } else if (c == '\\' && quote != '\'') {
            if (++at == text.size()) return false;
            in_word = true;
        } else if (c == quote) {
            quote = 0;
        } else if (quote == 0 && (c == '"' || c == '\'')) {
            quote = c;
            in_word = true;
        } else if (quote == 0) {
            in_word = c != ' ' && c != '\t' && c != '\n' && c != '\r';
        }
    }
    return quote == 0;
}

bool is_restart(std::string_view text) {
    const std::size_t colon = std::min(text.find(':'), text.size());
    if (colon < text.size())
        return text.substr(0, colon) == "on-failure" && digits(text.substr(colon + 1));
    return text.empty() || one_of(text, {"no", "always", "on-failure", "unless-stopped"});
}

bool is_version(std::string_view text) {
    if (text.empty() || text == "3") return true;
    return text.starts_with("3.") && digits(text.substr(2)) && text.size() <= 4 &&
           text.substr(2) == std::to_string(std::stoi(std::string(text.substr(2)))) &&
           std::stoi(std::string(text.substr(2))) <= 13;
}

struct Form {
    std::string_view name, shown;
    bool (*holds)(const std::string&);
};
constexpr std::array kForms{
    Form{"text", "a string", [](const std::string&) { return true; }},
    Form{"duration", "a duration such as 30s or 1m30s",
         [](const std::string& t) { return is_duration(t); }},
    Form{"size", "a size such as 512M", [](const std::string& t) { return is_size(t); }},
    Form{"cpus", "a string with a number such as \"0.5\"",
         [](const std::string& t) {
             return !t.empty() && t.find_first_not_of("0123456789./eE+-") == t.npos;
         }},
    Form{"port", "a port such as \"8080:80\"",
         [](const std::string& t) { return is_port_mapping(t); }},
    Form{"mount", "a volume such as data:/path or data:/path:ro",
         [](const std::string& t) { return is_mount(t); }},
    Form{"command", "a command line whose quotes are closed",
         [](const std::string& t) { return is_command(t); }},
    Form{"restart", "one of \"no\", always, on-failure, unless-stopped",
         [](const std::string& t) { return is_restart(t); }},
    Form{"version", "a version of this format such as \"3.8\"",
         [](const std::string& t) { return is_version(t); }},
};
} // namespace

Reading read_plain(const std::string& text) {
    if (one_of(text, {"", "~", "null", "Null", "NULL"})) return {Scalar::null, ""};
    if (is_word(text, {"true"})) return {Scalar::flag, "true"};
    if (is_word(text, {"false"})) return {Scalar::flag, "false"};
    if (is_word(text, {"yes", "on", "y"})) return {Scalar::word, "true"};
    if (is_word(text, {"no", "off", "n"})) return {Scalar::word, "false"};
    if (is_date(text)) return {Scalar::date, text + " 00:00:00 +0000 UTC"};
    if (auto whole = integer(text)) return {Scalar::integer, std::move(*whole)};
    if (const auto value = decimal_number(text)) return {Scalar::number, shown(*value)};
    return {Scalar::text, text};
}

Reading read_scalar(const YAML::Node& node) {
    if (!node.IsScalar()) return {Scalar::null, ""};
    const bool plain = node.Tag().empty() || node.Tag() == "?";
    return plain ? read_plain(node.Scalar()) : Reading{Scalar::text, node.Scalar()};
}

bool has_form(std::string_view form, const std::string& text) {
    if (form.starts_with('=')) {
        const std::string words = fmt::format(",{},", form.substr(1));
        return words.find(fmt::format(",{},", text)) != words.npos;
    }
    const auto known =
        std::find_if(kForms.begin(), kForms.end(), [&](const Form& f) { return f.name == form; });
    return known != kForms.end() && known->holds(text);
}

std::string name_of_form(std::string_view form) {
    if (form.starts_with('=')) {
        std::string words(form.substr(1));
        for (std::size_t at = 0; (at = words.find(',', at)) != words.npos; at += 2)
            words.replace(at, 1, ", ");
        return "one of " + words;
    }
    const auto known =
        std::find_if(kForms.begin(), kForms.end(), [&](const Form& f) { return f.name == form; });
    return std::string(known == kForms.end() ? form : known->shown);
}

} // namespace hadeploy::ssh::docker
