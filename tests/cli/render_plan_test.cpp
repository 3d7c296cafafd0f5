#include "cli/render/graph_html.h"
#include "cli/render/line_diff.h"
#include "cli/render/plan_json.h"
#include "cli/render/plan_text.h"
#include "cli/render/value_text.h"
#include "render_fixture.h"

using namespace hadeploy;
using namespace hadeploy::cli;
using namespace hadeploy::test;

namespace {
const Value kOutputsBefore = Value::map({{"size", 2}, {"same", "x"}, {"old", "y"}});

/// The plan of a state with these outputs.
Plan after_before(Plan plan) {
    plan.outputs_before = kOutputsBefore;
    return plan;
}

Plan destroy_plan() {
    Plan plan;
    plan.destroy = true;
    Step leave = file_step("membership", "b", Action::remove);
    leave.before = leave.after, leave.after = {};
    plan.steps.push_back(leave);
    for (const char* name : {"a", "b"}) plan.steps.push_back(machine_step(name, Action::remove));
    for (const char* name : {"x", "y", "z"}) {
        Step step = file_step(name, *name == 'z' ? "b" : "a", Action::forget);
        step.before = step.after, step.after = {};
        step.reason = "goes with its machine";
        plan.steps.push_back(step);
    }
    return plan;
}
} // namespace

TEST_CASE("a plan shows each change once, and ends with a summary and the counts") {
    check_golden("tests/cli/golden/plan.txt", render_plan(after_before(mixed_plan()), {}));
}

namespace {
struct RentedType : ResourceType {
    RentedType() {
        name = "test.rented";
        provider = "test";
        schema = {{.name = "size", .type = TypeKind::string, .required = true}};
    }
    std::string costs(const Value& config) const override { return config.text("size"); }
};

Step rented_step(const char* address, Action action, const char* before, const char* after) {
    static const RentedType type;
    Step step{.address = address, .action = action};
    step.type = &type;
    if (*before != 0) step.before = Value::map({{"size", before}});
    if (*after != 0) step.after = Value::map({{"size", after}});
    if (*before != 0 && *after != 0)
        step.changes = {{"size", before, after, action == Action::replace, false}};
    return step;
}
} // namespace

TEST_CASE("a plan names what costs money, and what no longer does") {
    Plan plan;
    plan.steps = {rented_step("a", Action::create, "", "small"),
                  rented_step("b", Action::create, "", "small"),
                  rented_step("c", Action::update, "small", "large"),
                  rented_step("d", Action::replace, "large", "large"),
                  rented_step("e", Action::remove, "tiny", ""),
                  rented_step("f", Action::forget, "tiny", ""),
                  rented_step("g", Action::replace, "large", "huge")};
    plan.steps.back().create_first = true; // the old one has a step of its own
    const std::string text = render_plan(plan, {});
    for (const char* line :
         {"      costs: small\n", "      costs: small -> large\n", "      costs: huge\n"})
        CHECK(text.find(line) != std::string::npos);
    CHECK(text.find("The provider charges for:\n      1 x huge\n      1 x large\n      1 x small\n"
                    "The provider no longer charges for:\n      1 x tiny\n") != std::string::npos);
    const auto json = plan_json(plan);
    CHECK(
        json["costs"].dump() ==
        R"({"added":[{"count":1,"what":"huge"},{"count":1,"what":"large"},{"count":1,"what":"small"}],)"
        R"("ended":[{"count":1,"what":"tiny"}]})");
    CHECK(json["steps"][2]["costs"].dump() == R"({"after":"large","before":"small"})");
    CHECK_FALSE(json["steps"][5].contains("costs")); // it is only forgotten
    CHECK_FALSE(plan_json(mixed_plan()).contains("costs"));
    CHECK(plan_html(nullptr, plan, "t", "", [](std::string_view s) {
              return std::string(s);
          }).find("1 x tiny") != std::string::npos);
}

TEST_CASE("colours carry no information of their own") {
    const Style colored{.color = true};
    std::string text = render_plan(after_before(mixed_plan()), colored);
    CHECK(text.find("\x1b[32m") != std::string::npos);
    for (std::size_t at; (at = text.find('\x1b')) != std::string::npos;)
        text.erase(at, text.find('m', at) - at + 1);
    CHECK(text == render_plan(after_before(mixed_plan()), {}));
}

TEST_CASE("a plan names the machines that take their turn later") {
    Plan plan = mixed_plan();
    plan.later = {{"node[\"b\"]", {"node[\"b\"]"}, "restart"},
                  {"node[\"c\"]", {"node[\"c\"]"}, "replace"}};
    CHECK(render_plan(plan, {}).find("Then, one machine at a time, each in a plan of its own once "
                                     "the others are healthy again:\n"
                                     "      restart  node[\"b\"]\n      replace  node[\"c\"]\n") !=
          std::string::npos);
    CHECK(plan_json(plan)["later"].dump() ==
          R"([{"action":"restart","addresses":["node[\"b\"]"],"machine":"node[\"b\"]"},)"
          R"({"action":"replace","addresses":["node[\"c\"]"],"machine":"node[\"c\"]"}])");
}

