#include "providers/local/local_type.h"

#include "core/secrecy.h"
#include "providers/local/random.h"

#include <array>
#include <fmt/format.h>

namespace hadeploy::local {

namespace {
/// A class of characters; the spec may replace the characters of `special`.
struct Class {
    const char* name;
    const char* minimum;
    const char* characters;
};
constexpr std::array<Class, 4> kClasses{{{"lower", "min_lower", "abcdefghijklmnopqrstuvwxyz"},
                                         {"upper", "min_upper", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
                                         {"digits", "min_digits", "0123456789"},
                                         {"special", "min_special", "!@#$%&*()-_=+[]{}<>:?"}}};

bool is_printable(std::string_view text) {
    return text.find_first_of("\n\r\t") == text.npos &&
           text.find_first_not_of(
               "!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`"
               "abcdefghijklmnopqrstuvwxyz{|}~") == text.npos;
}

std::string characters_of(const Class& c, const Value& config) {
    if (!config.flag(c.name, true)) return {};
    const bool own =
        std::string_view(c.name) == "special" && config["override_special"].is_string();
    return own ? config.text("override_special") : c.characters;
}

class Password final : public KeptType {
  public:
    Password() {
        name = "random.password";
        summary = "A random password.";
        doc = "It is generated once, from the system's random source, and then kept in the state, "
              "encrypted; it is never displayed. A change of any attribute replaces it.\n\n"
              "Destroy removes it from the state.";
        example = "database_password:\n"
                  "  type: random.password\n"
                  "  length: 24\n"
                  "  override_special: \"-_.\"\n";
        schema = {{.name = "length",
                   .type = TypeKind::integer,
                   .doc = "Number of characters.",
                   .replaces = true,
                   .default_value = Value(24),
                   .min = 1,
                   .max = 4096}};
        for (const Class& c : kClasses)
            schema.push_back(
                {.name = c.name,
                 .type = TypeKind::boolean,
                 .doc = fmt::format("Whether to use characters of `{}`.", c.characters),
                 .replaces = true,
                 .default_value = Value(true)});
        schema.push_back({.name = "override_special",
                          .type = TypeKind::string,
                          .doc = "Special characters to use instead of those listed under "
                                 "`special`; printable ASCII only.",
                          .replaces = true});
        for (const Class& c : kClasses)
            schema.push_back({.name = c.minimum,
                              .type = TypeKind::integer,
                              .doc = fmt::format("Minimum number of characters of `{}`.", c.name),
                              .replaces = true,
                              .default_value = Value(0),
                              .min = 0,
                              .max = 4096});
        schema.push_back(keepers_attribute());
        schema.push_back({.name = "result",
                          .type = TypeKind::string,
                          .doc = "The password.",
                          .computed = true,
                          .secret = true});
    }

    void check(const Value& config, Diagnostics& diagnostics) const override {
        const Value& special = config["override_special"];
        if (special.is_string() &&
            (special.as_string().empty() || !is_printable(special.as_string())))
            diagnostics
                .add("override_special needs printable ASCII characters, without spaces",
                     special.loc())
                .with_hint("to exclude special characters, set `special: false`");
        std::int64_t wanted = 0;
        std::size_t usable = 0;
        for (const Class& c : kClasses) {
            const Value& minimum = config[c.minimum];
            if (config[c.name].is_unknown() || minimum.is_unknown() || special.is_unknown()) return;
            const std::string characters = characters_of(c, config);
            usable += characters.size();
            wanted += minimum.is_integer() ? minimum.as_integer() : 0;
            if (characters.empty() && config.integer(c.minimum) > 0)
                diagnostics.add(fmt::format("{} conflicts with `{}: false`", c.minimum, c.name),
                                minimum.loc());
        }
        if (usable == 0)
            diagnostics.add("the password has no characters to choose from", config.loc())
                .with_hint("set one of lower, upper, digits and special to true");
        if (config["length"].is_integer() && wanted > config.integer("length"))
            diagnostics.add(fmt::format("the minimums add up to {} characters, but length is {}",
                                        redacted(config, std::to_string(wanted)),
                                        redacted(config, std::to_string(config.integer("length")))),
                            config["length"].loc());
    }

    Value make(const Change& change, const ProviderContext&) const override {
        const Value& config = change.after;
        std::string text, all;
        for (const Class& c : kClasses) {
            const std::string characters = characters_of(c, config);
            all += characters;
            for (std::int64_t n = config.integer(c.minimum); n > 0; --n)
                text += characters[random_below(characters.size())];
        }
        const auto length = static_cast<std::size_t>(config.integer("length", 24));
        while (text.size() < length) text += all[random_below(all.size())];
        shuffle(text); // the positions must not reveal the character classes
        return Value::map({{"result", Value(std::move(text)).as_secret()}});
    }
};
} // namespace

std::unique_ptr<ResourceType> random_password_type() {
    return std::make_unique<Password>();
}

} // namespace hadeploy::local
