#include "lab.h"

using namespace hadeploy;

namespace {
/// A "service" that is a file; every command logs that it ran.
constexpr const char* kService = R"yaml(
name: t
variables: {port: {type: integer, default: 80}, round: {type: integer, default: 1}}
resources:
  service:
    type: local.exec
    environment: {PORT: "${var.port}"}
    input: "from stdin\n"
    triggers: {round: "${var.round}"}
    create: |
      echo create >>log; read line
      printf '{"id": "x-%s", "port": %s, "line": "%s"}' $$ "$PORT" "$line" | tee thing
    read: |
      [ -e thing ] || exit 44
      cat thing
    update: |
      echo "update $HADEPLOY_OUTPUTS" >>log
      printf '{"id": "same", "port": %s, "line": ""}' "$PORT" | tee thing
    delete: |
      echo "delete $(cat thing)" >>log; rm thing
    returns: {id: string, port: integer, line: string}
  file: {type: local.file, path: f, content: "port ${service.outputs.port}"}
)yaml";

std::string with(std::string text, const std::string& what, const std::string& by) {
    const auto at = text.find(what);
    REQUIRE(at != std::string::npos);
    return text.replace(at, what.size(), by);
}

std::string one(const std::string& attributes) {
    return "name: t\nresources: {x: {type: local.exec, " + attributes + "}}\n";
}
} // namespace

TEST_CASE("a command's object: created, read, updated, replaced, removed") {
    Lab lab;
    const Lab::Run first = lab.apply(kService);
    CHECK(first.plan == "create service; create file");
    REQUIRE_MESSAGE(first.ok(), errors_of(first));
    CHECK(lab.text("f") == "port 80");
    CHECK(lab.recorded("service")["outputs"].text("line") == "from stdin");
    CHECK(lab.recorded("service")["outputs"]["port"] == Value(80));
    CHECK(lab.plan(kService).plan == "");

    // in place: the dependent gets the new outputs in the same run
    const std::string other = with(kService, "default: 80", "default: 81");
    const Lab::Run second = lab.apply(other);
    CHECK(second.plan == "run again service (environment); update file (content)");
    CHECK(second.ok());
    CHECK(lab.text("f") == "port 81");
    CHECK(lab.text("log").find("update {\"id\":\"x-") != std::string::npos);
    CHECK(lab.plan(other).plan == "");

    // removed by hand: created again
    std::filesystem::remove(lab.path("thing"));
    CHECK(lab.apply(other).plan == "create service; update file (content)");
    CHECK(lab.plan(other).plan == "");

    const std::string anew = with(other, "integer, default: 1", "integer, default: 2");
    const Lab::Run replaced = lab.apply(anew);
    CHECK(replaced.plan == "replace service (triggers); update file (content)");
    CHECK_MESSAGE(replaced.ok(), errors_of(replaced));
    CHECK(lab.text("log").find("delete {") != std::string::npos);
    CHECK(lab.plan(anew).plan == "");
    CHECK(lab.destroy(anew).ok());
    CHECK_FALSE(lab.exists("thing"));
    CHECK(lab.rows.empty());
}

TEST_CASE("the removal of an instance does not remove an object of another instance") {
    const auto spec = [](const std::string& list, bool in_place) {
        return "name: t\nlocals: {l: " + list + R"(}
resources:
  r:
    type: local.exec
    count: ${length(local.l)}
    triggers: )" +
               (in_place ? "" : "${local.l[count.index]}") +
               R"(
    environment: {NAME: "${local.l[count.index]}"}
    create: touch it-$NAME
    delete: rm -f it-$NAME
)";
    };
    for (const std::string before : {"[a, b, c]", "[b, a]", "[a]", "[c, b, a]"})
        for (const std::string after : {"[a, c]", "[c, a, b]", "[x, a]", "[a, b, c]"})
            for (const bool in_place : {false, true}) {
                CAPTURE(before);
                CAPTURE(after);
                CAPTURE(in_place);
                Lab lab;
                CHECK(lab.apply(spec(before, in_place)).ok());
                CHECK(lab.apply(spec(after, in_place)).ok());
                for (const char* one : {"a", "b", "c", "x"}) {
                    CAPTURE(one);
                    const bool wanted = after.find(one) != after.npos;
                    if (wanted || !in_place) CHECK(lab.exists(std::string("it-") + one) == wanted);
                }
            }
}

TEST_CASE("an object that read finds and that is not recorded is taken over") {
    Lab lab;
    lab.write("thing", R"({"id": "theirs", "port": 80, "line": ""})");
    const Lab::Run run = lab.apply(kService);
    CHECK(run.plan == "adopt service; create file");
    CHECK(run.ok());
    CHECK(lab.recorded("service")["outputs"].text("id") == "theirs");
    CHECK_FALSE(lab.exists("log"));
}

TEST_CASE("without read it exists once it was created; without returns its output is a string") {
    Lab lab;
    const std::string spec =
        one("create: 'date >>log; echo said'") + "outputs: {said: \"${x.outputs.stdout}\"}\n";
    const Lab::Run run = lab.apply(spec);
    CHECK(run.plan == "create x");
    CHECK(run.result.outputs.text("said") == "said");
    CHECK(lab.plan(spec).plan == "");
    const std::string after = lab.text("log");
    CHECK(lab.apply(spec).plan == "");
    CHECK(lab.text("log") == after);
    // without update, create runs again
    const std::string longer = one("create: 'date >>log; echo more'");
    CHECK(lab.apply(longer).plan == "run again x (create)");
    CHECK(lab.text("log").size() > after.size());
    CHECK(lab.destroy(longer).ok());
}

