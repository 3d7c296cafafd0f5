#include "core/file.h"
#include "core/hash.h"
#include "core/value_json.h"
#include "helpers.h"
#include "state/cipher.h"
#include "state/codec.h"
#include "state/key_file.h"

#include <sys/stat.h>
#include <thread>

using namespace hadeploy;
using namespace testing;

namespace {
std::string a_key() {
    return base64_encode(random_bytes(state::kKeySize));
}
KeySource with_key(const std::string& key) {
    return {.passphrase = {}, .key = key, .file = {}};
}
KeySource with_passphrase(const std::string& text) {
    return {.passphrase = text, .key = {}, .file = {}};
}
std::string unlock_error(const Cipher& cipher, const KeySource& source) {
    return error_of([&] { (void)Cipher::load(cipher.encrypted_key(), source, "the state s"); })
        .message;
}
} // namespace

TEST_CASE("a sealed text can be opened only at its place") {
    const Cipher cipher = Cipher::make(with_key(a_key()));
    for (const std::string& plain : {std::string(), std::string("x"), random_bytes(10'000)}) {
        const std::string sealed = cipher.seal(plain, "here");
        CHECK(cipher.open(sealed, "here") == plain);
        CHECK(sealed != cipher.seal(plain, "here"));
        CHECK_THROWS_AS((void)cipher.open(sealed, "there"), Error);
    }
    std::string bytes = base64_decode(cipher.seal("secret", "here"));
    for (char& byte : bytes) {
        byte = static_cast<char>(byte ^ 1);
        CHECK_THROWS_AS((void)cipher.open(base64_encode(bytes), "here"), Error);
        byte = static_cast<char>(byte ^ 1);
    }
    for (const char* junk : {"", "AAAA", "not base64"})
        CHECK_THROWS_AS((void)cipher.open(junk, "here"), Error);
    CHECK_THROWS_AS((void)Cipher::for_memory().open(base64_encode(bytes), "here"), Error);
}

TEST_CASE("an encrypted data key is opened only by its key") {
    const KeySource source = with_key(a_key());
    const Cipher cipher = Cipher::make(source);
    const std::string sealed = cipher.seal("x", "p");
    CHECK(Cipher::load(cipher.encrypted_key(), source, "it").open(sealed, "p") == "x");
    CHECK(has(cipher.encrypted_key(), "\"none\""));
    CHECK(unlock_error(cipher, with_key(a_key())) ==
          "the key in HADEPLOY_STATE_KEY does not open the state s");
    CHECK(has(unlock_error(cipher, with_key("c2hvcnQ=")), "a key is 32 bytes in base64"));
    CHECK_THROWS_AS((void)Cipher::load("{}", source, "it"), Error);
    CHECK_THROWS_AS((void)Cipher::load("junk", source, "it"), Error);
}

TEST_CASE("a data key that is encrypted with a passphrase") {
    const Cipher cipher = Cipher::make(with_passphrase("correct horse"));
    const std::string sealed = cipher.seal("x", "p");
    const KeySource same = with_passphrase("correct horse");
    CHECK(Cipher::load(cipher.encrypted_key(), same, "it").open(sealed, "p") == "x");
    CHECK(unlock_error(cipher, with_passphrase("incorrect")) ==
          "the passphrase in HADEPLOY_STATE_PASSPHRASE does not open the state s");
    CHECK(unlock_error(cipher, with_key(a_key())) == "the state s is encrypted with a passphrase");
    // forged parameters must not cause hours of computation
    std::string lock = cipher.encrypted_key();
    lock.replace(lock.find("67108864"), 8, "99999999999");
    CHECK(has(error_of([&] { (void)Cipher::load(lock, same, "it"); }).message, "damaged"));
}

TEST_CASE("a key file is created once, and private") {
    const TempDir dir;
    CHECK(has(error_of([&] { state::read_keys(dir / "k"); }).message, "is missing"));
    std::vector<std::string> keys(8);
    {
        std::vector<std::jthread> threads;
        for (std::string& key : keys)
            threads.emplace_back([&] { key = state::read_or_make_keys(dir / "k").at(0); });
    }
    for (const std::string& key : keys) CHECK(key == keys[0]);
    CHECK(keys[0].size() == state::kKeySize);
    CHECK(keys[0] != state::read_or_make_keys(dir / "other").at(0));
    struct stat info {};
    REQUIRE(::stat((dir / "k").c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0600);
    CHECK(info.st_nlink == 1);
    REQUIRE(::chmod((dir / "k").c_str(), 0640) == 0);
    CHECK(has(error_of([&] { state::read_keys(dir / "k"); }).message, "accessible to other users"));
    write_file(dir / "k", "");
    CHECK(has(error_of([&] { state::read_keys(dir / "k"); }).message, "contains no valid key"));
}

TEST_CASE("columns: secrets are sealed, other values are readable") {
    const Cipher cipher = Cipher::for_memory();
    const Value value =
        Value::map({{"open", "visible"},
                    {"password", Value("canary").as_secret()},
                    {"list", Value::list({1, Value::map({{"k", Value("canary").as_secret()}})})},
                    {"whole", Value::map({{"canary", 7}}).as_secret()},
                    {"$sealed", "the user's own"},
                    {"odd", Value::map({{"$sealed", "canary? no"}})}});
    const std::string column = codec::encode(value, cipher, "t/k/c");
    CHECK(column.find("canary\"") == std::string::npos);
    CHECK(has(column, "\"open\":\"visible\""));
    const Value back = codec::decode(column, cipher, "t/k/c");
    CHECK(back == value);
    CHECK(to_json(back) == to_json(value)); // secrecy too
    CHECK_THROWS_AS((void)codec::decode(column, cipher, "t/other/c"), Error);
    CHECK_THROWS_AS((void)codec::decode(column, Cipher::for_memory(), "t/k/c"), Error);
    CHECK(codec::encode("plain", cipher, "p") == "\"plain\"");
}

TEST_CASE("a sealed part cannot be moved within a column") {
    const Cipher cipher = Cipher::for_memory();
    const Value value = Value::map({{"a", Value("1").as_secret()}, {"b", Value("2").as_secret()}});
    std::string column = codec::encode(value, cipher, "p");
    const auto a = column.find("{\"$sealed"), b = column.find("{\"$sealed", a + 1);
    const std::string first = column.substr(a, column.find('}', a) + 1 - a);
    const std::string second = column.substr(b, column.find('}', b) + 1 - b);
    CHECK(codec::decode(column, cipher, "p") == value);
    column = "{\"a\":" + second + ",\"b\":" + first + "}";
    CHECK_THROWS_AS((void)codec::decode(column, cipher, "p"), Error);
}
