/* runtime/budget.c: the number of processors, and the reason for it, in file trees as systems show them. */
#define _GNU_SOURCE
#include "budget.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os.h"

/* ---- trees ---- */

enum { MOST_FILES = 12 };

struct file {
    const char *path, *text;
};

struct layout {
    const char *name;
    unsigned affinity;
    struct file file[MOST_FILES];
    unsigned cpus;
    const char *reason; /* the decisive level: kind, file, value */
    const char *chain;  /* all after the mask, "kind file [value] verdict\n"; NULL: not looked at */
};

#define GROUPS "/proc/self/cgroup"
#define MOUNTS "/proc/self/mountinfo"
#define FS "/sys/fs/cgroup"
/* mountinfo's line of version 2 at mount, showing the tree of root; and of version 1 with these controllers. */
#define V2_AT(root, mount) "30 24 0:26 " root " " mount " rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
#define V1_AT(root, mount, words) "31 24 0:27 " root " " mount " rw,nosuid - cgroup cgroup rw," words "\n"
#define V2_MOUNT V2_AT("/", FS)
#define OTHER_MOUNTS                                                                                                  \
    "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/root rw\n23 22 0:21 / /proc rw - proc proc rw\n"                   \
    "24 22 0:22 / /sys ro - sysfs sysfs ro\n"

