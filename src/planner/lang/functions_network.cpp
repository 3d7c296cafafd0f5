#include "planner/lang/functions.h"

#include <arpa/inet.h>
#include <array>
#include <fmt/format.h>
#include <optional>

namespace hadeploy {

namespace {

/// An address as a number; its first bit is the most significant.
__extension__ typedef unsigned __int128 Number;

struct Address {
    int family = AF_INET;
    Number number = 0;

    [[nodiscard]] std::int64_t width() const { return family == AF_INET ? 32 : 128; }
};

/// A network: an address without its host part.
struct Network {
    Address address;
    std::int64_t bits = 0; ///< of the prefix

    [[nodiscard]] std::int64_t left() const { return address.width() - bits; }
    /// The number of the last address; the first address has number 0.
    [[nodiscard]] Number last() const {
        return left() == 128 ? ~Number{0} : (Number{1} << left()) - 1;
    }
};

std::string address_text(const Address& a) {
    const std::size_t bytes = static_cast<std::size_t>(a.width()) / 8;
    std::array<unsigned char, 16> raw{};
    for (std::size_t i = 0; i < bytes; ++i)
        raw[i] = static_cast<unsigned char>(a.number >> (8 * (bytes - 1 - i)) & 0xFF);
    std::array<char, INET6_ADDRSTRLEN> text{};
    inet_ntop(a.family, raw.data(), text.data(), text.size());
    return text.data();
}

std::string address_text(const Network& n) {
    return fmt::format("{}/{}", address_text(n.address), n.bits);
}

/// The number of addresses or networks, for example "256"; from 2^63 on written as a power of two.
std::string count_of(std::int64_t bits) {
    return bits < 63 ? std::to_string(std::int64_t{1} << bits) : fmt::format("2^{}", bits);
}

std::optional<Address> parse_address(const std::string& text) {
    Address out;
    out.family = text.find(':') == text.npos ? AF_INET : AF_INET6;
    std::array<unsigned char, 16> raw{};
    if (text.find('\0') != text.npos || inet_pton(out.family, text.c_str(), raw.data()) != 1)
        return std::nullopt;
    const std::size_t bytes = static_cast<std::size_t>(out.width()) / 8;
    for (std::size_t i = 0; i < bytes; ++i) out.number = out.number << 8 | raw[i];
    return out;
}

Network network(const Call& call) {
    const std::string& text = call.text(0);
    const std::size_t slash = text.find('/');
    const auto address = parse_address(text.substr(0, slash));
    const std::string digits = slash == text.npos ? "" : text.substr(slash + 1);
    const bool number = !digits.empty() && digits.size() <= 3 &&
                        digits.find_first_not_of("0123456789") == digits.npos;
    if (!address || !number || std::stoi(digits) > address->width())
        throw call.mistake(fmt::format("{} is not a network", call.quoted(0)),
                           "for example 10.77.0.0/24 or fd00:77::/64");
    Network out{*address, std::stoi(digits)};
    out.address.number &= ~out.last();
    return out;
}

/// The address with this number in the network; negative numbers count from the end.
Value host(const Call& call) {
    const Network n = network(call);
    const std::int64_t number = call[1].as_integer();
    const Number steps =
        number < 0 ? static_cast<Number>(-(number + 1)) : static_cast<Number>(number);
    if (steps > n.last())
        throw call.mistake(fmt::format("{} has {} addresses: there is no number {}",
                                       call.redacted(0, address_text(n)),
                                       call.redacted(0, count_of(n.left())), call.redacted(1)));
    const Number offset = number < 0 ? n.last() - steps : steps;
    return address_text(Address{n.address.family, n.address.number + offset});
}

/// The subnet with index `number`, whose prefix is longer by the bits in argument `bits_at`.
Network inner(const Call& call, const Network& n, std::size_t bits_at, std::int64_t number) {
    const std::int64_t more = call[bits_at].as_integer();
    if (more < 0 || more > n.left())
        throw call.mistake(
            fmt::format("{} has {} bits left, not {}", call.redacted(0, address_text(n)),
                        call.redacted(0, std::to_string(n.left())), call.redacted(bits_at)));
    const std::int64_t bits = n.bits + more;
    if (number < 0 || (more < 63 && number >= std::int64_t{1} << more))
        throw call.mistake(
            fmt::format("{} has {} networks of /{}: there is no number {}",
                        call.redacted(0, address_text(n)), call.redacted(bits_at, count_of(more)),
                        call.redacted(0, call.redacted(bits_at, std::to_string(bits))),
                        call.redacted(call.size() - 1, std::to_string(number))));
    Network out = n;
    out.bits = bits;
    if (number != 0) out.address.number += static_cast<Number>(number) << out.left();
    return out;
}

/// Consecutive subnets with the given additional bits, each at the next aligned position.
Value subnets(const Call& call) {
    const Network n = network(call);
    Number next = 0; // the first free offset
    bool full = false;
    Value::List out;
    for (std::size_t i = 1; i < call.size(); ++i) {
        Network one = inner(call, n, i, 0);
        const Number first = (next + one.last()) & ~one.last();
        if (full || first < next || first > n.last() - one.last())
            throw call.mistake(fmt::format(
                "{} has no room for network {} (/{})", call.redacted(0, address_text(n)), i - 1,
                call.redacted(0, call.redacted(i, std::to_string(one.bits)))));
        one.address.number += first;
        full = first + one.last() == n.last();
        next = first + one.last() + 1;
        out.push_back(address_text(one));
    }
    return Value::list(std::move(out));
}

Value netmask(const Call& call) {
    const Network n = network(call);
    if (n.address.family != AF_INET)
        throw call.mistake("only IPv4 networks have a mask",
                           "an IPv6 network uses its prefix length");
    return address_text(Address{AF_INET, ~n.last() & 0xFFFFFFFFu});
}

Value cidr_contains(const Call& call) {
    const Network n = network(call);
    const auto address = parse_address(call.text(1));
    if (!address) throw call.mistake(fmt::format("{} is not an IP address", call.quoted(1)));
    return address->family == n.address.family && (address->number & ~n.last()) == n.address.number;
}

} // namespace

FunctionGroup network_functions() {
    return {
        "Networks",
        {
            {"cidrhost", "network: string, number: integer",
             "The address with this number in the network; negative numbers count from the end.",
             R"(cidrhost("10.77.0.0/24", 10))", R"("10.77.0.10")", host},
            {"cidrnetmask", "network: string", "The netmask of an IPv4 network.",
             R"(cidrnetmask("10.77.0.0/20"))", R"("255.255.240.0")", netmask},
            {"cidrsubnet", "network: string, bits: integer, number: integer",
             "The subnet of the network with the given number, whose prefix is longer by the given "
             "bits. These functions support IPv4 and IPv6.",
             R"(cidrsubnet("fd00:77::/48", 16, 3))", R"("fd00:77:0:3::/64")",
             [](const Call& c) -> Value {
                 return address_text(inner(c, network(c), 1, c[2].as_integer()));
             }},
            {"cidrsubnets", "network: string, bits: integer...",
             "Consecutive subnets of the network, whose prefixes are longer by the given bits.",
             R"(cidrsubnets("10.0.0.0/16", 8, 8, 4))",
             R"(["10.0.0.0/24", "10.0.1.0/24", "10.0.16.0/20"])", subnets},
            {"cidrcontains", "network: string, address: string",
             "Whether the network contains the address; false for an address of the other family "
             "(IPv4 or IPv6).",
             R"(cidrcontains("10.77.0.0/24", "10.77.1.5"))", "false", cidr_contains},
        }};
}

} // namespace hadeploy