TEST_CASE("errors include the command's output") {
    Lab lab;
    CHECK(errors_of(lab.apply(one("create: 'echo no such luck >&2; exit 3'"))) ==
          "x: `create` ended with exit status 3 [no such luck]\n");
    CHECK(errors_of(lab.apply(one("create: 'echo 1', returns: {a: integer, b: integer}"))) ==
          "x: `create` printed no output \"a\": it did not print an object\n");
    CHECK(errors_of(lab.apply(one("create: 'echo \"{}\"', returns: [a, b]"))) ==
          "x: `create` printed no output \"a\": the object has no such key\n");
    CHECK(errors_of(lab.apply(one("create: 'echo word', returns: {a: integer}")))
              .find("expected an integer") != std::string::npos);
    CHECK(errors_of(lab.apply(one("create: 'sleep 60', timeout: 200ms")))
              .find("`create`: \"/bin/sh\" did not end within 0.2 s") != std::string::npos);
    CHECK(lab.plan(one("create: 'true', read: 'echo broken >&2; exit 1'")).plan ==
          "x: `read` ended with exit status 1 [broken]; ");
    CHECK(lab.rows.empty()); // an intent, but no record
    CHECK(lab.plan(one("create: 'true', returns: 5")).plan ==
          "returns has to be a map of names and types, or a list of names; ");
    CHECK(lab.plan(one("create: 'true', environment: {a-b: x}")).plan ==
          "\"a-b\" is not a variable name; ");
    CHECK(lab.plan(one("create: 'true', directory: none")).plan == "create x");
    CHECK(errors_of(lab.apply(one("create: 'true', directory: none")))
              .find("No such file or directory") != std::string::npos);
}

TEST_CASE("a plan reports the use of an undeclared output") {
    Lab lab;
    CHECK(lab.plan(one("create: 'true', returns: [name]") + "outputs: {a: \"${x.outputs.nam}\"}\n")
              .plan.find("nam") != std::string::npos);
}

TEST_CASE("an output added to returns is known once the command has run again") {
    Lab lab;
    const std::string create = "create: 'printf \"{\\\"a\\\": 1, \\\"b\\\": 2}\"', ";
    REQUIRE(lab.apply(one(create + "returns: {a: integer}")).ok());
    const std::string more = one(create + "returns: {a: integer, b: integer}") +
                             "outputs: {b: \"${x.outputs.b}\", a: \"${x.outputs.a}\"}\n";
    const Lab::Run planned = lab.plan(more);
    CHECK(planned.plan == "run again x (returns)");
    CHECK(planned.steps.outputs["b"].is_unknown());
    const Lab::Run run = lab.apply(more);
    REQUIRE_MESSAGE(run.ok(), errors_of(run));
    CHECK(run.result.outputs["b"] == Value(2));
    CHECK(lab.plan(more).plan == "");
    // a removed output is unknown to references
    const std::string less =
        one(create + "returns: {a: integer}") + "outputs: {b: \"${x.outputs.b}\"}\n";
    CHECK(lab.plan(less).plan.find("\"b\"") != std::string::npos);
}

TEST_CASE("a resource whose type changes is created as the new type and removed as the old one") {
    Lab lab;
    const std::string file = "name: t\nresources: {x: {type: local.file, path: f, content: hi}}\n";
    const std::string exec = one("create: 'echo made >g', delete: 'rm g'");
    const std::string value = "name: t\nresources: {x: {type: local.value, input: 1}}\n";
    REQUIRE(lab.apply(file).ok());
    const Lab::Run to_exec = lab.apply(exec);
    CHECK(to_exec.plan == "replace x; remove x#1");
    CHECK(to_exec.step("x").reason == "it was a local.file");
    REQUIRE_MESSAGE(to_exec.ok(), errors_of(to_exec));
    CHECK(lab.exists("g"));
    CHECK_FALSE(lab.exists("f"));
    CHECK(lab.plan(exec).plan == "");

    const Lab::Run to_value = lab.apply(value); // an object in the state only
    CHECK(to_value.plan == "replace x; remove x#2");
    REQUIRE_MESSAGE(to_value.ok(), errors_of(to_value));
    CHECK_FALSE(lab.exists("g"));
    CHECK(lab.rows.size() == 1);
    REQUIRE(lab.apply(file).ok());
    CHECK(lab.exists("f"));
    CHECK(lab.plan("name: t\nresources: {x: {type: local.directory, path: f}}\n")
              .plan.find("x was a local.file: the new and the old object would both be ") !=
          std::string::npos);
}

TEST_CASE("secrets are passed in the environment, and outputs derived from them are secret") {
    Lab lab;
    const std::string spec = R"(
name: t
resources:
  p: {type: random.password, special: false}
  x:
    type: local.exec
    environment: {SECRET: "${p.result}"}
    create: tr '\0' '\n' </proc/$$/cmdline >argv; printf %s "$SECRET"
  open: {type: local.exec, create: echo token, secret_outputs: true}
outputs: {x: "${x.outputs.stdout}", open: "${open.outputs.stdout}"}
)";
    const Lab::Run run = lab.apply(spec);
    REQUIRE_MESSAGE(run.ok(), errors_of(run));
    const std::string secret = lab.recorded("p").text("result");
    CHECK(run.result.outputs["x"] == Value(secret));
    CHECK(run.result.outputs["x"].secret());
    CHECK(run.result.outputs["open"].secret());
    CHECK(lab.text("argv").find("sh") != std::string::npos);
    CHECK(lab.text("argv").find(secret) == std::string::npos);
    CHECK(lab.plan(spec).plan == "");

    // the secret in a failed command's output is redacted
    const Lab::Run failed =
        lab.apply(with(spec, "printf %s \"$SECRET\"", "echo \"it is $SECRET\" >&2; exit 1"));
    CHECK(errors_of(failed) == "x: `create` ended with exit status 1 [it is (secret)]\n");
}
