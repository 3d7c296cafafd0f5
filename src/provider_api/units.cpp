#include "provider_api/units.h"

#include "core/text.h"

#include <array>
#include <cctype>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <span>

namespace hadeploy {

namespace {
struct Unit {
    std::string_view name;
    std::int64_t size;
};

constexpr std::array<Unit, 9> kByteUnits{{{"B", 1},
                                          {"kB", 1'000},
                                          {"MB", 1'000'000},
                                          {"GB", 1'000'000'000},
                                          {"TB", 1'000'000'000'000},
                                          {"KiB", 1LL << 10},
                                          {"MiB", 1LL << 20},
                                          {"GiB", 1LL << 30},
                                          {"TiB", 1LL << 40}}};
constexpr std::array<Unit, 5> kDurationUnits{
    {{"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};

/// A unit table with its name in messages.
struct Measure {
    std::span<const Unit> units;
    std::string_view noun;    ///< "a size"
    std::string_view example; ///< "512 MiB"
};
constexpr Measure kBytes{kByteUnits, "a size", "512 MiB"};
constexpr Measure kDuration{kDurationUnits, "a duration", "30s"};

std::string unit_names(const Measure& measure) {
    std::string out;
    for (const Unit& unit : measure.units)
        out += (out.empty() ? "" : ", ") + std::string(unit.name);
    return out;
}

bool digit(char c) {
    return c >= '0' && c <= '9';
}

std::string_view take_while(std::string_view& text, auto accepts) {
    std::size_t n = 0;
    while (n < text.size() && accepts(text[n])) ++n;
    const std::string_view taken = text.substr(0, n);
    text.remove_prefix(n);
    return taken;
}

void skip_spaces(std::string_view& text) {
    take_while(text, [](char c) { return c == ' '; });
}

/// Multiplies a decimal number by the unit's size, rounded to an integer; nullopt on overflow.
std::optional<std::int64_t> multiply(std::string_view whole, std::string_view fraction,
                                     std::int64_t size) {
    std::int64_t sum = 0;
    for (const char c : whole)
        if (__builtin_mul_overflow(sum, 10, &sum) || __builtin_add_overflow(sum, c - '0', &sum))
            return std::nullopt;
    if (__builtin_mul_overflow(sum, size, &sum)) return std::nullopt;
    double part = 0;
    double weight = 0.1;
    for (const char c : fraction) {
        part += weight * (c - '0');
        weight /= 10;
    }
    const auto rest = static_cast<std::int64_t>(std::llround(part * static_cast<double>(size)));
    if (__builtin_add_overflow(sum, rest, &sum)) return std::nullopt;
    return sum;
}

/// Parses "1.5 GiB" at the start of `rest` and removes it; `all` is the whole text, for messages.
std::int64_t take_quantity(std::string_view& rest, std::string_view all, const Measure& measure) {
    const auto fail = [&](std::string why) {
        return scalar::Mismatch{
            std::move(why), fmt::format("write it like \"{}\"; the units are {} (case-sensitive)",
                                        measure.example, unit_names(measure))};
    };
    const std::string_view whole = take_while(rest, digit);
    std::string_view fraction;
    if (!whole.empty() && rest.starts_with('.')) {
        rest.remove_prefix(1);
        fraction = take_while(rest, digit);
        if (fraction.empty())
            throw fail(fmt::format("expected {}, got {}", measure.noun, in_quotes(all)));
    }
    if (whole.empty()) {
        if (all.starts_with('-')) throw fail(fmt::format("{} is negative", in_quotes(all)));
        throw fail(fmt::format("expected {}, got {}", measure.noun, in_quotes(all)));
    }
    skip_spaces(rest);
    const std::string_view name =
        take_while(rest, [](char c) { return !digit(c) && c != ' ' && c != '.'; });
    if (name.empty())
        throw fail(fmt::format("{} has no unit (units: {})", in_quotes(all), unit_names(measure)));
    for (const Unit& unit : measure.units) {
        if (unit.name != name) continue;
        const auto product = multiply(whole, fraction, unit.size);
        if (!product) throw fail(fmt::format("{} is too large", in_quotes(all)));
        return *product;
    }
    throw fail(fmt::format("{} has an unknown unit {} (units: {})", in_quotes(all), in_quotes(name),
                           unit_names(measure)));
}

/// `amount` in `unit`s: 1536 by 1024 -> "1.5"; at most `decimals` decimals, no trailing zeros.
std::string decimal(std::int64_t amount, std::int64_t unit, int decimals) {
    std::string out =
        fmt::format("{:.{}f}", static_cast<double>(amount) / static_cast<double>(unit), decimals);
    if (out.find('.') == std::string::npos) return out;
    while (out.ends_with('0')) out.pop_back();
    if (out.ends_with('.')) out.pop_back();
    return out;
}

/// The largest of the units [first, last) in which two decimals represent `bytes` exactly.
const Unit* exact_unit(std::int64_t bytes, std::size_t first, std::size_t last) {
    for (std::size_t i = last; i-- > first;) {
        const Unit& unit = kByteUnits[i];
        if (bytes < unit.size) continue;
        const std::int64_t rest = bytes % unit.size; // below 2^40: times 100 does not overflow
        if (rest * 100 % unit.size == 0) return &unit;
    }
    return nullptr;
}
} // namespace

namespace scalar {

std::int64_t parse_bytes(std::string_view text) {
    std::string_view rest = text;
    skip_spaces(rest);
    std::string_view number = rest;
    // A number without unit is in bytes, like an integer, so that variables can be given as text.
    const std::string_view digits = take_while(number, digit);
    if (number.empty() && !digits.empty()) {
        if (const auto bytes = multiply(digits, "", 1)) return *bytes;
        throw Mismatch{fmt::format("{} is too large", in_quotes(text))};
    }
    const std::int64_t bytes = take_quantity(rest, text, kBytes);
    skip_spaces(rest);
    if (!rest.empty())
        throw Mismatch{fmt::format("expected a size, got {}", in_quotes(text)),
                       "write it like \"512 MiB\""};
    return bytes;
}

std::int64_t parse_duration(std::string_view text) {
    std::string_view rest = text;
    skip_spaces(rest);
    std::int64_t sum = 0;
    do {
        const std::int64_t part = take_quantity(rest, text, kDuration);
        if (__builtin_add_overflow(sum, part, &sum))
            throw Mismatch{fmt::format("{} is too large", in_quotes(text))};
        skip_spaces(rest);
    } while (!rest.empty());
    return sum;
}

} // namespace scalar

std::string show_bytes(std::int64_t bytes) {
    if (bytes == std::numeric_limits<std::int64_t>::min()) return fmt::format("{} B", bytes);
    if (bytes < 0) return "-" + show_bytes(-bytes);
    const Unit* unit = exact_unit(bytes, 5, kByteUnits.size()); // KiB, MiB, ...
    if (unit == nullptr) unit = exact_unit(bytes, 1, 5);        // kB, MB, ...
    if (unit != nullptr) return decimal(bytes, unit->size, 2) + " " + std::string(unit->name);
    if (bytes < 1024) return fmt::format("{} B", bytes);
    std::size_t i = kByteUnits.size() - 1;
    while (bytes < kByteUnits[i].size) --i;
    return decimal(bytes, kByteUnits[i].size, 1) + " " + std::string(kByteUnits[i].name);
}

std::string show_duration(std::int64_t milliseconds) {
    if (milliseconds < 0) {
        if (milliseconds == std::numeric_limits<std::int64_t>::min())
            return fmt::format("{}ms", milliseconds);
        return "-" + show_duration(-milliseconds);
    }
    if (milliseconds == 0) return "0s";
    if (milliseconds < 1'000) return fmt::format("{}ms", milliseconds);
    if (milliseconds < 59'950) return decimal(milliseconds, 1'000, 1) + "s";
    const std::int64_t seconds = (milliseconds + 500) / 1'000;
    const std::array<Unit, 4> parts{{{"d", 86'400}, {"h", 3'600}, {"m", 60}, {"s", 1}}};
    std::string out;
    std::int64_t rest = seconds;
    for (const Unit& part : parts) {
        if (rest / part.size > 0)
            out += fmt::format("{}{}{}", out.empty() ? "" : " ", rest / part.size, part.name);
        rest %= part.size;
    }
    return out;
}

} // namespace hadeploy
