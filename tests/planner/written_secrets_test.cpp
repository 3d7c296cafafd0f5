// Tests which parts of a spec's lines are hidden because a secret was written there.
#include "planner/spec/written_secrets.h"

#include "planner/spec/load_spec.h"
#include "support/project.h"

#include <doctest/doctest.h>

using namespace hadeploy;

namespace {

constexpr const char* kModule =
    "variables: {key: {type: string, secret: true}, open: {default: 1}}\n";

/// The spec's lines as shown; loading can fail.
std::string shown(const std::string& text) {
    Registry registry;
    fake::World world;
    fake::add_to(registry, world);
    Spec spec;
    try {
        load_spec(
            kSpecFile,
            [&](const std::filesystem::path& path) {
                return path.filename() == kSpecFile ? text : std::string(kModule);
            },
            spec);
    } catch (const Error&) { // errors show lines
    }
    hide_written_secrets(spec, registry);
    std::string out;
    const std::size_t lines = spec.sources.files()[0].lines.size();
    for (std::uint32_t line = 1; line < lines; ++line)
        out += spec.sources.line({line, 1, 0}).text + "\n";
    return out;
}

} // namespace

TEST_CASE("defaults of secret variables are hidden, whatever their form") {
    CHECK(shown("name: t\nvariables:\n  a: {secret: true, default: \"q'x\", type: string}\n") ==
          "name: t\nvariables:\n  a: {secret: true, default: \"(secret)\", type: string}\n");
    CHECK(shown("name: t\nvariables:\n  a: {secret: true, default: 'it''s', type: string}\n") ==
          "name: t\nvariables:\n  a: {secret: true, default: '(secret)', type: string}\n");
    CHECK(
        shown(
            "name: t\nvariables:\n  a:\n    secret: true\n    default: x y\n    type: string\n") ==
        "name: t\nvariables:\n  a:\n    secret: true\n    default: (secret)\n    type: string\n");
    CHECK(
        shown(
            "name: t\nvariables:\n  a:\n    default: |\n      x\n\n      y\n    secret: true\n") ==
        "name: t\nvariables:\n  a:\n    default: (secret)\n(secret)\n\n"
        "(secret)\n    secret: true\n");
    CHECK(
        shown("name: t\nvariables:\n  a: {secret: true, default: {x: \"1\", y: [\"2\", '3']}}\n") ==
        "name: t\nvariables:\n  a: {secret: true, default: {(secret): \"(secret)\", (secret): "
        "[\"(secret)\", '(secret)']}}\n");
    CHECK(shown("name: t\nvariables:\n  a: {default: x}\n") ==
          "name: t\nvariables:\n  a: {default: x}\n");
}

TEST_CASE("values of secret attributes and inputs are hidden, names are not") {
    CHECK(shown("name: t\nresources:\n  a: {type: fake.thing, secret: \"x\", value: y}\n") ==
          "name: t\nresources:\n  a: {type: fake.thing, secret: \"(secret)\", value: y}\n");
    CHECK(shown("name: t\nresources:\n  a: {type: fake.thing, secret: \"${var.x.y}\"}\n") ==
          "name: t\nresources:\n  a: {type: fake.thing, secret: \"${var.x.y}\"}\n");
    CHECK(shown("name: t\nresources:\n  a:\n    secret: pre-${var.x}\n    type: fake.thing\n") ==
          "name: t\nresources:\n  a:\n    secret: (secret)\n    type: fake.thing\n");
    CHECK(shown("name: t\nmodules:\n  m: {source: m, with: {key: \"x\", open: 2}}\n") ==
          "name: t\nmodules:\n  m: {source: m, with: {key: \"(secret)\", open: 2}}\n");
}

TEST_CASE("literal arguments of sensitive() are hidden") {
    CHECK(shown("name: t\nlocals:\n  a: \"${upper(sensitive('x')) + 1}\"\n") ==
          "name: t\nlocals:\n  a: \"${upper(sensitive((secret))) + 1}\"\n");
    CHECK(shown("name: t\nlocals:\n  a: \"${sensitive(var.x)}\"\n") ==
          "name: t\nlocals:\n  a: \"${sensitive(var.x)}\"\n");
}

