/* crypto/base/version.h - what --version shows. */
#ifndef DEPFS_VERSION_H
#define DEPFS_VERSION_H

/* "0.1.0 (commit 5307a34c1d2e)", "-dirty" after the commit where the tree differed from it; "0.1.0"
 * when it was not built in a clone. Written by tools/version.cmake at each build. */
extern const char version_text[];

#endif
