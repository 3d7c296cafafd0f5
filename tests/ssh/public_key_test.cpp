// Texts given as a public key, and errors for other texts.
#include "providers/ssh/public_key.h"

#include <doctest/doctest.h>
#include <string>

using namespace hadeploy;
using namespace hadeploy::ssh;

namespace {
const std::string kPublicKey =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";
const std::string kPrint = "SHA256:abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ";

std::string wrong_key_message(const std::string& text, bool fingerprint = false) {
    const auto wrong = wrong_public_key(text, fingerprint, {});
    return wrong ? wrong->message : "";
}
std::string hint_of(const std::string& text, bool fingerprint = false) {
    const auto wrong = wrong_public_key(text, fingerprint, {});
    return wrong ? wrong->hint : "";
}
} // namespace

TEST_CASE("a public key, with options and a comment") {
    CHECK(wrong_key_message(kPublicKey) == "");
    CHECK(wrong_key_message(kPublicKey + " ann@laptop of the office") == "");
    CHECK(wrong_key_message("from=\"10.0.0.0/8, 192.0.2.1\",no-pty " + kPublicKey + " ann") == "");
    CHECK(wrong_key_message("command=\"echo \\\"a b\\\"\" " + kPublicKey) == "");
    CHECK(wrong_key_message(
              "sk-ssh-ed25519@openssh.com "
              "AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUW"
              "FxgZGhscHR4fAAAABHNzaDo= key") == "");
    CHECK(wrong_key_message(kPrint, true) == "");
}

TEST_CASE("not a public key: the error names what it is") {
    const std::string listed = "256 " + kPrint + " ann@laptop (ED25519)";
    CHECK(wrong_key_message(listed).find("a line from `ssh-add -l`") != std::string::npos);
    CHECK(hint_of(listed).find("ssh-add -L") != std::string::npos);
    CHECK(hint_of(listed, true) == "write only the fingerprint: \"" + kPrint + "\"");
    CHECK(wrong_key_message(kPrint) == "this is the fingerprint of a key, not the key");
    CHECK(wrong_key_message("SHA256:abc", true) == "\"SHA256:abc\" is not a complete fingerprint");
    CHECK(wrong_key_message("~/.ssh/id_ed25519.pub") ==
          "\"~/.ssh/id_ed25519.pub\" is a path, not a public key");
    CHECK(hint_of("keys/ann.pub") == "use the contents of the file: `${file(\"keys/ann.pub\")}`");
    CHECK(hint_of("~/.ssh/id.pub") ==
          "use the contents of the file: `${file(pathexpand(\"~/.ssh/id.pub\"))}`");
    const std::string secret = "-----BEGIN OPENSSH PRIVATE KEY----- b3BlbnNzaC1rZXk";
    CHECK(wrong_key_message(secret) == "this is a private key, not a public one");
    CHECK(hint_of(secret).find("b3Blb") == std::string::npos);
    CHECK(wrong_key_message("ssh-ed25519 AAAA ann").find("truncated or has a typing error") !=
          std::string::npos);
    CHECK(wrong_key_message(kPublicKey.substr(0, 30)).find("truncated or has a typing error") !=
          std::string::npos);
    CHECK(wrong_key_message("ann").find("\"ann\" is not a public key") != std::string::npos);
    CHECK(wrong_key_message("").find("is not a public key") != std::string::npos);
}
