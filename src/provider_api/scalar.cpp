#include "provider_api/scalar.h"

#include "core/secrecy.h"
#include "core/text.h"

#include <arpa/inet.h>
#include <cmath>
#include <fmt/format.h>

namespace hadeploy::scalar {

namespace {
constexpr std::size_t kMaxName = 63; // limit of a host name's label (RFC 1035, 2.3.4)
constexpr std::size_t kMaxPath = 4095;
constexpr std::string_view kUseSlashes =
    "hadeploy runs on Linux: write the path with /, absolute or relative to the directory of the "
    "spec or module; in WSL, C:\\x is /mnt/c/x";

[[noreturn]] void wrong_kind(TypeKind type, const Value& value, std::string_view remark = "") {
    std::string text = fmt::format("expected {}, got {}", noun(type), got(value));
    if (!remark.empty()) text += fmt::format(" ({})", remark);
    throw Mismatch{std::move(text)};
}

/// The string of a value for a textual type.
const std::string& text_of(TypeKind type, const Value& value) {
    if (value.is_string()) return value.as_string();
    if (value.is_bool())
        wrong_kind(type, value, value.as_bool() ? "quote it: \"yes\"" : "quote it: \"no\"");
    if (value.is_number()) wrong_kind(type, value, fmt::format("quote it: \"{}\"", display(value)));
    wrong_kind(type, value);
}

Value string(const Value& value) {
    // An integer has only one spelling, so it is accepted as a string: PORT: ${var.port}
    if (value.is_integer()) return std::to_string(value.as_integer());
    const std::string& text = text_of(TypeKind::string, value);
    if (text.find('\0') != std::string::npos)
        throw Mismatch{fmt::format("{} contains a NUL character", in_quotes(text))};
    return text;
}

Value integer(TypeKind type, const Value& value) {
    if (value.is_integer()) return value.as_integer();
    if (value.is_number()) {
        const double number = value.as_number();
        constexpr double kLimit = 9223372036854775808.0; // 2^63
        if (!(std::abs(number) < kLimit))                // NaN too
            throw Mismatch{
                fmt::format("expected {}, got {}, which is out of range", noun(type), number)};
        if (std::trunc(number) == number) return static_cast<std::int64_t>(number);
    }
    if (value.is_string() && !value.as_string().empty() &&
        value.as_string().find_first_not_of("0123456789") == std::string::npos)
        wrong_kind(type, value, "remove the quotes");
    wrong_kind(type, value);
}

Value number(const Value& value) {
    if (value.is_integer()) return value;
    if (!value.is_number()) wrong_kind(TypeKind::number, value);
    if (!std::isfinite(value.as_number()))
        throw Mismatch{fmt::format("expected a number, got {}", value.as_number())};
    return value;
}

Value boolean(const Value& value) {
    if (value.is_bool()) return value;
    if (value.is_string()) wrong_kind(TypeKind::boolean, value, "write true or false, unquoted");
    wrong_kind(TypeKind::boolean, value, "write true or false");
}

Value bytes(const Value& value) {
    if (value.is_string()) return parse_bytes(value.as_string());
    if (value.is_bool() || !value.is_number()) wrong_kind(TypeKind::bytes, value);
    const Value whole = integer(TypeKind::bytes, value);
    if (whole.as_integer() < 0) throw Mismatch{fmt::format("{} is negative", whole.as_integer())};
    return whole;
}

Value duration(const Value& value) {
    if (value.is_string()) return Value(parse_duration(value.as_string())).as_measured();
    if (!value.is_integer()) wrong_kind(TypeKind::duration, value);
    // An integer, the canonical form of a duration, must be accepted; but a small one that was
    // never written with a unit is more likely to be meant as seconds than as milliseconds.
    const std::int64_t ms = value.as_integer();
    if (ms < 0) throw Mismatch{fmt::format("{} is negative", ms)};
    if (ms > 0 && ms < 1'000 && !value.measured())
        throw Mismatch{fmt::format("expected a duration, got the integer {} without a unit "
                                   "(units: ms, s, m, h, d)",
                                   ms),
                       fmt::format("write \"{0}s\" or \"{0}ms\"; add the unit to an expression: "
                                   "\"${{...}}ms\"",
                                   ms)};
    return Value(ms).as_measured();
}

Value port(const Value& value) {
    const Value whole = integer(TypeKind::port, value);
    if (whole.as_integer() < 1 || whole.as_integer() > 65'535)
        throw Mismatch{fmt::format("{} is not a port (1 to 65535)", whole.as_integer())};
    return whole;
}

std::optional<std::uint32_t> address_bits(const std::string& text) {
    in_addr parsed{};
    if (text.find('\0') != std::string::npos || inet_pton(AF_INET, text.c_str(), &parsed) != 1)
        return std::nullopt;
    return ntohl(parsed.s_addr);
}

Value ipv4(const Value& value) {
    const std::string& text = text_of(TypeKind::ipv4, value);
    if (!address_bits(text)) wrong_kind(TypeKind::ipv4, value);
    return text;
}

Value cidr(const Value& value) {
    const std::string& text = text_of(TypeKind::cidr, value);
    const auto slash = text.find('/');
    if (slash == std::string::npos) wrong_kind(TypeKind::cidr, value, "the /length is missing");
    const std::string length = text.substr(slash + 1);
    const auto bits = address_bits(text.substr(0, slash));
    const bool digits = !length.empty() && length.size() <= 2 &&
                        length.find_first_not_of("0123456789") == std::string::npos &&
                        (length == "0" || length[0] != '0');
    if (!bits || !digits || std::stoi(length) > 32) wrong_kind(TypeKind::cidr, value);
    const int prefix = std::stoi(length);
    const std::uint32_t mask = prefix == 0 ? 0 : ~std::uint32_t{0} << (32 - prefix);
    if ((*bits & ~mask) != 0) {
        const std::uint32_t net = *bits & mask;
        throw Mismatch{fmt::format("{} is an address within a network; the network is "
                                   "{}.{}.{}.{}/{}",
                                   in_quotes(text), net >> 24, net >> 16 & 255, net >> 8 & 255,
                                   net & 255, prefix)};
    }
    return text;
}

Value mode(const Value& value) {
    if (value.is_number())
        wrong_kind(TypeKind::mode, value, "quote it, with its leading zero: \"0644\"");
    const std::string& text = text_of(TypeKind::mode, value);
    if (text.size() < 3 || text.size() > 4 ||
        text.find_first_not_of("01234567") != std::string::npos)
        wrong_kind(TypeKind::mode, value);
    return text.size() == 3 ? "0" + text : text;
}

bool letter_or_digit(char32_t c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// The first character of an account may be "_", as in Debian's names for accounts of packages.
Value name(TypeKind kind, const Value& value) {
    const bool account = kind == TypeKind::account;
    const std::string allowed =
        fmt::format("letters, digits, \".\", \"_\" and \"-\"; the first a letter{}; at most 63",
                    account ? ", a digit or \"_\"" : " or a digit");
    const std::string& text = text_of(kind, value);
    if (text.empty()) throw Mismatch{fmt::format("the name is empty (allowed: {})", allowed)};
    for (std::string_view rest = text; !rest.empty();) {
        const CodePoint c = first_code_point(rest);
        const bool punctuation = c.code == '.' || c.code == '_' || c.code == '-';
        if (!c.valid || !(letter_or_digit(c.code) || punctuation))
            throw Mismatch{fmt::format("{} contains {} (allowed: {})", in_quotes(text),
                                       in_quotes(rest.substr(0, c.size)), allowed)};
        rest.remove_prefix(c.size);
    }
    const auto first = static_cast<unsigned char>(text[0]);
    if (!letter_or_digit(first) && !(account && first == '_'))
        throw Mismatch{fmt::format("{} begins with {} (allowed: {})", in_quotes(text),
                                   in_quotes(text.substr(0, 1)), allowed)};
    if (text.size() > kMaxName)
        throw Mismatch{fmt::format("{} has {} characters (allowed: at most {})",
                                   in_quotes(text, 20), text.size(), kMaxName)};
    return text;
}

/// Rejects a user or port in the address, as in "ssh://user@host:port"; the hint has the correct
/// form.
Value address(const Value& value) {
    const std::string& text = text_of(TypeKind::address, value);
    constexpr std::string_view scheme = "ssh://";
    const bool url = text.starts_with(scheme);
    std::string_view host = text, port;
    if (url) host = host.substr(scheme.size());
    if (url) host = host.substr(0, host.find('/'));
    const std::string_view user = host.substr(0, host.rfind('@') + 1);
    host.remove_prefix(user.size());
    const std::size_t colon = host.rfind(':');
    const bool bare_v6 = !host.starts_with('[') && host.find(':') != colon;
    if (colon != std::string_view::npos && !host.ends_with(']') && !bare_v6) {
        port = host.substr(colon + 1);
        host = host.substr(0, colon);
    }
    if (!url && user.empty() && port.empty()) return text;
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    std::string hint = fmt::format("write `address: {}`", host);
    if (!user.empty()) hint += fmt::format(", `user: {}`", user.substr(0, user.size() - 1));
    if (!port.empty()) hint += fmt::format(", `port: {}`", port);
    throw Mismatch{fmt::format("{} is more than {}", in_quotes(text), noun(TypeKind::address)),
                   std::move(hint)};
}

Value line(const Value& value) {
    std::string text = text_of(TypeKind::line, value);
    text.erase(text.find_last_not_of("\r\n") + 1);
    if (text.starts_with("-----BEGIN "))
        throw Mismatch{"expected one line, got a whole PEM file",
                       "use the public key, which is one line: the file that ends in .pub"};
    if (text.find('\n') != std::string::npos)
        throw Mismatch{
            "expected one line, got several",
            "for a list with one item per line: ${split(\"\\n\", trimspace(file(\"FILE\")))}"};
    if (text.find('\0') != std::string::npos) // a shell on a host would drop it
        throw Mismatch{"expected a line of text, got a string that contains a NUL"};
    return text;
}

void check_path_text(const std::string& text) {
    if (text.empty()) throw Mismatch{"the path is empty"};
    if (text.size() > kMaxPath)
        throw Mismatch{fmt::format("{} has {} bytes (at most {})", in_quotes(text, 20), text.size(),
                                   kMaxPath)};
    for (std::string_view rest = text; !rest.empty();) {
        const CodePoint c = first_code_point(rest);
        if (!c.valid || is_invisible(c))
            throw Mismatch{fmt::format("{} contains {} (allowed: visible characters and spaces)",
                                       in_quotes(text), in_quotes(rest.substr(0, c.size)))};
        rest.remove_prefix(c.size);
    }
}

void refuse_windows_path(const std::string& text, std::string_view hint) {
    if (is_windows_path(text))
        throw Mismatch{fmt::format("{} is a Windows path", in_quotes(text)), std::string(hint)};
}

/// Rejects `..`, and removes empty and `.` parts.
std::string absolute_path(const std::string& text) {
    check_path_text(text);
    refuse_windows_path(text, "hosts run Linux: write an absolute path with /, such as /srv/data");
    if (text[0] != '/')
        throw Mismatch{fmt::format("expected an absolute path, got {}", in_quotes(text)),
                       "a path on a host starts with /"};
    std::string out;
    for (std::string_view rest = text; !rest.empty();) {
        rest.remove_prefix(1); // the slash
        const std::string_view part = rest.substr(0, rest.find('/'));
        rest.remove_prefix(part.size());
        if (part == "..")
            throw Mismatch{fmt::format("{} contains \"..\"", in_quotes(text)),
                           "write the path without it"};
        if (!part.empty() && part != ".") out.append("/").append(part);
    }
    if (out.empty())
        throw Mismatch{fmt::format("{} is the root directory", in_quotes(text)),
                       "use a path below it"};
    return out;
}

} // namespace

std::string_view noun(TypeKind type) {
    switch (type) {
    case TypeKind::any: return "a value";
    case TypeKind::string: return "a string";
    case TypeKind::integer: return "an integer";
    case TypeKind::number: return "a number";
    case TypeKind::boolean: return "a boolean";
    case TypeKind::bytes: return "a size such as \"512 MiB\"";
    case TypeKind::duration: return "a duration such as \"30s\"";
    case TypeKind::port: return "a port (1 to 65535)";
    case TypeKind::ipv4: return "an IPv4 address such as 10.77.0.11";
    case TypeKind::cidr: return "a network such as 10.77.0.0/24";
    case TypeKind::mode: return "a file mode in octal such as \"0644\"";
    case TypeKind::name: return "a name";
    case TypeKind::account: return "a name of a user or group";
    case TypeKind::address: return "a host name or IP address";
    case TypeKind::line: return "a line of text";
    case TypeKind::path: return "an absolute path";
    case TypeKind::local_path: return "a path of a local file";
    case TypeKind::connection: return "a connection (a map with address, user, ...)";
    case TypeKind::list:
    case TypeKind::set: return "a list";
    case TypeKind::map: return "a map";
    case TypeKind::object: return "a map";
    }
    return "a value";
}

std::string got(const Value& value) {
    if (value.secret()) return std::string(value.kind_name());
    if (value.is_string()) return "the string " + quoted(value, 60);
    if (value.is_integer()) return "the integer " + display(value);
    if (value.is_number()) return fmt::format("the number {}", value.as_number());
    return std::string(value.kind_name());
}

Value canonical(TypeKind type, const Value& value) {
    switch (type) {
    case TypeKind::string: return string(value);
    case TypeKind::integer: return integer(type, value);
    case TypeKind::number: return number(value);
    case TypeKind::boolean: return boolean(value);
    case TypeKind::bytes: return bytes(value);
    case TypeKind::duration: return duration(value);
    case TypeKind::port: return port(value);
    case TypeKind::ipv4: return ipv4(value);
    case TypeKind::cidr: return cidr(value);
    case TypeKind::mode: return mode(value);
    case TypeKind::name:
    case TypeKind::account: return name(type, value);
    case TypeKind::address: return address(value);
    case TypeKind::line: return line(value);
    case TypeKind::path: return absolute_path(text_of(type, value));
    case TypeKind::local_path: {
        const std::string& text = text_of(type, value);
        check_path_text(text);
        refuse_windows_path(text, kUseSlashes);
        return text;
    }
    default: return value;
    }
}

} // namespace hadeploy::scalar
