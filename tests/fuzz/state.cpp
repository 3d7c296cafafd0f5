// Reads any bytes as a state. An input that begins with "SQLite" is the whole file, opened for
// reading and, if possible, written to. After "columns", each further line is a column of a
// complete state in memory. Any other input is read like the input of `state push`.
#include "fuzz.h"

#include "core/error.h"
#include "core/file.h"
#include "core/value_json.h"
#include "state/codec.h"
#include "state/migrations.h"
#include "state/sqlite_store.h"
#include "state/transfer.h"

using namespace hadeploy;
using namespace hadeploy::fuzz;
using sqlite::Database;
using sqlite::Statement;

namespace {

const KeySource kSource{.key = kKey, .takes_unsealed = true};
constexpr const char* kAddress = "lab";

Cipher cipher() {
    // Sealed values in the corpus were sealed with this lock, which kKey opens.
    static const std::string lock = read_file(HADEPLOY_FUZZ_DIR "/state.lock");
    return Cipher::load(lock, kSource, "the fuzzer's state");
}

void read_all(const Store& store) {
    (void)store.project();
    (void)store.lineage();
    (void)store.serial();
    const std::vector<RecordedResource> rows = store.rows();
    for (const RecordedResource& row : rows) (void)store.row(row.address);
    store.each_row_but({"host.file"}, [](const RecordedResource&) {});
    (void)store.intents();
    (void)store.outputs();
    for (const Run& run : store.runs()) (void)store.steps(run.id);
}

void open_file(std::string_view bytes) {
    static const Directory directory;
    const std::filesystem::path file = directory / "state.db";
    for (const char* left : {"", "-journal", "-wal", "-shm", ".lock"})
        std::filesystem::remove(file.string() + left);
    write_file(file, bytes);
    try {
        read_all(*Store::open(file, Store::Mode::read_only, "", kSource));
    } catch (const Error&) { // reported errors are fine
    }
    const auto store = Store::open(file, Store::Mode::read_write, "", kSource);
    store->lock("apply", 0);
    store->put(
        {{.address = "new", .type = "host.file", .identity = "id", .config = Value::map({})}},
        {"lab"});
    store->end_run(store->begin_run("apply", Value("spec")), RunResult::done, "");
    read_all(*store);
}

/// Checks that a state that is read, stored and read again is the same.
void check_codec(const std::string& column, const Cipher& cipher) {
    const std::string place = "resources/lab/config";
    const Value value = codec::decode(column, cipher, place);
    const std::string again = codec::encode(value, cipher, place);
    require(to_json(codec::decode(again, cipher, place)) == to_json(value),
            "what is stored is read as what it was");
}

void open_columns(Input input) {
    const auto next = [&] { return std::string(input.until('\n')); };
    (void)next(); // the line "columns"
    const std::string config = next(), attributes = next(), names = next(), outputs = next(),
                      spec = next(), summary = next();
    auto database = std::make_unique<Database>("fuzzed", Database::Access::memory);
    state::migrate(*database, state::migrations());
    Statement(*database, "INSERT INTO project (id, name, lineage, serial, outputs) "
                         "VALUES (1, 'demo', 'lineage', ?, ?)")
        .bind(std::int64_t{1}, outputs)
        .run();
    Statement(*database, "INSERT INTO resources VALUES (?, 'host.file', 1, 'id', ?, ?, ?, 0, '')")
        .bind(kAddress, config, attributes, names)
        .run();
    Statement(*database,
              "INSERT INTO intents VALUES (1, 1, ?, 'host.file', 1, 'create', 'id', ?, ?, '', 0, "
              "'')")
        .bind(kAddress, config, names)
        .run();
    Statement(*database, "INSERT INTO runs VALUES (1, 'apply', 0, 0, '', ?, ?)")
        .bind(spec, summary)
        .run();
    Statement(*database, "INSERT INTO steps VALUES (1, 0, ?, 'create', 0, 0, 'done', ?)")
        .bind(kAddress, names)
        .run();
    const state::SqliteStore store(std::move(database), cipher(), Store::Mode::read_only, {});
    try {
        check_codec(config, cipher());
    } catch (const Error&) { // reported errors are fine
    }
    read_all(store);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Input input(data, size);
    try {
        if (input.rest().starts_with("SQLite"))
            open_file(input.rest());
        else if (input.rest().starts_with("columns"))
            open_columns(input);
        else
            (void)state::read_contents(std::string(input.rest()), kSource, "the input");
    } catch (const Error&) { // reported errors are fine
    }
    return 0;
}
