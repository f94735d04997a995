/* <kfk/version.h>: the version of libkfk, and how its symbols are exported. */
#ifndef KFK_VERSION_H
#define KFK_VERSION_H

#define KFK_VERSION_MAJOR 0
#define KFK_VERSION_MINOR 1
#define KFK_VERSION_PATCH 0
#define KFK_VERSION_STRING "0.1.0"

#if defined(__GNUC__)
#define KFK_API __attribute__((visibility("default")))
#define KFK_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define KFK_API
#define KFK_PRINTF(fmt, args)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The version of the library that runs, which may be newer than the header: "0.1.0". Static. */
KFK_API const char *kfk_version(void);

#ifdef __cplusplus
}
#endif
#endif
