#pragma once

#include "core/value.h"

#include <string_view>
#include <unordered_map>

namespace hadeploy {

/// Stores repeated strings only once: equal strings give Values that share their contents.
class StringPool {
  public:
    Value operator()(std::string_view text) {
        if (const auto known = all_.find(text); known != all_.end()) return known->second;
        const Value fresh(text);
        all_.emplace(fresh.as_string(), fresh); // the key is a view of the value's shared string
        return fresh;
    }

  private:
    std::unordered_map<std::string_view, Value> all_;
};

} // namespace hadeploy
