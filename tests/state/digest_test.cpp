// That no record or intent can be removed or replaced by an earlier one, and that every operation
// keeps the digest right.
#include "core/hash.h"
#include "helpers.h"
#include "state/digest.h"

#include <algorithm>
#include <cstring>
#include <random>

using namespace hadeploy;
using namespace testing;

namespace {
std::unique_ptr<sql::Database> database_of(const std::filesystem::path& file) {
    if (test_server().empty())
        return std::make_unique<sqlite::Database>(file, sqlite::Database::Access::write);
    return std::make_unique<postgres::Database>(state_at(file));
}

using Cells = std::vector<std::string>;
constexpr const char* kRecord =
    "address, type, generation, identity, config, attributes, depends_on, tainted, mac";
constexpr const char* kIntent = "id, run, address, type, generation, action, identity, config, "
                                "depends_on, input_hash, started_ms, mac";

/// The first row of a table, as somebody else could keep it.
Cells copy_of(const std::filesystem::path& file, const std::string& table, const char* columns) {
    const auto database = database_of(file);
    sql::Statement row(*database, fmt::format("SELECT {} FROM {}", columns, table));
    REQUIRE(row.step());
    Cells out;
    const auto count = std::count(columns, columns + std::strlen(columns), ',') + 1;
    for (int i = 0; i < count; ++i) out.push_back(row.text(i));
    return out;
}

void put_back(const std::filesystem::path& file, const std::string& table, const char* columns,
              const Cells& cells) {
    std::string values;
    for (const std::string& cell : cells) values += (values.empty() ? "'" : ", '") + cell + "'";
    alter(file, fmt::format("INSERT INTO {} ({}) VALUES ({})", table, columns, values));
}

RecordedResource sized(const std::string& address, std::int64_t size) {
    return {.address = address,
            .type = "fake.thing",
            .generation = 1,
            .identity = "id-" + address,
            .config = Value::map({{"size", size}}),
            .attributes = Value::map({{"size", size}})};
}

/// Checks that neither a reader nor a writer uses the records.
void check_refused(const std::filesystem::path& file, const std::function<void(Store&)>& read) {
    const auto refusal = [](const std::function<void()>& what) {
        const Error error = error_of(what);
        CHECK(error.kind == ErrorKind::state);
        CHECK_MESSAGE(has(error.message,
                          "were removed, added or replaced by older versions outside "
                          "hadeploy"),
                      error.message);
        CHECK(has(error.hint, "restore a backup of the whole state"));
    };
    refusal([&] { read(*open_ro(file)); });
    refusal([&] { read(*open_rw(file)); });
    refusal([&] { open_locked(file); });
}
void read_rows(Store& store) {
    (void)store.rows();
}
} // namespace

TEST_CASE("a digest is a sum modulo 2^256") {
    const std::string ones(32, '\xff');
    state::Digest one(std::string("\x01", 1) + std::string(31, '\0')), sum(ones);
    sum += one;
    CHECK(sum == state::Digest());
    sum -= one;
    CHECK(sum.bytes() == ones);
    std::mt19937_64 random(7);
    const auto any = [&] {
        std::string bytes(32, '\0');
        for (char& c : bytes) c = static_cast<char>(random() % 4 == 0 ? 0xff : random());
        return state::Digest(bytes);
    };
    for (int i = 0; i < 1000; ++i) {
        const state::Digest a = any(), b = any();
        state::Digest ab = a, ba = b;
        ab += b;
        ba += a;
        CHECK(ab == ba);
        CHECK_FALSE(ab == a);
        ab -= a;
        CHECK(ab == b);
    }
}

TEST_CASE("a record that was removed is missed") {
    const TempDir dir;
    open_locked(dir / "s")->put({sized("a", 1), sized("b", 1)}, {});
    CHECK(open_ro(dir / "s")->rows().size() == 2);
    alter(dir / "s", "DELETE FROM resources WHERE address = 'b'");
    check_refused(dir / "s", read_rows);
    check_refused(dir / "s", [](Store& s) { (void)s.row("a"); });
    check_refused(dir / "s", [](Store& s) { (void)s.row("b"); });
    check_refused(dir / "s", [](Store& s) { s.each_row_but({"other"}, [](auto) {}); });
}

TEST_CASE("an earlier record in place of the present one is refused") {
    const TempDir dir;
    open_locked(dir / "s")->put({sized("a", 1)}, {});
    const Cells before = copy_of(dir / "s", "resources", kRecord);
    open_locked(dir / "s")->put({sized("a", 2)}, {});
    CHECK(open_ro(dir / "s")->row("a")->config["size"] == Value(2));
    alter(dir / "s", "DELETE FROM resources");
    put_back(dir / "s", "resources", kRecord, before);
    check_refused(dir / "s", read_rows);
    // with the types that the shortcut of plans does not read
    check_refused(dir / "s", [](Store& s) { s.each_row_but({"fake.thing"}, [](auto) {}); });
}

