#pragma once

#include "providers/ssh/gluster_script.h"

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// The changes of a gluster.volume, and the parts that reading it uses too.
namespace hadeploy::ssh::gluster {

inline constexpr std::string_view kIdentity = "user.hadeploy.identity";
/// Set when a removal begins. From then on, bricks may be missing.
inline constexpr std::string_view kRemoving = "user.hadeploy.removing";
inline constexpr std::string_view kAllow = "auth.allow";
/// Default of `heal_timeout`, in milliseconds.
inline constexpr std::int64_t kHealTimeout = 3'600'000;

/// The hosts that hold bricks: the first ones by name, as many as form complete replica sets.
std::vector<Host> brick_hosts(const Value& config);

/// A brick as spelled in the info file: "node1:-gluster-brick1-vol0".
std::string in_info(std::string brick);

/// The strings in a list; empty if the value is not a list.
std::vector<std::string> texts(const Value& list);

/// A script with the functions and variables that it needs.
std::string
volume_script(std::string_view body, const Value& config, const std::string& identity,
              std::initializer_list<std::pair<std::string_view, std::string>> more = {});

std::vector<Command> make_volume(const Change& change);
/// @throws Error(failed) if the bricks cannot be changed online to the desired ones
std::vector<Command> update_volume(const Change& change);
std::vector<Command> remove_volume(const Change& change);

} // namespace hadeploy::ssh::gluster
