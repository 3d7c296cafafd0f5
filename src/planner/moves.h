#pragma once

#include "planner/plan.h"

namespace hadeploy {

/// The world with recorded resources under the names that the spec's moves give them. A move whose
/// old name nothing has was done before, and does nothing. World::moved tells what was renamed.
/// @throws Errors: the new name is taken, or an interrupted change is open under the old one
World with_moves(World world, const std::vector<Move>& moves);

/// The records of `after` that are not the same in `before`: what was moved, and what names it.
std::vector<Recorded> changed_records(const World& before, const World& after);

/// Whether the move gives another name to what has this one. Of a move to an instance (`a` becomes
/// `a["x"]`) the other instances are no part.
bool is_moved(const Move& move, const std::string& address);

} // namespace hadeploy
