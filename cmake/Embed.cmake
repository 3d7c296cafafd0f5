# hadeploy_embed(TARGET NAME FILE) makes the text of FILE a part of TARGET, as
# `hadeploy::embedded::NAME` (a std::string_view) declared in "embedded/NAME.h".
function(hadeploy_embed target name file)
  get_filename_component(file ${file} ABSOLUTE)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  file(READ ${file} content)
  set(dir ${CMAKE_CURRENT_BINARY_DIR}/embed)
  file(CONFIGURE OUTPUT ${dir}/embedded/${name}.h @ONLY CONTENT [[
#pragma once
#include <string_view>
namespace hadeploy::embedded {
extern const std::string_view @name@;
}
]])
  file(CONFIGURE OUTPUT ${dir}/embedded_${name}.cpp @ONLY CONTENT [[
#include "embedded/@name@.h"
const std::string_view hadeploy::embedded::@name@ = R"hadeploy_text(@content@)hadeploy_text";
]])
  target_sources(${target} PRIVATE ${dir}/embedded_${name}.cpp)
  target_include_directories(${target} PRIVATE ${dir})
endfunction()

# hadeploy_embed_scripts(TARGET DIR NAMESPACE) does so for all shell scripts of a folder, without
# their comment lines: DIR/NAME.sh is `NAMESPACE::NAME` in "embedded/scripts.h".
function(hadeploy_embed_scripts target dir namespace)
  file(GLOB files CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${dir}/*.sh)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${files})
  set(declarations "")
  set(definitions "")
  foreach(file ${files})
    get_filename_component(name ${file} NAME_WE)
    file(READ ${file} content)
    string(REGEX REPLACE "\n[ \t]*#[^\n]*" "" content "\n${content}")
    string(SUBSTRING "${content}" 1 -1 content)
    string(APPEND declarations "extern const std::string_view ${name};\n")
    string(APPEND definitions
      "const std::string_view ${namespace}::${name} = R\"hadeploy_text(${content})hadeploy_text\";\n")
  endforeach()
  set(dir ${CMAKE_CURRENT_BINARY_DIR}/embed)
  file(CONFIGURE OUTPUT ${dir}/embedded/scripts.h @ONLY CONTENT [[
#pragma once
#include <string_view>
namespace @namespace@ {
@declarations@} // namespace @namespace@
]])
  file(CONFIGURE OUTPUT ${dir}/embedded_scripts.cpp @ONLY CONTENT [[
#include "embedded/scripts.h"
@definitions@]])
  target_sources(${target} PRIVATE ${dir}/embedded_scripts.cpp)
  target_include_directories(${target} PUBLIC ${dir})
endfunction()

# hadeploy_embed_files(TARGET NAME FOLDER...) does so for all files below folders of the source tree,
# except hidden ones: `hadeploy::embedded::NAME` in "embedded/NAME.h" is a span of their paths and texts.
function(hadeploy_embed_files target name)
  list(TRANSFORM ARGN REPLACE "(.+)" "${CMAKE_SOURCE_DIR}/\\1/*" OUTPUT_VARIABLE patterns)
  file(GLOB_RECURSE files CONFIGURE_DEPENDS LIST_DIRECTORIES false RELATIVE ${CMAKE_SOURCE_DIR} ${patterns})
  list(FILTER files EXCLUDE REGEX "(^|/)\\.")
  set(entries "")
  foreach(file ${files})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${file})
    file(READ ${CMAKE_SOURCE_DIR}/${file} content)
    string(APPEND entries "    {\"${file}\", R\"hadeploy_text(${content})hadeploy_text\"},\n")
  endforeach()
  set(dir ${CMAKE_CURRENT_BINARY_DIR}/embed)
  file(CONFIGURE OUTPUT ${dir}/embedded/${name}.h @ONLY CONTENT [[
#pragma once
#include <span>
#include <string_view>
namespace hadeploy::embedded {
struct File {
    std::string_view path; ///< in the source tree
    std::string_view text;
};
extern const std::span<const File> @name@;
}
]])
  file(CONFIGURE OUTPUT ${dir}/embedded_${name}.cpp @ONLY CONTENT [[
#include "embedded/@name@.h"
namespace {
constexpr hadeploy::embedded::File k_@name@[] = {
@entries@};
}
const std::span<const hadeploy::embedded::File> hadeploy::embedded::@name@ = k_@name@;
]])
  target_sources(${target} PRIVATE ${dir}/embedded_${name}.cpp)
  target_include_directories(${target} PRIVATE ${dir})
endfunction()