TEST_CASE("a mistake beside a secret does not show it") {
    for (const char* spec : {
             "variables: {a: {secret: true, typ: string, default: \"CANARY\"}}",
             "variables: {a: {secret: 'yes', default: CANARY}}",
             "variables: {a: {secrt: true, default: CANARY}}",
             "variables: {a: {secret: true, CANARY: 1}}",
             "variables: {a: CANARY}",
             "variables: [CANARY]",
             "providers: {fke: {password: CANARY}}",
             "providers: CANARY",
             "resources: {a: {type: fake.thng, secret: CANARY}}",
             "resources: {a: {type: fake.thng, secrt: CANARY}}",
             "resources: {a: {typ: fake.thing, secret: CANARY}}",
             "resources: {a: {secret: CANARY}}",
             "resources: {a: {type: fake.thing, secrt: CANARY}}",
             "resources: {a: {type: fake.thing, CANARY: 1}}",
             "resources: {a: {type: fake.thing, secret: {CANARY: 1}}}",
             "resources: {a: {type: fake.thing, secret: '${CANARY'}}",
             "resources: {a: {type: fake.thing, secret: '${x CANARY}'}}",
             "resources: {a: {type: fake.thing, secret: \"${'CANARY\\d'}\"}}",
             "modules: {m: {source: m, wiht: {key: CANARY}}}",
             "modules: {m: {sorce: m, with: {key: CANARY}}}",
             "modules: {m: {source: m, key: CANARY}}",
             "modules: {m: {source: m, with: {kee: CANARY}}}",
             "outputs: {o: {value: CANARY, secret: true, x: 1}}",
             "pasword: CANARY",
             // not YAML, or with parts that the tree does not have
             "resources: {a: {type: fake.thing, secret: CANARY, secret: CANARY}}",
             "resources: {a: {type: fake.thing, secret: !CANARY x}}",
             "resources: {a: {type: fake.thing, secret: *CANARY}}",
             "resources: {a: {type: fake.thing, secrt: CANARY, p: [}}",
             "resources: {a: {type: fake.thing, secret: {CANARY: 1, CANARY: 2}}}",
             "modules: {m: {source: m, with: {key: CANARY, p: [}}}",
             "variables:\n  a:\n    secret: true\n    default: CANARY\n   x: [",
             "variables:\n  a:\n    secret: true\n    default: \"CANARY\n    CANARY\n  b:\n    "
             "CANARY",
             "variables: {\n  a: {secret: true,\n  default:\n  CANARY\n  CANARY",
             "locals: {a: \"${sensitive('CANARY}\"}",
             "locals: {a: \"${sensitive('CANARY' CANARY)}\"}",
             "locals: {a: \"${sensitive(CANARY}\"}",
             "locals: {a: \"${sensitive(CANARY)}\"}",
             "locals: {a: \"${sensitiv('CANARY')}\"}",
             "locals: {a: \"${sensitive({CANARY: 1, CANARY: 2})}\"}",
         }) {
        INFO(spec);
        const std::string text = shown("name: t\n" + std::string(spec) + "\n");
        CHECK(text.find("CANARY") == std::string::npos);
        CHECK(errors_of("name: t\n" + std::string(spec) + "\n").find("CANARY") ==
              std::string::npos);
    }
}

TEST_CASE("what is not secret is shown beside a syntax error") {
    for (const std::string spec : {
             "variables: {a: {default: \"x}}\nb: c",
             "variables:\n  a: {default: x}\n  b: {type: [}",
             "resources:\n  a:\n    type: fake.thing\n    value: [x",
         })
        CHECK(shown("name: t\n" + spec + "\n") == "name: t\n" + spec + "\n");
    CHECK(shown("name: t\nvariables:\n  a: {default: [}\n  b: {secret: true, default: x}\n") ==
          "name: t\nvariables:\n  a: {default: [}\n  b: (secret)\n");
    // the string may continue in the next lines
    CHECK(shown("name: t\nvariables:\n  a: {secret: true, default: \"x}}\n- y\nb: c\n") ==
          "name: t\nvariables:\n  a: (secret)\n(secret)\n(secret)\n");
    CHECK(shown("name: t\nvariables: {a: {secret: true, typ: string, default: \"x\"}}\n") ==
          "name: t\nvariables: {a: {secret: true, typ: string, default: \"(secret)\"}}\n");
}
