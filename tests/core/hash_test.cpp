#include "core/hash.h"

#include "core/error.h"
#include "core/file.h"
#include "core/uuid.h"
#include "temp_dir.h"

#include <doctest/doctest.h>
#include <set>

using namespace hadeploy;

TEST_CASE("SHA-256 of the published examples") {
    CHECK(sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    Sha256 pieces;
    for (int i = 0; i < 1'000'000 / 1'000; ++i) pieces.update(std::string(1'000, 'a'));
    CHECK(hex(pieces.finish()) ==
          "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("SHA-256 of a file") {
    const TempDir dir;
    const std::string text(3'000'000, 'x');
    write_file(dir / "f", text);
    CHECK(sha256_file(dir / "f") == sha256_hex(text));
    CHECK_THROWS_AS(sha256_file(dir / "none"), Error);
    CHECK_THROWS_AS(sha256_file(dir.path), Error);
}

TEST_CASE("base64") {
    const std::pair<std::string, std::string> vectors[] = {{"", ""},
                                                           {"f", "Zg=="},
                                                           {"fo", "Zm8="},
                                                           {"foo", "Zm9v"},
                                                           {"foob", "Zm9vYg=="},
                                                           {"fooba", "Zm9vYmE="},
                                                           {"foobar", "Zm9vYmFy"}};
    for (const auto& [plain, coded] : vectors) {
        CHECK(base64_encode(plain) == coded);
        CHECK(base64_decode(coded) == plain);
    }
    CHECK(base64_decode("Zm9v\r\nYmFy\n") == "foobar");
    for (const char* text : {"Zg", "Z===", "====", "Zm9v!", "Zg==Zg==", "Z"})
        CHECK_THROWS_AS(base64_decode(text), Error);
    const std::string binary = random_bytes(1'000);
    CHECK(base64_decode(base64_encode(binary)) == binary);
}

TEST_CASE("random bytes differ") {
    CHECK(random_bytes(16).size() == 16);
    CHECK(random_bytes(16) != random_bytes(16));
    CHECK(hex(std::string("\x00\xff\x1a", 3)) == "00ff1a");
    CHECK(unhex("00fF1a") == std::string("\x00\xff\x1a", 3));
    CHECK(unhex("") == "");
    for (const char* text : {"0", "0g", "0x", " 00"}) CHECK_FALSE(unhex(text));
}

TEST_CASE("UUIDs of the published examples") {
    CHECK(uuid_v5(kUuidNamespaceDns, "www.example.com") == "2ed6657d-e927-568b-95e1-2665a8aea6a2");
    CHECK(uuid_v5(kUuidNamespaceDns, "python.org") == "886313e1-3b8a-5372-9b90-0c9aee199e5d");
    CHECK(uuid_v5("6BA7B810-9DAD-11D1-80B4-00C04FD430C8", "python.org") ==
          "886313e1-3b8a-5372-9b90-0c9aee199e5d");
    CHECK_THROWS_AS(uuid_v5("not-a-uuid", "x"), Error);
}

TEST_CASE("random UUIDs carry version and variant") {
    std::set<std::string> seen;
    for (int i = 0; i < 1'000; ++i) {
        const std::string id = uuid_v4();
        REQUIRE(is_uuid(id));
        CHECK(id[14] == '4');
        CHECK(std::string("89ab").find(id[19]) != std::string::npos);
        seen.insert(id);
    }
    CHECK(seen.size() == 1'000);
    CHECK_FALSE(is_uuid(""));
    CHECK_FALSE(is_uuid("2ed6657d-e927-568b-95e1-2665a8aea6ag"));
    CHECK_FALSE(is_uuid("2ed6657de-927-568b-95e1-2665a8aea6a2"));
}
