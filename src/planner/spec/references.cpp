#include "planner/spec/references.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <set>

namespace hadeploy {

namespace {

/// Walks an expression. `steps` are the steps taken from its value, in reverse order.
class Collector {
  public:
    std::vector<Reference> found;

    void walk(const Expr& expr, std::vector<std::string> steps = {}) {
        if (expr.kind == Expr::Kind::reference) return add(expr, steps);
        if (expr.kind == Expr::Kind::attribute) {
            steps.push_back(expr.name());
            return walk(expr.parts[0], std::move(steps));
        }
        if (expr.kind == Expr::Kind::index) {
            const Expr& index = expr.parts[1];
            const bool constant = index.kind == Expr::Kind::literal && index.value.is_string();
            const std::size_t before = found.size();
            walk(index);
            if (index.kind == Expr::Kind::reference && found.size() == before + 1)
                found.back().key_of = name_of(expr.parts[0]);
            if (!constant) steps.clear(); // the steps after an unknown step cannot be checked
            if (constant) steps.push_back(index.value.as_string());
            return walk(expr.parts[0], std::move(steps));
        }
        if (expr.kind == Expr::Kind::each_list || expr.kind == Expr::Kind::each_map ||
            expr.kind == Expr::Kind::each_group)
            return comprehension(expr);
        const bool secret = expr.kind == Expr::Kind::call && expr.name() == "sensitive";
        in_secret_ += secret ? 1 : 0;
        for (const Expr& part : expr.parts) walk(part);
        in_secret_ -= secret ? 1 : 0;
    }

  private:
    /// The expression as written, if it consists of names; otherwise "".
    static std::string name_of(const Expr& expr) {
        if (expr.kind == Expr::Kind::attribute) {
            const std::string of = name_of(expr.parts[0]);
            return of.empty() ? of : of + "." + expr.name();
        }
        if (expr.kind != Expr::Kind::reference) return {};
        std::string out = expr.name();
        for (const Expr& step : expr.parts) out += "." + step.name();
        return out;
    }

    void add(const Expr& expr, const std::vector<std::string>& steps) {
        if (std::find(own_.begin(), own_.end(), expr.name()) != own_.end()) return;
        std::vector<std::string> all;
        for (const Expr& step : expr.parts) all.push_back(step.name());
        all.insert(all.end(), steps.rbegin(), steps.rend());
        found.push_back({.name = expr.name(),
                         .steps = std::move(all),
                         .loc = expr.loc(),
                         .in_secret = in_secret_ > 0});
    }
    void comprehension(const Expr& expr) {
        walk(expr.parts[2]);
        for (const std::size_t i : {0, 1}) own_.push_back(expr.parts[i].name());
        for (std::size_t i = 3; i < expr.parts.size(); ++i) walk(expr.parts[i]);
        own_.resize(own_.size() - 2);
    }

    int in_secret_ = 0;            ///< number of calls of sensitive() around the expression
    std::vector<std::string> own_; ///< names that the enclosing comprehensions define
};

/// Depth-first search. `path` holds the locals that are being searched.
class CycleSearch {
  public:
    CycleSearch(const Module& module, Diagnostics& diagnostics) : diagnostics_(diagnostics) {
        for (const Local& local : module.locals)
            for (const Reference& r : references_in(*local.value)) {
                if (r.name != "local") continue;
                for (const Local& other : module.locals)
                    if (r.steps.empty() || r.steps[0] == other.name)
                        needs_[&local].push_back(&other);
            }
        for (const Local& local : module.locals) visit(local);
    }

  private:
    void visit(const Local& local) {
        const auto again = std::find(path_.begin(), path_.end(), &local);
        if (again != path_.end()) return report({again, path_.end()});
        if (!seen_.insert(&local).second) return;
        path_.push_back(&local);
        for (const Local* other : needs_[&local]) visit(*other);
        path_.pop_back();
    }
    void report(const std::vector<const Local*>& circle) {
        Error error(ErrorKind::spec,
                    fmt::format("local.{} depends on itself", circle.front()->name),
                    circle.front()->loc);
        for (std::size_t i = 0; circle.size() > 1 && i < circle.size(); ++i)
            error.with_note(fmt::format("local.{} needs local.{}", circle[i]->name,
                                        circle[(i + 1) % circle.size()]->name),
                            circle[i]->loc);
        diagnostics_.add(std::move(error));
    }

    Diagnostics& diagnostics_;
    std::map<const Local*, std::vector<const Local*>> needs_;
    std::set<const Local*> seen_;
    std::vector<const Local*> path_;
};

} // namespace

std::vector<Reference> references_in(const Expr& expr) {
    Collector collector;
    collector.walk(expr);
    return std::move(collector.found);
}

void check_local_cycles(const Module& module, Diagnostics& diagnostics) {
    CycleSearch(module, diagnostics);
}

} // namespace hadeploy
