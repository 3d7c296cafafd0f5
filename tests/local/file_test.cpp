#include "lab.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace hadeploy;

namespace {
unsigned mode_of(const std::filesystem::path& path) {
    struct stat info = {};
    REQUIRE(::stat(path.c_str(), &info) == 0);
    return info.st_mode & 07777u;
}

constexpr const char* kFile = R"(
name: t
resources:
  dir: {type: local.directory, path: out/deep, mode: "0750"}
  file: {type: local.file, path: "${dir.path}/a", content: "one\n", mode: "0640"}
)";
} // namespace

TEST_CASE("a file and its directory: created, drifted, repaired, removed") {
    Lab lab;
    CHECK(lab.apply(kFile).plan == "create dir; create file");
    CHECK(lab.text("out/deep/a") == "one\n");
    CHECK(mode_of(lab.path("out/deep/a")) == 0640);
    CHECK(mode_of(lab.path("out/deep")) == 0750);
    CHECK(lab.plan(kFile).plan == "");

    lab.write("out/deep/a", "two\n"); // with mode 0644
    ::chmod(lab.path("out/deep").c_str(), 0700);
    CHECK(lab.apply(kFile).plan == "update dir (mode); update file (mode,sha256)");
    CHECK(lab.text("out/deep/a") == "one\n");
    CHECK(mode_of(lab.path("out/deep/a")) == 0640);
    CHECK(mode_of(lab.path("out/deep")) == 0750);

    std::filesystem::remove(lab.path("out/deep/a"));
    CHECK(lab.apply(kFile).plan == "create file");
    CHECK(lab.plan(kFile).plan == "");
    CHECK(lab.destroy(kFile).ok());
    CHECK_FALSE(lab.exists("out/deep"));
    CHECK(lab.rows.empty());
}

TEST_CASE("an existing file is taken over, or changed to match") {
    Lab lab;
    lab.write("a", "as wanted");
    lab.write("b", "other");
    std::filesystem::create_symlink("b", lab.path("c"));
    const std::string spec = R"(
name: t
resources:
  a: {type: local.file, path: a, content: as wanted}
  b: {type: local.file, path: b, content: as wanted}
  c: {type: local.file, path: c, source: a}
)";
    const Lab::Run run = lab.apply(spec);
    CHECK(run.plan == "adopt a; update b (sha256); update c (sha256)");
    CHECK(run.ok());
    CHECK(lab.text("b") == "as wanted");
    CHECK_FALSE(std::filesystem::is_symlink(lab.path("c")));
    CHECK(lab.plan(spec).plan == "");
    lab.write("a", "new");
    CHECK(lab.plan(spec).plan == "update a (sha256); update c (sha256)");
}

TEST_CASE("another object at the path of a file is an error and is not touched") {
    Lab lab;
    std::filesystem::create_directory(lab.path("a"));
    CHECK(lab.plan("name: t\nresources: {a: {type: local.file, path: a, content: x}}\n")
              .plan.find("exists, but is not a regular file") != std::string::npos);
    lab.write("d", "");
    CHECK(lab.plan("name: t\nresources: {d: {type: local.directory, path: d}}\n")
              .plan.find("exists, but is not a directory") != std::string::npos);
    CHECK(lab.plan("name: t\nresources: {a: {type: local.file, path: b}}\n").plan ==
          "a local.file needs either `content` or `source`; ");
    const Lab::Run run =
        lab.apply("name: t\nresources: {a: {type: local.file, path: none/b, content: x}}\n");
    CHECK(errors_of(run).find("there is no directory") != std::string::npos);
    CHECK(lab.plan("name: t\nresources:\n  a: {type: local.file, path: x/../b, content: x}\n  b: "
                   "{type: local.file, path: b, content: y}\n")
              .plan.find("a and b both manage this machine's") != std::string::npos);
}

