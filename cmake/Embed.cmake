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
