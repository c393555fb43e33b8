/* Sees every call that changes a file below one folder: writes it down for a replay, or has the n-th one fail.
 *
 * Loaded with LD_PRELOAD and idle until `faults_record` or `faults_arm` is called. Writes down what succeeded, in
 * the order in which it did, with its data; docs of the format: tests/faults/recording.py. Locks and reads pass.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { CREATE = 1, WRITE, TRUNCATE, SYNC, MKDIR, RENAME, UNLINK };
enum { SHORT = -1 };

static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;
static char root[PATH_MAX];
static size_t root_length;
static int journal = -1;
static long calls, failing;
static int with_error;
static char hit[32];

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

void faults_record(const char *below, int journal_fd) {
  root_length = strlen(strcpy(root, below));
  journal = journal_fd;
}

/* nth 0: nothing fails, the calls are only counted. */
void faults_arm(const char *below, long nth, int error) {
  root_length = strlen(strcpy(root, below));
  calls = 0, failing = nth, with_error = error, hit[0] = 0;
}

long faults_calls(void) { return calls; }
const char *faults_hit(void) { return hit; }

/* --- which calls are ours ------------------------------------------------------------------------ */

static int full_path(char *out, int folder, const char *path) {
  char link[64];
  ssize_t length = 0;
  if (path && path[0] == '/') return snprintf(out, PATH_MAX, "%s", path) < PATH_MAX;
  if (folder == AT_FDCWD) {
    if (!getcwd(out, PATH_MAX)) return 0;
    length = strlen(out);
  } else {
    snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
    length = readlink(link, out, PATH_MAX - 1);
    if (length < 0) return 0;
    out[length] = 0;
  }
  if (path) snprintf(out + length, PATH_MAX - length, "/%s", path);
  return 1;
}

static int ours(const char *path) {
  const char *name = strrchr(path, '/');
  if (!root_length || strncmp(path, root, root_length) || (path[root_length] && path[root_length] != '/')) return 0;
  return strcmp(name, "/lock.mdb") && strcmp(name, "/writer.lock");
}

static int ours_fd(char *path, int fd) {
  struct stat found;
  if (!root_length || fstat(fd, &found) || !(S_ISREG(found.st_mode) || S_ISDIR(found.st_mode))) return 0;
  return full_path(path, fd, NULL) && ours(path);
}

/* Whether this call is the one that fails: 0 no, 1 with errno set, 2 it is to write less than it was asked to. */
static int fails(const char *name, int can_be_short) {
  calls++;
  if (!failing || calls != failing) return 0;
  if (with_error == SHORT && !can_be_short) return 0;
  snprintf(hit, sizeof hit, "%s", name);
  if (with_error == SHORT) return 2;
  errno = with_error;
  return 1;
}

/* --- the journal --------------------------------------------------------------------------------- */

struct __attribute__((packed)) head {
  uint8_t op, synced;
  uint16_t path_bytes, path2_bytes;
  uint64_t inode;
  int64_t offset;
  uint32_t data_bytes;
};

static void put(const void *bytes, size_t length) {
  while (length) {
    ssize_t done = syscall(SYS_write, journal, bytes, length);
    if (done <= 0) _exit(97);
    bytes = (const char *)bytes + done, length -= done;
  }
}

static void note(int op, int synced, const char *path, const char *path2, uint64_t inode, off_t offset,
                 const struct iovec *parts, int count, size_t data_bytes) {
  if (journal < 0) return;
  struct head head = {op, synced, strlen(path), path2 ? strlen(path2) : 0, inode, offset, data_bytes};
  put(&head, sizeof head);
  put(path, head.path_bytes);
  if (path2) put(path2, head.path2_bytes);
  for (int at = 0; at < count && data_bytes; at++) {
    size_t length = parts[at].iov_len < data_bytes ? parts[at].iov_len : data_bytes;
    put(parts[at].iov_base, length);
    data_bytes -= length;
  }
}

static uint64_t inode_of(const char *path) {
  struct stat found;
  return lstat(path, &found) ? 0 : found.st_ino;
}

static uint64_t inode_at(int fd) {
  struct stat found;
  return fstat(fd, &found) ? 0 : found.st_ino;
}

/* --- writing ------------------------------------------------------------------------------------- */

static size_t total(const struct iovec *parts, int count) {
  size_t bytes = 0;
  while (count--) bytes += parts++->iov_len;
  return bytes;
}

/* Every kind of write goes through here; `offset` -1: where the descriptor stands. */
static ssize_t do_write(const char *name, int fd, const struct iovec *parts, int count, off_t offset) {
  char path[PATH_MAX];
  struct iovec half;
  int saved = errno;
  if (fd == journal || !ours_fd(path, fd)) {
    errno = saved;
    return offset < 0 ? syscall(SYS_writev, fd, parts, count) : REAL(pwritev)(fd, parts, count, offset);
  }
  pthread_mutex_lock(&order);
  ssize_t done = -1;
  int fate = fails(name, total(parts, count) > 1);
  if (fate == 2) {
    half.iov_base = parts[0].iov_base;
    half.iov_len = (parts[0].iov_len + 1) / 2;
    parts = &half, count = 1;
  }
  if (fate != 1) done = offset < 0 ? syscall(SYS_writev, fd, parts, count) : REAL(pwritev)(fd, parts, count, offset);
  saved = errno;
  if (done > 0) {
    off_t at = offset < 0 ? lseek(fd, 0, SEEK_CUR) - done : offset;
    note(WRITE, (fcntl(fd, F_GETFL) & O_DSYNC) != 0, path, NULL, inode_at(fd), at, parts, count, done);
  }
  pthread_mutex_unlock(&order);
  errno = saved;
  return done;
}

