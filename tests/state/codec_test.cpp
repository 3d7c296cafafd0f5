// Invalid columns, each of which must cause an error of the state.
#include "helpers.h"
#include "state/codec.h"

using namespace hadeploy;
using namespace testing;

TEST_CASE("a column of names must be a list of strings") {
    CHECK(codec::decode_names(R"(["a","b"])") == std::vector<std::string>{"a", "b"});
    for (const char* column : {"", "7", "{}", "null", "[1]", R"(["a",["b"]])", "[\"a\""}) {
        CAPTURE(column);
        CHECK(error_of([&] { codec::decode_names(column); }).kind == ErrorKind::state);
    }
}

TEST_CASE("a sealed text that is not a value is rejected") {
    const Cipher cipher = Cipher::for_memory();
    const std::string column = R"({"$sealed":")" + cipher.seal("no JSON", "here") + "\"}";
    CHECK(error_of([&] { codec::decode(column, cipher, "here"); }).kind == ErrorKind::state);
}

TEST_CASE("a column that is nested too deeply is rejected") {
    const Cipher cipher = Cipher::for_memory();
    const std::string deep(1'000'000, '[');
    const std::string with_mark = R"(["$sealed",)" + deep + std::string(deep.size(), ']') + "]";
    CHECK(error_of([&] { codec::decode(deep, cipher, "here"); }).kind == ErrorKind::state);
    CHECK(error_of([&] { codec::decode(with_mark, cipher, "here"); }).kind == ErrorKind::state);
}

TEST_CASE("an encrypted data key with an invalid salt is reported as damaged") {
    const std::string lock =
        R"({"kdf":"argon2id","salt":"***","passes":3,"memory":67108864,"key":"x"})";
    const Error error = error_of([&] { Cipher::load(lock, {.passphrase = "p"}, "the plan"); });
    CHECK(error.kind == ErrorKind::state);
    CHECK(error.message == "the encrypted data key of the plan is damaged");
}
