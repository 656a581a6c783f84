# tools/mount-helper.cmake - part of the installation: a link /sbin/mount.depfs to the program, when it
# was installed elsewhere below /usr or /opt, since mount(8) looks for helpers in /sbin alone. What is
# installed into another place, as a home folder, leaves /sbin alone. Takes PROGRAM, the installed
# program without DESTDIR.
set(link /sbin/mount.depfs)
set(at "$ENV{DESTDIR}${link}")
get_filename_component(sbin /sbin REALPATH)
get_filename_component(folder "${PROGRAM}" DIRECTORY)
get_filename_component(folder "${folder}" REALPATH)
if(PROGRAM MATCHES "^/(usr|opt)/" AND NOT PROGRAM MATCHES "/_CPack_Packages/" AND NOT folder STREQUAL sbin)
  if(EXISTS "${at}" AND NOT IS_SYMLINK "${at}")
    message(STATUS "${at} is there and not a link of ours (of a package?): left as it is")
  else()
    execute_process(COMMAND ${CMAKE_COMMAND} -E make_directory "$ENV{DESTDIR}/sbin" ERROR_QUIET)
    execute_process(COMMAND ${CMAKE_COMMAND} -E create_symlink "${PROGRAM}" "${at}"
      RESULT_VARIABLE result ERROR_QUIET)
    if(result EQUAL 0)
      message(STATUS "Installing: ${at}")
      list(APPEND CMAKE_INSTALL_MANIFEST_FILES ${link})
    else()
      message(STATUS "${at} cannot be made: 'mount -t depfs' would need it, 'mount -t fuse.depfs' works without")
    endif()
  endif()
endif()