ssize_t write(int fd, const void *bytes, size_t length) {
  struct iovec one = {(void *)bytes, length};
  return do_write("write", fd, &one, 1, -1);
}
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) {
  struct iovec one = {(void *)bytes, length};
  return do_write("pwrite", fd, &one, 1, offset);
}
ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t offset) { return pwrite(fd, bytes, length, offset); }
ssize_t writev(int fd, const struct iovec *parts, int count) { return do_write("writev", fd, parts, count, -1); }
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
  if (!root_length) return REAL(pwritev)(fd, parts, count, offset);
  return do_write("pwritev", fd, parts, count, offset);
}
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off_t offset) {
  return pwritev(fd, parts, count, offset);
}

/* --- the rest: try, then note -------------------------------------------------------------------- */

#define GUARDED(name, mine, real, noted)       \
  do {                                         \
    if (!(mine)) return real;                  \
    pthread_mutex_lock(&order);                \
    int result = fails(name, 0) ? -1 : (real); \
    int error = errno;                         \
    if (result >= 0) noted;                    \
    pthread_mutex_unlock(&order);              \
    errno = error;                             \
    return result;                             \
  } while (0)

int fsync(int fd) {
  char path[PATH_MAX];
  GUARDED("fsync", ours_fd(path, fd), REAL(fsync)(fd), note(SYNC, 1, path, NULL, inode_at(fd), 0, NULL, 0, 0));
}
int fdatasync(int fd) {
  char path[PATH_MAX];
  GUARDED("fdatasync", ours_fd(path, fd), REAL(fdatasync)(fd), note(SYNC, 1, path, NULL, inode_at(fd), 0, NULL, 0, 0));
}
int ftruncate(int fd, off_t length) {
  char path[PATH_MAX];
  GUARDED("ftruncate", ours_fd(path, fd), REAL(ftruncate)(fd, length),
          note(TRUNCATE, 0, path, NULL, inode_at(fd), length, NULL, 0, 0));
}
int ftruncate64(int fd, off_t length) { return ftruncate(fd, length); }

int rename(const char *old, const char *new) {
  char from[PATH_MAX], to[PATH_MAX];
  GUARDED("rename", full_path(from, AT_FDCWD, old) && full_path(to, AT_FDCWD, new) && ours(to), REAL(rename)(old, new),
          note(RENAME, 0, from, to, inode_of(to), 0, NULL, 0, 0));
}
int unlink(const char *name) {
  char path[PATH_MAX];
  GUARDED("unlink", full_path(path, AT_FDCWD, name) && ours(path), REAL(unlink)(name),
          note(UNLINK, 0, path, NULL, 0, 0, NULL, 0, 0));
}
int unlinkat(int folder, const char *name, int flags) {
  char path[PATH_MAX];
  GUARDED("unlink", full_path(path, folder, name) && ours(path), REAL(unlinkat)(folder, name, flags),
          note(UNLINK, 0, path, NULL, 0, 0, NULL, 0, 0));
}
int rmdir(const char *name) {
  char path[PATH_MAX];
  GUARDED("unlink", full_path(path, AT_FDCWD, name) && ours(path), REAL(rmdir)(name),
          note(UNLINK, 0, path, NULL, 0, 0, NULL, 0, 0));
}
int mkdir(const char *name, mode_t mode) {
  char path[PATH_MAX];
  GUARDED("mkdir", full_path(path, AT_FDCWD, name) && ours(path), REAL(mkdir)(name, mode),
          note(MKDIR, 0, path, NULL, inode_of(path), 0, NULL, 0, 0));
}

static int do_open(int folder, const char *name, int flags, mode_t mode) {
  char path[PATH_MAX];
  if (!(flags & (O_CREAT | O_TRUNC)) || !full_path(path, folder, name) || !ours(path))
    return syscall(SYS_openat, folder, name, flags, mode);
  int there = !access(path, F_OK);
  GUARDED("open", 1, (int)syscall(SYS_openat, folder, name, flags, mode),
          there ? (flags & O_TRUNC ? note(TRUNCATE, 0, path, NULL, inode_at(result), 0, NULL, 0, 0) : (void)0)
                : note(CREATE, 0, path, NULL, inode_at(result), 0, NULL, 0, 0));
}

#define WITH_MODE(last)                                     \
  mode_t mode = 0;                                          \
  if (flags & (O_CREAT | __O_TMPFILE)) {                    \
    va_list more;                                           \
    va_start(more, last);                                   \
    mode = va_arg(more, mode_t);                            \
    va_end(more);                                           \
  }

int open(const char *name, int flags, ...) {
  WITH_MODE(flags)
  return do_open(AT_FDCWD, name, flags, mode);
}
int open64(const char *name, int flags, ...) {
  WITH_MODE(flags)
  return do_open(AT_FDCWD, name, flags, mode);
}
int openat(int folder, const char *name, int flags, ...) {
  WITH_MODE(flags)
  return do_open(folder, name, flags, mode);
}
int openat64(int folder, const char *name, int flags, ...) {
  WITH_MODE(flags)
  return do_open(folder, name, flags, mode);
}
