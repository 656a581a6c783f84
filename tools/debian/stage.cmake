# tools/debian/stage.cmake - what Debian wants of a package besides the installed files: compressed
# manual pages, a changelog and a copyright file; and the unit, for programs in /usr. cpack runs it on the folder that becomes the package.
set(share ${CPACK_TEMPORARY_DIRECTORY}/usr/share)
set(doc ${share}/doc/${CPACK_PACKAGE_NAME})
file(MAKE_DIRECTORY ${doc})
file(COPY ${CMAKE_CURRENT_LIST_DIR}/copyright DESTINATION ${doc}
  FILE_PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
execute_process(COMMAND date -R --date=@$ENV{SOURCE_DATE_EPOCH} OUTPUT_VARIABLE date
  OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE result ERROR_QUIET)
if(NOT result EQUAL 0) # SOURCE_DATE_EPOCH is not set
  execute_process(COMMAND date -R OUTPUT_VARIABLE date OUTPUT_STRIP_TRAILING_WHITESPACE)
endif()
file(WRITE ${doc}/changelog
  "${CPACK_PACKAGE_NAME} (${CPACK_PACKAGE_VERSION}) unstable; urgency=medium\n\n"
  "  * What changed, and how to upgrade: depfs-changes(7).\n\n"
  " -- ${CPACK_PACKAGE_CONTACT}  ${date}\n")
set(CMAKE_INSTALL_FULL_SBINDIR /usr/sbin) # the installed one names the prefix of the build
configure_file(${CMAKE_CURRENT_LIST_DIR}/../systemd/depfs@.service.in
  ${CPACK_TEMPORARY_DIRECTORY}/usr/lib/systemd/system/depfs@.service @ONLY)
file(GLOB_RECURSE pages ${share}/man/*.[1-9])
execute_process(COMMAND gzip -9n ${pages} ${doc}/changelog COMMAND_ERROR_IS_FATAL ANY)
