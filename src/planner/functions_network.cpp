#include "planner/functions.h"

#include "core/text.h"

#include <arpa/inet.h>
#include <fmt/format.h>

namespace hadeploy {

namespace {

constexpr std::int64_t kBits = 32;

/// An IPv4 network: the address with its host's part cut off.
struct Network {
    std::uint32_t address = 0;
    std::int64_t bits = 0; ///< of the prefix

    [[nodiscard]] std::uint64_t size() const { return std::uint64_t{1} << (kBits - bits); }
};

std::string dotted(std::uint32_t address) {
    return fmt::format("{}.{}.{}.{}", address >> 24, address >> 16 & 255, address >> 8 & 255,
                       address & 255);
}

std::string written(const Network& n) {
    return fmt::format("{}/{}", dotted(n.address), n.bits);
}

std::uint32_t mask(std::int64_t bits) {
    return bits == 0 ? 0 : ~std::uint32_t{0} << (kBits - bits);
}

Network network(const Call& call) {
    const std::string& text = call.text(0);
    const std::size_t slash = text.find('/');
    in_addr address{};
    std::int64_t bits = -1;
    if (slash != text.npos && text.size() - slash <= 3) {
        const std::string digits = text.substr(slash + 1);
        if (!digits.empty() && digits.find_first_not_of("0123456789") == digits.npos)
            bits = std::stoi(digits);
    }
    if (bits < 0 || bits > kBits ||
        inet_pton(AF_INET, text.substr(0, slash).c_str(), &address) != 1)
        throw call.mistake(fmt::format("{} is not an IPv4 network", in_quotes(text)),
                           "for example 10.77.0.0/24");
    return {ntohl(address.s_addr) & mask(bits), bits};
}

/// The address with a number in the network; a negative one counts from the end.
Value host(const Call& call) {
    const Network n = network(call);
    const auto size = static_cast<std::int64_t>(n.size());
    std::int64_t number = call[1].as_integer();
    if (number < -size || number >= size)
        throw call.mistake(
            fmt::format("{} has {} addresses: there is no number {}", written(n), size, number));
    if (number < 0) number += size;
    return dotted(n.address + static_cast<std::uint32_t>(number));
}

Network inner(const Call& call, const Network& n, std::int64_t more, std::int64_t number) {
    if (more < 0 || more > kBits - n.bits)
        throw call.mistake(
            fmt::format("{} has {} bits left, not {}", written(n), kBits - n.bits, more));
    const std::int64_t bits = n.bits + more;
    if (number < 0 || number >= std::int64_t{1} << more)
        throw call.mistake(fmt::format("{} has {} networks of /{}: there is no number {}",
                                       written(n), std::int64_t{1} << more, bits, number));
    return {n.address +
                static_cast<std::uint32_t>(static_cast<std::uint64_t>(number) << (kBits - bits)),
            bits};
}

/// Networks of the given further bits, one after the other, each at the next place it fits.
Value subnets(const Call& call) {
    const Network n = network(call);
    std::uint64_t used = 0;
    Value::List out;
    for (std::size_t i = 1; i < call.size(); ++i) {
        Network next = inner(call, n, call[i].as_integer(), 0);
        used = (used + next.size() - 1) / next.size() * next.size();
        if (used + next.size() > n.size())
            throw call.mistake(
                fmt::format("{} has no room for network {} (/{})", written(n), i - 1, next.bits));
        next.address = n.address + static_cast<std::uint32_t>(used);
        used += next.size();
        out.push_back(written(next));
    }
    return Value::list(std::move(out));
}

Value within(const Call& call) {
    const Network n = network(call);
    in_addr address{};
    if (inet_pton(AF_INET, call.text(1).c_str(), &address) != 1)
        throw call.mistake(fmt::format("{} is not an IPv4 address", in_quotes(call.text(1))));
    return (ntohl(address.s_addr) & mask(n.bits)) == n.address;
}

} // namespace

FunctionGroup network_functions() {
    return {"Networks (IPv4)",
            {
                {"cidrhost", "network: string, number: integer",
                 "An address of the network by its number; a negative one counts from the end.",
                 R"(cidrhost("10.77.0.0/24", 10))", R"("10.77.0.10")", host},
                {"cidrnetmask", "network: string", "The mask of the network.",
                 R"(cidrnetmask("10.77.0.0/20"))", R"("255.255.240.0")",
                 [](const Call& c) -> Value { return dotted(mask(network(c).bits)); }},
                {"cidrsubnet", "network: string, bits: integer, number: integer",
                 "A network within the network: so many bits smaller, the one of that number.",
                 R"(cidrsubnet("10.77.0.0/16", 8, 3))", R"("10.77.3.0/24")",
                 [](const Call& c) -> Value {
                     return written(inner(c, network(c), c[1].as_integer(), c[2].as_integer()));
                 }},
                {"cidrsubnets", "network: string, bits: integer...",
                 "Networks within the network, one after the other.",
                 R"(cidrsubnets("10.0.0.0/16", 8, 8, 4))",
                 R"(["10.0.0.0/24", "10.0.1.0/24", "10.0.16.0/20"])", subnets},
                {"cidrcontains", "network: string, address: string",
                 "Whether the address is in the network.",
                 R"(cidrcontains("10.77.0.0/24", "10.77.1.5"))", "false", within},
            }};
}

} // namespace hadeploy
