# tests/lib/rooms.cmake - test programs are linked with the rooms whose headers they include, and with
# no others, so that one test builds little.

# depfs_use_rooms(TARGET FILE) - follows the #include lines of FILE, those of headers below tests/ too.
# A header of a folder that is no room, as fs/options.h, stands for the file of that name, which
# becomes part of the test. CMake runs again when any of these files changes.
function(depfs_use_rooms target file)
  get_property(seen TARGET ${target} PROPERTY DEPFS_SEEN)
  if(file IN_LIST seen)
    return()
  endif()
  set_property(TARGET ${target} APPEND PROPERTY DEPFS_SEEN ${file})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  file(STRINGS ${file} lines REGEX "^#include \"")
  foreach(line ${lines})
    string(REGEX REPLACE "^#include \"(.*)\".*" "\\1" header "${line}")
    get_filename_component(folder ${header} DIRECTORY)
    string(REPLACE "/" "_" room depfs_${folder})
    string(REGEX REPLACE "\\.h$" ".c" source ${PROJECT_SOURCE_DIR}/${header})
    if(header MATCHES "^tests/")
      depfs_use_rooms(${target} ${PROJECT_SOURCE_DIR}/${header})
    elseif(TARGET ${room})
      target_link_libraries(${target} PRIVATE ${room})
    elseif(EXISTS ${source})
      target_sources(${target} PRIVATE ${source})
      depfs_use_rooms(${target} ${source})
    endif()
  endforeach()
endfunction()
