#include "planner/graph/value_in_progress.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy {

namespace {
/// The search for cycles is expensive, so it runs only at some depths. A cycle soon reaches one of
/// them.
constexpr std::size_t kLookEvery = 16;
} // namespace

ValueInProgress::ValueInProgress(GraphContext& context, const Scope& scope, std::string_view kind,
                                 const std::string& name, const Path& way, Loc loc)
    : context_(context), scope_(scope), kind_(kind), name_(name), way_(way), loc_(loc),
      outer_(context.innermost), depth_(outer_ == nullptr ? 1 : outer_->depth_ + 1) {
    if (depth_ % kLookEvery == 0) refuse_circle();
    context.innermost = this;
}

ValueInProgress::~ValueInProgress() {
    context_.innermost = outer_;
}

bool ValueInProgress::is_same(const ValueInProgress& other) const {
    return &name_ == &other.name_ && &scope_ == &other.scope_ && way_ == other.way_;
}

std::string ValueInProgress::address() const {
    return fmt::format("{}{}{}", scope_.prefix, kind_, name_);
}

void ValueInProgress::refuse_circle() const {
    std::vector<const ValueInProgress*> circle; // each value is needed by the next one
    const ValueInProgress* at = this;
    do {
        circle.push_back(at);
        at = at->outer_;
    } while (at != nullptr && !is_same(*at));
    if (at == nullptr) return;
    std::reverse(circle.begin(), circle.end());
    // report the cycle in the same way wherever it was entered
    std::rotate(circle.begin(),
                std::min_element(circle.begin(), circle.end(),
                                 [](const ValueInProgress* a, const ValueInProgress* b) {
                                     return a->loc_ < b->loc_;
                                 }),
                circle.end());
    Error error(ErrorKind::spec, fmt::format("{} depends on itself", circle.front()->address()),
                circle.front()->loc_);
    for (std::size_t i = 0; circle.size() > 1 && i < circle.size(); ++i)
        error.with_note(fmt::format("{} needs {}", circle[i]->address(),
                                    circle[(i + 1) % circle.size()]->address()),
                        circle[i]->loc_);
    throw error;
}

} // namespace hadeploy
