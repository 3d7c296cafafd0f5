#include "planner/expr.h"

#include <charconv>
#include <fmt/format.h>

namespace hadeploy {

namespace {

constexpr int kMaxExpressionDepth = 100;

bool starts_name(char c) {
    return std::isalpha(static_cast<unsigned char>(c)) || c == '_';
}
bool continues_name(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-';
}

ExprPtr make(Expr e) {
    return std::make_shared<const Expr>(std::move(e));
}

/// Parses what stands between `${` and `}`.
class Parser {
  public:
    Parser(std::string_view text, std::size_t start, Loc origin)
        : text_(text), at_(start), origin_(origin) {}

    ExprPtr parse() {
        ExprPtr e = expression();
        skip_space();
        return e;
    }
    std::size_t position() const { return at_; }
    Loc here() const { return place(at_); }

    bool eat(char c) {
        skip_space();
        if (at_ >= text_.size() || text_[at_] != c) return false;
        ++at_;
        return true;
    }

  private:
    struct Deeper {
        explicit Deeper(Parser& p) : parser(p) {
            if (++parser.depth_ > kMaxExpressionDepth)
                parser.fail("the expression is nested too deeply");
        }
        ~Deeper() { --parser.depth_; }
        Parser& parser;
    };

    Loc place(std::size_t offset) const {
        Loc loc = origin_;
        // the text of a multi-line scalar is folded: there only its beginning is known
        if (text_.substr(0, offset).find('\n') == text_.npos)
            loc.column =
                static_cast<std::uint16_t>(std::min<std::size_t>(loc.column + offset, 65535));
        return loc;
    }

    [[noreturn]] void fail(std::string message) const {
        throw Error(ErrorKind::spec, std::move(message), here());
    }

    void skip_space() {
        while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
    }

    ExprPtr expression() {
        const Deeper deeper(*this);
        ExprPtr e = primary();
        while (true) {
            const Loc loc = here();
            if (eat('.')) {
                skip_space();
                e = make({.kind = Expr::Kind::attribute, .loc = loc, .name = name(), .parts = {e}});
            } else if (eat('[')) {
                skip_space();
                const bool each = eat('*');
                ExprPtr index = each ? nullptr : expression();
                if (!eat(']')) fail("expected ]");
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
            if (eat('.')) {
                skip_space();
                e.parts.push_back(make({.loc = step, .value = Value(name()).at(step)}));
            } else if (eat('[')) {
                e.parts.push_back(expression());
                if (!eat(']')) fail("expected ]");
            } else {
                return make(std::move(e));
            }
        }
    }

    ExprPtr primary() {
        skip_space();
        if (at_ >= text_.size()) fail("the expression ends too early: a closing } is missing");
        const Loc loc = here();
        const char c = text_[at_];
        if (c == '"' || c == '\'') return make({.loc = loc, .value = Value(quoted(c)).at(loc)});
        if (std::isdigit(static_cast<unsigned char>(c)) || c == '-') return number(loc);
        if (eat('(')) {
            ExprPtr inner = expression();
            if (!eat(')')) fail("expected )");
            return inner;
        }
        if (eat('[')) return make({.kind = Expr::Kind::list, .loc = loc, .parts = items(']')});
        if (!starts_name(c)) fail(fmt::format("unexpected \"{}\" in an expression", c));
        std::string word = name();
        if (word == "true" || word == "false")
            return make({.loc = loc, .value = Value(word == "true").at(loc)});
        if (word == "null") return make({.loc = loc, .value = Value().at(loc)});
        if (eat('('))
            return make({.kind = Expr::Kind::call,
                         .loc = loc,
                         .name = std::move(word),
                         .parts = items(')')});
        return make({.kind = Expr::Kind::reference, .loc = loc, .name = std::move(word)});
    }

    std::vector<ExprPtr> items(char close) {
        std::vector<ExprPtr> out;
        if (eat(close)) return out;
        do out.push_back(expression());
        while (eat(','));
        if (!eat(close)) fail(fmt::format("expected , or {}", close));
        return out;
    }

    std::string name() {
        if (at_ >= text_.size() || !starts_name(text_[at_])) fail("expected a name");
        const std::size_t start = at_;
        while (at_ < text_.size() && continues_name(text_[at_])) ++at_;
        return std::string(text_.substr(start, at_ - start));
    }

    std::string quoted(char quote) {
        std::string out;
        for (++at_; at_ < text_.size(); ++at_) {
            const char c = text_[at_];
            if (c == quote) return ++at_, out;
            if (c == '\\' && at_ + 1 < text_.size()) {
                const char next = text_[++at_];
                out += next == 'n' ? '\n' : next == 't' ? '\t' : next;
            } else {
                out += c;
            }
        }
        fail("a string without its closing quote");
    }

    ExprPtr number(Loc loc) {
        std::int64_t n = 0;
        const char* first = text_.data() + at_;
        const auto [end, error] = std::from_chars(first, text_.data() + text_.size(), n);
        if (error != std::errc()) fail("expected a number");
        at_ += static_cast<std::size_t>(end - first);
        return make({.loc = loc, .value = Value(n).at(loc)});
    }

    std::string_view text_;
    std::size_t at_;
    Loc origin_;
    int depth_ = 0;
};

ExprPtr compile_string(const Value& string, Problems& problems) {
    const std::string& text = string.as_string();
    const ExprPtr literal = make({.loc = string.loc(), .value = string});
    if (text.find("${") == text.npos) return literal;

    std::vector<ExprPtr> parts;
    std::string plain;
    const auto flush = [&] {
        if (plain.empty()) return;
        parts.push_back(make({.loc = string.loc(), .value = Value(std::exchange(plain, ""))}));
    };
    try {
        for (std::size_t at = 0; at < text.size();) {
            if (text.compare(at, 3, "$${") == 0) {
                plain += "${";
                at += 3;
            } else if (text.compare(at, 2, "${") == 0) {
                flush();
                Parser parser(text, at + 2, string.loc());
                parts.push_back(parser.parse());
                if (!parser.eat('}'))
                    throw Error(ErrorKind::spec, "expected } at the end of the expression",
                                parser.here());
                at = parser.position();
            } else {
                plain += text[at++];
            }
        }
        flush();
    } catch (Error& e) {
        problems.add(std::move(e));
        return literal;
    }
    if (parts.size() == 1) return parts.front();
    return make({.kind = Expr::Kind::text, .loc = string.loc(), .parts = std::move(parts)});
}

bool constant(const Expr& e) {
    return e.kind == Expr::Kind::literal;
}

} // namespace

ExprPtr compile(const Value& tree, Problems& problems) {
    if (tree.is_string()) return compile_string(tree, problems);
    if (!tree.is_list() && !tree.is_map()) return make({.loc = tree.loc(), .value = tree});
    Expr e{.kind = tree.is_list() ? Expr::Kind::list : Expr::Kind::map, .loc = tree.loc()};
    bool all_constant = true;
    const auto child = [&](const Value& v) {
        e.parts.push_back(compile(v, problems));
        all_constant = all_constant && constant(*e.parts.back()) && e.parts.back()->value == v;
    };
    if (tree.is_list()) {
        for (const Value& item : tree.as_list()) child(item);
    } else {
        for (const Entry& entry : tree.as_map()) {
            e.keys.emplace_back(entry.key, entry.loc);
            child(entry.value);
        }
    }
    if (all_constant) return make({.loc = tree.loc(), .value = tree});
    return make(std::move(e));
}

} // namespace hadeploy
