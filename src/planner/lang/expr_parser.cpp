#include "planner/lang/expr_parser.h"

#include "core/did_you_mean.h"
#include "core/text.h"
#include "planner/yaml/scalar_place.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <fmt/format.h>

namespace hadeploy {

namespace {

using Kind = Expr::Kind;

constexpr int kMaxDepth = 200;
constexpr std::size_t kMaxParts = 10'000;

bool starts_name(char c) {
    return std::isalpha(static_cast<unsigned char>(c)) || c == '_';
}
bool continues_name(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-';
}
bool digit(char c) {
    return std::isdigit(static_cast<unsigned char>(c)) != 0;
}

/// Binary operators by precedence, lowest first; operators of a level are left-associative.
constexpr std::array<std::array<std::string_view, 4>, 6> kLevels{{
    {"||"},
    {"&&"},
    {"==", "!="},
    {"<=", ">=", "<", ">"},
    {"+", "-"},
    {"*", "/", "%"},
}};

/// Builds the parts of an expression. (A braced list would copy them.)
template<class... Parts>
std::vector<Expr> several(Parts... parts) {
    std::vector<Expr> out;
    out.reserve(sizeof...(parts));
    (out.push_back(std::move(parts)), ...);
    return out;
}

/// Recursive-descent parser for one string of a spec.
class Parser {
  public:
    Parser(const Value& string, Sources& sources, StringPool& strings)
        : string_(string), text_(string.as_string()), sources_(sources), strings_(strings),
          places_(sources, text_, string.loc()) {}

    /// Parses the text up to the closing quote (0: up to the end), including `${...}`.
    Expr text_until(char quote, Loc loc) {
        std::vector<Expr> parts;
        std::string plain;
        const auto flush = [&] {
            if (!plain.empty()) parts.push_back(literal(strings_(plain), loc));
            plain.clear();
        };
        while (at_ < text_.size() && (quote == 0 || text_[at_] != quote)) {
            if (eat_raw("$${")) {
                plain += "${";
            } else if (eat_raw("${")) {
                flush();
                parts.push_back(expression());
                if (!eat("}")) fail(expected("} at the end of the expression"));
            } else if (quote != 0 && text_[at_] == '\\') {
                plain += escape();
            } else {
                plain += text_[at_++];
            }
        }
        if (quote != 0 && !eat_raw(std::string_view(&quote, 1)))
            throw Error(ErrorKind::spec, "a string without its closing quote", loc);
        if (parts.empty()) return literal(strings_(plain), loc);
        flush();
        if (parts.size() == 1) return std::move(parts.front());
        return make(Kind::text, loc, {}, std::move(parts));
    }

  private:
    struct Deeper {
        explicit Deeper(Parser& p) : parser(p) {
            if (++parser.depth_ > kMaxDepth)
                parser.fail("the expression is nested too deeply",
                            "compute parts of it under `locals`");
        }
        ~Deeper() { --parser.depth_; }
        Parser& parser;
    };

    Expr make(Kind kind, Loc loc, const Value& name, std::vector<Expr> parts) {
        if (++parts_ > kMaxParts)
            fail(fmt::format("the expression has more than {} parts", kMaxParts));
        parts.shrink_to_fit();
        return {.kind = kind, .value = name.at(loc), .parts = std::move(parts)};
    }
    Expr literal(const Value& value, Loc loc) { return make(Kind::literal, loc, value, {}); }

    Loc here() {
        skip_space();
        return places_.at(at_);
    }
    [[noreturn]] void fail(std::string message, std::string hint = {}) {
        throw Error(ErrorKind::spec, std::move(message), here()).with_hint(std::move(hint));
    }
    /// Throws "expected X, got Y". Y is the kind of the next word instead of its text, which may be
    /// secret.
    std::string expected(std::string_view what) {
        skip_space();
        if (at_ >= text_.size()) return fmt::format("expected {}, got the end", what);
        const char c = text_[at_];
        const std::string got =
            starts_name(c) ? "a name"
            : digit(c)     ? "a number"
            : c == '"' || c == '\''
                ? "a string"
                : in_quotes(text_.substr(at_, first_code_point(text_.substr(at_)).size));
        return fmt::format("expected {}, got {}", what, got);
    }

    void skip_space() {
        while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
    }
    bool eat_raw(std::string_view sign) {
        if (text_.substr(at_, sign.size()) != sign) return false;
        at_ += sign.size();
        return true;
    }
    bool eat(std::string_view sign) {
        skip_space();
        return eat_raw(sign);
    }
    void need(std::string_view sign) {
        if (!eat(sign)) fail(expected(sign));
    }
    bool eat_word(std::string_view word) {
        skip_space();
        const std::size_t end = at_ + word.size();
        if (text_.substr(at_, word.size()) != word) return false;
        if (end < text_.size() && continues_name(text_[end])) return false;
        at_ = end;
        return true;
    }

