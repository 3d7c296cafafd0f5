#include "planner/yaml/yaml.h"
#include "providers/local/local.h"

#include <doctest/doctest.h>

using namespace hadeploy;

TEST_CASE("every type's example has its type and only attributes of its schema") {
    Registry registry;
    local::add_local_types(registry);
    CHECK(registry.types().size() == 15);
    for (const auto& type : registry.types()) {
        CAPTURE(type->name);
        CHECK(registry.provider(type->provider) != nullptr);
        Sources sources;
        Diagnostics diagnostics;
        const Value example =
            read_yaml(sources, sources.add("example", type->example), diagnostics);
        REQUIRE(diagnostics.empty());
        REQUIRE(example.as_map().size() == 1);
        const Value& body = example.as_map()[0].value;
        CHECK(body.text("type") == type->name);
        for (const Entry& e : body.as_map())
            CHECK_MESSAGE(
                (e.key == "type" || e.key == "depends_on" || find_attribute(type->schema, e.key)),
                e.key);
        for (const Attribute& a : type->schema) {
            if (a.required) CHECK_MESSAGE(body.has(a.name), a.name);
        }
    }
}
