#include "state/relocate.h"

#include "core/text.h"
#include "state/authentic.h"
#include "state/opening.h"
#include "state/relocation.h"

#include <array>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace hadeploy::state {

using sql::Database;
using sql::Statement;

namespace {
using Kind = Relocation::Kind;

/// The parts of a table that are the same at all locations.
struct Table {
    std::string_view name;
    std::vector<std::string_view> columns;
    std::string_view order;
};

const Table kProject{
    "project", {"name", "lineage", "serial", "outputs", "digest", "mac", "key_lock"}, "id"};
/// In this order, because the rows of a table refer to earlier tables.
const std::array<Table, 4> kTables{
    Table{"resources",
          {"address", "type", "generation", "identity", "config", "attributes", "depends_on",
           "tainted", "mac"},
          "address"},
    Table{"intents",
          {"id", "run", "address", "type", "generation", "action", "identity", "config",
           "depends_on", "input_hash", "started_ms", "mac"},
          "id"},
    Table{"runs", {"id", "command", "started_ms", "ended_ms", "result", "spec", "summary"}, "id"},
    Table{"steps",
          {"run", "number", "address", "action", "started_ms", "ended_ms", "result", "after"},
          "run, number"}};

using Cells = std::vector<std::string>;

/// All rows of a table, in the same order everywhere.
class Rows {
  public:
    Rows(Database& database, const Table& table)
        : query_(database, fmt::format("SELECT {} FROM {} ORDER BY {}",
                                       fmt::join(table.columns, ", "), table.name, table.order)),
          columns_(static_cast<int>(table.columns.size())) {}
    /// The next row; nullopt after the last one.
    std::optional<Cells> next() {
        if (!query_.step()) return std::nullopt;
        Cells out;
        for (int i = 0; i < columns_; ++i) out.push_back(query_.text(i));
        return out;
    }

  private:
    Statement query_;
    int columns_;
};

void copy_tables(Database& from, Database& to) {
    for (auto table = kTables.rbegin(); table != kTables.rend(); ++table)
        Statement(to, fmt::format("DELETE FROM {}", table->name)).run();
    for (const Table& table : kTables) {
        const Cells places(table.columns.size(), "?");
        Statement insert(to, fmt::format("INSERT INTO {} ({}) VALUES ({})", table.name,
                                         fmt::join(table.columns, ", "), fmt::join(places, ", ")));
        Rows rows(from, table);
        while (const auto row = rows.next()) insert.bind_all(*row).run();
    }
    Statement update(to, fmt::format("UPDATE {} SET {} = ? WHERE id = 1", kProject.name,
                                     fmt::join(kProject.columns, " = ?, ")));
    update.bind_all(Rows(from, kProject).next().value()).run();
}

/// The table with the first difference; nullopt if there is none.
std::optional<std::string_view> difference(Database& one, Database& other) {
    const auto differs = [&](const Table& table) {
        Rows rows(one, table), others(other, table);
        for (;;) {
            const auto row = rows.next();
            if (row != others.next()) return true;
            if (!row) return false;
        }
    };
    for (const Table& table : kTables)
        if (differs(table)) return table.name;
    if (differs(kProject)) return kProject.name;
    return std::nullopt;
}

std::size_t count_of(Database& database, std::string_view table) {
    Statement query(database, fmt::format("SELECT count(*) FROM {}", table));
    query.step();
    return static_cast<std::size_t>(query.integer(0));
}

std::string in_quotes_of(const StateLocation& place) {
    return in_quotes(place.text(), 4096);
}

[[noreturn]] void refuse_move(std::string message, std::string hint) {
    throw Error(ErrorKind::state, std::move(message)).with_hint(std::move(hint));
}

/// One call of relocate().
class Move {
  public:
    explicit Move(const Relocating& what) : what_(what) {}

