#include "engine/lab.h"

#include <doctest/doctest.h>

using namespace hadeploy;

namespace {
/// "address: message" of all errors of plan or apply.
std::string errors_in(Lab& lab, const std::string& text) {
    std::string out;
    const auto add = [&](const std::vector<Error>& errors) {
        for (const Error& e : errors)
            out += fmt::format("{}{}: {}", out.empty() ? "" : "; ", e.address, e.message);
    };
    try {
        add(lab.apply(text).result.errors);
    } catch (const Error& errors) {
        add(errors.all());
    }
    return out;
}
} // namespace

TEST_CASE("a postcondition that is known to be violated stops the plan") {
    Lab lab;
    CHECK(errors_in(lab, R"(name: test
resources:
  a:
    type: fake.thing
    name: a
    value: x
    lifecycle:
      postconditions: [{check: "${self.shout != 'x!'}", message: "${self.name} is too loud"}]
)") == "a: a is too loud");
    CHECK(lab.world.changes().empty());
}

TEST_CASE("a postcondition on a value known during apply fails the step and its dependents") {
    Lab lab;
    const std::string text = R"(name: test
resources:
  a:
    type: fake.thing
    name: a
    lifecycle:
      postconditions: [{check: "${self.token == var.token}", message: "the token is ${self.token}"}]
  b: {type: fake.thing, name: b, value: "${a.token}"}
  c: {type: fake.thing, name: c}
variables: {token: {type: string, default: TOKEN}}
)";
    std::string good = text;
    good.replace(good.find("TOKEN"), 5, "token-of-a");
    CHECK(errors_in(lab, text) == "a: the token is token-of-a");
    CHECK(lab.objects() == "a c");
    CHECK(lab.recorded() == "a:1 c:1"); // it exists and is recorded
    CHECK(lab.intents.empty());
    CHECK(errors_in(lab, text) == "a: the token is token-of-a"); // the plan reports it now
    CHECK(lab.world.changes().empty());
    CHECK(lab.apply(good).plan == "create b");
    CHECK(lab.apply(good).plan == "");
}

TEST_CASE("a failed postcondition stops dependents, also of a resource that exists only in the "
          "state") {
    Lab lab;
    const std::string text = R"(name: test
resources:
  a:
    type: fake.note
    text: a
    lifecycle: {postconditions: [{check: "${self.token == 'x'}", message: not x}]}
  b: {type: fake.note, text: "b ${a.token}"}
  c: {type: fake.note, text: "c ${b.token}"}
  d: {type: fake.thing, name: d, value: "${a.token}"}
  e: {type: fake.note, text: e}
)";
    const auto run = lab.apply(text);
    REQUIRE(run.result.errors.size() == 1);
    CHECK(run.result.errors[0].address == "a");
    CHECK(run.result.errors[0].message == "not x");
    CHECK(run.result.count(StepResult::skipped) == 3);
    CHECK(lab.recorded() == "a:1 e:1"); // it exists and is recorded
    CHECK(lab.world.changes().empty());
    CHECK(errors_in(lab, text) == "a: not x");
    CHECK(lab.recorded() == "a:1 e:1");
}

TEST_CASE("inputs of a module are checked again when they are known") {
    Lab lab;
    lab.modules["m/module.yaml"] = R"(
variables:
  token: {type: string, validate: [{check: "${var.token != 'token-of-a'}", message: "not ${var.token}"}]}
  port: {type: port, default: 80}
resources:
  inner: {type: fake.thing, name: inner, value: "${var.token}"}
  free: {type: fake.thing, name: free}
)";
    CHECK(errors_in(lab, R"(name: test
resources:
  a: {type: fake.thing, name: a}
  z: {type: fake.thing, name: z}
modules:
  m: {source: m, with: {token: "${a.token}"}}
)") == "module.m.inner: variable \"token\": not token-of-a");
    CHECK(lab.objects() == "a free z");
    Lab other;
    other.modules = lab.modules;
    CHECK(errors_in(other, R"(name: test
resources:
  b: {type: fake.thing, name: b}
modules:
  m: {source: m, with: {token: x, port: "${length(b.token)}00000"}}
)")
              .find("module.m: port: expected") != std::string::npos);
}

TEST_CASE("import records an object that hadeploy did not create") {
    Lab lab;
    const std::string text = R"(name: test
import: [{to: a, id: theirs}]
resources: {a: {type: fake.thing, name: a, value: there}}
)";
    const auto there = [&](const char* value, int size) {
        lab.world.objects["a"] =
            Value::map({{"name", "a"}, {"value", value}, {"shout", "there!"}, {"size", size}});
        lab.world.owners["a"] = "theirs";
    };
    CHECK(errors_in(lab, text) == "a: import: there is no fake.thing theirs");
    there("there", 2);
    CHECK(errors_in(lab, text) ==
          "a: import: it would be destroyed immediately: size can't be changed in place");
    there("there", 1);
    const auto run = lab.apply(text);
    CHECK(run.plan == "import a");
    CHECK(run.result.ok());
    CHECK(lab.world.changes().empty());
    REQUIRE(lab.rows.size() == 1);
    CHECK(lab.rows[0].identity == "theirs");
    CHECK(lab.apply(text).plan == "");
    CHECK(lab.apply("name: test\nresources: {a: {type: fake.thing, name: a, value: new}}\n").plan ==
          "update a (value,shout)");
    CHECK(lab.apply("name: test\n").plan == "remove a");
}

