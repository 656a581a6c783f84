# tools/version.cmake - writes OUT, which defines version_text of crypto/base/version.h: VERSION, and
# the commit that SOURCE has checked out. Run at each build; OUT is written only when it changes.
# The clone may be of another user than the one who builds.
execute_process(COMMAND git -c safe.directory=* --no-optional-locks describe --always --dirty --abbrev=12 --exclude=*
  WORKING_DIRECTORY ${SOURCE} OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE
  ERROR_QUIET RESULT_VARIABLE result)
if(result EQUAL 0 AND EXISTS ${SOURCE}/.git) # not the commit of a repository that merely surrounds it
  set(VERSION "${VERSION} (commit ${commit})")
endif()
set(text "#include \"crypto/base/version.h\"\n\nconst char version_text[] = \"${VERSION}\";\n")
set(old "")
if(EXISTS ${OUT})
  file(READ ${OUT} old)
endif()
if(NOT text STREQUAL old)
  file(WRITE ${OUT} "${text}")
endif()
