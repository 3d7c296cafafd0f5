#pragma once

#include "providers/ssh/host_place.h"
#include "providers/ssh/ssh_type.h"

#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace hadeploy::ssh {

/// Registers the types ssh.host, ssh.key and host.*. Each is one file, and one line in
/// host_types.def.
void add_host_types(Registry& registry);

// Shared by these types.

/// Parses lines "key rest of the line" that probes print; keeps the values of each key in order.
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
/// The strings in a list; empty for any other value.
std::vector<std::string> strings(const Value& list);
Value list_of_strings(const std::vector<std::string>& texts);
/// The strings, each quoted for the shell, separated by spaces.
std::string quoted(const std::vector<std::string>& texts);
/// The desired items that exist, in the desired order, then existing items that we created and that
/// are no longer desired. Equal to `wanted` if and only if nothing has to change.
Value managed(const std::vector<std::string>& wanted, const std::vector<std::string>& there,
              const std::vector<std::string>& ours);

/// For ResourceType::claims: the name of the object with its machine; empty while the machine or
/// one of the `attributes` in the name is not known.
std::vector<std::string> claim(const Value& config, std::string_view what,
                               std::initializer_list<std::string_view> attributes);
/// The claim on an object that exists once per host: "Docker on 10.0.0.11:22". Empty while the host
/// is not known.
std::vector<std::string> claim_of_host(const Value& config, std::string_view what);

/// File on the host with notes on our changes, so that exactly these changes can be reverted, even
/// after a crash in the middle. One small file per resource, removed with it.
std::string memory_file(std::string_view identity);
/// Script lines that print each note as "memory LINE", without starting a process.
std::string print_memory(std::string_view identity);
/// Script lines that set $memory to the file and create its directory. After them `hadeploy_note
/// LINE` adds a line.
std::string open_memory(std::string_view identity);
/// Script lines that remove the file, and its directory if that is empty.
std::string forget_memory(std::string_view identity);

/// The observation for a failed probe: an error with the cause that it printed.
Observation cannot_look(std::string_view what, const ProbeResult& result);

} // namespace hadeploy::ssh
