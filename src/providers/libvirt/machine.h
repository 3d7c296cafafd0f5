#pragma once

#include "providers/libvirt/domain_xml.h"
#include "providers/libvirt/lease.h"
#include "providers/libvirt/libvirt_type.h"

#include <string>

namespace hadeploy::libvirt {

// Files of a domain in its pool, by what follows own_file()'s name.
inline constexpr const char* kOverlay = ".qcow2";
inline constexpr const char* kSeed = ".seed.iso";
inline constexpr const char* kConsole = ".console.log";

/// The fixed lease of a domain, from its config.
Lease lease_of(const Value& config);

/// What others need to log in; `host_key` "" while it is unknown.
Value connection_of(const Value& config, const std::string& host_key);

/// Brings a domain from whatever is there of it to `change.after`, and returns its attributes.
/// What an interrupted run has left can be told by the definition: it has a seed from before the
/// first start until the guest has answered. A machine that is off and has one is begun anew.
Value make_machine(Session& session, const Change& change);

/// Takes away the domain with this identity and everything that belongs to it.
void remove_machine(Session& session, const Change& change);

/// Memory of this machine that can be given away, in bytes, from the text of /proc/meminfo.
std::int64_t available_memory(const std::string& meminfo);

} // namespace hadeploy::libvirt
