// Tests which parts of a spec's lines are hidden because a secret was written there.
#include "planner/spec/written_secrets.h"

#include "planner/spec/load_spec.h"
#include "support/fake_world.h"

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

TEST_CASE("invalid and unreadable specs show no secrets either") {
    CHECK(shown("name: t\nvariables: {a: {secret: true, typ: string, default: \"x\"}}\n") ==
          "name: t\nvariables: {a: {secret: true, typ: string, default: \"(secret)\"}}\n");
    // which words are secret is unknown: only keys are shown
    CHECK(shown("name: t\nvariables:\n  a: {secret: true, default: \"x}}\n- y\nb: c\n") ==
          "name: (secret)\nvariables:\n  a: (secret)\n(secret)\nb: (secret)\n");
    for (const char* word : {"secret", "sensitive('x')", "password", "private_key_pem", "token"})
        CHECK(shown(std::string("name: t\nb: \"c\n# ") + word + "\n") ==
              "name: (secret)\nb: (secret)\n(secret)\n");
    CHECK(shown("name: t\nvariables: {a: {default: \"x}}\nb: c\n") ==
          "name: t\nvariables: {a: {default: \"x}}\nb: c\n");
}