TEST_CASE("a plan warns if the directory of a file is missing and no resource creates it") {
    const auto warnings = [](const Lab::Run& run) {
        std::string out;
        for (const Error& e : run.steps.warnings)
            out += fmt::format("{}:{}: {}\n", e.address, e.loc.line, e.message);
        return out;
    };
    Lab lab;
    const std::string alone =
        "name: t\nresources:\n  a: {type: local.file, path: none/b, content: x}\n";
    const Lab::Run run = lab.plan(alone);
    CHECK(run.plan == "create a");
    CHECK(warnings(run) == fmt::format("a:3: there is no directory \"{}\", and no resource that is "
                                       "applied before this one creates it\n",
                                       lab.path("none").string()));
    CHECK(run.steps.warnings.at(0).hint.find("depends_on") != std::string::npos);
    // a resource creates it, as the plan knows, or may create it
    CHECK(warnings(lab.plan(alone + "  d: {type: local.directory, path: none}\n")) == "");
    CHECK(warnings(
              lab.plan("name: t\nresources:\n  a: {type: local.file, path: none/b, content: x, "
                       "depends_on: [e]}\n  e: {type: local.exec, create: mkdir none}\n")) == "");
    lab.write("regular", "");
    CHECK(warnings(lab.plan("name: t\nresources: {a: {type: local.file, path: regular/b, content: "
                            "x}}\n"))
              .starts_with("a:2: there is no directory"));
    std::filesystem::create_directory(lab.path("none"));
    CHECK(warnings(lab.plan(alone)) == "");
    CHECK(lab.apply(alone).ok());
    CHECK(warnings(lab.plan(alone)) == "");
    // a managed file disappeared with its directory
    std::filesystem::remove_all(lab.path("none"));
    CHECK(lab.plan(alone).steps.warnings.size() == 1);
}

TEST_CASE("destroy keeps a directory with other files, unless force is set") {
    Lab lab;
    const std::string spec = "name: t\nresources: {d: {type: local.directory, path: d}}\n";
    REQUIRE(lab.apply(spec).ok());
    lab.write("d/theirs", "x");
    CHECK(errors_of(lab.destroy(spec)).find("cannot remove") != std::string::npos);
    CHECK(lab.exists("d/theirs"));
    const std::string forced =
        "name: t\nresources: {d: {type: local.directory, path: d, force: true}}\n";
    REQUIRE(lab.apply(forced).ok());
    CHECK(lab.destroy(forced).ok());
    CHECK_FALSE(lab.exists("d"));
}

TEST_CASE("the leftover of a killed writer is removed with the file; a live writer's is not") {
    Lab lab;
    const std::string spec =
        "name: t\nresources: {d: {type: local.directory, path: d}, a: {type: local.file, path: "
        "\"${d.path}/a\", content: x}}\n";
    REQUIRE(lab.apply(spec).ok());
    // A write that was killed before the rename.
    std::filesystem::rename(lab.path("d/a"), lab.path("d/.a.0123456789abcdef"));
    lab.write("d/.a.theirs", "not of our form");
    lab.write("d/.a.fedcba9876543210", "being written");
    const Fd writer(::open(lab.path("d/.a.fedcba9876543210").c_str(), O_RDONLY | O_CLOEXEC));
    REQUIRE(::flock(writer.get(), LOCK_EX) == 0);

    const Lab::Run run = lab.apply("name: t\nresources: {d: {type: local.directory, path: d}}\n");
    CHECK(run.ok());
    CHECK(run.plan == "remove a");
    CHECK_FALSE(lab.exists("d/.a.0123456789abcdef"));
    CHECK(lab.exists("d/.a.theirs"));
    CHECK(lab.exists("d/.a.fedcba9876543210"));
}

TEST_CASE("two paths that lead to the same place are one object") {
    Lab lab;
    const std::string way = "name: t\nresources:\n  ";
    std::filesystem::create_directory(lab.path("real"));
    std::filesystem::create_symlink("real", lab.path("link"));
    CHECK(lab.apply(way + "a: {type: local.file, path: real/x, content: data}\n").ok());
    // another resource with another path: the file is not removed after it was taken over
    const std::string other = way + "b: {type: local.file, path: link/x, content: data}\n";
    CHECK(lab.apply(other).ok());
    CHECK(lab.text("real/x") == "data");
    CHECK(lab.plan(other).plan == "");
    CHECK(lab.plan(way + "a: {type: local.file, path: real/sub/x, content: a}\n  "
                         "b: {type: local.file, path: link/sub/x, content: b}\n")
              .plan.find("both manage") != std::string::npos);
    // a link in the last component is another object than its target
    CHECK(lab.plan(way + "a: {type: local.file, path: real, content: a}\n  "
                         "b: {type: local.file, path: link, content: b}\n")
              .plan.find("both manage") == std::string::npos);
}

