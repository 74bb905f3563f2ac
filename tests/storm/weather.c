/* Moves the wall clock of the one process that it is preloaded into, and fills its disk where no small one
 * can be mounted.
 *
 * STORM_WEATHER names a file of two numbers that the harness writes and this maps: nanoseconds that the wall
 * clock is ahead, and whether the disk is full. Clocks that only count (CLOCK_MONOTONIC) stay as they are, as
 * they do when somebody sets a machine's clock. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const int64_t calm[2];
static const volatile int64_t *weather = calm;
static int (*real_clock)(clockid_t, struct timespec *);

__attribute__((constructor)) static void begin(void) {
    /* A harness that is killed leaves nobody behind. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    real_clock = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    const char *path = getenv("STORM_WEATHER");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *mapped = mmap(NULL, sizeof calm, PROT_READ, MAP_SHARED, file, 0);
    if (mapped != MAP_FAILED) weather = mapped;
    close(file);
}

static int look(clockid_t clock, struct timespec *now) {
    if (!real_clock) return (int)syscall(SYS_clock_gettime, clock, now);
    return real_clock(clock, now);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int failed = look(clock, now);
    if (failed || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)) return failed;
    const int64_t second = 1000000000;
    int64_t at = (int64_t)now->tv_sec * second + now->tv_nsec + weather[0];
    now->tv_sec = at / second;
    now->tv_nsec = at % second;
    return 0;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    (void)zone;
    struct timespec exactly;
    int failed = clock_gettime(CLOCK_REALTIME, &exactly);
    if (failed) return failed;
    now->tv_sec = exactly.tv_sec;
    now->tv_usec = exactly.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *place) {
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now)) return (time_t)-1;
    if (place) *place = now.tv_sec;
    return now.tv_sec;
}

/* The log goes into a pipe, and pipes have room. */
static int has_no_room(int file) {
    struct stat about;
    if (!weather[1] || fstat(file, &about) || !S_ISREG(about.st_mode)) return 0;
    errno = ENOSPC;
    return 1;
}

ssize_t write(int file, const void *bytes, size_t length) {
    return has_no_room(file) ? -1 : syscall(SYS_write, file, bytes, length);
}

ssize_t pwrite64(int file, const void *bytes, size_t length, off64_t at) {
    return has_no_room(file) ? -1 : syscall(SYS_pwrite64, file, bytes, length, at);
}

ssize_t pwrite(int file, const void *bytes, size_t length, off_t at) {
    return pwrite64(file, bytes, length, at);
}
