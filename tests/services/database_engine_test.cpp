#include "common/rpc.h"
#include "database/engine.h"
#include "support.h"

#include <atomic>
#include <doctest/doctest.h>
#include <map>
#include <sqlite3.h>

using namespace hadeploy::svc;
using namespace hadeploy::svc::test;

namespace {

/// SQLite's default file system, whose next `failures` syncs fail like those of a volume that has
/// given up on the open file. A volume that loses acknowledged data is not covered.
class FailingSync {
  public:
    FailingSync() {
        original_ = sqlite3_vfs_find(nullptr);
        vfs_ = *original_;
        vfs_.zName = "failing-sync";
        vfs_.xOpen = open;
        sqlite3_vfs_register(&vfs_, 1);
    }
    ~FailingSync() {
        sqlite3_vfs_unregister(&vfs_);
        sqlite3_vfs_register(original_, 1);
    }
    FailingSync(const FailingSync&) = delete;
    FailingSync& operator=(const FailingSync&) = delete;

    static inline std::atomic<int> failures = 0;

  private:
    static int open(sqlite3_vfs*, sqlite3_filename name, sqlite3_file* file, int flags, int* out) {
        const int code = original_->xOpen(original_, name, file, flags, out);
        if (file->pMethods == nullptr) return code;
        // the methods of a database and its journal differ; only the sync is replaced in both
        sqlite3_io_methods& mine = methods_[file->pMethods];
        mine = *file->pMethods;
        sync_ = mine.xSync;
        mine.xSync = [](sqlite3_file* f, int how) {
            return failures > 0 && failures-- > 0 ? SQLITE_IOERR_FSYNC : sync_(f, how);
        };
        file->pMethods = &mine;
        return code;
    }

    static inline sqlite3_vfs* original_ = nullptr;
    static inline std::map<const sqlite3_io_methods*, sqlite3_io_methods> methods_;
    static inline int (*sync_)(sqlite3_file*, int) = nullptr;
    sqlite3_vfs vfs_{};
};

Json put_apples(const std::string& id) {
    return {{"op", "put"}, {"id", id}, {"name", "apples"}, {"quantity", 2}};
}

} // namespace

TEST_CASE("a file that the volume gave up on is reopened, and the write counts once") {
    const TempDir data;
    const FailingSync disk;
    Engine engine(data.path(), "test");
    REQUIRE(engine.wait_beyond(-1, std::chrono::seconds(10)));
    CHECK(engine.run(put_apples("a")).at("write").at("total") == 2);
    FailingSync::failures = 1;
    const Json second = engine.run(put_apples("b"));
    CHECK(FailingSync::failures == 0); // it did fail
    CHECK(second.at("ok") == true);
    CHECK(second.at("write").at("total") == 4);
    CHECK(engine.run({{"op", "check"}}).at("integrity") == "ok");
    CHECK(engine.run({{"op", "writes"}}).at("writes").size() == 2);
}
