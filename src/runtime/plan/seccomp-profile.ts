/**
 * Which seccomp profile a container gets: none, a file of the node, or RuntimeDefault. RuntimeDefault allows what ordinary
 * programs need and what the container's capabilities permit anyway, and answers EPERM to the rest; the lists are those that
 * Docker and containerd settled on.
 */
import { readFileSync } from 'node:fs'
import { ProfileType } from '#contracts/cri/enums.ts'
import type { LinuxContainerSecurityContext } from '#contracts/cri/types.ts'
import type { OciSeccomp } from '#contracts/oci/runtime-spec.ts'
import { planCapabilities } from './capabilities.ts'
import { InvalidConfigError } from './container-spec.ts'

const ALLOWED = `
accept accept4 access adjtimex alarm arch_prctl bind brk cachestat capget capset chdir chmod chown clock_adjtime clock_getres
clock_gettime clock_nanosleep close close_range connect copy_file_range creat dup dup2 dup3 epoll_create epoll_create1 epoll_ctl
epoll_pwait epoll_pwait2 epoll_wait eventfd eventfd2 execve execveat exit exit_group faccessat faccessat2 fadvise64 fallocate
fanotify_mark fchdir fchmod fchmodat fchmodat2 fchown fchownat fcntl fdatasync fgetxattr flistxattr flock fork fremovexattr
fsetxattr fstat fstatfs fsync ftruncate futex futex_requeue futex_wait futex_waitv futex_wake futimesat get_mempolicy
get_robust_list get_thread_area getcpu getcwd getdents getdents64 getegid geteuid getgid getgroups getitimer getpeername getpgid
getpgrp getpid getppid getpriority getrandom getresgid getresuid getrlimit getrusage getsid getsockname getsockopt gettid
gettimeofday getuid getxattr getxattrat inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel io_destroy
io_getevents io_pgetevents io_setup io_submit ioctl ioprio_get ioprio_set kill landlock_add_rule landlock_create_ruleset
landlock_restrict_self lchown lgetxattr link linkat listen listmount listxattr listxattrat llistxattr lremovexattr lseek
lsetxattr lstat madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mkdir mkdirat mknod mknodat mlock mlock2
mlockall mmap modify_ldt mprotect mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedsend mq_unlink mremap mseal msgctl
msgget msgrcv msgsnd msync munlock munlockall munmap name_to_handle_at nanosleep newfstatat open openat openat2 pause
pidfd_getfd pidfd_open pidfd_send_signal pipe pipe2 pkey_alloc pkey_free pkey_mprotect poll ppoll prctl pread64 preadv preadv2
prlimit64 process_mrelease process_vm_readv process_vm_writev pselect6 ptrace pwrite64 pwritev pwritev2 read readahead readlink readlinkat
readv recvfrom recvmmsg recvmsg remap_file_pages removexattr removexattrat rename renameat renameat2 restart_syscall rmdir
rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo
sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr sched_getparam sched_getscheduler
sched_rr_get_interval sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield seccomp select semctl semget
semop semtimedop sendfile sendmmsg sendmsg sendto set_mempolicy_home_node set_robust_list set_thread_area set_tid_address
setfsgid setfsuid setgid setgroups setitimer setpgid setpriority setregid setresgid setresuid setreuid setrlimit setsid
setsockopt setuid setxattr setxattrat shmat shmctl shmdt shmget shutdown sigaltstack signalfd signalfd4 socketpair splice stat
statfs statmount statx symlink symlinkat sync sync_file_range syncfs sysinfo tee tgkill time timer_create timer_delete
timer_getoverrun timer_gettime timer_settime timerfd_create timerfd_gettime timerfd_settime times tkill truncate umask uname
unlink unlinkat uretprobe utime utimensat utimes vfork vmsplice wait4 waitid write writev`
  .trim()
  .split(/\s+/)

/** Allowed in addition to whoever holds the capability: the kernel asks for it in any case. */
const BY_CAPABILITY: Readonly<Record<string, string>> = {
  CAP_DAC_READ_SEARCH: 'open_by_handle_at',
  CAP_SYS_ADMIN:
    'bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr lsm_list_modules lsm_set_self_attr mount mount_setattr move_mount open_tree open_tree_attr perf_event_open quotactl quotactl_fd setdomainname sethostname setns syslog umount2 unshare',
  CAP_SYS_BOOT: 'reboot',
  CAP_SYS_CHROOT: 'chroot',
  CAP_SYS_MODULE: 'delete_module init_module finit_module',
  CAP_SYS_PACCT: 'acct',
  CAP_SYS_PTRACE: 'kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace',
  CAP_SYS_RAWIO: 'iopl ioperm',
  CAP_SYS_TIME: 'settimeofday clock_settime stime',
  CAP_SYS_TTY_CONFIG: 'vhangup',
  CAP_SYS_NICE: 'get_mempolicy mbind set_mempolicy set_mempolicy_home_node migrate_pages move_pages',
  CAP_SYSLOG: 'syslog',
  CAP_BPF: 'bpf',
  CAP_PERFMON: 'perf_event_open',
}

/** CLONE_NEW*: making namespaces needs CAP_SYS_ADMIN. */
const NAMESPACE_FLAGS = 0x7e02_0000
const ENOSYS = 38
const AF_VSOCK = 40
/** Execution domains that are harmless: Linux, and what 32-bit emulation asks for. */
const PERSONALITIES = [0x0, 0x0008, 0x2_0000, 0x2_0008, 0xffff_ffff]

export function defaultSeccomp(capabilities: readonly string[]): OciSeccomp {
  const allow = 'SCMP_ACT_ALLOW'
  const syscalls: NonNullable<OciSeccomp['syscalls']> = [
    { names: ALLOWED, action: allow },
    { names: ['socket'], action: allow, args: [{ index: 0, value: AF_VSOCK, op: 'SCMP_CMP_NE' }] },
    ...PERSONALITIES.map((value) => ({
      names: ['personality'],
      action: allow,
      args: [{ index: 0, value, op: 'SCMP_CMP_EQ' }],
    })),
  ]
  for (const [capability, names] of Object.entries(BY_CAPABILITY)) {
    if (capabilities.includes(capability)) syscalls.push({ names: names.split(' '), action: allow })
  }
  if (!capabilities.includes('CAP_SYS_ADMIN')) {
    syscalls.push({
      names: ['clone'],
      action: allow,
      args: [{ index: 0, value: NAMESPACE_FLAGS, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }],
    })
    // Its flags are in memory, out of a filter's reach; programs fall back to clone.
    syscalls.push({ names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS })
  }
  return { defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 1, syscalls }
}

/** Throws InvalidConfigError when the node has no such profile. */
export function planSeccomp(
  security: LinuxContainerSecurityContext | undefined,
  available: readonly string[],
): OciSeccomp | undefined {
  if (!security || security.privileged || !security.seccomp) return undefined
  const { profileType, localhostRef } = security.seccomp
  if (profileType === ProfileType.Unconfined) return undefined
  if (profileType === ProfileType.Localhost) {
    try {
      return JSON.parse(readFileSync(localhostRef.replace(/^localhost\//, ''), 'utf8')) as OciSeccomp
    } catch (cause) {
      throw new InvalidConfigError(`cannot load seccomp profile "${localhostRef}": ${(cause as Error).message}`, {
        cause,
      })
    }
  }
  const {
    addCapabilities: add = [],
    dropCapabilities: drop = [],
    addAmbientCapabilities: addAmbient = [],
  } = security.capabilities ?? {}
  return defaultSeccomp(planCapabilities({ privileged: false, add, drop, addAmbient }, available).bounding)
}
