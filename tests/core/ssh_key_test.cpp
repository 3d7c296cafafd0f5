#include "core/ssh_key.h"

#include "core/error.h"
#include "core/file.h"
#include "core/process.h"
#include "temp_dir.h"

#include <doctest/doctest.h>

using namespace hadeploy;

namespace {
std::string chomp(std::string text) {
    while (text.ends_with('\n')) text.pop_back();
    return text;
}
} // namespace

TEST_CASE("OpenSSH reads generated keys like hadeploy") {
    const TempDir dir;
    for (const char* comment : {"", "ops@example", "a somewhat longer comment", "12", "123"}) {
        const SshKey key = make_ssh_key(comment);
        write_file(dir / "key", key.private_key);
        write_file(dir / "key.pub", key.public_key + "\n");
        const auto shown = run_checked({.argv = {"ssh-keygen", "-y", "-f", dir / "key"}});
        CHECK(chomp(shown.out) == key.public_key);
        CHECK(ssh_public_key(key.private_key) == key.public_key);
        const auto print = run_checked({.argv = {"ssh-keygen", "-lf", dir / "key.pub"}});
        CHECK(print.out.find(ssh_fingerprint(key.public_key)) != std::string::npos);
    }
    CHECK(make_ssh_key("x").private_key != make_ssh_key("x").private_key);
    CHECK(make_ssh_key("a\nb").public_key.find('\n') == std::string::npos);
}

TEST_CASE("keys of OpenSSH are read") {
    const TempDir dir;
    const auto make = [&](const std::string& type, const std::string& passphrase) {
        std::filesystem::remove(dir / "k");
        run_checked({.argv = {"ssh-keygen", "-q", "-t", type, "-N", passphrase, "-C", "me@here",
                              "-f", dir / "k"}});
        return read_file(dir / "k");
    };
    const std::string ed25519 = make("ed25519", "");
    CHECK(ssh_public_key(ed25519) == chomp(read_file(dir / "k.pub")));
    const std::string ecdsa = make("ecdsa", "");
    CHECK(ssh_public_key(ecdsa) + " me@here" == chomp(read_file(dir / "k.pub")));
    const std::string locked = make("ed25519", "a passphrase");
    CHECK_THROWS_WITH_AS(ssh_public_key(locked), "the private key has a passphrase", Error);
}

TEST_CASE("texts that are not keys are rejected") {
    const std::string key = make_ssh_key("x").private_key;
    CHECK_THROWS_AS(ssh_public_key(""), Error);
    CHECK_THROWS_AS(ssh_public_key("-----BEGIN RSA PRIVATE KEY-----\n"), Error);
    CHECK_THROWS_AS(ssh_public_key(key.substr(0, 100)), Error);
    std::string hollow = key; // armour without contents
    hollow.erase(36, key.find("-----END") - 36);
    CHECK_THROWS_AS(ssh_public_key(hollow), Error);
    std::string shorter = key;
    shorter.erase(key.find("-----END") - 65,
                  64); // whole base64 groups, so that only the contents are truncated
    CHECK_THROWS_AS(ssh_public_key(shorter), Error);
    CHECK_THROWS_AS(ssh_fingerprint("ssh-ed25519"), Error);
    CHECK_THROWS_AS(ssh_fingerprint("ssh-ed25519 %%%"), Error);
}
