#include "planner/lang/expr.h"

#include "planner/lang/expr_parser.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy {

namespace {

class Compiler {
  public:
    Compiler(Sources& sources, StringPool& strings, Diagnostics& diagnostics)
        : sources_(sources), strings_(strings), diagnostics_(diagnostics) {}

    Expr operator()(const Value& tree) {
        if (tree.is_string()) return string(tree);
        if (!tree.is_list() && !tree.is_map()) return {.value = tree};
        Expr e{.kind = tree.is_list() ? Expr::Kind::list : Expr::Kind::map,
               .value = Value().at(tree.loc())};
        bool all_constant = true;
        const auto child = [&](const Value& v) {
            const Expr& part = e.parts.emplace_back((*this)(v));
            all_constant = all_constant && part.kind == Expr::Kind::literal && part.value == v;
        };
        if (tree.is_list()) {
            e.parts.reserve(tree.as_list().size());
            for (const Value& item : tree.as_list()) child(item);
        } else {
            e.parts.reserve(2 * tree.as_map().size());
            for (const Entry& entry : tree.as_map()) {
                const Expr& key = e.parts.emplace_back(this->key(entry));
                all_constant = all_constant && key.kind == Expr::Kind::literal &&
                               key.value == Value(entry.key);
                child(entry.value);
            }
        }
        if (all_constant) return {.value = tree};
        return e;
    }

  private:
    Expr key(const Entry& entry) {
        if (entry.key.find("${") == std::string::npos)
            return {.value = strings_(entry.key).at(entry.loc)};
        return string(Value(entry.key).at(entry.loc));
    }

    Expr string(const Value& string) {
        try {
            return parse_string(string, sources_, strings_);
        } catch (Error& e) {
            diagnostics_.add(std::move(e));
            return {.value = string};
        }
    }

    Sources& sources_;
    StringPool& strings_;
    Diagnostics& diagnostics_;
};

} // namespace

bool has_expression(std::string_view text) {
    for (std::size_t at = text.find('$'); at != text.npos; at = text.find('$', at + 1)) {
        if (text.substr(at, 3) == "$${")
            at += 2;
        else if (text.substr(at, 2) == "${")
            return true;
    }
    return false;
}

Value constant(const Value& tree, std::string_view where, std::string_view hint,
               Diagnostics& diagnostics) {
    const auto unescaped = [&](std::string text, Loc loc) {
        if (has_expression(text))
            diagnostics.add(fmt::format("an expression can't be used in {}", where), loc).hint =
                hint;
        for (std::size_t at = text.find("$${"); at != text.npos; at = text.find("$${", at + 2))
            text.erase(at, 1);
        return text;
    };
    if (tree.is_string() && tree.as_string().find("${") != std::string::npos)
        return Value(unescaped(tree.as_string(), tree.loc())).at(tree.loc());
    if (tree.is_list()) {
        Value::List items = tree.as_list();
        for (Value& item : items) item = constant(item, where, hint, diagnostics);
        return Value::list(std::move(items)).at(tree.loc());
    }
    if (tree.is_map()) {
        Value::Map entries = tree.as_map();
        for (Entry& e : entries)
            e = {unescaped(e.key, e.loc), constant(e.value, where, hint, diagnostics), e.loc};
        return Value::map(std::move(entries)).at(tree.loc());
    }
    return tree;
}

ExprPtr compile(const Value& tree, Sources& sources, StringPool& strings,
                Diagnostics& diagnostics) {
    return std::make_shared<const Expr>(Compiler(sources, strings, diagnostics)(tree));
}

bool writes_literals(const Expr& expr) {
    if (expr.kind == Expr::Kind::literal) return true;
    if (expr.kind == Expr::Kind::reference) return false; // its parts are names
    return std::any_of(expr.parts.begin(), expr.parts.end(), writes_literals);
}

bool may_be_written_secret(const Expr& expr) {
    if (expr.kind == Expr::Kind::reference) return expr.parts.empty();
    return expr.kind == Expr::Kind::literal ||
           std::any_of(expr.parts.begin(), expr.parts.end(), may_be_written_secret);
}

} // namespace hadeploy