TEST_CASE("resources removed with their machine take one line in a destroy") {
    check_golden("tests/cli/golden/destroy.txt", render_plan(after_before(destroy_plan()), {}));
}

TEST_CASE("an empty plan says so") {
    Plan plan;
    plan.outputs = kOutputsBefore;
    CHECK(render_plan(after_before(plan), {}) ==
          "Nothing to change: all resources match the spec.\n");
    plan.outputs = kOutputsBefore.with("size", 3);
    CHECK(render_plan(after_before(plan), {}).find("  ~ size: 2 -> 3\n") != std::string::npos);
    plan.destroy = true;
    plan.outputs = {};
    CHECK(render_plan(plan, {}) == "Nothing to remove: the state is empty.\n");
    CHECK(render_plan(after_before(plan), {}) ==
          "Outputs:\n  - old\n  - same\n  - size\n\n"
          "Only outputs change: all resources match the state.\n");
    plan = {};
    plan.moves = {{"a", "b"}};
    CHECK(render_plan(plan, {}) ==
          "Moved in the state; the objects do not change:\n      a -> b\n\n"
          "Only addresses change: all resources match the spec.\n");
}

TEST_CASE("control characters in values are escaped") {
    Plan plan;
    plan.steps.push_back(file_step("x", "a", Action::update));
    plan.steps[0].changes = {{"content", "a\x1b[2Jb", "c\rd\xC2\x9B"}};
    plan.steps[0].reason = "odd\x07";
    plan.outputs = Value::map({{"evil", "\x1b]0;title\x07"}});
    const std::string text = render_plan(plan, {});
    for (const char c : text) CHECK((c == '\n' || static_cast<unsigned char>(c) >= 0x20));
    CHECK(text.find("\xC2\x9B") == std::string::npos);
    CHECK(text.find("\\x1B[2J") != std::string::npos);
}

TEST_CASE("no form of a plan contains secrets") {
    Plan plan = mixed_plan();
    // as read by a provider, without the mark of the spec's value
    plan.steps[4].before = Value::map({{"password", "s3cret"}, {"path", "/srv/conf"}});
    CHECK(render_plan(after_before(plan), {}).find("hunter2") == std::string::npos);
    const std::string json = plan_json(plan).dump();
    CHECK(json.find("hunter2") == std::string::npos);
    CHECK(json.find("s3cret") == std::string::npos);
    CHECK(json.find("/srv/conf") != std::string::npos);
}

TEST_CASE("data losses are shown above the counts") {
    Plan plan;
    plan.steps.push_back(machine_step("a", Action::remove));
    plan.losses = {{"node[\"a\"]", &kMachine, {"the disk of a", 3LL << 30}},
                   {"node[\"b\"]", &kMachine, {"the disk of b"}, "data"}};
    const std::string text = render_plan(plan, {});
    CHECK(text.ends_with("\nData that will be lost:\n"
                         "      node[\"a\"]  the disk of a, 3 GiB\n"
                         "      node[\"b\"]  the disk of b; data keeps copies on other machines\n"
                         "\nPlan: 1 to remove\n"));
    const nlohmann::json losses = plan_json(plan)["losses"];
    CHECK(losses[0]["bytes"] == (3LL << 30));
    CHECK(losses[0]["copied_by"] == "");
    CHECK(losses[1]["bytes"].is_null());
    CHECK(losses[1]["copied_by"] == "data");
}

TEST_CASE("the plan as JSON") {
    check_golden("tests/cli/golden/plan.json", plan_json(mixed_plan()).dump(2) + "\n");
}

TEST_CASE("JSON output accepts invalid UTF-8") {
    Plan plan;
    plan.steps.push_back(file_step("x", "a", Action::create));
    plan.steps[0].reason = "\xFF\xFE";
    CHECK_NOTHROW((void)plan_json(plan).dump());
}

TEST_CASE("counts use the verb of an update") {
    CHECK(plan_counts(mixed_plan()) ==
          "2 to create, 1 to start, 1 to update, 1 to replace, 1 to remove, 1 to adopt, "
          "2 to read later, 1 to forget");
}

TEST_CASE("a line of --json has the keys of OpenTofu's output") {
    CHECK(json_line("info", "version", "hi", 1'700'000'000'250, {{"x", 1}}) ==
          R"({"@level":"info","@message":"hi","@module":"hadeploy.ui",)"
          R"("@timestamp":"2023-11-14T22:13:20.250Z","type":"version","x":1})");
}

