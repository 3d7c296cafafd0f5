#pragma once

#include "providers/ssh/ssh_type.h"

#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace hadeploy::ssh {

// Shared by the types host.*. Each type is one file, and one line in host_types.def.

/// Lines "key rest of the line" as probes print them; the values of each key in their order.
class Answer {
  public:
    explicit Answer(std::string_view text);
    [[nodiscard]] bool has(std::string_view key) const { return values_.contains(key); }
    [[nodiscard]] std::string first(std::string_view key) const;
    [[nodiscard]] std::vector<std::string> all(std::string_view key) const;

  private:
    std::map<std::string, std::vector<std::string>, std::less<>> values_;
};

std::vector<std::string> words(std::string_view text);
std::vector<std::string> lines(std::string_view text);
/// The strings of a list; empty of anything else.
std::vector<std::string> strings(const Value& list);
Value list_of_strings(const std::vector<std::string>& texts);
/// Each quoted for the shell, with spaces between.
std::string quoted(const std::vector<std::string>& texts);
/// Wanted ones that are there, in the wanted order, then those that we made and are wanted no more.
/// Equal to `wanted` exactly when there is nothing to do.
Value managed(const std::vector<std::string>& wanted, const std::vector<std::string>& there,
              const std::vector<std::string>& ours);

/// Tells a host from others: "10.0.0.11:22", with those that it is reached through behind it. Many
/// hosts may be behind one address, and networks that are not ours may use the same ones. "" while
/// the address is not known.
std::string place_of(const Value& connection);
/// For ResourceType::claims: the thing's name with its machine; nothing while that is not known, or
/// one of the attributes that the name is made of.
std::vector<std::string> claim(const Value& config, std::string_view what,
                               std::initializer_list<std::string_view> attributes);
/// What is there once on a host: "Docker on 10.0.0.11:22". Nothing while the host is not known.
std::vector<std::string> claim_of_host(const Value& config, std::string_view what);

/// Where a host remembers what we have changed on it, so that exactly that can be taken back, even
/// after a crash in the middle. One small file a resource, gone with it.
std::string memory_file(std::string_view identity);
/// Prints each of its lines as "memory LINE", without starting a process.
std::string print_memory(std::string_view identity);
/// Sets $memory, the file, and makes its directory. `hadeploy_note LINE` then adds a line.
std::string open_memory(std::string_view identity);
/// Removes the file, and its directory when it was the last.
std::string forget_memory(std::string_view identity);

/// A probe that could not look: an error with what it said.
Observation cannot_look(std::string_view what, const ProbeResult& result);

} // namespace hadeploy::ssh