    Expr expression() {
        const Deeper deeper(*this);
        Expr e = binary(0);
        const Loc loc = here();
        if (!eat("?")) return e;
        Expr yes = expression();
        need(":");
        Expr no = expression();
        return make(Kind::condition, loc, {}, several(std::move(e), std::move(yes), std::move(no)));
    }

    Expr binary(std::size_t level) {
        if (level == kLevels.size()) return unary();
        Expr left = binary(level + 1);
        while (true) {
            const Loc loc = here();
            const std::string_view op = operator_of(level);
            if (op.empty()) return left;
            Expr right = binary(level + 1);
            left =
                make(Kind::binary, loc, strings_(op), several(std::move(left), std::move(right)));
        }
    }

    std::string_view operator_of(std::size_t level) {
        for (const std::string_view op : kLevels[level])
            if (!op.empty() && eat_raw(op)) return op;
        return {};
    }

    Expr unary() {
        const Deeper deeper(*this);
        const Loc loc = here();
        const bool minus = at_ < text_.size() && text_[at_] == '-';
        if (minus && at_ + 1 < text_.size() && digit(text_[at_ + 1])) return postfix(number(loc));
        if (!eat_raw("-") && !eat_raw("!")) return postfix(primary());
        return make(Kind::unary, loc, strings_(minus ? "-" : "!"), several(unary()));
    }

    Expr postfix(Expr e) {
        while (true) {
            const Loc loc = here();
            if (eat_raw("...")) {
                at_ -= 3; // "..." is parsed by the caller, which groups or spreads the values
                return e;
            }
            if (eat_raw(".")) {
                skip_space();
                e = make(Kind::attribute, loc, strings_(name()), several(std::move(e)));
            } else if (eat_raw("[")) {
                if (eat("*")) {
                    need("]");
                    return splat(std::move(e), loc);
                }
                Expr index = expression();
                need("]");
                e = make(Kind::index, loc, {}, several(std::move(e), std::move(index)));
            } else {
                return e;
            }
        }
    }

    /// Parses everything after `[*]`, including further `[*]`. It applies to each element.
    Expr splat(Expr source, Loc loc, const Value& chained = {}) {
        const Deeper deeper(*this);
        std::vector<Expr> parts = several(std::move(source));
        while (true) {
            const Loc step = here();
            if (eat_raw(".")) {
                skip_space();
                parts.push_back(literal(strings_(name()), step));
            } else if (eat_raw("[")) {
                const bool again = eat("*");
                if (!again) parts.push_back(expression());
                need("]");
                if (!again) continue;
                parts.push_back(splat({}, step, true));
                return make(Kind::splat, loc, chained, std::move(parts));
            } else {
                return make(Kind::splat, loc, chained, std::move(parts));
            }
        }
    }

    Expr primary() {
        const Loc loc = here();
        if (at_ >= text_.size()) fail("the expression ends too early: a closing } is missing");
        const char c = text_[at_];
        if (c == '"' || c == '\'') return ++at_, text_until(c, loc);
        if (digit(c)) return number(loc);
        if (eat_raw("(")) {
            Expr inner = expression();
            need(")");
            return inner;
        }
        if (eat_raw("[")) {
            if (eat_word("for")) return comprehension("]", loc);
            return make(Kind::list, loc, {}, items("]"));
        }
        if (eat_raw("{")) return eat_word("for") ? comprehension("}", loc) : map(loc);
        if (!starts_name(c)) fail(expected("a value"));
        const std::string word = name();
        if (word == "true" || word == "false") return literal(word == "true", loc);
        if (word == "null") return literal({}, loc);
        return eat("(") ? call(word, loc) : reference(word, loc);
    }

    /// A name, with the names that follow it.
    Expr reference(std::string_view first, Loc loc) {
        std::vector<Expr> steps;
        while (true) {
            const Loc step = here();
            if (text_.substr(at_, 3) == "..." || !eat_raw("."))
                return make(Kind::reference, loc, strings_(first), std::move(steps));
            steps.push_back({.value = strings_(name()).at(step)});
        }
    }

    /// Parses the rest after `[for` or `{for`.
    Expr comprehension(std::string_view close, Loc loc) {
        Kind kind = close == "]" ? Kind::each_list : Kind::each_map;
        Expr key{.value = strings_("").at(loc)}, value = variable();
        if (eat(",")) key = std::exchange(value, variable());
        if (!eat_word("in")) fail(expected("\"in\""), "for example: [for x in var.list : x.name]");
        std::vector<Expr> parts = several(std::move(key), std::move(value), expression());
        need(":");
        parts.push_back(expression());
        if (kind == Kind::each_map) {
            if (!eat("=>")) fail(expected("=>"), "write a map as {for x in list : key => value}");
            parts.push_back(expression());
            if (eat("...")) kind = Kind::each_group;
        }
        if (eat_word("if")) parts.push_back(expression());
        need(close);
        return make(kind, loc, {}, std::move(parts));
    }

