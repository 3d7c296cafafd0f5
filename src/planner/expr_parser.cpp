#include "planner/expr.h"
#include "planner/scalar_place.h"

#include "core/text.h"

#include <array>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <functional>

namespace hadeploy {

namespace {

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

/// Binary operators, the loosest first; of one level they go from left to right.
constexpr std::array<std::array<std::string_view, 4>, 6> kLevels{{
    {"||"},
    {"&&"},
    {"==", "!="},
    {"<=", ">=", "<", ">"},
    {"+", "-"},
    {"*", "/", "%"},
}};

/// Recursive descent over one string of a spec.
class Parser {
  public:
    Parser(const Value& string, const Sources& sources)
        : text_(string.as_string()), places_(sources, text_, string.loc()) {}

    /// The text up to the closing quote (0: to the end) with what stands in `${...}`.
    ExprPtr text_until(char quote, Loc loc) {
        std::vector<ExprPtr> parts;
        std::string plain;
        const auto flush = [&] {
            if (plain.empty()) return;
            parts.push_back(make({.loc = loc, .value = Value(std::exchange(plain, "")).at(loc)}));
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
        if (parts.empty()) return make({.loc = loc, .value = Value(plain).at(loc)});
        flush();
        if (parts.size() == 1) return parts.front();
        return make({.kind = Expr::Kind::text, .loc = loc, .parts = std::move(parts)});
    }

  private:
    struct Deeper {
        explicit Deeper(Parser& p) : parser(p) {
            if (++parser.depth_ > kMaxDepth) parser.fail("the expression is nested too deeply");
        }
        ~Deeper() { --parser.depth_; }
        Parser& parser;
    };

    ExprPtr make(Expr e) {
        if (++parts_ > kMaxParts)
            fail(fmt::format("the expression has more than {} parts", kMaxParts));
        return std::make_shared<const Expr>(std::move(e));
    }

    Loc here() {
        skip_space();
        return places_.at(at_);
    }
    [[noreturn]] void fail(std::string message, std::string hint = {}) {
        throw Error(ErrorKind::spec, std::move(message), here()).with_hint(std::move(hint));
    }
    /// "expected X, got Y": what stands here, as far as it is one word or sign.
    std::string expected(std::string_view what) {
        skip_space();
        if (at_ >= text_.size()) return fmt::format("expected {}, got the end", what);
        std::size_t end = at_ + first_code_point(text_.substr(at_)).size;
        while (continues_name(text_[at_]) && end < text_.size() && continues_name(text_[end]))
            ++end;
        return fmt::format("expected {}, got {}", what, in_quotes(text_.substr(at_, end - at_)));
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

    ExprPtr expression() {
        const Deeper deeper(*this);
        ExprPtr e = binary(0);
        const Loc loc = here();
        if (!eat("?")) return e;
        ExprPtr yes = expression();
        need(":");
        ExprPtr no = expression();
        return make({.kind = Expr::Kind::condition, .loc = loc, .parts = {e, yes, no}});
    }

    ExprPtr binary(std::size_t level) {
        if (level == kLevels.size()) return unary();
        ExprPtr left = binary(level + 1);
        while (true) {
            const Loc loc = here();
            const std::string_view op = operator_of(level);
            if (op.empty()) return left;
            ExprPtr right = binary(level + 1);
            left = make({.kind = Expr::Kind::binary,
                         .loc = loc,
                         .name = std::string(op),
                         .parts = {left, right}});
        }
    }

    std::string_view operator_of(std::size_t level) {
        for (const std::string_view op : kLevels[level])
            if (!op.empty() && eat_raw(op)) return op;
        return {};
    }

    ExprPtr unary() {
        const Deeper deeper(*this);
        const Loc loc = here();
        const bool minus = at_ < text_.size() && text_[at_] == '-';
        if (minus && at_ + 1 < text_.size() && digit(text_[at_ + 1])) return postfix(number(loc));
        if (!eat_raw("-") && !eat_raw("!")) return postfix(primary());
        return make(
            {.kind = Expr::Kind::unary, .loc = loc, .name = minus ? "-" : "!", .parts = {unary()}});
    }

    ExprPtr postfix(ExprPtr e) {
        while (true) {
            const Loc loc = here();
            if (eat_raw("...")) {
                at_ -= 3; // belongs to whoever groups or spreads
                return e;
            }
            if (eat_raw(".")) {
                skip_space();
                e = make({.kind = Expr::Kind::attribute, .loc = loc, .name = name(), .parts = {e}});
            } else if (eat_raw("[")) {
                const bool each = eat("*");
                ExprPtr index = each ? nullptr : expression();
                need("]");
                if (each) return splat(std::move(e), loc);
                e = make({.kind = Expr::Kind::index, .loc = loc, .parts = {e, index}});
            } else {
                return e;
            }
        }
    }

    /// Everything that follows `[*]` is taken of each element.
    ExprPtr splat(ExprPtr source, Loc loc) {
        Expr e{.kind = Expr::Kind::splat, .loc = loc, .parts = {std::move(source)}};
        while (true) {
            const Loc step = here();
            if (eat_raw(".")) {
                skip_space();
                e.parts.push_back(make({.loc = step, .value = Value(name()).at(step)}));
            } else if (eat_raw("[")) {
                e.parts.push_back(expression());
                need("]");
            } else {
                return make(std::move(e));
            }
        }
    }

    ExprPtr primary() {
        const Loc loc = here();
        if (at_ >= text_.size()) fail("the expression ends too early: a closing } is missing");
        const char c = text_[at_];
        if (c == '"' || c == '\'') return ++at_, text_until(c, loc);
        if (digit(c)) return number(loc);
        if (eat_raw("(")) {
            ExprPtr inner = expression();
            need(")");
            return inner;
        }
        if (eat_raw("[")) {
            if (eat_word("for")) return comprehension("]", loc);
            return make({.kind = Expr::Kind::list, .loc = loc, .parts = items("]")});
        }
        if (eat_raw("{")) return eat_word("for") ? comprehension("}", loc) : map(loc);
        if (!starts_name(c)) fail(expected("a value"));
        std::string word = name();
        if (word == "true" || word == "false")
            return make({.loc = loc, .value = Value(word == "true").at(loc)});
        if (word == "null") return make({.loc = loc, .value = Value().at(loc)});
        return eat("(") ? call(std::move(word), loc) : reference(std::move(word), loc);
    }

    /// A name, with the names that follow it.
    ExprPtr reference(std::string first, Loc loc) {
        Expr e{.kind = Expr::Kind::reference, .loc = loc, .name = std::move(first)};
        while (true) {
            const Loc step = here();
            if (text_.substr(at_, 3) == "..." || !eat_raw(".")) return make(std::move(e));
            e.keys.emplace_back(name(), step);
        }
    }

    /// What follows `[for` or `{for`.
    ExprPtr comprehension(std::string_view close, Loc loc) {
        Expr e{.kind = close == "]" ? Expr::Kind::each_list : Expr::Kind::each_map, .loc = loc};
        std::pair<std::string, Loc> value = variable();
        if (eat(",")) e.keys.push_back(std::exchange(value, variable()));
        if (e.keys.empty()) e.keys.push_back({"", loc});
        e.keys.push_back(std::move(value));
        if (!eat_word("in")) fail(expected("\"in\""), "for example: [for x in var.list : x.name]");
        ExprPtr source = expression();
        need(":");
        ExprPtr result = expression();
        ExprPtr key;
        if (e.kind == Expr::Kind::each_map) {
            if (!eat("=>")) fail(expected("=>"), "a map is made as {for x in list : key => value}");
            key = std::exchange(result, expression());
            if (eat("...")) e.name = "...";
        }
        ExprPtr filter = eat_word("if") ? expression() : nullptr;
        need(close);
        e.parts = {std::move(source), std::move(result), std::move(filter), std::move(key)};
        return make(std::move(e));
    }

    std::pair<std::string, Loc> variable() {
        const Loc loc = here();
        return {name(), loc};
    }

    /// What follows `{`: entries `name: value` or `"name" = value` or `(expression): value`.
    ExprPtr map(Loc loc) {
        Expr e{.kind = Expr::Kind::pairs, .loc = loc};
        while (!eat("}")) {
            const Loc at = here();
            if (at_ < text_.size() && starts_name(text_[at_]))
                e.parts.push_back(make({.loc = at, .value = Value(name()).at(at)}));
            else
                e.parts.push_back(primary());
            if (!eat(":") && !eat("=")) fail(expected(": after the key"));
            e.parts.push_back(expression());
            if (eat(",")) continue;
            need("}");
            break;
        }
        return make(std::move(e));
    }

    ExprPtr call(std::string function, Loc loc) {
        std::vector<std::pair<std::string, Loc>> spread;
        const auto last = [&] {
            const Loc at = here();
            if (eat("...")) spread.push_back({"...", at});
            return !spread.empty();
        };
        std::vector<ExprPtr> arguments = items(")", last);
        return make({.kind = Expr::Kind::call,
                     .loc = loc,
                     .name = std::move(function),
                     .parts = std::move(arguments),
                     .keys = std::move(spread)});
    }

    /// Expressions with commas between; `last` tells after each whether no other may follow.
    std::vector<ExprPtr> items(
        std::string_view close, const std::function<bool()>& last = [] { return false; }) {
        std::vector<ExprPtr> out;
        while (!eat(close)) {
            out.push_back(expression());
            if (!last() && eat(",")) continue;
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
            throw Error(ErrorKind::spec, fmt::format("there is no escape \\{}", c), loc)
                .with_hint("there are \\n, \\t, \\r, \\\", \\' and \\\\; a backslash is \\\\");
        }
    }

    ExprPtr number(Loc loc) {
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
        return make({.loc = loc, .value = value.at(loc)});
    }

    std::string_view text_;
    std::size_t at_ = 0;
    ScalarPlaces places_;
    int depth_ = 0;
    std::size_t parts_ = 0;
};

} // namespace

ExprPtr parse_string(const Value& string, const Sources& sources) {
    if (string.as_string().find("${") == std::string::npos)
        return std::make_shared<const Expr>(Expr{.loc = string.loc(), .value = string});
    return Parser(string, sources).text_until(0, string.loc());
}

} // namespace hadeploy