static const struct layout layouts[] = {
    /* ---- nothing to be seen ---- */
    {"no /proc", 8, {{0}}, 8, "affinity", ""},
    {"no mountinfo",
     8,
     {{GROUPS, "0::/\n"}},
     8,
     "affinity",
     "cpuset " GROUPS " [/] its group is in no mount\nquota " GROUPS " [/] its group is in no mount\n"},
    {"no cgroup file", 8, {{MOUNTS, V2_MOUNT}, {FS "/cpu.max", "100000 100000\n"}}, 8, "affinity", ""},
    {"empty cgroup file",
     8,
     {{GROUPS, ""}, {MOUNTS, V2_MOUNT}, {FS "/cpu.max", "100000 100000\n"}},
     8,
     "affinity",
     ""},
    {"a cgroup file of nonsense",
     8,
     {{GROUPS, "hello\n\n::\n0:\n:\n1:cpu\n2:cpu:relative\n"}, {MOUNTS, V2_MOUNT V1_AT("/", FS "/cpu", "cpu")}},
     8,
     "affinity",
     ""},
    {"no mount of groups", 8, {{GROUPS, "0::/a\n"}, {MOUNTS, OTHER_MOUNTS}}, 8, "affinity", NULL},
    {"broken lines of mountinfo",
     8,
     {{GROUPS, "0::/\n"},
      {MOUNTS, "\n - cgroup2\n1 2 3 - cgroup2 a b\n - cgroup2 cgroup2 rw\n30 24 0:26 x y rw - cgroup2 c rw\nno end"}},
     8,
     "affinity",
     NULL},

    /* ---- version 2 ---- */
    {"v2, the root group",
     8,
     {{GROUPS, "0::/\n"}, {MOUNTS, OTHER_MOUNTS V2_MOUNT}, {FS "/cpuset.cpus.effective", "0-7\n"}},
     8,
     "affinity",
     "cpuset " FS "/cpuset.cpus.effective [0-7] limit 8\nquota " FS "/cpu.max [-] not there\n"},
    {"v2, max",
     8,
     {{GROUPS, "0::/a\n"}, {MOUNTS, V2_MOUNT}, {FS "/a/cpu.max", "max 100000\n"}},
     8,
     "affinity",
     "cpuset " FS "/a/cpuset.cpus.effective [-] not there\ncpuset " FS "/cpuset.cpus.effective [-] not there\n"
     "quota " FS "/a/cpu.max [max 100000] no limit\nquota " FS "/cpu.max [-] not there\n"},
    {"v2, one processor and a half",
     8,
     {{GROUPS, "0::/a\n"}, {MOUNTS, V2_MOUNT}, {FS "/a/cpu.max", "150000 100000\n"}},
     2,
     "quota " FS "/a/cpu.max 150000 100000",
     NULL},
    {"v2, less than one",
     8,
     {{GROUPS, "0::/a\n"}, {MOUNTS, V2_MOUNT}, {FS "/a/cpu.max", "1000 100000\n"}},
     1,
     "quota " FS "/a/cpu.max 1000 100000",
     NULL},
    {"v2, exactly two",
     8,
     {{GROUPS, "0::/a\n"}, {MOUNTS, V2_MOUNT}, {FS "/a/cpu.max", "40000 20000\n"}},
     2,
     "quota " FS "/a/cpu.max 40000 20000",
     NULL},
    {"v2, more than there are",
     8,
     {{GROUPS, "0::/a\n"}, {MOUNTS, V2_MOUNT}, {FS "/a/cpu.max", "6400000 100000\n"}},
     8,
     "affinity",
     NULL},
    {"v2, far more than there are",
     8,
     {{GROUPS, "0::/a\n"}, {MOUNTS, V2_MOUNT}, {FS "/a/cpu.max", "18446744073709551615 1\n"}},
     8,
     "affinity",
     NULL},
    {"v2, the group around is tighter",
     16,
     {{GROUPS, "0::/a/b/c\n"},
      {MOUNTS, V2_MOUNT},
      {FS "/a/b/c/cpu.max", "800000 100000\n"},
      {FS "/a/b/cpu.max", "max 100000\n"},
      {FS "/a/cpu.max", "300000 100000\n"}},
     3,
     "quota " FS "/a/cpu.max 300000 100000",
     "cpuset " FS "/a/b/c/cpuset.cpus.effective [-] not there\ncpuset " FS "/a/b/cpuset.cpus.effective [-] not there\n"
     "cpuset " FS "/a/cpuset.cpus.effective [-] not there\ncpuset " FS "/cpuset.cpus.effective [-] not there\n"
     "quota " FS "/a/b/c/cpu.max [800000 100000] limit 8\nquota " FS "/a/b/cpu.max [max 100000] no limit\n"
     "quota " FS "/a/cpu.max [300000 100000] limit 3\nquota " FS "/cpu.max [-] not there\n"},
    {"v2, the inner group is tighter",
     16,
     {{GROUPS, "0::/a/b\n"},
      {MOUNTS, V2_MOUNT},
      {FS "/a/b/cpu.max", "200000 100000\n"},
      {FS "/a/cpu.max", "300000 100000\n"}},
     2,
     "quota " FS "/a/b/cpu.max 200000 100000",
     NULL},
    {"v2, of equals the first",
     4,
     {{GROUPS, "0::/a\n"}, {MOUNTS, V2_MOUNT}, {FS "/a/cpu.max", "400000 100000\n"}},
     4,
     "affinity",
     NULL},
    {"v2, cpuset of an inner group",
     16,
     {{GROUPS, "0::/a/b\n"},
      {MOUNTS, V2_MOUNT},
      {FS "/a/b/cpuset.cpus.effective", "2-3,8\n"},
      {FS "/a/cpuset.cpus.effective", "0-8\n"}},
     3,
     "cpuset " FS "/a/b/cpuset.cpus.effective 2-3,8",
     NULL},
    {"v2, cpuset of a group around",
     16,
     {{GROUPS, "0::/a/b\n"}, {MOUNTS, V2_MOUNT}, {FS "/a/cpuset.cpus.effective", "4-7\n"}},
     4,
     "cpuset " FS "/a/cpuset.cpus.effective 4-7",
     NULL},
    {"v2, processors beyond 1,024",
     4000,
     {{GROUPS, "0::/a\n"}, {MOUNTS, V2_MOUNT}, {FS "/a/cpuset.cpus.effective", "0,1023-1025,2048-3047,4095\n"}},
     1005,
     "cpuset " FS "/a/cpuset.cpus.effective 0,1023-1025,2048-3047,4095",
     NULL},
    {"v2, a service of systemd",
     8,
     {{GROUPS, "0::/system.slice/web.service\n"},
      {MOUNTS, OTHER_MOUNTS V2_MOUNT},
      {FS "/system.slice/web.service/cpu.max", "250000 100000\n"},
      {FS "/system.slice/cpu.max", "max 100000\n"}},
     3,
     "quota " FS "/system.slice/web.service/cpu.max 250000 100000",
     NULL},
    {"v2, a user's session under a limited slice",
     8,
     {{GROUPS, "0::/user.slice/user-1000.slice/user@1000.service/app.slice/run-r1.scope\n"},
      {MOUNTS, V2_MOUNT},
      {FS "/user.slice/user-1000.slice/cpu.max", "600000 100000\n"}},
     6,
     "quota " FS "/user.slice/user-1000.slice/cpu.max 600000 100000",
     NULL},
    {"v2, docker with a namespace",
     8,
     {{GROUPS, "0::/\n"},
      {MOUNTS, OTHER_MOUNTS V2_MOUNT},
      {FS "/cpu.max", "50000 100000\n"},
      {FS "/cpuset.cpus.effective", "0-3\n"}},
     1,
     "quota " FS "/cpu.max 50000 100000",
     "cpuset " FS "/cpuset.cpus.effective [0-3] limit 4\nquota " FS "/cpu.max [50000 100000] limit 1\n"},
    {"v2, docker without a namespace: the mount shows the container alone",
     8,
     {{GROUPS, "0::/system.slice/docker-5f.scope\n"},
      {MOUNTS, V2_AT("/system.slice/docker-5f.scope", FS)},
      {FS "/cpu.max", "200000 100000\n"}},
     2,
     "quota " FS "/cpu.max 200000 100000",
     NULL},
    {"v2, a group in such a container",
     8,
     {{GROUPS, "0::/docker/5f/in\n"},
      {MOUNTS, V2_AT("/docker/5f", FS)},
      {FS "/in/cpu.max", "200000 100000\n"},
      {FS "/cpu.max", "100000 100000\n"}},
     1,
     "quota " FS "/cpu.max 100000 100000",
     NULL},
    {"v2, a mount of a neighbour whose name begins alike",
     8,
     {{GROUPS, "0::/docker/5f\n"},
      {MOUNTS, V2_AT("/docker/5", FS)},
      {FS "/cpu.max", "100000 100000\n"},
      {FS "f/cpu.max", "100000 100000\n"}},
     8,
     "affinity",
     NULL},
    {"v2, kubernetes",
     64,
     {{GROUPS, "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1.slice/cri-containerd-9.scope\n"},
      {MOUNTS, V2_MOUNT},
      {FS "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1.slice/cri-containerd-9.scope/cpu.max",
       "max 100000\n"},
      {FS "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1.slice/cpu.max", "350000 100000\n"},
      {FS "/kubepods.slice/cpu.max", "6300000 100000\n"}},
     4,
     "quota " FS "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1.slice/cpu.max 350000 100000",
     NULL},
    {"v2, the mount's root is above the namespace's",
     8,
     {{GROUPS, "0::/\n"}, {MOUNTS, V2_AT("/..", FS)}, {FS "/cpu.max", "300000 100000\n"}},
     3,
     "quota " FS "/cpu.max 300000 100000",
     NULL},
    {"v2, the same and one of the group itself",
     8,
     {{GROUPS, "0::/\n"},
      {MOUNTS, V2_MOUNT V2_AT("/..", "/host")},
      {FS "/cpu.max", "200000 100000\n"},
      {"/host/cpu.max", "100000 100000\n"}},
     2,
     "quota " FS "/cpu.max 200000 100000",
     NULL},
    {"v2, a process outside of the namespace's root",
     8,
     {{GROUPS, "0::/../other/x\n"},
      {MOUNTS, V2_AT("/", FS)},
      {FS "/cpu.max", "100000 100000\n"},
      {"/sys/fs/other/x/cpu.max", "100000 100000\n"}},
     8,
     "affinity",
     NULL},
    {"v2, a process outside, seen by a mount from above",
     8,
     {{GROUPS, "0::/../other/x\n"}, {MOUNTS, V2_AT("/..", FS)}, {FS "/other/cpu.max", "500000 100000\n"}},
     5,
     "quota " FS "/other/cpu.max 500000 100000",
     NULL},
    {"v2, a neighbour of the namespace is mounted",
     8,
     {{GROUPS, "0::/\n"}, {MOUNTS, V2_AT("/../other", FS)}, {FS "/cpu.max", "100000 100000\n"}},
     8,
     "affinity",
     NULL},
    {"v2, several mounts: the one that shows most",
     8,
     {{GROUPS, "0::/a/b\n"},
      {MOUNTS, V2_AT("/a/b", "/inner") V2_AT("/", "/outer") V2_AT("/a", "/middle")},
      {"/outer/a/cpu.max", "200000 100000\n"},
      {"/middle/cpu.max", "100000 100000\n"},
      {"/inner/cpu.max", "100000 100000\n"}},
     2,
     "quota /outer/a/cpu.max 200000 100000",
     NULL},
    {"v2, blanks, tabs and backslashes in names",
     8,
     {{GROUPS, "0::/a b/c\\d\n"},
      {MOUNTS, V2_AT("/a\\040b", "/my\\040groups\\011\\134x")},
      {"/my groups\t\\x/c\\d/cpu.max", "200000 100000\n"}},
     2,
     "quota /my groups\t\\x/c\\d/cpu.max 200000 100000",
     NULL},
    {"v2, a colon in the name",
     8,
     {{GROUPS, "0::/a:b/c\n"}, {MOUNTS, V2_MOUNT}, {FS "/a:b/c/cpu.max", "200000 100000\n"}},
     2,
     "quota " FS "/a:b/c/cpu.max 200000 100000",
     NULL},
    {"v2, mounted on /",
     8,
     {{GROUPS, "0::/a\n"}, {MOUNTS, V2_AT("/", "/")}, {"/a/cpu.max", "200000 100000\n"}},
     2,
     "quota /a/cpu.max 200000 100000",
     NULL},
    {"v2, a deleted group",
     8,
     {{GROUPS, "0::/a/gone (deleted)\n"}, {MOUNTS, V2_MOUNT}, {FS "/a/cpu.max", "200000 100000\n"}},
     2,
     "quota " FS "/a/cpu.max 200000 100000",
     NULL},
    {"v2, many tags and none in mountinfo",
     8,
     {{GROUPS, "0::/\n"},
      {MOUNTS, "30 24 0:26 / " FS " rw shared:1 master:2 propagate_from:3 unbindable - cgroup2 - rw\n"},
      {FS "/cpu.max", "200000 100000\n"}},
     2,
     "quota " FS "/cpu.max 200000 100000",
     NULL},

    /* ---- version 1 ---- */
    {"v1, a quota",
     8,
     {{GROUPS, "4:memory:/m\n3:cpu,cpuacct:/a\n2:cpuset:/\n1:name=systemd:/x\n"},
      {MOUNTS, OTHER_MOUNTS V1_AT("/", FS "/cpu,cpuacct", "cpu,cpuacct") V1_AT("/", FS "/cpuset", "cpuset")},
      {FS "/cpu,cpuacct/a/cpu.cfs_quota_us", "150000\n"},
      {FS "/cpu,cpuacct/a/cpu.cfs_period_us", "100000\n"},
      {FS "/cpu,cpuacct/cpu.cfs_quota_us", "-1\n"},
      {FS "/cpuset/cpuset.effective_cpus", "0-7\n"},
      {FS "/m/cpu.max", "1 1\n"}},
     2,
     "quota " FS "/cpu,cpuacct/a/cpu.cfs_quota_us 150000 100000",
     "cpuset " FS "/cpuset/cpuset.effective_cpus [0-7] limit 8\n"
     "quota " FS "/cpu,cpuacct/a/cpu.cfs_quota_us [150000 100000] limit 2\n"
     "quota " FS "/cpu,cpuacct/cpu.cfs_quota_us [-1] no limit\n"},
    {"v1, the group around is tighter",
     8,
     {{GROUPS, "3:cpu:/a/b\n"},
      {MOUNTS, V1_AT("/", FS "/cpu", "cpu")},
      {FS "/cpu/a/b/cpu.cfs_quota_us", "-1\n"},
      {FS "/cpu/a/cpu.cfs_quota_us", "300000\n"},
      {FS "/cpu/a/cpu.cfs_period_us", "100000\n"}},
     3,
     "quota " FS "/cpu/a/cpu.cfs_quota_us 300000 100000",
     NULL},
    {"v1, docker: the mount shows the container alone",
     8,
     {{GROUPS, "5:cpuset:/docker/5f\n3:cpuacct,cpu:/docker/5f\n"},
      {MOUNTS, V1_AT("/docker/5f", FS "/cpu,cpuacct", "cpu,cpuacct") V1_AT("/docker/5f", FS "/cpuset", "cpuset")},
      {FS "/cpu,cpuacct/cpu.cfs_quota_us", "50000\n"},
      {FS "/cpu,cpuacct/cpu.cfs_period_us", "100000\n"},
      {FS "/cpuset/cpuset.cpus", "1,3\n"}},
     1,
     "quota " FS "/cpu,cpuacct/cpu.cfs_quota_us 50000 100000",
     "cpuset " FS "/cpuset/cpuset.effective_cpus [-] not there\ncpuset " FS "/cpuset/cpuset.cpus [1,3] limit 2\n"
     "quota " FS "/cpu,cpuacct/cpu.cfs_quota_us [50000 100000] limit 1\n"},
    {"v1, kubernetes",
     32,
     {{GROUPS, "9:cpuset:/kubepods/burstable/pod7/c1\n2:cpu,cpuacct:/kubepods/burstable/pod7/c1\n"},
      {MOUNTS, V1_AT("/", FS "/cpu", "cpu,cpuacct") V1_AT("/", FS "/cpuset", "cpuset")},
      {FS "/cpu/kubepods/burstable/pod7/c1/cpu.cfs_quota_us", "400000\n"},
      {FS "/cpu/kubepods/burstable/pod7/c1/cpu.cfs_period_us", "100000\n"},
      {FS "/cpu/kubepods/burstable/pod7/cpu.cfs_quota_us", "500000\n"},
      {FS "/cpu/kubepods/burstable/pod7/cpu.cfs_period_us", "100000\n"},
      {FS "/cpuset/kubepods/burstable/pod7/c1/cpuset.effective_cpus", "8-15\n"}},
     4,
     "quota " FS "/cpu/kubepods/burstable/pod7/c1/cpu.cfs_quota_us 400000 100000",
     NULL},
    {"v1, a cpuset that was not set up",
     8,
     {{GROUPS, "1:cpuset:/a/b\n"},
      {MOUNTS, V1_AT("/", FS "/cpuset", "cpuset")},
      {FS "/cpuset/a/b/cpuset.effective_cpus", "\n"},
      {FS "/cpuset/a/b/cpuset.cpus", "\n"},
      {FS "/cpuset/a/cpuset.effective_cpus", "0-1,6\n"}},
     3,
     "cpuset " FS "/cpuset/a/cpuset.effective_cpus 0-1,6",
     "cpuset " FS "/cpuset/a/b/cpuset.effective_cpus [] no limit\ncpuset " FS "/cpuset/a/b/cpuset.cpus [] no limit\n"
     "cpuset " FS "/cpuset/a/cpuset.effective_cpus [0-1,6] limit 3\n"},
    {"v1, controllers whose names begin alike",
     8,
     {{GROUPS, "2:cpuacct:/a\n"},
      {MOUNTS, V1_AT("/", FS "/cpuacct", "cpuacct")},
      {FS "/cpuacct/a/cpu.cfs_quota_us", "100000\n"},
      {FS "/cpuacct/a/cpu.cfs_period_us", "100000\n"}},
     8,
     "affinity",
     ""},
    {"v1, a quota without its period",
     8,
     {{GROUPS, "3:cpu:/\n"}, {MOUNTS, V1_AT("/", FS "/cpu", "cpu")}, {FS "/cpu/cpu.cfs_quota_us", "100000\n"}},
     8,
     "affinity",
     "quota " FS "/cpu/cpu.cfs_quota_us [100000] not understood, ignored\n"},
    {"v1, a period of zero",
     8,
     {{GROUPS, "3:cpu:/\n"},
      {MOUNTS, V1_AT("/", FS "/cpu", "cpu")},
      {FS "/cpu/cpu.cfs_quota_us", "100000\n"},
      {FS "/cpu/cpu.cfs_period_us", "0\n"}},
     8,
     "affinity",
     "quota " FS "/cpu/cpu.cfs_quota_us [100000 0] not understood, ignored\n"},

    /* ---- both ---- */
    {"hybrid, the controllers are version 1's",
     8,
     {{GROUPS, "2:cpu:/a\n1:cpuset:/\n0::/b\n"},
      {MOUNTS, V1_AT("/", FS "/cpu", "cpu") V1_AT("/", FS "/cpuset", "cpuset") V2_AT("/", FS "/unified")},
      {FS "/cpu/a/cpu.cfs_quota_us", "200000\n"},
      {FS "/cpu/a/cpu.cfs_period_us", "100000\n"},
      {FS "/cpuset/cpuset.effective_cpus", "0-5\n"}},
     2,
     "quota " FS "/cpu/a/cpu.cfs_quota_us 200000 100000",
     "cpuset " FS "/cpuset/cpuset.effective_cpus [0-5] limit 6\n"
     "quota " FS "/cpu/a/cpu.cfs_quota_us [200000 100000] limit 2\n"
     "quota " FS "/cpu/cpu.cfs_quota_us [-] not there\n"},
    {"hybrid, the quota is version 2's",
     8,
     {{GROUPS, "1:cpuset:/s\n0::/b\n"},
      {MOUNTS, V1_AT("/", FS "/cpuset", "cpuset") V2_AT("/", FS "/unified")},
      {FS "/cpuset/s/cpuset.effective_cpus", "0-5\n"},
      {FS "/unified/b/cpu.max", "300000 100000\n"}},
     3,
     "quota " FS "/unified/b/cpu.max 300000 100000",
     NULL},

    /* ---- values that no kernel writes ---- */
    {"an empty quota",
     8,
     {{GROUPS, "0::/\n"}, {MOUNTS, V2_MOUNT}, {FS "/cpu.max", ""}},
     8,
     "affinity",
     "cpuset " FS "/cpuset.cpus.effective [-] not there\nquota " FS "/cpu.max [] not understood, ignored\n"},
    {"half a quota", 8, {{GROUPS, "0::/\n"}, {MOUNTS, V2_MOUNT}, {FS "/cpu.max", "100000\n"}}, 8, "affinity", NULL},
    {"a quota of zero",
     8,
     {{GROUPS, "0::/\n"}, {MOUNTS, V2_MOUNT}, {FS "/cpu.max", "0 100000\n"}},
     8,
     "affinity",
     NULL},
    {"a negative quota",
     8,
     {{GROUPS, "0::/\n"}, {MOUNTS, V2_MOUNT}, {FS "/cpu.max", "-5 100000\n"}},
     8,
     "affinity",
     NULL},
    {"a quota with more behind",
     8,
     {{GROUPS, "0::/\n"}, {MOUNTS, V2_MOUNT}, {FS "/cpu.max", "100000 100000 x\n"}},
     8,
     "affinity",
     NULL},
    {"a quota beyond all numbers",
     8,
     {{GROUPS, "0::/\n"}, {MOUNTS, V2_MOUNT}, {FS "/cpu.max", "100000000000000000000 100000\n"}},
     8,
     "affinity",
     NULL},
    {"a backward range",
     8,
     {{GROUPS, "0::/\n"}, {MOUNTS, V2_MOUNT}, {FS "/cpuset.cpus.effective", "3-1\n"}},
     8,
     "affinity",
     "cpuset " FS "/cpuset.cpus.effective [3-1] not understood, ignored\nquota " FS "/cpu.max [-] not there\n"},
    {"overlapping ranges",
     8,
     {{GROUPS, "0::/\n"}, {MOUNTS, V2_MOUNT}, {FS "/cpuset.cpus.effective", "0-3,3\n"}},
     8,
     "affinity",
     "cpuset " FS "/cpuset.cpus.effective [0-3,3] not understood, ignored\nquota " FS "/cpu.max [-] not there\n"},
    {"a range without an end",
     8,
     {{GROUPS, "0::/\n"}, {MOUNTS, V2_MOUNT}, {FS "/cpuset.cpus.effective", "0-\n"}},
     8,
     "affinity",
     "cpuset " FS "/cpuset.cpus.effective [0-] not understood, ignored\nquota " FS "/cpu.max [-] not there\n"},
    {"a set with a comma behind",
     8,
     {{GROUPS, "0::/\n"}, {MOUNTS, V2_MOUNT}, {FS "/cpuset.cpus.effective", "0,\n"}},
     8,
     "affinity",
     "cpuset " FS "/cpuset.cpus.effective [0,] not understood, ignored\nquota " FS "/cpu.max [-] not there\n"},
    {"a set of words",
     8,
     {{GROUPS, "0::/\n"}, {MOUNTS, V2_MOUNT}, {FS "/cpuset.cpus.effective", "all\n"}},
     8,
     "affinity",
     "cpuset " FS "/cpuset.cpus.effective [all] not understood, ignored\nquota " FS "/cpu.max [-] not there\n"},
    {"a stride",
     8,
     {{GROUPS, "0::/\n"}, {MOUNTS, V2_MOUNT}, {FS "/cpuset.cpus.effective", "0-7:2/4\n"}},
     8,
     "affinity",
     "cpuset " FS "/cpuset.cpus.effective [0-7:2/4] not understood, ignored\nquota " FS "/cpu.max [-] not there\n"},
    {"a set beyond all numbers",
     8,
     {{GROUPS, "0::/\n"}, {MOUNTS, V2_MOUNT}, {FS "/cpuset.cpus.effective", "0-16777216\n"}},
     8,
     "affinity",
     "cpuset " FS "/cpuset.cpus.effective [0-16777216] not understood, ignored\nquota " FS "/cpu.max [-] not there\n"},
    {"a broken level does not hide the next",
     8,
     {{GROUPS, "0::/a\n"}, {MOUNTS, V2_MOUNT}, {FS "/a/cpu.max", "many\n"}, {FS "/cpu.max", "200000 100000\n"}},
     2,
     "quota " FS "/cpu.max 200000 100000",
     NULL},
    {"a file that is a folder",
     8,
     {{GROUPS, "0::/\n"}, {MOUNTS, V2_MOUNT}, {FS "/cpu.max/x", "100000 100000\n"}},
     8,
     "affinity",
     "cpuset " FS "/cpuset.cpus.effective [-] not there\nquota " FS "/cpu.max [-] not there\n"},
    {"no processor in the mask", 0, {{0}}, 1, "affinity", ""},
};