    Expr variable() {
        const Loc loc = here();
        return {.value = strings_(name()).at(loc)};
    }

    /// Parses the rest after `{`: entries `name: value` or `"name" = value` or `(expression):
    /// value`.
    Expr map(Loc loc) {
        std::vector<Expr> parts;
        while (!eat("}")) {
            const Loc at = here();
            if (at_ < text_.size() && starts_name(text_[at_]))
                parts.push_back(literal(strings_(name()), at));
            else
                parts.push_back(primary());
            if (!eat(":") && !eat("=")) fail(expected(": after the key"));
            parts.push_back(expression());
            if (eat(",")) continue;
            need("}");
            break;
        }
        return make(Kind::map, loc, {}, std::move(parts));
    }

    Expr call(std::string_view function, Loc loc) {
        const Loc begin = here();
        if (!may_be_sensitive(function))
            return make(Kind::call, loc, strings_(function), items(")", true));
        std::vector<Expr> arguments;
        try {
            arguments = items(")", true);
        } catch (const Error&) { // the end of the argument is not known
            hide_scalars(sources_, string_);
            throw;
        }
        if (std::any_of(arguments.begin(), arguments.end(), may_be_written_secret))
            sources_.hide(loc.file, sources_.offset(begin), sources_.offset(places_.at(at_ - 1)));
        return make(Kind::call, loc, strings_(function), std::move(arguments));
    }

    /// A misspelt name of sensitive() counts too.
    static bool may_be_sensitive(std::string_view function) {
        constexpr std::string_view name = "sensitive";
        if (function == name) return true;
        const bool similar =
            function.size() + 2 >= name.size() && function.size() <= name.size() + 2;
        return similar && did_you_mean(function, {std::string(name)}).has_value();
    }

    /// Parses expressions separated by commas. If the last expression may be spread, nothing can
    /// follow its "...".
    std::vector<Expr> items(std::string_view close, bool may_spread = false) {
        std::vector<Expr> out;
        while (!eat(close)) {
            out.push_back(expression());
            const Loc at = here();
            const bool spread = may_spread && eat("...");
            if (spread) out.back() = make(Kind::spread, at, {}, several(std::move(out.back())));
            if (!spread && eat(",")) continue;
            if (!eat(close)) fail(expected(fmt::format(", or {}", close)));
            break;
        }
        return out;
    }

    std::string name() {
        skip_space();
        if (at_ >= text_.size() || !starts_name(text_[at_])) fail(expected("a name"));
        const std::size_t start = at_;
        while (at_ < text_.size() && continues_name(text_[at_])) ++at_;
        return std::string(text_.substr(start, at_ - start));
    }

    std::string escape() {
        const Loc loc = places_.at(at_);
        const char c = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
        at_ += 2;
        switch (c) {
        case 'n': return "\n";
        case 't': return "\t";
        case 'r': return "\r";
        case '\\':
        case '"':
        case '\'': return std::string(1, c);
        default:
            throw Error(ErrorKind::spec, "there is no such escape", loc)
                .with_hint("there are \\n, \\t, \\r, \\\", \\' and \\\\; a backslash is \\\\");
        }
    }

    Expr number(Loc loc) {
        const char* first = text_.data() + at_;
        const char* last = first + (text_[at_] == '-' ? 1 : 0);
        const char* end = text_.data() + text_.size();
        const auto digits = [&] {
            while (last != end && digit(*last)) ++last;
        };
        digits();
        const char* whole = last;
        if (end - last > 1 && *last == '.' && digit(last[1])) ++last, digits();
        if (last != end && (*last == 'e' || *last == 'E')) {
            const char* exponent = last + (end - last > 1 && (last[1] == '-' || last[1] == '+'));
            if (end - exponent > 1 && digit(exponent[1])) last = exponent + 1, digits();
        }
        Value value;
        std::errc error{};
        if (last == whole) {
            std::int64_t n = 0;
            error = std::from_chars(first, last, n).ec;
            value = n;
        } else {
            double n = 0;
            error = std::from_chars(first, last, n).ec;
            value = n;
        }
        if (error != std::errc() || (last != end && starts_name(*last)))
            fail(error != std::errc() ? "the number is too large"
                                      : "a name can't begin with a digit");
        at_ += static_cast<std::size_t>(last - first);
        return literal(value, loc);
    }

    const Value& string_;
    std::string_view text_;
    std::size_t at_ = 0;
    Sources& sources_;
    StringPool& strings_;
    ScalarPlaces places_;
    int depth_ = 0;
    std::size_t parts_ = 0;
};

} // namespace

Expr parse_string(const Value& string, Sources& sources, StringPool& strings) {
    if (string.as_string().find("${") == std::string::npos) return {.value = string};
    return Parser(string, sources, strings).text_until(0, string.loc());
}

} // namespace hadeploy
