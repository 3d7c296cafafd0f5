#include "planner/expr.h"

namespace hadeploy {

namespace {

ExprPtr make(Expr e) {
    return std::make_shared<const Expr>(std::move(e));
}

ExprPtr compile_string(const Value& string, const Sources& sources, Problems& problems) {
    try {
        return parse_string(string, sources);
    } catch (Error& e) {
        problems.add(std::move(e));
        return make({.loc = string.loc(), .value = string});
    }
}

bool constant(const Expr& e) {
    return e.kind == Expr::Kind::literal;
}

} // namespace

ExprPtr compile(const Value& tree, const Sources& sources, Problems& problems) {
    if (tree.is_string()) return compile_string(tree, sources, problems);
    if (!tree.is_list() && !tree.is_map()) return make({.loc = tree.loc(), .value = tree});
    Expr e{.kind = tree.is_list() ? Expr::Kind::list : Expr::Kind::map, .loc = tree.loc()};
    bool all_constant = true;
    const auto child = [&](const Value& v) {
        e.parts.push_back(compile(v, sources, problems));
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
