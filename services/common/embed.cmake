# Writes a header with one string constant for each file, to embed the pages in a service.
# Usage: cmake -DOUT=FILE.h -DFILES=a.css;b.js -P embed.cmake
# The constant of `style.css` is hadeploy::svc::asset::style_css.
set(text "#pragma once\n#include <string_view>\nnamespace hadeploy::svc::asset {\n")
foreach(file IN LISTS FILES)
    get_filename_component(name "${file}" NAME)
    string(MAKE_C_IDENTIFIER "${name}" id)
    file(READ "${file}" hex HEX)
    string(LENGTH "${hex}" digits)
    math(EXPR size "${digits} / 2")
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "\\\\x\\1" bytes "${hex}")
    # Split into several literals: a compiler may refuse literals over 64 KiB.
    string(REGEX REPLACE "((\\\\x[0-9a-f][0-9a-f])(\\\\x[0-9a-f][0-9a-f])?(\\\\x[0-9a-f][0-9a-f])?(\\\\x[0-9a-f][0-9a-f])?(\\\\x[0-9a-f][0-9a-f])?(\\\\x[0-9a-f][0-9a-f])?(\\\\x[0-9a-f][0-9a-f])?(\\\\x[0-9a-f][0-9a-f])?)" "\"\\1\"\n" bytes "${bytes}")
    string(APPEND text "inline constexpr std::string_view ${id}{\n${bytes}, ${size}};\n")
endforeach()
file(WRITE "${OUT}" "${text}} // namespace hadeploy::svc::asset\n")
