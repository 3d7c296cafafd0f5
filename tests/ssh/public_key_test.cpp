// Texts given as a public key, and errors for other texts.
#include "providers/ssh/public_key.h"

#include <doctest/doctest.h>
#include <string>

using namespace hadeploy;
using namespace hadeploy::ssh;

namespace {
const std::string kKey =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";
const std::string kPrint = "SHA256:abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ";

std::string message_of(const std::string& text, bool fingerprint = false) {
    const auto wrong = wrong_public_key(text, fingerprint, {});
    return wrong ? wrong->message : "";
}
std::string hint_of(const std::string& text, bool fingerprint = false) {
    const auto wrong = wrong_public_key(text, fingerprint, {});
    return wrong ? wrong->hint : "";
}
} // namespace

TEST_CASE("a public key, with options and a comment") {
    CHECK(message_of(kKey) == "");
    CHECK(message_of(kKey + " ann@laptop of the office") == "");
    CHECK(message_of("from=\"10.0.0.0/8, 192.0.2.1\",no-pty " + kKey + " ann") == "");
    CHECK(message_of("command=\"echo \\\"a b\\\"\" " + kKey) == "");
    CHECK(message_of("sk-ssh-ed25519@openssh.com "
                     "AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUW"
                     "FxgZGhscHR4fAAAABHNzaDo= key") == "");
    CHECK(message_of(kPrint, true) == "");
}

TEST_CASE("not a public key: the error names what it is") {
    const std::string listed = "256 " + kPrint + " ann@laptop (ED25519)";
    CHECK(message_of(listed).find("a line of `ssh-add -l`") != std::string::npos);
    CHECK(hint_of(listed).find("ssh-add -L") != std::string::npos);
    CHECK(hint_of(listed, true) == "write only the fingerprint: \"" + kPrint + "\"");
    CHECK(message_of(kPrint) == "this is the fingerprint of a key, not the key");
    CHECK(message_of("SHA256:abc", true) == "\"SHA256:abc\" is not a whole fingerprint");
    CHECK(message_of("~/.ssh/id_ed25519.pub") ==
          "\"~/.ssh/id_ed25519.pub\" is a path, not a public key");
    CHECK(hint_of("keys/ann.pub") == "use the contents of the file: `${file(\"keys/ann.pub\")}`");
    CHECK(hint_of("~/.ssh/id.pub") ==
          "use the contents of the file: `${file(pathexpand(\"~/.ssh/id.pub\"))}`");
    const std::string secret = "-----BEGIN OPENSSH PRIVATE KEY----- b3BlbnNzaC1rZXk";
    CHECK(message_of(secret) == "this is a private key, not a public one");
    CHECK(hint_of(secret).find("b3Blb") == std::string::npos);
    CHECK(message_of("ssh-ed25519 AAAA ann").find("cut off or mistyped") != std::string::npos);
    CHECK(message_of(kKey.substr(0, 30)).find("cut off or mistyped") != std::string::npos);
    CHECK(message_of("ann").find("\"ann\" is not a public key") != std::string::npos);
    CHECK(message_of("").find("is not a public key") != std::string::npos);
}