    Relocated run() {
        if (what_.from.text() == what_.to.text())
            throw Error(ErrorKind::usage, fmt::format("the state {} is already at that location",
                                                      in_quotes_of(what_.from)));
        if (!Store::exists(what_.from))
            refuse_move(fmt::format("there is no state {}", in_quotes_of(what_.from)),
                        "the first argument is the current location of the state, the second one "
                        "its new location");
        source_ = open(what_.from);
        what_.lock(*source_, what_.from);
        const auto mark = source_->relocation();
        if (mark && *mark != moved()) throw relocated(in_quotes_of(what_.from), *mark);
        if (mark && !Store::exists(what_.to)) target_is_gone();
        target_ = open(what_.to);
        if (!mark) check_other(); // before locking: two names of one location share one lock
        what_.lock(*target_, what_.to);
        if (!mark) copy();
        const auto left = target_->relocation();
        if (left && *left != copied()) throw relocated(in_quotes_of(what_.to), *left);
        if (target_->lineage() != source_->lineage()) target_is_gone();
        if (left) {
            target_->set_relocation(std::nullopt);
            what_.tell("the target is in use from now on");
        }
        return result(!left);
    }

  private:
    [[nodiscard]] Relocation moved() const { return {Kind::moved_to, what_.to.text()}; }
    [[nodiscard]] Relocation copied() const { return {Kind::copied_from, what_.from.text()}; }

    [[nodiscard]] std::unique_ptr<SqlStore> open(const StateLocation& place) const {
        return open_place(place, Store::Mode::read_write, what_.project, what_.key, what_.form,
                          Place::any);
    }

    [[noreturn]] void target_is_gone() const {
        refuse_move(fmt::format("the state {} was moved to {}, but is no longer there",
                                in_quotes_of(what_.from), in_quotes_of(what_.to)),
                    "restore a backup of the state at that location");
    }

    /// Refuses a target that is the source under a different name, or a copy of it that was made by
    /// other means.
    void check_other() const {
        if (target_->relocation() || target_->lineage() != source_->lineage()) return;
        refuse_move(
            fmt::format("{} and {} are the same state, or copies of it with the serials {} and {}",
                        in_quotes_of(what_.from), in_quotes_of(what_.to), source_->serial(),
                        target_->serial()),
            "nothing was changed; if they are two copies, find out which one is in use before you "
            "remove the other");
    }

    /// Refuses to replace anything but an earlier copy of the source.
    void check_target() const {
        const auto mark = target_->relocation();
        const bool copy =
            mark && mark->place == what_.from.text() &&
            (mark->kind == Kind::copied_from || target_->lineage() == source_->lineage());
        if (copy) return;
        if (mark) throw relocated(in_quotes_of(what_.to), *mark);
        std::size_t rows = 0;
        target_->use_tables([&](Database& database, const Cipher&) {
            for (const Table& table : kTables) rows += count_of(database, table.name);
        });
        if (rows > 0)
            refuse_move(fmt::format("{} contains a different state", in_quotes_of(what_.to)),
                        "nothing was changed; choose a different location, or remove that state if "
                        "it is not needed");
    }

    void copy() {
        check_target();
        source_->use_tables([&](Database& from, const Cipher& cipher) {
            check_all(from, cipher);
            target_->replace_tables(cipher, copied(), [&](Database& to) { copy_tables(from, to); });
        });
        what_.tell("copied everything in one transaction");
        source_->use_tables([&](Database& from, const Cipher&) {
            target_->use_tables([&](Database& to, const Cipher& cipher) {
                check_all(to, cipher);
                if (const auto table = difference(from, to))
                    refuse_move(fmt::format("the copy in {} differs from the state {}: {}",
                                            in_quotes_of(what_.to), in_quotes_of(what_.from),
                                            *table),
                                "the state was not moved, and stays in use at its old location");
            });
        });
        what_.tell("read the copy back and compared it");
        source_->set_relocation(moved());
        what_.tell("marked the source as moved");
    }

    [[nodiscard]] Relocated result(bool before) const {
        Relocated out{.before = before, .serial = target_->serial()};
        target_->use_tables([&](Database& database, const Cipher&) {
            out.resources = count_of(database, "resources");
            out.open_changes = count_of(database, "intents");
            out.runs = count_of(database, "runs");
        });
        return out;
    }

    const Relocating& what_;
    std::unique_ptr<SqlStore> source_, target_;
};
} // namespace

Relocated relocate(const Relocating& what) {
    return Move(what).run();
}

} // namespace hadeploy::state