TEST_CASE("a record that hadeploy removed cannot be put back") {
    const TempDir dir;
    open_locked(dir / "s")->put({sized("a", 1)}, {});
    const Cells before = copy_of(dir / "s", "resources", kRecord);
    open_locked(dir / "s")->put({}, {"a"});
    CHECK(open_ro(dir / "s")->rows().empty());
    put_back(dir / "s", "resources", kRecord, before);
    check_refused(dir / "s", read_rows);
}

TEST_CASE("the project's row of another time does not go with the records") {
    const TempDir dir;
    constexpr const char* columns = "lineage, serial, outputs, digest, mac";
    open_locked(dir / "s")->put({sized("a", 1)}, {});
    const Cells before = copy_of(dir / "s", "project", columns);
    open_locked(dir / "s")->put({sized("b", 1)}, {});
    const Cells now = copy_of(dir / "s", "project", columns);
    const auto put = [&](const Cells& cells, const std::string& digest) {
        alter(dir / "s", fmt::format("UPDATE project SET lineage = '{}', serial = {}, outputs = "
                                     "'{}', digest = '{}', mac = '{}'",
                                     cells[0], cells[1], cells[2], digest, cells[4]));
    };
    put(before, before[3]);
    check_refused(dir / "s", read_rows);
    put(now, before[3]); // the earlier digest alone
    CHECK(has(error_of([&] { (void)open_ro(dir / "s")->rows(); }).message, "altered outside"));
    put(now, now[3]);
    CHECK(open_ro(dir / "s")->rows().size() == 2);
}

TEST_CASE("intents cannot be removed, put back or given to another run") {
    const TempDir dir;
    begun(*open_locked(dir / "s"), intent_of("a"));
    const Cells before = copy_of(dir / "s", "intents", kIntent);
    const auto read = [](Store& s) { (void)s.intents(); };
    alter(dir / "s", "UPDATE intents SET run = 7");
    check_refused(dir / "s", read);
    alter(dir / "s", "DELETE FROM intents");
    check_refused(dir / "s", read);
    put_back(dir / "s", "intents", kIntent, before);
    CHECK(open_ro(dir / "s")->intents().size() == 1);
    {
        const auto store = open_locked(dir / "s");
        store->withdraw(store->intents());
    }
    CHECK(open_ro(dir / "s")->intents().empty());
    put_back(dir / "s", "intents", kIntent, before);
    check_refused(dir / "s", read);
}

TEST_CASE("a rekey does not authenticate a state without one of its records") {
    const TempDir dir;
    open_locked(dir / "s")->put({sized("a", 1), sized("b", 1)}, {});
    const auto store = open_locked(dir / "s");
    alter(dir / "s", "DELETE FROM resources WHERE address = 'b'");
    CHECK(has(error_of([&] {
                  store->rekey({.passphrase = {},
                                .key = base64_encode(std::string(state::kKeySize, 'k')),
                                .file = {}});
              }).message,
              "were removed"));
}

TEST_CASE("whatever is written, also by writes that fail, the digest goes with it") {
    const TempDir dir;
    std::mt19937 random(20260);
    const auto below = [&](unsigned n) { return random() % n; };
    const auto name = [&] { return std::string(1, static_cast<char>('a' + below(6))); };
    auto store = open_locked(dir / "s");
    std::int64_t run = store->begin_run("apply", Value("spec"));
    for (int i = 0; i < 240; ++i) {
        const std::vector<Intent> open = store->intents();
        const auto any_open = [&] { return open[below(static_cast<unsigned>(open.size()))]; };
        switch (below(9)) {
        case 0:
        case 1: {
            std::vector<Intent> some{
                intent_of(name(), below(2) == 0 ? ChangeKind::create : ChangeKind::remove,
                          1 + below(3)),
                intent_of(name())};
            for (Intent& intent : some) intent.run = run;
            store->begin(some);
            break;
        }
        case 2:
            if (open.empty()) break;
            {
                const Intent one = any_open();
                store->finish(one.id, row_of(one.address, one.generation));
            }
            break;
        case 3:
            if (open.empty()) break;
            {
                const Intent one = any_open();
                store->finish_removed(one.id, one.address);
            }
            break;
        case 4: store->put({row_of(name(), 1 + below(3)), sized(name(), i)}, {name()}); break;
        case 5: store->move({{"a", "b"}, {"b", "a"}}, {sized(name(), i)}, open); break;
        case 6: // fails after it has written
            CHECK_THROWS_AS(store->withdraw({open.empty() ? intent_of("a") : open[0],
                                             intent_of("no such intent")}),
                            Error);
            break;
        case 7:
            store->restore({sized("a", i), sized("c", i)}, Value::map({}), store->lineage(), 0);
            break;
        default: run = store->begin_run("apply", Value("spec"));
        }
        if (i % 8 != 0) continue;
        CHECK_NOTHROW(open_ro(dir / "s")->intents());
        CHECK_NOTHROW(open_ro(dir / "s")->rows());
        store.reset();
        store = open_locked(dir / "s"); // compares everything
    }
    CHECK(store->rows().size() > 0);
}
