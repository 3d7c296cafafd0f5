#pragma once

#include "planner/spec/spec.h"

namespace hadeploy {

/// A name in an expression with the constant steps that follow: `var.hosts["a"]` has the steps
/// "hosts" and "a".
struct Reference {
    std::string name;
    std::vector<std::string> steps;
    Loc loc;
    std::string key_of = {}; ///< what it is the key of: `a` of the z in `a[z]`
};

/// Every reference in an expression, also in branches that may never be taken; without the names
/// that comprehensions bring with them.
std::vector<Reference> references_in(const Expr& expr);

/// Locals that lead back to themselves.
void check_local_cycles(const Module& module, Diagnostics& diagnostics);

} // namespace hadeploy
