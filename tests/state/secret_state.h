#pragma once

#include "helpers.h"

namespace testing {

inline constexpr const char* kCanary = "canary-7f3a";

inline hadeploy::Value secret_map() {
    using hadeploy::Value;
    return Value::map({{"size", 1}, {"password", Value(kCanary).as_secret()}});
}

/// Fills everything in which the store keeps Values, with a secret in each. The last of `runs` does
/// not end.
inline void fill(hadeploy::Store& store, std::size_t runs = 1, const char* address = "a") {
    hadeploy::RecordedResource row = row_of(address);
    row.config = row.attributes = secret_map();
    store.put({row}, {});
    hadeploy::Intent intent = intent_of("b");
    intent.config = secret_map();
    begun(store, intent);
    store.set_outputs(secret_map());
    for (std::size_t run = 1; run < runs; ++run)
        store.end_run(store.begin_run("apply", secret_map()), hadeploy::RunResult::done, "{}");
    store.begin_run("apply", secret_map());
}

inline void check_filled(const hadeploy::Store& store, std::size_t runs = 1,
                         const char* address = "a") {
    const auto row = store.row(address);
    REQUIRE(row);
    REQUIRE(store.runs().size() == runs);
    std::vector<hadeploy::Value> all{row->config, row->attributes, store.outputs(),
                                     store.intents().at(0).config};
    for (const hadeploy::Run& run : store.runs()) all.push_back(run.spec);
    for (const hadeploy::Value& v : all) {
        CHECK(v == secret_map());
        CHECK(v["password"].secret());
    }
}

} // namespace testing
