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

TEST_CASE("a state goes out as JSON and comes back whole, its secrets sealed on the way") {
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

TEST_CASE("what is no state, altered, or another's is refused") {
    const auto refused = [](const std::string& text, const KeySource& key = kKey) {
        return error_of([&] { (void)state::read_contents(text, key, "x.json"); }).message;
    };
    const std::string good = state::write_contents(contents(), kKey);
    CHECK(has(refused("{"), "x.json: this is no state in JSON"));
    CHECK(has(refused("[]"), "no state"));
    CHECK(has(refused("{}"), "another hadeploy's form"));
    CHECK(has(refused(good.substr(0, good.size() / 2)), "no state in JSON"));
    CHECK(has(refused(good, {.passphrase = "wrong", .key = {}, .file = {}}), "x.json"));
    const auto changed = [&](std::string_view what, std::string_view with) {
        std::string text = good;
        const auto at = text.find(what);
        REQUIRE(at != text.npos);
        return text.replace(at, what.size(), with);
    };
    CHECK(has(refused(changed("\"generation\": 1", "\"generation\": \"1\"")), "of another type"));
    CHECK(has(refused(changed("\"identity\"", "\"idendity\"")), "missing"));
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

TEST_CASE("a restore replaces everything that is recorded, in a later serial") {
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
