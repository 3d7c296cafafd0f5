# What `cmake --install` puts where, except the program itself (src/cli). Under /usr the files are where Debian
# expects them.
include(GNUInstallDirs)
set(hadeploy_data ${CMAKE_INSTALL_DATADIR}/hadeploy)

install(FILES docs/hadeploy.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES README.md CHANGELOG.md SECURITY.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME copyright)
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR} PATTERN hadeploy.1 EXCLUDE PATTERN site.css EXCLUDE)
install(DIRECTORY modules DESTINATION ${hadeploy_data} PATTERN ".hadeploy" EXCLUDE)

# Specs find the modules at the same relative path as in the source tree. The images, and the program that becomes
# part of one, have a different one.
foreach(folder examples templates)
  file(GLOB_RECURSE files CONFIGURE_DEPENDS LIST_DIRECTORIES false RELATIVE ${CMAKE_SOURCE_DIR} ${folder}/*)
  list(FILTER files EXCLUDE REGEX "/\\.hadeploy/|^examples/aws-ha-web/secrets\\.yaml$")
  foreach(file ${files})
    get_filename_component(place ${file} DIRECTORY)
    if(file MATCHES "/hadeploy\\.yaml$")
      set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
      file(READ ${file} content)
      string(REPLACE "../../build/release/" "../../" content "${content}")
      file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/install/${file} @ONLY CONTENT "@content@")
      install(FILES ${CMAKE_BINARY_DIR}/install/${file} DESTINATION ${hadeploy_data}/${place})
    else()
      file(READ ${file} begin LIMIT 2 HEX)
      if(begin STREQUAL "2321") # "#!", a program
        install(PROGRAMS ${file} DESTINATION ${hadeploy_data}/${place})
      else()
        install(FILES ${file} DESTINATION ${hadeploy_data}/${place})
      endif()
    endif()
  endforeach()
endforeach()
if(TARGET images)
  install(DIRECTORY ${CMAKE_BINARY_DIR}/images DESTINATION ${hadeploy_data} FILES_MATCHING PATTERN "*.tar")
  install(PROGRAMS $<TARGET_FILE:service_hello> DESTINATION ${hadeploy_data}/services)
endif()

# The program prints the completions. Debian's zsh reads those of packages in a directory of their own.
set(completions ${CMAKE_BINARY_DIR}/install/completions)
file(MAKE_DIRECTORY ${completions})
set(files "")
foreach(shell bash zsh fish)
  add_custom_command(OUTPUT ${completions}/${shell} COMMAND hadeploy completion ${shell} > ${completions}/${shell}
    DEPENDS hadeploy VERBATIM)
  list(APPEND files ${completions}/${shell})
endforeach()
add_custom_target(completions ALL DEPENDS ${files})
install(FILES ${completions}/bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME hadeploy)
install(FILES ${completions}/fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d RENAME hadeploy.fish)
install(CODE "
  set(functions site-functions)
  if(CMAKE_INSTALL_PREFIX STREQUAL \"/usr\")
    set(functions vendor-completions)
  endif()
  file(INSTALL DESTINATION \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_DATADIR}/zsh/\${functions}\" TYPE FILE
    RENAME _hadeploy FILES \"${completions}/zsh\")")
