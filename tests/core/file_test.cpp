#include "core/file.h"

#include "temp_dir.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace hadeploy;

namespace {
std::string error_of(auto action) {
    try {
        action();
    } catch (const Error& e) {
        return e.message;
    }
    return "";
}
std::size_t entries(const TempDir& dir) {
    std::size_t n = 0;
    for ([[maybe_unused]] const auto& e : std::filesystem::directory_iterator(dir.path)) ++n;
    return n;
}
unsigned mode_of(const std::filesystem::path& path) {
    struct stat info {};
    REQUIRE(::stat(path.c_str(), &info) == 0);
    return info.st_mode & 07777u;
}
} // namespace

TEST_CASE("a file is replaced atomically with its mode, and no temporary file remains") {
    const TempDir dir;
    write_file(dir / "f", "one");
    CHECK(read_file(dir / "f") == "one");
    CHECK(mode_of(dir / "f") == 0600);
    const Fd before = open_regular(dir / "f");
    write_file(dir / "f", "two", 0644);
    CHECK(read_file(dir / "f") == "two");
    CHECK(mode_of(dir / "f") == 0644);
    CHECK(entries(dir) == 1);
    char old[3];
    REQUIRE(::read(before.get(), old, 3) == 3);
    CHECK(std::string(old, 3) == "one"); // an open descriptor still reads the old contents
}

TEST_CASE("the next write removes files left by killed writers, but not those of live ones") {
    const TempDir dir;
    const auto put = [&](const char* name) {
        return Fd(::open((dir / name).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    };
    (void)put(".f.0123456789abcdef");
    (void)put(".f.0123456789abcdeX");  // not a name of a temporary file
    (void)put(".f2.0123456789abcdef"); // another file's
    const Fd live = put(".f.fedcba9876543210");
    REQUIRE(::flock(live.get(), LOCK_EX) == 0);
    write_file(dir / "f", "one");
    CHECK_FALSE(std::filesystem::exists(dir / ".f.0123456789abcdef"));
    CHECK(std::filesystem::exists(dir / ".f.fedcba9876543210"));
    CHECK(entries(dir) == 4);
}

TEST_CASE("rewriting a file keeps its mode, and a link to it") {
    const TempDir dir;
    write_file(dir / "f", "one", 0640);
    std::filesystem::create_symlink("f", dir / "link");
    rewrite_file(dir / "link", "two");
    CHECK(std::filesystem::is_symlink(dir / "link"));
    CHECK(read_file(dir / "f") == "two");
    CHECK(mode_of(dir / "f") == 0640);
    CHECK(entries(dir) == 2);
    CHECK(error_of([&] { rewrite_file(dir / "none", "x"); }).find("No such file") !=
          std::string::npos);
    CHECK(entries(dir) == 2);
}

TEST_CASE("a file that cannot be replaced is kept, and no temporary file remains") {
    const TempDir dir;
    std::filesystem::create_directory(dir / "d");
    write_file(dir / "d/x", "");
    CHECK(error_of([&] { write_file(dir / "d", "text"); }).find("cannot replace") == 0);
    CHECK(entries(dir) == 1);
    CHECK(error_of([&] { write_file(dir / "no/f", "text"); }).find("No such file") !=
          std::string::npos);
}

TEST_CASE("only regular files up to the size limit are read, without blocking") {
    const TempDir dir;
    REQUIRE(::mkfifo((dir / "fifo").c_str(), 0600) == 0);
    CHECK(error_of([&] { read_file(dir / "fifo"); }).ends_with("it is a FIFO"));
    CHECK(error_of([&] { read_file(dir.path); }).ends_with("it is a directory"));
    CHECK(error_of([&] { read_file("/dev/zero"); }).ends_with("it is a device"));
    CHECK(error_of([&] { read_file(dir / "none"); }).ends_with("No such file or directory"));
    write_file(dir / "f", "12345");
    CHECK(read_file(dir / "f", 5) == "12345");
    CHECK(error_of([&] { read_file(dir / "f", 4); }).ends_with("is larger than 4 bytes"));
    try {
        read_file(dir / "none", 10, ErrorKind::spec);
        FAIL("no error");
    } catch (const Error& e) {
        CHECK(e.kind == ErrorKind::spec);
    }
}

TEST_CASE("a descriptor can be moved and is closed once") {
    Fd a(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    REQUIRE(a);
    const int number = a.get();
    Fd b = std::move(a);
    CHECK_FALSE(a); // NOLINT(bugprone-use-after-move): tests the moved-from state
    b.reset();
    CHECK(::fcntl(number, F_GETFD) == -1);
}
