#include "state/transfer.h"

#include "helpers.h"

using namespace hadeploy;
using namespace testing;

namespace {
const KeySource kKey{.passphrase = "correct horse", .key = {}, .file = {}};

state::Contents contents() {
    return {.project = "demo",
            .lineage = "5a0c8d1e-0000-4000-8000-000000000000",
            .serial = 7,
            .rows = {row_of("a"), row_of("b[\"x\"]", 3)},
            .outputs = Value::map({{"open", "x"}, {"hidden", Value("t0psecret").as_secret()}})};
}
} // namespace

TEST_CASE("a state is written as JSON with sealed secrets and read back") {
    state::Contents before = contents();
    before.rows[1].tainted = true;
    const std::string text = state::write_contents(before, kKey);
    CHECK(has(text, "\"address\": \"a\""));
    for (const char* secret : {"s3cret", "t0psecret"}) CHECK(text.find(secret) == text.npos);
    const state::Contents after = state::read_contents(text, kKey, "x.json");
    CHECK(after.lineage == before.lineage);
    CHECK(after.serial == 7);
    REQUIRE(after.rows.size() == 2);
    CHECK(after.rows[1].address == "b[\"x\"]");
    CHECK(after.rows[1].generation == 3);
    CHECK(after.rows[1].tainted);
    CHECK(after.rows[1].depends_on == std::vector<std::string>{"lab"});
    CHECK(after.rows[0].config == before.rows[0].config);
    CHECK(after.rows[0].config["password"].secret());
    CHECK(after.outputs == before.outputs);
}

TEST_CASE("invalid, altered and foreign documents are rejected") {
    const auto refused = [](const std::string& text, const KeySource& key = kKey) {
        return error_of([&] { (void)state::read_contents(text, key, "x.json"); }).message;
    };
    const std::string good = state::write_contents(contents(), kKey);
    CHECK(has(refused("{"), "x.json: not a state in JSON"));
    CHECK(has(refused("[]"), "not a state"));
    CHECK(has(refused("{}"), "a different version of hadeploy"));
    CHECK(has(refused(good.substr(0, good.size() / 2)), "not a state in JSON"));
    CHECK(has(refused(good, {.passphrase = "wrong", .key = {}, .file = {}}), "x.json"));
    const auto changed = [&](std::string_view what, std::string_view with) {
        std::string text = good;
        const auto at = text.find(what);
        REQUIRE(at != text.npos);
        return text.replace(at, what.size(), with);
    };
    const std::tuple<const char*, const char*, const char*> slips[] = {
        {"\"generation\": 1", "\"generation\": \"1\"",
         "x.json: resources[0].generation must be an integer from 1 to 9007199254740992"},
        {"\"generation\": 1", "\"generation\": -1", "resources[0].generation must be"},
        {"\"generation\": 3", "\"generation\": 1.5", "resources[1].generation must be"},
        {"\"generation\": 3", "\"generation\": 18446744073709551615", "resources[1].generation"},
        {"\"identity\"", "\"idendity\"", "x.json: resources[0]: `identity` is missing"},
        {"\"tainted\": false", "\"tainted\": 0", "resources[0].tainted must be true or false"},
        {"\"serial\": 7", "\"serial\": -7", "x.json: serial must be an integer from 0"},
        {"\"serial\": 7", "\"serial\": 9223372036854775807", "x.json: serial must be"},
        {"\"lineage\": \"5a", "\"lineage\": \"x", "x.json: lineage must be a UUID"},
        {"\"project\": \"demo\"", "\"project\": \"\"", "x.json: project must be"},
        {"\"depends_on\": [", "\"depends_on\": [1,", "depends_on must be a list of strings"},
        {"\"config\": {", "\"config\": [], \"was\": {", "resources[0].config must be a map"},
        {"\"attributes\": {", "\"attributes\": 1, \"was\": {", "resources[0].attributes must be"},
        {"\"outputs\": {", "\"outputs\": \"x\", \"was\": {", "x.json: outputs must be a map"},
        {"\"resources\": [", "\"resources\": {}, \"was\": [", "x.json: resources must be a list"},
        {"\"resources\": [", "\"resources\": [7,", "x.json: resources[0] must be a map"},
        {"\"key_lock\": \"", "\"key_lock\": \"x", "the encrypted data key of x.json is damaged"},
    };
    for (const auto& [what, with, says] : slips) {
        const std::string message = refused(changed(what, with));
        CHECK_MESSAGE(has(message, says), message);
    }
    CHECK(has(refused("{\n\n,"), "in line 3"));
    for (const auto& [what, with] : {std::pair("\"identity\": \"", "\"identity\": \"x"),
                                     {"\"tainted\": false", "\"tainted\": true"},
                                     {"\"lineage\": \"5", "\"lineage\": \"6"},
                                     {"\"mac\": \"", "\"mac\": \"x"},
                                     {"\"mac\"", "\"cam\""}})
        CHECK(!state::read_contents(changed(what, with), kKey, "x.json").authentic);
    CHECK(state::read_contents(good, kKey, "x.json").authentic);
    const auto seal = good.find("$sealed\": \"") + 20;
    std::string flipped = good;
    flipped[seal] = flipped[seal] == 'A' ? 'B' : 'A';
    CHECK_THROWS_AS((void)state::read_contents(flipped, kKey, "x"), Error);
}

TEST_CASE("a restore replaces everything that is recorded, with a later serial") {
    const TempDir dir;
    const auto store = open_locked(dir / "s");
    store->put({row_of("old"), row_of("a")}, {});
    begun(*store, intent_of("half"));
    const state::Contents c = contents();
    store->restore(c.rows, c.outputs, c.lineage, c.serial);
    CHECK(store->serial() == 8);
    CHECK(store->lineage() == c.lineage);
    CHECK(store->rows().size() == 2);
    CHECK(store->row("old") == std::nullopt);
    CHECK(store->row("a")->config["password"].as_string() == "s3cret");
    CHECK(store->outputs() == c.outputs);
    CHECK(store->intents().empty());
    store->restore({}, Value::map({}), c.lineage, 3);
    CHECK(store->serial() == 9);
    CHECK(store->project() == "demo");
}