TEST_CASE("values are shown in the form of a spec") {
    const Type bytes(TypeKind::bytes), duration(TypeKind::duration), place(TypeKind::connection);
    CHECK(value_text(&bytes, mib(512)) == "512 MiB");
    CHECK(value_text(&duration, Value(90'000)) == "1m 30s");
    CHECK(value_text(&place, connection("")) == "root@10.0.0.1");
    CHECK(value_text(&place, connection("node")) == "node");
    CHECK(value_text(nullptr, "0644") == "\"0644\"");
    CHECK(value_text(nullptr, "true") == "\"true\"");
    CHECK(value_text(nullptr, "") == "\"\"");
    CHECK(value_text(nullptr, "é 1") == "é 1");
    const Value nulls = Value::map({{"a", Value()}, {"b", Value::map({{"c", Value()}})}});
    CHECK(value_text(nullptr, nulls) == "{a: null, b: {c: null}}");
    const Type fields = object_of(
        {{.name = "a", .type = TypeKind::string}, {.name = "b", .type = map_of(TypeKind::any)}});
    CHECK(value_text(&fields, nulls) == "{b: {c: null}}");
    CHECK(change_lines("x", nullptr, Value::map({{"a", Value()}}), Value::map({{"b", Value()}}), 0,
                       {}) == std::vector<std::string>{"x:", "  - a: null", "  + b: null"});
    CHECK(value_text(nullptr, "say \"no\"") == "say \"no\"");
    CHECK(value_text(nullptr, "[ -e \"a b\" ]") == "'[ -e \"a b\" ]'");
    CHECK(value_text(nullptr, Value::list({"{\"a\": 1}", "it's, so", "'x'"})) ==
          "['{\"a\": 1}', \"it's, so\", \"'x'\"]");
    CHECK(value_text(nullptr, "(secret)") == "\"(secret)\"");
    CHECK(value_text(nullptr, Value("x").as_secret()) == "(secret)");
    CHECK(value_text(nullptr, Value::map({{"a", "b, c"}, {"d", Value::list({1, "x"})}})) ==
          "{a: \"b, c\", d: [1, x]}");
}

TEST_CASE("long strings show the part that differs") {
    const std::string a(100, 'a'), b(100, 'b');
    const auto lines = change_lines("key", nullptr, Value(a + "X" + b), Value(a + "Y" + b), 0, {});
    REQUIRE(lines.size() == 1);
    CHECK(lines[0] == "key: ...aaaaaaaaaaaaaaaaXbbbbbbbbbbbbbbbb... -> "
                      "...aaaaaaaaaaaaaaaaYbbbbbbbbbbbbbbbb...");
}

TEST_CASE("the diff of a text has one line of context") {
    const auto show = [](const std::vector<std::string>& a, const std::vector<std::string>& b) {
        std::string out;
        for (const LineChange& c : diff_lines(a, b)) out += std::string(1, c.sign) + c.text + "\n";
        return out;
    };
    CHECK(show({"a", "b"}, {"a", "b"}).empty());
    CHECK(show({}, {"a"}) == "+a\n");
    CHECK(show({"a"}, {}) == "-a\n");
    CHECK(show({"1", "2", "3", "4", "5"}, {"1", "2", "3", "x", "5"}) == " ...\n 3\n-4\n+x\n 5\n");
    CHECK(show({"a", "b", "c"}, {"a", "c"}) == " a\n-b\n c\n");
    CHECK(show({"a", "x", "b", "y", "c"}, {"a", "b", "c", "z"}) == " a\n-x\n b\n-y\n c\n+z\n");
}

TEST_CASE("unfinished changes of an earlier run are listed first") {
    Plan plan;
    plan.outputs = Value::map({});
    plan.steps.push_back(file_step("x", "a", Action::adopt));
    const std::string rest = render_plan(plan, {});
    CHECK(rest.starts_with("  = module.app.file[\"x\"]  test.file  adopt"));
    CHECK_FALSE(plan_json(plan).contains("resumed"));
    plan.resumed = {{"module.app.file[\"x\"]", ChangeKind::create}, {"a#2", ChangeKind::remove}};
    CHECK(render_plan(plan, {}) == "Unfinished changes of an earlier run, completed first:\n"
                                   "      remove  a#2\n"
                                   "      create  module.app.file[\"x\"]\n"
                                   "\n" +
                                       rest);
    CHECK(plan_json(plan)["resumed"].dump() ==
          R"~({"a#2":"remove","module.app.file[\"x\"]":"create"})~");
}

TEST_CASE("a data source that is read during apply has its own line and count") {
    struct LookType : ResourceType {
        LookType() {
            name = "test.look";
            provider = "test";
            data = true;
        }
    } const look;
    Plan plan;
    plan.outputs = Value::map({});
    plan.steps.push_back({.address = "data.release",
                          .action = Action::read,
                          .type = &look,
                          .reason = "url is known only after apply",
                          .read_first = true});
    CHECK(render_plan(plan, {}) ==
          " <= data.release  test.look  read during apply: url is known only after apply\n"
          "\n"
          "Plan: 1 to read during apply\n");
}
