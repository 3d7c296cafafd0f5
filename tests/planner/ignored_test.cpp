#include "core/value_json.h"
#include "planner/graph/ignored.h"
#include "planner/plan/make_plan.h"
#include "planner/plan/prior_state.h"
#include "planner/plan/reads.h"
#include "planner/plan/refresh_plan.h"
#include "planner/planned.h"

#include <doctest/doctest.h>

using namespace hadeploy;

namespace {
/// A type with attributes of every kind.
class Shapes : public ResourceType {
  public:
    Shapes() {
        name = "test.shapes";
        schema = {{.name = "labels", .type = map_of(TypeKind::string)},
                  {.name = "ports", .type = list_of(TypeKind::port)},
                  {.name = "tags", .type = set_of(TypeKind::string)},
                  {.name = "size", .type = TypeKind::bytes},
                  {.name = "any", .type = TypeKind::any},
                  {.name = "disk",
                   .type = object_of({{.name = "bus", .type = TypeKind::string},
                                      {.name = "path", .type = list_of(TypeKind::string)}})}};
    }
};

/// The error for one entry of ignore_changes; "" if there is none.
std::string refused(const char* name) {
    LifecycleValues out;
    try {
        read_ignored(Value::list({name}), Shapes(), out);
        return "";
    } catch (const Error& e) {
        return e.message + " (" + e.hint + ")";
    }
}

/// The compared value of one attribute if these parts are ignored.
std::string kept(Value::List names, const char* wanted, const char* now) {
    LifecycleValues lifecycle;
    read_ignored(Value::list(std::move(names)), Shapes(), lifecycle);
    const std::string& attribute = lifecycle.ignored.at(0).attribute;
    return to_json(with_ignored_parts(lifecycle, attribute, from_json(wanted), from_json(now)));
}

std::string ignoring_spec(const char* labels, const char* ignored) {
    return fmt::format("name: t\nresources: {{a: {{type: fake.thing, name: a, labels: {}, "
                       "lifecycle: {{ignore_changes: {}}}}}}}\n",
                       labels, ignored);
}
} // namespace

TEST_CASE("ignore_changes names attributes and their parts, to any depth") {
    for (const char* good :
         {"labels", "labels.x", "labels[\"x y\"]", "ports[0]", "any.x[1].y", "disk.path[0]"})
        CHECK_MESSAGE(refused(good) == "", good);
    CHECK(refused("label.x") ==
          "ignore_changes: test.shapes has no attribute \"label\" (did you mean \"labels\"?)");
    CHECK(refused("labels[0]") == "ignore_changes: labels is a map: its keys are names (write the "
                                  "key in quotes: labels[\"0\"])");
    CHECK(refused("ports.x") == "ignore_changes: ports is a list: its elements are selected by "
                                "number (for example: ports[0])");
    CHECK(refused("ports[0].x") == "ignore_changes: ports[0] is a port: it has no parts (ignore "
                                   "all of it: ports[0])");
    CHECK(refused("tags[0]") == "ignore_changes: tags is a set: its elements have no order "
                                "(ignore all of it: tags)");
    CHECK(refused("disk.buss") == "ignore_changes: disk has no buss (did you mean \"bus\"?)");
    CHECK(refused("size.x") ==
          "ignore_changes: size is a bytes: it has no parts (ignore all of it: size)");
    for (const char* broken : {"*", "a b", "labels[", "labels[x]", "ports[-1]", "1 + 1", ""})
        CHECK_MESSAGE(refused(broken).find("is neither an attribute nor a part of one") !=
                          std::string::npos,
                      broken);
    CHECK(refused("all") == "ignore_changes: all can't be in a list (write: ignore_changes: all)");
}

TEST_CASE("an ignored part keeps its value, the rest is as wanted") {
    CHECK(kept({"labels.x"}, R"({"x":"1","y":"2"})", R"({"x":"9","y":"8","z":"7"})") ==
          R"({"x":"9","y":"2"})");
    CHECK(kept({"labels.x"}, R"({"y":"2"})", R"({"x":"9"})") == R"({"x":"9","y":"2"})");
    CHECK(kept({"labels.x"}, R"({"x":"1","y":"2"})", R"({"y":"2"})") == R"({"y":"2"})");
    CHECK(kept({"labels.x"}, "null", R"({"x":"9"})") == "null");
    CHECK(kept({"ports[1]"}, "[1,2,3]", "[7,8]") == "[1,8,3]");
    CHECK(kept({"ports[5]"}, "[1,2]", "[1,2]") == "[1,2]");
    CHECK(kept({"any.a.b", "any.c[0].d"}, R"({"a":{"b":1,"e":2},"c":[{"d":3}]})",
               R"({"a":{"b":9,"e":8},"c":[{"d":7}]})") == R"({"a":{"b":9,"e":2},"c":[{"d":7}]})");
    CHECK(kept({"any.a.b"}, R"({"c":1})", R"({"a":{"b":9}})") == R"({"c":1})");
}

TEST_CASE("ignore_changes of a part: its drift is no change, that of the rest is repaired") {
    const PriorState prior = made(ignoring_spec("{x: one, y: two}", "[labels.x]"));
    const auto with = [&](const char* x, const char* y) {
        return drifted(prior, "a", "labels", Value::map({{"x", x}, {"y", y}}));
    };
    CHECK(planned(ignoring_spec("{x: one, y: two}", "['labels[\"x\"]']"), with("9", "two")) == "");
    CHECK(planned(ignoring_spec("{x: new, y: two}", "[labels.x]"), prior) == "");
    CHECK(planned(ignoring_spec("{x: one, y: new}", "[labels.x]"), prior) == "update a; ");
    const TestSpec t(ignoring_spec("{x: one, y: two}", "[labels.x]").c_str());
    const Plan plan = make_plan(*t.graph, with("9", "8"), t.settings);
    REQUIRE(plan.steps.size() == 1);
    CHECK(to_json(plan.steps[0].after["labels"]) == R"({"x":"9","y":"two"})");
}

TEST_CASE("a refresh silently records ignored changes") {
    const auto refreshed = [](const char* ignored, const char* x, const char* y) {
        const std::string text = ignoring_spec("{x: one, y: two}", ignored);
        const TestSpec t(text.c_str());
        const PriorState prior =
            drifted(made(text), "a", "labels", Value::map({{"x", x}, {"y", y}}));
        const Plan plan = make_refresh_plan(*t.graph, prior, {.refresh_only = true});
        std::string out = summary(plan);
        for (const RecordedResource& r : plan.records) out += to_json(r.attributes["labels"]);
        return out;
    };
    CHECK(refreshed("[labels.x]", "9", "two") == R"({"x":"9","y":"two"})");
    CHECK(refreshed("[labels]", "9", "8") == R"({"x":"9","y":"8"})");
    CHECK(refreshed("[labels.x]", "9", "8") == "refresh a (labels)");
    CHECK(refreshed("[labels.x]", "one", "two") == "");
}

TEST_CASE("a new object is derived from its own attributes, ignored or not") {
    const auto text = [](int size) {
        return fmt::format("name: t\nresources: {{a: {{type: fake.thing, name: a, value: one, "
                           "size: {}, lifecycle: {{ignore_changes: [value]}}}}}}\n",
                           size);
    };
    const PriorState prior = drifted(made(text(1)), "a", "shout", "drifted!");
    const TestSpec t(text(2).c_str());
    const Plan plan = make_plan(*t.graph, prior, t.settings);
    REQUIRE(plan.steps.size() == 2);
    CHECK(plan.steps[1].action == Action::replace);
    CHECK(plan.steps[1].after.text("shout") == "one!");
}