TEST_CASE("a path that is known only during apply is read then") {
    Lab lab;
    const std::string spec = R"(
name: t
resources:
  id: {type: random.id}
  file: {type: local.file, path: "f-${id.hex}", content: x}
)";
    const Lab::Run run = lab.apply(spec);
    CHECK(run.plan == "create id; create file");
    CHECK(run.ok());
    CHECK(lab.exists("f-" + lab.recorded("id").text("hex")));
    CHECK(lab.plan(spec).plan == "");
}

TEST_CASE("a sparse file of terabytes is not read") {
    Lab lab;
    const auto make_large = [&](const char* name) {
        lab.write(name, "");
        std::filesystem::resize_file(lab.path(name), std::uintmax_t{8} << 40);
    };
    make_large("target");
    make_large("large");
    CHECK(
        lab.plan("name: t\nresources: {f: {type: local.file, path: target, content: x}}\n").plan ==
        "update f (sha256)");
    const std::string said =
        lab.plan("name: t\nresources: {f: {type: local.file, path: out, source: large}}\n").plan;
    CHECK_MESSAGE(said.find("has 8796093022208 bytes, but a `source` may have at most 67108864") !=
                      std::string::npos,
                  said);
    CHECK(
        lab.apply("name: t\nresources: {f: {type: local.file, path: target, content: x}}\n").ok());
    CHECK(lab.text("target") == "x");
}

TEST_SUITE("as root" * doctest::skip(::geteuid() != 0)) {
    TEST_CASE("a plan neither reads nor looks through another user's link") {
        constexpr uid_t user = 65534;
        Lab lab;
        std::filesystem::create_directory(lab.path("home"));
        std::filesystem::create_directory(lab.path("root"));
        lab.write("root/shadow", "root's own");
        std::filesystem::create_directory_symlink("../root", lab.path("home/ways"));
        std::filesystem::create_symlink("../root/shadow", lab.path("home/link"));
        for (const char* name : {"home", "home/ways", "home/link"})
            REQUIRE(::lchown(lab.path(name).c_str(), user, user) == 0);
        const auto plan = [&](const char* what) {
            return lab.plan(fmt::format("name: t\nresources: {{f: {{{}}}}}\n", what)).plan;
        };
        for (const char* what : {"type: local.file, path: home/ways/shadow, content: x",
                                 "type: local.directory, path: home/ways",
                                 "type: local.directory, path: home/ways/deep",
                                 "type: local.file, path: out, source: home/link",
                                 "type: local.file, path: out, source: home/ways/shadow"}) {
            INFO(what);
            const std::string said = plan(what);
            if (std::string_view(what).ends_with("home/ways")) {
                CHECK(said.find("exists, but is not a directory") != std::string::npos);
                continue;
            }
            CHECK_MESSAGE(said.find("a symbolic link that another user may have created") !=
                              std::string::npos,
                          said);
        }
        CHECK(plan("type: local.file, path: home/link, content: x") ==
              "update f (sha256)"); // replaces it
        CHECK(lab.plan("name: t\ndata: {f: {type: local.file_content, path: home/link}}\n")
                  .plan.find("another user may have created") != std::string::npos);
        CHECK(lab.text("root/shadow") == "root's own");
    }
} // TEST_SUITE

TEST_CASE("a file whose content is ignored keeps it when its mode is set") {
    const auto spec = [](const char* content, const char* mode) {
        return fmt::format(
            "name: t\nresources: {{f: {{type: local.file, path: f, content: {}, mode: "
            "\"{}\", lifecycle: {{ignore_changes: [content]}}}}}}\n",
            content, mode);
    };
    Lab lab;
    CHECK(lab.apply(spec("x", "0644")).plan == "create f");
    lab.write("f", "other");
    CHECK(lab.plan(spec("x", "0644")).plan == "");
    CHECK(lab.apply(spec("y", "0640")).plan == "update f (mode)");
    CHECK(lab.text("f") == "other");
    CHECK(mode_of(lab.path("f")) == 0640);
    ::chmod(lab.path("f").c_str(), 0600);
    CHECK(lab.apply(spec("y", "0640")).plan == "update f (mode)");
    CHECK(lab.text("f") == "other");
    CHECK(mode_of(lab.path("f")) == 0640);
    CHECK(lab.plan(spec("y", "0640")).plan == "");
    std::filesystem::remove(lab.path("f")); // its content is unknown: created as recorded
    CHECK(lab.apply(spec("y", "0640")).plan == "create f");
    CHECK(lab.plan(spec("y", "0640")).plan == "");
}
