#pragma once

#include "planner/spec/spec.h"

namespace hadeploy {

/// A name in an expression with the constant steps that follow it: `var.hosts["a"]` has the steps
/// "hosts" and "a".
struct Reference {
    std::string name;
    std::vector<std::string> steps;
    Loc loc;
    std::string key_of = {}; ///< name that has this reference as its index: `a` for the z in `a[z]`
    bool in_secret = false;  ///< within an argument of sensitive()
};

/// Every reference in an expression, including references in branches that are never taken. Names
/// that a comprehension defines are left out.
std::vector<Reference> references_in(const Expr& expr);

/// Reports locals that refer to themselves, directly or through others.
void check_local_cycles(const Module& module, Diagnostics& diagnostics);

} // namespace hadeploy
