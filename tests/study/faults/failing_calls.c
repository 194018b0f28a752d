/* Preloaded, it counts the calls that write below a folder of a given name, and lets one of them fail. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#define FOLDER "/failing/"

static long n_passed, last;
static int number, stays;

/* Begin to count anew; at call `at`, or from then on, `error` is what comes back. 0 only counts. */
void arm(long at, int error, int from_then_on) {
    n_passed = 0;
    last = at;
    number = error;
    stays = from_then_on;
}

long count_passed(void) { return n_passed; }

static int fails(const char *path) {
    if (!path || !strstr(path, FOLDER)) return 0;
    n_passed++;
    if (!last || n_passed < last || (n_passed > last && !stays)) return 0;
    errno = number;
    return 1;
}

static int fails_at(int descriptor) {
    char link[40], path[4096] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    return readlink(link, path, sizeof path - 2) > 0 && fails(strcat(path, "/"));
}

#define WRAP(type, name, parameters, arguments, failing)              \
    type name parameters {                                            \
        static type(*real) parameters;                                \
        if (!real) real = (type(*) parameters)dlsym(RTLD_NEXT, #name); \
        return failing ? -1 : real arguments;                         \
    }

WRAP(ssize_t, write, (int fd, const void *data, size_t n), (fd, data, n), fails_at(fd))
WRAP(ssize_t, pwrite, (int fd, const void *data, size_t n, off_t at), (fd, data, n, at), fails_at(fd))
WRAP(ssize_t, pwrite64, (int fd, const void *data, size_t n, off64_t at), (fd, data, n, at), fails_at(fd))
WRAP(int, fsync, (int fd), (fd), fails_at(fd))
WRAP(int, fdatasync, (int fd), (fd), fails_at(fd))
WRAP(int, ftruncate, (int fd, off_t n), (fd, n), fails_at(fd))
WRAP(int, ftruncate64, (int fd, off64_t n), (fd, n), fails_at(fd))
WRAP(int, rename, (const char *from, const char *to), (from, to), fails(to))
WRAP(int, unlink, (const char *path), (path), fails(path))
WRAP(int, mkdir, (const char *path, mode_t mode), (path, mode), access(path, F_OK) && fails(path))

#define WRAP_OPEN(name)                                                      \
    int name(const char *path, int flags, ...) {                             \
        static int (*real)(const char *, int, ...);                          \
        va_list rest;                                                        \
        va_start(rest, flags);                                               \
        mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;            \
        va_end(rest);                                                        \
        if (!real) real = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, #name); \
        return flags & O_CREAT && fails(path) ? -1 : real(path, flags, mode); \
    }

WRAP_OPEN(open)
WRAP_OPEN(open64)
