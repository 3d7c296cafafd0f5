// Simulates power failures, which lose contents of files and names in directories that were not
// synced. Takes a copy of the synced data at every sync and after every commit; a store opened on a
// copy must contain all changes committed by then.
#include "core/file.h"
#include "helpers.h"
#include "state/sqlite.h"

#include <algorithm>
#include <fcntl.h>
#include <fmt/format.h>
#include <map>
#include <set>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <tuple>
#include <unistd.h>

using namespace hadeploy;
using namespace testing;

TEST_SUITE_BEGIN("file");
namespace fs = std::filesystem;

namespace {

/// A directory, and its contents after a power failure.
class Disk {
  public:
    /// Initially only the directory itself is on disk.
    explicit Disk(fs::path root) : root_(std::move(root)) { watching = this; }
    ~Disk() { watching = nullptr; }
    Disk(const Disk&) = delete;
    Disk& operator=(const Disk&) = delete;

    /// Records that a file or directory was synced.
    void synced(int fd) {
        const Node node = node_of(fd, "");
        struct stat info {};
        ::fstat(fd, &info);
        if (S_ISDIR(info.st_mode)) {
            auto& names = directories_[node];
            names.clear();
            for (const auto& entry : fs::directory_iterator(fmt::format("/proc/self/fd/{}", fd)))
                names[entry.path().filename().string()] = {node_of(AT_FDCWD, entry.path()),
                                                           entry.is_directory()};
        } else {
            // SQLite's files are read by the given descriptor, as closing another one would
            // release their locks.
            std::string& content = files_[node];
            content.resize(static_cast<std::size_t>(info.st_size));
            if (::pread(fd, content.data(), content.size(), 0) != info.st_size)
                content = read_file(fmt::format("/proc/self/fd/{}", fd)); // opened only for writing
        }
        if (on_sync) on_sync();
    }
    void lay_out(const fs::path& to) const { lay_out(node_of(AT_FDCWD, root_), to); }

    std::function<void()> on_sync;
    static inline Disk* watching = nullptr;

  private:
    /// Includes the time of creation, as inode numbers are reused.
    using Node = std::tuple<std::uint64_t, std::int64_t, std::uint32_t>;
    static Node node_of(int at, const fs::path& path) {
        struct statx info {};
        REQUIRE(::statx(at, path.c_str(), AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW,
                        STATX_INO | STATX_BTIME, &info) == 0);
        return {info.stx_ino, info.stx_btime.tv_sec, info.stx_btime.tv_nsec};
    }
    struct Name {
        Node node;
        bool directory = false;
    };
    void lay_out(const Node& node, const fs::path& to) const {
        fs::create_directory(to);
        const auto names = directories_.find(node);
        if (names == directories_.end()) return;
        for (const auto& [name, child] : names->second) {
            if (child.directory) {
                lay_out(child.node, to / name);
                continue;
            }
            const auto file = files_.find(child.node);
            const Fd fd(::open((to / name).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
            const std::string content = file == files_.end() ? "" : file->second;
            REQUIRE(::write(fd.get(), content.data(), content.size()) ==
                    static_cast<ssize_t>(content.size()));
        }
    }

    fs::path root_;
    std::map<Node, std::string> files_;
    std::map<Node, std::map<std::string, Name>> directories_;
};

/// The changes that were committed.
struct Promised {
    bool made = false;
    std::set<std::string> rows, intents, either; ///< addresses
};

/// Several runs on a state, with copies of the disk for power failures in between.
struct Cuts {
    TempDir dir;
    fs::path file = dir / "live/project/.hadeploy/state.db";
    Promised now;
    std::vector<std::pair<fs::path, Promised>> all;

    void cut(const Disk& disk) {
        const fs::path copy = dir / fmt::format("cut{}", all.size());
        disk.lay_out(copy);
        all.emplace_back(copy / "project/.hadeploy/state.db", now);
    }
    void run(const Disk& disk, int first) {
        const auto store = open_locked(file);
        now.made = true;
        cut(disk);
        for (int i = first; i < first + 3; ++i) {
            const std::string address = fmt::format("r{}", i);
            const Intent intent = begun(*store, intent_of(address));
            now.intents.insert(address);
            cut(disk);
            now.intents.erase(address);
            now.either = {address}; // row or intent, during the write
            store->finish(intent.id, row_of(address));
            now.rows.insert(address);
            cut(disk);
        }
        const std::string left = fmt::format("left{}", first);
        begun(*store, intent_of(left));
        now.intents.insert(left);
    }
};

void check_cut(const fs::path& file, const Promised& promised) {
    INFO(file.string());
    if (!promised.made && !fs::exists(file)) return;
    const auto store = open_locked(file);
    std::set<std::string> rows, intents;
    for (const RecordedResource& row : store->rows()) rows.insert(row.address);
    for (const Intent& intent : store->intents()) intents.insert(intent.address);
    CHECK(std::includes(rows.begin(), rows.end(), promised.rows.begin(), promised.rows.end()));
    CHECK(std::includes(intents.begin(), intents.end(), promised.intents.begin(),
                        promised.intents.end()));
    for (const std::string& address : promised.either)
        CHECK(rows.contains(address) + intents.contains(address) == 1);
    CHECK(rows.size() <= promised.rows.size() + 1);
}

} // namespace

// Also called by SQLite.
extern "C" int fsync(int fd) {
    const auto result = static_cast<int>(::syscall(SYS_fsync, fd));
    if (Disk::watching != nullptr) Disk::watching->synced(fd);
    return result;
}
extern "C" int fdatasync(int fd) {
    const auto result = static_cast<int>(::syscall(SYS_fdatasync, fd));
    if (Disk::watching != nullptr) Disk::watching->synced(fd);
    return result;
}

TEST_CASE("a power failure at any sync or after any commit keeps all committed changes") {
    Cuts cuts;
    fs::create_directories(cuts.dir / "live/project");
    {
        Disk disk(cuts.dir / "live");
        sync_directory(cuts.dir / "live"); // the project directory existed before
        disk.on_sync = [&] { cuts.cut(disk); };
        for (const int first : {0, 3, 6}) cuts.run(disk, first); // each one closed before the next
        cuts.cut(disk);
    }
    MESSAGE(cuts.all.size() << " power cuts");
    CHECK(cuts.all.size() > 40);
    for (const auto& [file, promised] : cuts.all) check_cut(file, promised);
}

TEST_CASE("without the write-ahead log, no journal undoes a commit after a power failure") {
    const TempDir dir;
    fs::create_directory(dir / "live");
    write_file(dir / "live/db", "");
    Disk disk(dir / "live");
    sync_directory(dir / "live");
    sqlite::Database db(dir / "live/db", sqlite::Database::Access::write);
    db.run("CREATE TABLE t (x)");
    for (int i = 1; i <= 5; ++i) {
        db.run("INSERT INTO t VALUES (1)");
        const fs::path copy = dir / fmt::format("cut{}", i);
        disk.lay_out(copy);
        CHECK(sqlite::Database(copy / "db", sqlite::Database::Access::write)
                  .number("SELECT count(*) FROM t") == i);
    }
}

TEST_SUITE_END();
