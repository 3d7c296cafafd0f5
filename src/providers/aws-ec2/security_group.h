#pragma once

#include "core/error.h"
#include "core/value.h"

#include <compare>
#include <pugixml.hpp>
#include <set>
#include <string>

namespace hadeploy::aws {

/// The smallest part of a security group: one protocol, one range of ports, one source.
struct RuleAtom {
    std::string protocol;               ///< "tcp", "udp", "icmp", or "-1": all
    std::int64_t first = -1, last = -1; ///< ports; -1: all
    std::string peer;                   ///< a range as EC2 writes it, sg-..., or pl-...
    std::string description = {};

    auto operator<=>(const RuleAtom&) const = default;
};

/// The atoms of a list of rules in a config. `self` stands for the group itself. Of atoms that
/// differ only in their description, of which EC2 keeps one, the first is taken.
std::set<RuleAtom> atoms_of(const Value& rules, const std::string& self);
/// The atoms that EC2 describes in `<ipPermissions>` or `<ipPermissionsEgress>`.
std::set<RuleAtom> atoms_of(const pugi::xml_node& permissions);
/// A list of rules, one for each atom.
Value rules_of(const std::set<RuleAtom>& atoms, const std::string& self);

/// The first and the last port of "443" or "8000-8100"; false for anything else.
bool parse_ports(const std::string& text, std::int64_t& first, std::int64_t& last);

} // namespace hadeploy::aws