/* ---- making them ---- */

static char root[64];

static void put(const char *path, const char *text)
{
    char name[PATH_MAX];
    snprintf(name, sizeof name, "%s%s", root, path);
    for (char *slash = strchr(name + strlen(root) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        cr_assert(mkdir(name, 0700) == 0 || errno == EEXIST, "%s: %s", name, strerror(errno));
        *slash = '/';
    }
    FILE *f = fopen(name, "w");
    cr_assert(f, "%s: %s", name, strerror(errno));
    fputs(text, f);
    cr_assert_eq(fclose(f), 0);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status;
    (void)type;
    (void)where;
    return remove(path);
}

static void make_tree(const struct file *file)
{
    const char *temporary = getenv("TMPDIR");
    snprintf(root, sizeof root, "%.40s/filch.XXXXXX", temporary ? temporary : "/tmp");
    cr_assert(mkdtemp(root), "%s: %s", root, strerror(errno));
    for (size_t i = 0; i < MOST_FILES && file[i].path; i++)
        put(file[i].path, file[i].text);
}

static void remove_tree(void)
{
    cr_assert_eq(nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0, "%s: %s", root, strerror(errno));
}

/* ---- what is said of them ---- */

static void reason_of(char *text, size_t room, const struct fl_budget *b)
{
    const struct fl_budget_level *l = &b->level[b->decisive];
    snprintf(text, room, "%s%s%s%s%s", l->kind, l->file ? " " : "", l->file ? l->file : "", l->value ? " " : "",
             l->value ? l->value : "");
}

static void chain_of(char *text, size_t room, const struct fl_budget *b)
{
    size_t n = 0;
    *text = 0;
    for (size_t i = 1; i < b->levels && n < room; i++) {
        const struct fl_budget_level *l = &b->level[i];
        const char *verdict = fl_budget_verdict_text(l->verdict);
        n += (size_t)snprintf(text + n, room - n, "%s %s [%s] %s", l->kind, l->file, l->value ? l->value : "-",
                              verdict);
        if (l->verdict == FL_BUDGET_LIMITS)
            n += (size_t)snprintf(text + n, room - n, " %u", l->limit);
        n += (size_t)snprintf(text + n, room - n, "\n");
    }
}

Test(budget, layouts)
{
    enum { UNTOUCHED = 1234 };
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
        const struct layout *t = &layouts[i];
        struct fl_budget b;
        char reason[512], chain[4096];
        make_tree(t->file);
        errno = UNTOUCHED;
        fl_budget_read(&b, root, t->affinity);
        cr_expect_eq(errno, UNTOUCHED, "%s: errno %d", t->name, errno);
        cr_assert(b.levels > 0);
        cr_expect_eq(b.level[0].limit, t->affinity, "%s: the mask is the first level", t->name);
        reason_of(reason, sizeof reason, &b);
        chain_of(chain, sizeof chain, &b);
        cr_expect_eq(b.cpus, t->cpus, "%s: %u processors, not %u\n%s", t->name, b.cpus, t->cpus, chain);
        cr_expect_str_eq(reason, t->reason, "%s: because of %s, not %s\n%s", t->name, reason, t->reason, chain);
        if (t->chain)
            cr_expect_str_eq(chain, t->chain, "%s:\n%swas expected, and found was\n%s", t->name, t->chain, chain);
        fl_budget_free(&b);
        remove_tree();
    }
}