TEST_CASE("an import with differences repairs them, an import without id is rejected") {
    Lab lab;
    lab.world.objects["a"] = Value::map({{"name", "a"}, {"value", "old"}, {"size", 1}});
    lab.world.owners["a"] = "theirs";
    const std::string resources = "resources: {a: {type: fake.thing, name: a, value: new}}\n";
    CHECK(errors_in(lab, "name: test\nimport: [{to: a}]\n" + resources) ==
          "a: import: the existing object can't be adopted without its ID: made by hand");
    CHECK(errors_in(lab, "name: test\nimport: [{to: a, id: other}]\n" + resources) ==
          "a: import: the object of that name is not other: made by hand");
    CHECK(errors_in(lab, "name: test\nimport: [{to: b}]\n" + resources) ==
          ": import: the spec has no \"b\"");
    const auto run = lab.apply("name: test\nimport: [{to: a, id: theirs}]\n" + resources);
    CHECK(run.plan == "update a (value)");
    CHECK(run.result.ok());
    CHECK(lab.world.owners["a"] == "theirs");
    CHECK(lab.apply("name: test\n" + resources).plan == "");
}

TEST_CASE("a precondition of an output that is known only during apply stops the users of the "
          "output") {
    const auto spec = [](const char* token) {
        return fmt::format("name: test\nresources:\n  a: {{type: fake.thing, name: a}}\n"
                           "  b: {{type: fake.thing, name: b, value: \"${{module.m.o}}\"}}\n"
                           "modules: {{m: {{source: m, with: {{t: \"${{a.token}}\"}}}}}}\n"
                           "outputs: {{last: {{value: 1, preconditions: [{{check: \"${{a.token == "
                           "'{}'}}\", message: \"not {}\"}}]}}}}\n",
                           token, token);
    };
    Lab lab;
    lab.modules["m/module.yaml"] = "variables: {t: {}}\noutputs: {o: {value: \"${var.t}\", "
                                   "preconditions: [{check: \"${var.t != 'token-of-a'}\", message: "
                                   "\"not ${var.t}\"}]}}\n";
    CHECK(errors_in(lab, spec("token-of-a")) == "b: output \"o\": not token-of-a");
    CHECK(lab.objects() == "a");
    lab.modules["m/module.yaml"] = "variables: {t: {}}\noutputs: {o: \"${var.t}\"}\n";
    CHECK(errors_in(lab, spec("token-of-a")) == "");
    CHECK(errors_in(lab, spec("other")) == ": output \"last\": not other"); // the plan knows
    Lab fresh;
    fresh.modules = lab.modules;
    CHECK(errors_in(fresh, spec("other")) == ": output \"last\": not other");
    CHECK(fresh.objects() == "a b");
}

TEST_CASE("a postcondition of a data source that is read during apply stops its users") {
    Lab lab;
    const std::string text = R"(name: test
resources:
  a: {type: fake.thing, name: a, value: new}
  b: {type: fake.thing, name: b, value: "${data.d.value}"}
data:
  d:
    type: fake.look
    name: a
    depends_on: [a]
    lifecycle: {postconditions: [{check: "${self.value == 'other'}", message: "it is ${self.value}"}]}
)";
    const auto run = lab.apply(text);
    REQUIRE(run.result.errors.size() == 1);
    CHECK(run.result.errors[0].message == "it is new");
    CHECK(run.result.errors[0].address == "data.d");
    CHECK(run.result.errors[0].notes.at(0).text ==
          "it was read; resources that depend on it were skipped");
    CHECK(lab.objects() == "a");
}

TEST_CASE("a name that is known only during apply may belong to another object") {
    constexpr const char* kBefore = "name: test\nresources: {old: {type: fake.thing, name: "
                                    "token-of-s, value: one}}\n";
    constexpr const char* kAfter = R"(name: test
resources:
  s: {type: fake.thing, name: s}
  now: {type: fake.thing, name: "${s.token}", value: one}
)";
    Lab lab;
    REQUIRE(lab.apply(kBefore).result.ok());
    const auto run = lab.apply(kAfter);
    CHECK(run.plan == "create s; create now; remove old");
    REQUIRE(run.result.errors.size() == 1);
    CHECK(run.result.errors[0].message == "it needs fake token-of-s, which old still holds");
    CHECK(run.result.errors[0].hint == "this was not known when the plan was made; run plan again");
    CHECK(lab.objects() == "s token-of-s"); // it was not removed
    CHECK(lab.apply(kAfter).result.ok());   // now it is seen to be the same
    CHECK(lab.world.changes().empty());
    CHECK(lab.recorded() == "now:1 s:1");
}

TEST_CASE("a check is evaluated again after apply, and fails nothing") {
    Lab lab;
    const auto run = lab.apply(R"(name: test
resources: {a: {type: fake.thing, name: a}}
checks:
  known: {check: "${a.name == 'a'}", message: no}
  token: {check: "${a.token == 'other'}", message: "the token is ${a.token}"}
)");
    CHECK(run.result.ok());
    REQUIRE(run.result.warnings.size() == 1);
    CHECK(run.result.warnings[0].message == "check token: the token is token-of-a");
}

TEST_CASE("import of all instances at once") {
    Lab lab;
    for (const char* name : {"x", "y"}) {
        lab.world.objects[name] = Value::map({{"name", name}, {"size", 1}});
        lab.world.owners[name] = fmt::format("id-{}", name);
    }
    const auto run = lab.apply(R"(name: test
variables: {ids: {default: {x: id-x, y: id-y}}}
import: [{to: 'a[each.key]', id: "${each.value}", for_each: "${var.ids}"}]
resources: {a: {type: fake.thing, for_each: [x, y], name: "${each.key}"}}
)");
    CHECK(run.plan == "import a[\"x\"]; import a[\"y\"]");
    CHECK(run.result.ok());
    CHECK(lab.rows.at(1).identity == "id-y");
}
