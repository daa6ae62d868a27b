/* An ordinary disk without a cache, for a program that this is preloaded into: whoever waits for
   the disk waits DELAY_US longer. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <time.h>

static int slowly(const char *name, int fd) {
    int (*called)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    int result = called(fd), error = errno;
    struct timespec left = {0, DELAY_US * 1000L};
    while (nanosleep(&left, &left) < 0 && errno == EINTR)
        ;
    errno = error;
    return result;
}

int fsync(int fd) { return slowly("fsync", fd); }
int fdatasync(int fd) { return slowly("fdatasync", fd); }
