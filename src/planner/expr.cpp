#include "planner/expr.h"

namespace hadeploy {

namespace {

class Compiler {
  public:
    Compiler(Sources& sources, StringPool& strings, Problems& problems)
        : sources_(sources), strings_(strings), problems_(problems) {}

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
                e.parts.push_back({.value = strings_(entry.key).at(entry.loc)});
                child(entry.value);
            }
        }
        if (all_constant) return {.value = tree};
        return e;
    }

  private:
    Expr string(const Value& string) {
        try {
            return parse_string(string, sources_, strings_);
        } catch (Error& e) {
            problems_.add(std::move(e));
            return {.value = string};
        }
    }

    Sources& sources_;
    StringPool& strings_;
    Problems& problems_;
};

} // namespace

ExprPtr compile(const Value& tree, Sources& sources, StringPool& strings, Problems& problems) {
    return std::make_shared<const Expr>(Compiler(sources, strings, problems)(tree));
}

} // namespace hadeploy