/* ---- long files: /proc answers in pieces, and not in round ones ---- */

Test(budget, a_mountinfo_of_many_mounts)
{
    enum { LINES = 3000 };
    static const char line[] = "99 22 0:40 / /run/containers/overlay/merged rw - overlay overlay rw\n";
    static const struct file files[MOST_FILES] = {{GROUPS, "0::/a\n"}, {FS "/a/cpu.max", "300000 100000\n"}};
    struct fl_budget b;
    char *text = malloc(LINES * sizeof line + 256);
    for (int at = 0; at <= 2; at++) {
        make_tree(files);
        char *end = text;
        for (int i = 0; i <= LINES; i++)
            end += sprintf(end, "%s", i == at * (LINES / 2) ? V2_MOUNT : line);
        put(MOUNTS, text);
        fl_budget_read(&b, root, 8);
        cr_assert_eq(b.cpus, 3u);
        fl_budget_free(&b);
        remove_tree();
    }
    free(text);
}

Test(budget, values_of_every_length)
{
    static const struct file files[MOST_FILES] = {{GROUPS, "0::/\n"}, {MOUNTS, V2_MOUNT}};
    struct fl_budget b;
    char text[9000] = "0";
    make_tree(files);
    for (size_t n = 1; n + 8 < sizeof text; n += n < 4090 || n > 4100 ? 61 : 1) {
        memset(text, '0', n);
        strcpy(text + n, "5\n");
        put(FS "/cpuset.cpus.effective", text);
        fl_budget_read(&b, root, 8);
        cr_assert_eq(b.cpus, 1u);
        cr_assert_eq(strlen(b.level[b.decisive].value), n + 1);
        fl_budget_free(&b);
    }
    remove_tree();
}

/* ---- this process ---- */

Test(budget, this_process_is_within_its_mask)
{
    cpu_set_t all, one;
    unsigned cpus = fl_budget_cpus();
    cr_assert(cpus >= 1 && cpus <= fl_os_cpu_count());
    if (sched_getaffinity(0, sizeof all, &all) != 0)
        cr_skip_test("more processors than this test counts");
    CPU_ZERO(&one);
    for (int cpu = 0; CPU_COUNT(&one) == 0; cpu++)
        if (CPU_ISSET(cpu, &all))
            CPU_SET(cpu, &one);
    cr_assert_eq(sched_setaffinity(0, sizeof one, &one), 0);
    cr_assert_eq(fl_budget_cpus(), 1u, "the mask is that of the call");
    cr_assert_eq(sched_setaffinity(0, sizeof all, &all), 0);
    cr_assert_eq(fl_budget_cpus(), cpus);
}
