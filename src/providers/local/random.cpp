#include "providers/local/random.h"

#include "core/hash.h"
#include "core/secrecy.h"
#include "core/uuid.h"
#include "providers/local/local_type.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <limits>

namespace hadeploy::local {

std::uint64_t random_below(std::uint64_t limit) {
    // values above the last whole multiple would make small numbers likelier: draw again
    const std::uint64_t rest = (std::numeric_limits<std::uint64_t>::max() % limit + 1) % limit;
    while (true) {
        std::uint64_t number = 0;
        std::memcpy(&number, random_bytes(sizeof number).data(), sizeof number);
        if (number <= std::numeric_limits<std::uint64_t>::max() - rest) return number % limit;
    }
}

void shuffle(std::string& text) {
    for (std::size_t i = text.size(); i > 1; --i) std::swap(text[i - 1], text[random_below(i)]);
}

std::string decimal(std::string_view bytes) {
    std::string digits = "0"; // least significant first
    for (const char byte : bytes) {
        unsigned carry = static_cast<unsigned char>(byte);
        for (char& digit : digits) {
            carry += static_cast<unsigned>(digit - '0') * 256;
            digit = static_cast<char>('0' + carry % 10);
            carry /= 10;
        }
        for (; carry > 0; carry /= 10) digits += static_cast<char>('0' + carry % 10);
    }
    std::reverse(digits.begin(), digits.end());
    return digits;
}

namespace {
constexpr const char* kKept =
    "It is generated once, from the system's random source, and then kept in the state. A change "
    "of any attribute replaces it.";

class Id final : public KeptType {
  public:
    Id() {
        name = "random.id";
        summary = "Random bytes, for unique names.";
        doc = fmt::format("{} It is not secret.\n\nDestroy removes it from the state.", kKept);
        example = "suffix:\n"
                  "  type: random.id\n"
                  "  bytes: 4\n";
        schema = {{.name = "bytes",
                   .type = TypeKind::integer,
                   .doc = "Number of bytes.",
                   .replaces = true,
                   .default_value = Value(8),
                   .min = 1,
                   .max = 1024},
                  keepers_attribute(),
                  {.name = "hex",
                   .type = TypeKind::string,
                   .doc = "The bytes as lower-case hexadecimal digits.",
                   .computed = true,
                   .open = true},
                  {.name = "base64url",
                   .type = TypeKind::string,
                   .doc = "The bytes in URL-safe base64 without padding.",
                   .computed = true,
                   .open = true},
                  {.name = "dec",
                   .type = TypeKind::string,
                   .doc = "The bytes as one decimal number, as a string.",
                   .computed = true,
                   .open = true}};
    }

    Value make(const Change& change, const ProviderContext&) const override {
        const std::string bytes =
            random_bytes(static_cast<std::size_t>(change.after.integer("bytes", 8)));
        std::string text = base64_encode(bytes);
        std::replace(text.begin(), text.end(), '+', '-');
        std::replace(text.begin(), text.end(), '/', '_');
        text.erase(text.find_last_not_of('=') + 1);
        return Value::map({{"hex", hex(bytes)}, {"base64url", text}, {"dec", decimal(bytes)}});
    }
};

class Integer final : public KeptType {
  public:
    Integer() {
        name = "random.integer";
        summary = "A random number.";
        doc = fmt::format("{} It is not secret.\n\nDestroy removes it from the state.", kKept);
        example = "minute:\n"
                  "  type: random.integer\n"
                  "  min: 0\n"
                  "  max: 59\n";
        schema = {{.name = "min",
                   .type = TypeKind::integer,
                   .doc = "The smallest possible number.",
                   .required = true,
                   .replaces = true},
                  {.name = "max",
                   .type = TypeKind::integer,
                   .doc = "The largest possible number.",
                   .required = true,
                   .replaces = true},
                  keepers_attribute(),
                  {.name = "result",
                   .type = TypeKind::integer,
                   .doc = "The number.",
                   .computed = true,
                   .follows = {"min", "max"}}};
    }

    void check(const Value& config, Diagnostics& diagnostics) const override {
        const Value& min = config["min"];
        const Value& max = config["max"];
        if (min.is_integer() && max.is_integer() && min.as_integer() > max.as_integer())
            diagnostics.add(
                fmt::format("min ({}) is greater than max ({})", quoted(min), quoted(max)),
                max.loc());
    }

    Value make(const Change& change, const ProviderContext&) const override {
        const auto min = static_cast<std::uint64_t>(change.after.integer("min"));
        const auto max = static_cast<std::uint64_t>(change.after.integer("max"));
        const std::uint64_t count = max - min + 1; // 0: the whole range of 64 bits
        std::uint64_t number = 0;
        if (count == 0)
            std::memcpy(&number, random_bytes(sizeof number).data(), sizeof number);
        else
            number = min + random_below(count);
        return Value::map({{"result", static_cast<std::int64_t>(number)}});
    }
};

class Uuid final : public KeptType {
  public:
    Uuid() {
        name = "random.uuid";
        summary = "A random UUID (version 4).";
        doc = fmt::format("{} It is not secret.\n\nDestroy removes it from the state.", kKept);
        example = "cluster_id:\n"
                  "  type: random.uuid\n";
        schema = {keepers_attribute(),
                  {.name = "result",
                   .type = TypeKind::string,
                   .doc = "The UUID, in lower case.",
                   .computed = true,
                   .open = true}};
    }
    Value make(const Change&, const ProviderContext&) const override {
        return Value::map({{"result", uuid_v4()}});
    }
};
} // namespace

std::unique_ptr<ResourceType> random_id_type() {
    return std::make_unique<Id>();
}
std::unique_ptr<ResourceType> random_integer_type() {
    return std::make_unique<Integer>();
}
std::unique_ptr<ResourceType> random_uuid_type() {
    return std::make_unique<Uuid>();
}

} // namespace hadeploy::local
