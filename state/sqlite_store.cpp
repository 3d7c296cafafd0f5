#include "state/sqlite_store.h"

#include "state/migrations.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <utility>

namespace hadeploy::state {

SqliteStore::SqliteStore(std::unique_ptr<sqlite::Database> database, Cipher cipher, Mode mode,
                         Form form)
    : SqlStore(std::move(database), std::move(cipher), mode, std::move(form)),
      file_(static_cast<sqlite::Database&>(connection())) {
    struct stat info {};
    if (::stat(file_.path().c_str(), &info) == 0) {
        device_ = info.st_dev;
        inode_ = info.st_ino;
    }
}

void SqliteStore::check_same_file() const {
    struct stat info {};
    if (::stat(file_.path().c_str(), &info) == 0 && info.st_dev == device_ && info.st_ino == inode_)
        return;
    throw Error(ErrorKind::state,
                fmt::format("the state {} was removed or replaced by a different file while this "
                            "command ran",
                            file_.name()))
        .with_hint("nothing was written to the new file; run the command again");
}

void SqliteStore::lock(const std::string& command, std::int64_t timeout_ms) {
    if (lock_) return;
    if (mode() == Mode::read_only) throw Error(ErrorKind::state, "the state was opened read-only");
    auto lock = std::make_unique<Lock>(file_.path(), this_process(command), timeout_ms);
    // The file may have changed during the wait for the lock.
    check_same_file();
    const std::lock_guard guard(database_mutex());
    migrate(file_, migrations());
    sql::Transaction transaction(file_);
    // the epoch must change, and stay in the range of SQLite's integers
    file_.run("UPDATE project SET epoch = (epoch & 4611686018427387903) + 1");
    epoch_ = file_.number("SELECT epoch FROM project");
    transaction.commit();
    begin_writing();
    file_.write_ahead(true);
    lock_ = std::move(lock);
}

SqliteStore::~SqliteStore() {
    if (!lock_) return;
    try {
        check_same_file();
        file_.write_ahead(false);
    } catch (const Error&) {
        // everything is durable; the end of the next run retries
    }
    close(); // before the lock is released
}

void SqliteStore::transact(const std::function<void()>& body) {
    sql::Transaction transaction(file_);
    if (file_.number("SELECT epoch FROM project") != epoch_)
        throw Error(ErrorKind::locked, fmt::format("another hadeploy has taken over the state {}; "
                                                   "was its lock file removed?",
                                                   file_.name()))
            .with_hint("this run writes nothing more; wait for the other run to finish, then run "
                       "the command again");
    body();
    transaction.commit();
}

} // namespace hadeploy::state
