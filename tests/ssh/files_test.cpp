// Archives of files, streamed from and to a real sshd.
#include "core/process.h"
#include "providers/ssh/files.h"
#include "ssh/real_host.h"

#include <doctest/doctest.h>
#include <fstream>
#include <thread>

using namespace hadeploy;
using namespace hadeploy::test;
using namespace std::string_literals;
namespace fs = std::filesystem;

namespace {
struct Streamed {
    std::string archive, compression, report;
    bool started = false, complete = false;
};

Streamed parsed(const std::string& text, std::size_t piece) {
    Streamed out;
    ssh::ArchiveStream stream("mark", [&](std::string_view p) { out.archive += p; });
    for (std::size_t at = 0; at < text.size(); at += piece) stream.feed(text.substr(at, piece));
    out.compression = stream.compression();
    out.report = stream.report();
    out.started = stream.started();
    out.complete = stream.complete();
    return out;
}
} // namespace

TEST_CASE("an archive in a stream, in pieces of any size") {
    const std::string archive = "\nmar\n\nmark\nk \0\xff\nmarkmark \n\n"s + std::string(3000, '\n');
    const std::string text = "a banner\n\nmark start zstd\n" + archive +
                             "\nmark 0 0\nentries 2\nstatus 0\n\nmark end 0\n";
    for (const std::size_t piece : {1, 2, 3, 7, 64, 100000}) {
        const Streamed all = parsed(text, piece);
        CHECK(all.complete);
        CHECK(all.archive == archive);
        CHECK(all.compression == "zstd");
        CHECK(all.report == "entries 2\nstatus 0\n");
        const Streamed cut = parsed(text.substr(0, text.size() - 1), piece);
        CHECK(cut.started);
        CHECK_FALSE(cut.complete);
        CHECK_FALSE(parsed("a banner\n", piece).started);
    }
}

TEST_SUITE("real sshd" * doctest::skip(!SshServer::possible())) {

    TEST_CASE("files that change while they are saved are named, and saved") {
        const Host host;
        fs::create_directory(host.path("data"));
        write_file(host.path("data") + "/kept", "kept");
        write_file(host.path("data") + "/log", some_bytes(4'000'000));
        // grows until the archive is complete
        std::jthread writer([&](const std::stop_token& done) {
            while (!done.stop_requested())
                std::ofstream(host.path("data") + "/log", std::ios::app) << some_bytes(100'000);
        });
        auto& keeper = dynamic_cast<KeepsFiles&>(*host.endpoint);
        std::string archive;
        const SavedFiles saved =
            keeper.save_files({host.path("data")}, [&](std::string_view p) { archive += p; });
        writer.request_stop();
        writer.join();
        CHECK(saved.entries == 2);
        REQUIRE(saved.remarks.size() == 1);
        CHECK(saved.remarks[0].find("file changed as we read it") != std::string::npos);
        write_file(host.path("archive"), archive);
        fs::create_directory(host.path("restored"));
        keeper.restore_files({host.path("restored")},
                             {host.path("archive"), 0, archive.size(), saved.compression}, false);
        CHECK(read_file(host.path("restored") + "/kept") == "kept");
    }

    TEST_CASE("a file that cannot be read is an error") {
        const Host host;
        fs::create_directory(host.path("data"));
        auto& keeper = dynamic_cast<KeepsFiles&>(*host.endpoint);
        const auto ignore = [](std::string_view) {};
        CHECK(error_of([&] {
                  keeper.save_files({host.path("none")}, ignore);
              }).message.find("there is no directory") != std::string::npos);
        CHECK(error_of([&] {
                  keeper.save_files({host.path("data"), true}, ignore);
              }).message.find("nothing is mounted") != std::string::npos);
        // the receiver's own error ends the transfer, and another one works
        write_file(host.path("data") + "/big", some_bytes(3'000'000));
        CHECK(error_of([&] {
                  keeper.save_files({host.path("data")}, [](std::string_view) {
                      throw Error(ErrorKind::failed, "no room here");
                  });
              }).message == "no room here");
        CHECK(keeper.save_files({host.path("data")}, ignore).entries == 1);
    }

    TEST_CASE("an archive that is cut or damaged changes nothing") {
        const Host host;
        fs::create_directory(host.path("data"));
        write_file(host.path("data") + "/big", some_bytes(3'000'000));
        auto& keeper = dynamic_cast<KeepsFiles&>(*host.endpoint);
        std::string archive;
        const SavedFiles saved =
            keeper.save_files({host.path("data")}, [&](std::string_view p) { archive += p; });
        write_file(host.path("data") + "/big", "now");
        std::string damaged = archive;
        damaged[archive.size() / 2] = static_cast<char>(damaged[archive.size() / 2] ^ 0x10);
        for (const std::string& bad : {archive.substr(0, archive.size() - 10), damaged}) {
            write_file(host.path("archive"), bad);
            CHECK_FALSE(error_of([&] {
                            keeper.restore_files(
                                {host.path("data")},
                                {host.path("archive"), 0, bad.size(), saved.compression}, true);
                        }).message == "(no error)");
            CHECK(read_file(host.path("data") + "/big") == "now");
            CHECK(std::distance(fs::directory_iterator(host.path("data")),
                                fs::directory_iterator()) == 1);
        }
    }
}
