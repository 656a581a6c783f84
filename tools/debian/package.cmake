# tools/debian/package.cmake - 'cpack -G DEB' in a build folder makes depfs_VERSION_ARCHITECTURE.deb
set(DEPFS_MAINTAINER "depfs maintainers <depfs@example.org>" CACHE STRING
  "name and address in the Debian package")
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME depfs)
set(CPACK_PACKAGE_CONTACT ${DEPFS_MAINTAINER})
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_LIST_DIR}/stage.cmake)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "filesystem encrypted under keys of its owner in two key vaults")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
  "depfs keeps mailboxes, chat archives and EDM stores encrypted on disk, each
file under its own key, wrapped by the key of a policy. That key is wrapped by
two root keys in two key vaults (Azure Key Vault, Managed HSM, or local ones
for trying out) and by an availability key.")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS fuse3)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS ca-certificates)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  ${CMAKE_CURRENT_LIST_DIR}/postinst ${CMAKE_CURRENT_LIST_DIR}/prerm ${CMAKE_CURRENT_LIST_DIR}/postrm)
include(CPack)
