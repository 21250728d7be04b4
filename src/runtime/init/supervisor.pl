#!/usr/bin/perl
# The supervisor of rostrum-cri: the parent of every container, and the only part of the runtime that makes system calls
# Node cannot make. It needs nothing but perl-base, which every Debian has.
#
# One process serves a whole daemon. For each container it forks once; the child carries out a list of steps that the daemon
# planned (namespaces, mounts, user, capabilities, seccomp) and becomes the program. So nothing but the program itself stays
# in memory per container. The supervisor outlives the daemon: it keeps the pipes open, reaps, and writes each exit to a file
# before telling anyone. It stops by itself when it has neither children nor a daemon.
#
# Invariants: a process is signalled only while it is an unreaped child, so its pid cannot mean anybody else; a child that
# fails a step says why and never runs the program; standard streams are real pipes, so /dev/stdout can be reopened inside.
#
# Frames on the socket: 4 bytes length, then one value. A value is `s` length bytes | `l` count values | `m` count (string
# value)... | `n`; all numbers 32 bits, big endian. Requests are maps with `id` and `op`; answers carry `re`, events `event`.
use strict;
use warnings;
no warnings 'exec';
use Errno qw(EINTR EAGAIN EPERM EACCES ENOENT EEXIST EINVAL ENOTDIR EISDIR ESRCH EROFS);
use Fcntl;
use POSIX ();
use Socket;

my $ARM = (POSIX::uname())[4] eq 'aarch64' ? 1 : 0;
die "unsupported machine\n" unless $ARM || (POSIX::uname())[4] eq 'x86_64';

# Numbers of x86_64 and aarch64.
my %SYS = map { my ($name, @numbers) = @$_; $name => $numbers[$ARM] } (
  [clone => 56, 220], [setns => 308, 268], [unshare => 272, 97], [mount => 165, 40], [umount2 => 166, 39],
  [pivot_root => 155, 41], [open_tree => 428, 428], [move_mount => 429, 429], [mount_setattr => 442, 442],
  [prctl => 157, 167], [capset => 126, 91], [setgroups => 116, 159], [setresuid => 117, 147], [setresgid => 119, 149],
  [seccomp => 317, 277], [close_range => 436, 436], [pidfd_open => 434, 434], [pidfd_getfd => 438, 438],
  [mknodat => 259, 33], [sethostname => 170, 161], [signalfd4 => 289, 74], [clock_gettime => 228, 113],
  [statfs => 137, 43], [lsetxattr => 189, 6], [bpf => 321, 280], [openat2 => 437, 437],
);
use constant {
  CLONE_PARENT => 0x8000, SIGCHLD => 17, CLONE_NEWNET => 0x40000000, CLONE_NEWIPC => 0x08000000, CLONE_NEWUTS => 0x04000000,
  CLONE_NEWNS => 0x20000, CLONE_NEWPID => 0x20000000, CLONE_NEWCGROUP => 0x02000000,
  AT_FDCWD => -100, AT_EMPTY_PATH => 0x1000, AT_RECURSIVE => 0x8000, OPEN_TREE_CLONE => 1, OPEN_TREE_CLOEXEC => 0x80000,
  MOVE_MOUNT_F_EMPTY_PATH => 4, MOVE_MOUNT_T_SYMLINKS => 0x10,
  MNT_DETACH => 2, MS_BIND => 4096, MS_REC => 16384, MS_PRIVATE => 1 << 18, MS_SLAVE => 1 << 19, MS_RDONLY => 1,
  MOUNT_ATTR_RDONLY => 1,
  PR_SET_NAME => 15, PR_CAPBSET_DROP => 24, PR_SET_KEEPCAPS => 8, PR_SET_CHILD_SUBREAPER => 36, PR_SET_NO_NEW_PRIVS => 38,
  PR_CAP_AMBIENT => 47,
  TIOCSCTTY => 0x540E, TIOCSWINSZ => 0x5414, TIOCSPTLCK => 0x40045431, TIOCGPTN => 0x80045430,
  SIOCGIFFLAGS => 0x8913, SIOCSIFFLAGS => 0x8914,
  FRAME_LIMIT => 16 << 20, OUTBOX_LIMIT => 16 << 20, IDLE_SECONDS => 30,
};

my ($socketPath, $version) = @ARGV;
die "usage: supervisor.pl SOCKET VERSION\n" unless defined $version;

my %processes;    # key -> { pid, fds => {name => handle}, started, exit?, exitFile?, status? (channel while starting), ... }
my %keyOfPid;
my %orphans;    # pid -> [status, when]: reaped, but nobody's so far
my %plainChildren;    # pid -> code run when it ends: relays and one-off children
my %connections;      # fd number -> { fh, in, out }
my %statusChannels;   # fd number -> key
my $idleSince = time;

sub fail { die join('', @_) . "\n" }
sub errorText { my $text = lcfirst "$!"; $text }

sub nowNs {
  my $spec = "\0" x 16;
  syscall($SYS{clock_gettime}, 0, $spec);
  my ($s, $ns) = unpack 'q2', $spec;
  return $s * 1_000_000_000 + $ns;
}

# ---- values -----------------------------------------------------------------------------------------------------------

sub encode {
  my ($value) = @_;
  return 'n' unless defined $value;
  if (ref $value eq 'ARRAY') { return 'l' . pack('N', scalar @$value) . join '', map { encode($_) } @$value }
  if (ref $value eq 'HASH') {
    return 'm' . pack('N', scalar keys %$value) . join '', map { pack('N/a*', $_) . encode($value->{$_}) } keys %$value;
  }
  return 's' . pack 'N/a*', "$value";
}

sub decode {
  my ($bytes, $at) = @_;    # references, so that nothing is copied on the way down
  my $type = substr $$bytes, $$at++, 1;
  return undef if $type eq 'n';
  my $count = unpack 'N', substr $$bytes, $$at, 4;
  $$at += 4;
  if ($type eq 's') { $$at += $count; return substr $$bytes, $$at - $count, $count }
  if ($type eq 'l') { my @list; push @list, decode($bytes, $at) for 1 .. $count; return \@list }
  fail "bad frame" unless $type eq 'm';
  my %map;
  for (1 .. $count) {
    my $length = unpack 'N', substr $$bytes, $$at, 4;
    my $key = substr $$bytes, $$at + 4, $length;
    $$at += 4 + $length;
    $map{$key} = decode($bytes, $at);
  }
  return \%map;
}

sub sendTo {
  my ($connection, $value) = @_;
  my $bytes = encode($value);
  $connection->{out} .= pack('N', length $bytes) . $bytes;
  flushTo($connection);
}

sub flushTo {
  my ($connection) = @_;
  while (length $connection->{out}) {
    my $n = syswrite $connection->{fh}, $connection->{out};
    if (!defined $n) {
      next if $! == EINTR;
      last if $! == EAGAIN;
      $connection->{gone} = 1;
      return;
    }
    substr($connection->{out}, 0, $n) = '';
  }
  $connection->{gone} = 1 if length $connection->{out} > OUTBOX_LIMIT;
}

sub broadcast { my ($value) = @_; sendTo($_, $value) for values %connections }

# ---- system calls that report errors -------------------------------------------------------------------------------------

sub sysOrDie {
  my ($what, $name, @args) = @_;
  my $result = syscall($SYS{$name}, @args);
  fail "$what: ", errorText() if $result < 0;
  return $result;
}

sub writeFile {
  my ($path, $value) = @_;
  sysopen(my $fh, $path, O_WRONLY) or return 0;
  my $n = syswrite $fh, $value;
  close $fh;
  return defined $n;
}

sub readText {
  my ($path) = @_;
  open my $fh, '<', $path or return undef;
  local $/;
  my $text = <$fh>;
  return $text;
}

sub setnsPath {
  my ($path, $type) = @_;
  sysopen(my $fh, $path, O_RDONLY) or fail qq(open namespace "$path": ), errorText();
  sysOrDie(qq(join namespace "$path"), 'setns', fileno($fh), $type + 0);
}

sub mkdirAll {
  my ($path, $mode) = @_;
  return if -d $path;
  (my $parent = $path) =~ s{/+[^/]*/*$}{};
  mkdirAll($parent, 0755) if length $parent && $parent ne $path;
  mkdir($path, $mode) or $! == EEXIST or fail qq(mkdir "$path": ), errorText();
}

# A mount point for a directory, or for a file.
sub makeTarget {
  my ($path, $isDirectory) = @_;
  return mkdirAll($path, 0755) if $isDirectory;
  return if -e $path;
  (my $parent = $path) =~ s{/+[^/]*$}{};
  mkdirAll($parent, 0755) if length $parent;
  sysopen(my $fh, $path, O_WRONLY | O_CREAT, 0644) or fail qq(create mount point "$path": ), errorText();
}

# Images may plant symbolic links that lead a mount into /proc, where it would hide what the masks protect.
sub refuseProcfs {
  my ($path) = @_;
  my $buffer = "\0" x 128;
  return if syscall($SYS{statfs}, $path, $buffer) < 0;
  fail qq("$path" cannot be mounted because it is inside /proc) if unpack('q', $buffer) == 0x9fa0;
}

sub mountAttr {
  my ($fd, $path, $flags, $set, $clear, $propagation) = @_;
  my $attr = pack 'Q4', $set + 0, $clear + 0, $propagation + 0, 0;
  return syscall($SYS{mount_setattr}, $fd + 0, $path, $flags + 0, $attr, 32) >= 0;
}

# ---- the steps of a child -----------------------------------------------------------------------------------------------

# What a child carries from step to step.
my (%tree, %child);

my %STEP;
my $STEP_BY_NAME = sub { my ($name, @args) = @_; $STEP{$name}->(@args) };
%STEP = (
  # Every hierarchy's cgroup.procs file.
  cgroup => sub {
    for my $file (@_) {
      # A process that joined a container's namespaces no longer sees the files; they were opened before.
      my $done = $child{cgroups}{$file} ? syswrite($child{cgroups}{$file}, '0') : writeFile($file, '0');
      $done or fail qq(join cgroup "$file": ), errorText();
    }
  },
  # Attaches a device filter to a cgroup of version 2; it goes with the cgroup.
  devices => sub {
    my ($directory, $program) = @_;
    sysopen(my $cgroup, $directory, O_RDONLY | O_DIRECTORY) or fail qq(open cgroup "$directory": ), errorText();
    my $license = "Apache\0";
    # prog_type CGROUP_DEVICE, count, instructions, license; the rest of the union is zero.
    my $load = pack('L L P P', 15, length($program) / 8, $program, $license) . "\0" x 96;
    my $fd = sysOrDie('load the device filter', 'bpf', 5, $load, length $load);
    my $attach = pack('L4', fileno $cgroup, $fd, 6, 2) . "\0" x 16;
    sysOrDie('attach the device filter', 'bpf', 8, $attach, length $attach);
    POSIX::close($fd);
  },
  # Lowering is a privilege that a machine may withhold; a pod runs all the same.
  oomScore => sub { writeFile('/proc/self/oom_score_adj', $_[0]) },
  setns => sub { setnsPath(@_) },
  unshare => sub { sysOrDie('unshare namespaces', 'unshare', $_[0] + 0) },
  sethostname => sub { my ($name) = @_; sysOrDie("set host name", 'sethostname', $name, length $name) },
  sysctl => sub {
    my ($path, $value, $optional) = @_;
    writeFile("/proc/sys/$path", $value) or $optional or fail qq(set sysctl "$path" to "$value": ), errorText();
  },
  loopback => sub {
    socket(my $s, AF_INET, SOCK_DGRAM, 0) or fail 'socket: ', errorText();
    my $request = pack 'a16 s x22', 'lo', 0;
    ioctl($s, SIOCGIFFLAGS, $request) or fail 'loopback: ', errorText();
    my (undef, $flags) = unpack 'a16 s', $request;
    $request = pack 'a16 s x22', 'lo', $flags | 1;
    ioctl($s, SIOCSIFFLAGS, $request) or fail 'loopback: ', errorText();
  },
  # Keeps a namespace of this process alive as a bind mount.
  pin => sub {
    my ($kind, $path) = @_;
    makeTarget($path, 0);
    sysOrDie(qq(pin namespace at "$path"), 'mount', "/proc/self/ns/$kind", $path, 0, MS_BIND, 0);
  },
  mkdir => sub { mkdirAll($_[0], oct $_[1]) },
  mount => sub {
    my ($source, $target, $type, $flags, $data) = @_;
    sysOrDie(qq(mount $type at "$target"), 'mount', $source, $target, $type, $flags + 0, $data);
  },
  propagation => sub { my ($path, $flags) = @_; sysOrDie("set propagation of \"$path\"", 'mount', 'none', $path, 0, $flags + 0, 0) },
  # Clones a tree of the host's mounts before the child leaves them.
  tree => sub {
    my ($slot, $source, $recursive, $set, $clear, $propagation, $recursiveAttr) = @_;
    my $flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | ($recursive ? AT_RECURSIVE : 0);
    my $fd = syscall($SYS{open_tree}, AT_FDCWD, $source, $flags);
    fail qq(failed to mount "$source": ), errorText() if $fd < 0;
    if ($propagation) {
      mountAttr($fd, "", AT_EMPTY_PATH | AT_RECURSIVE, 0, 0, $propagation)
        or fail qq(failed to set propagation of mount "$source": ), errorText();
    }
    if ($set || $clear) {
      mountAttr($fd, "", AT_EMPTY_PATH | ($recursiveAttr ? AT_RECURSIVE : 0), $set, $clear, 0)
        or fail qq(failed to set attributes of mount "$source": ), errorText();
    }
    $tree{$slot} = [$fd, -d $source ? 1 : 0, $source];
  },
  # The content of an image, or a part of it, as a tree to place: read-only, its links resolved inside the image.
  imageTree => sub {
    my ($slot, $dir, $layers, $scratch, $subPath) = @_;
    chdir $dir or fail qq(chdir "$dir": ), errorText();
    my $stacked = $layers =~ /:/;
    # One layer alone is no overlay.
    sysOrDie('mount the image volume', 'mount', 'overlay', $scratch, 'overlay', MS_RDONLY, "lowerdir=$layers") if $stacked;
    sysopen(my $root, $stacked ? $scratch : $layers, O_RDONLY | O_DIRECTORY) or fail 'open the image volume: ', errorText();
    my $how = pack 'Q3', 0x200000, 0, 0x10;    # O_PATH, RESOLVE_IN_ROOT
    my $part = sysOrDie(qq(open "$subPath" of the image volume), 'openat2', fileno $root, length $subPath ? $subPath : '.', $how, 24);
    my $fd = sysOrDie('open the image volume', 'open_tree', $part, '', AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    mountAttr($fd, '', AT_EMPTY_PATH, MOUNT_ATTR_RDONLY, 0, MS_PRIVATE) or fail 'make the image volume read-only: ', errorText();
    $tree{$slot} = [$fd, -d "/proc/self/fd/$part" ? 1 : 0, 'image'];
    POSIX::close($part);
    close $root;
    sysOrDie('unmount the image volume', 'umount2', $scratch, MNT_DETACH) if $stacked;
  },
  place => sub {
    my ($slot, $target) = @_;
    my ($fd, $isDirectory, $source) = @{ $tree{$slot} };
    makeTarget($target, $isDirectory);
    refuseProcfs($target);
    # syscall takes addresses of strings only from variables.
    my $nothing = '';
    my $result = syscall($SYS{move_mount}, $fd + 0, $nothing, AT_FDCWD, $target, MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS);
    fail qq(error mounting "$source" to rootfs at "$target": ), errorText() if $result < 0;
    POSIX::close($fd);
  },
  # Mounts an overlay whose layers are named relative to `dir`, because the kernel limits the options to one page.
  overlay => sub {
    my ($dir, $target, $options) = @_;
    chdir $dir or fail qq(chdir "$dir": ), errorText();
    sysOrDie('mount the root file system', 'mount', 'overlay', $target, 'overlay', 0, $options);
  },
  pivot => sub {
    my ($root) = @_;
    chdir $root or fail qq(chdir "$root": ), errorText();
    # Old and new root on the same directory: the old one ends up on top and can be detached by name.
    my ($new, $old) = ('.', '.');
    sysOrDie('change the root', 'pivot_root', $new, $old);
    sysOrDie('detach the host', 'umount2', $old, MNT_DETACH);
    chdir '/' or fail 'chdir "/": ', errorText();
  },
  mknod => sub {
    my ($path, $mode, $device, $uid, $gid) = @_;
    (my $parent = $path) =~ s{/+[^/]*$}{};
    mkdirAll($parent, 0755) if length $parent;
    my $old = umask 0;
    if (syscall($SYS{mknodat}, AT_FDCWD, $path, $mode + 0, $device + 0) < 0 && $! != EEXIST) {
      fail qq(create device "$path": ), errorText();
    }
    umask $old;
    chown $uid, $gid, $path if $uid || $gid;
  },
  setxattr => sub {
    my ($path, $name, $value) = @_;
    sysOrDie(qq(set attribute $name of "$path"), 'lsetxattr', $path, $name, $value, length $value, 0);
  },
  symlink => sub { my ($to, $path) = @_; symlink($to, $path) or $! == EEXIST or fail qq(symlink "$path": ), errorText() },
  # Files become /dev/null, directories empty; what the image does not have needs no mask.
  mask => sub {
    my ($path) = @_;
    if (-d $path) {
      sysOrDie(qq(mask "$path"), 'mount', 'tmpfs', $path, 'tmpfs', MS_RDONLY, 'size=0k,nr_inodes=2');
    } elsif (-e _) {
      sysOrDie(qq(mask "$path"), 'mount', '/dev/null', $path, 0, MS_BIND, 0);
    }
  },
  readonly => sub {
    my ($path) = @_;
    return unless -e $path;
    sysOrDie(qq(bind "$path"), 'mount', $path, $path, 0, MS_BIND | MS_REC, 0);
    mountAttr(AT_FDCWD, $path, AT_RECURSIVE, MOUNT_ATTR_RDONLY, 0, 0) or fail qq(make "$path" read-only: ), errorText();
  },
  attr => sub {
    my ($path, $set, $clear) = @_;
    mountAttr(AT_FDCWD, $path, 0, $set, $clear, 0) or fail qq(set mount attributes of "$path": ), errorText();
  },
  # A terminal of the container's own devpts. The supervisor fetches the master before this process goes on.
  terminal => sub {
    my ($console) = @_;
    sysopen(my $master, '/dev/pts/ptmx', O_RDWR | O_NOCTTY) or fail 'open /dev/pts/ptmx: ', errorText();
    my $unlock = pack 'i', 0;
    ioctl($master, TIOCSPTLCK, $unlock) or fail 'unlock terminal: ', errorText();
    my $number = pack 'I', 0;
    ioctl($master, TIOCGPTN, $number) or fail 'terminal number: ', errorText();
    my $path = '/dev/pts/' . unpack 'I', $number;
    sysopen(my $slave, $path, O_RDWR | O_NOCTTY) or fail qq(open "$path": ), errorText();
    report(T => fileno $master);
    sysread($child{status}, my $ack, 1) or fail 'supervisor is gone';
    if ($console) {
      makeTarget('/dev/console', 0);
      sysOrDie('bind /dev/console', 'mount', $path, '/dev/console', 0, MS_BIND, 0);
    }
    $child{terminal} = $slave;
    POSIX::dup2(fileno $slave, $_) for 0 .. 2;
  },
  user => sub { resolveUser(@_) },
  env => sub { %ENV = (); for (@_) { my ($k, $v) = split /=/, $_, 2; $ENV{$k} = defined $v ? $v : '' } },
  cwd => sub { $child{cwd} = $_[0] },
  caps => sub { $child{caps} = [@_] },
  noNewPrivs => sub { $child{noNewPrivs} = 1 },
  seccomp => sub { $child{seccomp} = $_[0]; $child{seccompFlags} = $_[1] },
  apparmor => sub {
    writeFile('/proc/self/attr/apparmor/exec', "exec $_[0]") or writeFile('/proc/self/attr/exec', "exec $_[0]")
      or fail qq(apply apparmor profile "$_[0]": ), errorText();
  },
  exec => sub { runProgram(@_) },
  # Process 1 of a pid namespace that a pod's containers share: it only waits, without a view of the host or any right.
  hold => sub {
    my ($scratch, $lastCapability) = @_;
    @child{qw(uid gid groups caps noNewPrivs)} = (65535, 65535, [], [0, 0, 0, 0, 0, $lastCapability], 1);
    $STEP_BY_NAME->('unshare', CLONE_NEWNS);
    $STEP_BY_NAME->('propagation', '/', MS_REC | MS_PRIVATE);
    $STEP_BY_NAME->('mount', 'tmpfs', $scratch, 'tmpfs', MS_RDONLY, 'size=0k,nr_inodes=2');
    $STEP_BY_NAME->('pivot', $scratch);
    becomeUser();
    # Ignored children are reaped by the kernel.
    $SIG{CHLD} = 'IGNORE';
    becomeResident('/pause');
    sleep 86400 while 1;
  },
  # Connects standard input and output with a port on the loopback of the network namespace joined before.
  dial => sub {
    my ($port) = @_;
    my ($socket, $why);
    for my $address (pack_sockaddr_in($port, inet_aton('127.0.0.1')), Socket::pack_sockaddr_in6($port, Socket::inet_pton(AF_INET6, '::1'))) {
      socket(my $try, sockaddr_family($address), SOCK_STREAM, 0) or next;
      if (connect $try, $address) { $socket = $try; last }
      $why //= errorText();
    }
    fail qq(failed to connect to localhost:$port inside the pod: ), $why // 'no address' unless $socket;
    becomeResident("rostrum-forward", fileno $socket);
    copyBothWays($socket);
    POSIX::_exit(0);
  },
);


sub report { my ($type, $text) = @_; syswrite $child{status}, $type . pack 'N/a*', $text }

# Resolves names against the container's own files: `user` is `name|uid[:group|gid]` as in images. `group` overrides the
# primary group. With `merge`, the groups that the image's /etc/group lists for the user are added to `extra`.
sub resolveUser {
  my ($user, $group, $merge, @extra) = @_;
  my ($name, $imageGroup) = split /:/, $user, 2;
  $group = $imageGroup if !length $group && defined $imageGroup;
  my ($uid, $gid, $home, $login);
  for my $line (split /\n/, readText('/etc/passwd') // '') {
    my @f = split /:/, $line;
    next unless @f >= 4 && $f[2] =~ /^\d+$/;
    next unless $name =~ /^\d+$/ ? $f[2] == $name : $f[0] eq $name;
    ($login, $uid, $gid, $home) = @f[0, 2, 3, 5];
    last;
  }
  if (!defined $uid) {
    fail qq(unable to find user $name: no matching entries in passwd file) unless $name =~ /^\d+$/;
    ($uid, $gid) = ($name, 0);
  }
  my @groups;
  my $wanted = length $group ? $group : undef;
  undef $wanted if defined $wanted && $wanted =~ /^\d+$/ && do { $gid = $wanted; 1 };
  for my $line (split /\n/, readText('/etc/group') // '') {
    my ($groupName, undef, $id, $members) = split /:/, $line;
    next unless defined $id && $id =~ /^\d+$/;
    if (defined $wanted && $groupName eq $wanted) { $gid = $id; undef $wanted }
    push @groups, $id if $merge && defined $login && grep { $_ eq $login } split /,/, $members // '';
  }
  fail qq(unable to find group $wanted: no matching entries in group file) if defined $wanted;
  my %seen;
  $child{uid} = $uid + 0;
  $child{gid} = $gid + 0;
  $child{groups} = [grep { !$seen{$_}++ } map { $_ + 0 } $gid, @extra, @groups];
  $child{home} = $home;
  report(U => join ' ', $child{uid}, $child{gid}, @{ $child{groups} });
}

sub installSeccomp {
  my $filter = $child{seccomp};
  return unless defined $filter;
  my $program = pack 'S x6 P', length($filter) / 8, $filter;
  sysOrDie('install the seccomp filter', 'seccomp', 1, $child{seccompFlags} + 0, $program);
  delete $child{seccomp};
}

# Privileges go in the order runc drops them: bounding set, identity with capabilities kept, then the sets themselves.
sub becomeUser {
  my ($bounding, $effective, $permitted, $inheritable, $ambient, $last) = map { $_ + 0 } @{ $child{caps} };
  for my $cap (0 .. $last) {
    next if $bounding & (1 << $cap);
    sysOrDie('drop capability', 'prctl', PR_CAPBSET_DROP, $cap, 0, 0, 0);
  }
  installSeccomp() unless $child{noNewPrivs};
  sysOrDie('keep capabilities', 'prctl', PR_SET_KEEPCAPS, 1, 0, 0, 0);
  my $groups = pack 'L*', @{ $child{groups} };
  sysOrDie('set groups', 'setgroups', scalar @{ $child{groups} }, $groups);
  sysOrDie('set group', 'setresgid', ($child{gid}) x 3);
  sysOrDie('set user', 'setresuid', ($child{uid}) x 3);
  sysOrDie('keep capabilities', 'prctl', PR_SET_KEEPCAPS, 0, 0, 0, 0);
  my $header = pack 'L L', 0x20080522, 0;
  my $data = pack 'L6', map { my $shift = $_; map { ($_ >> $shift) & 0xffffffff } $effective, $permitted, $inheritable } 0, 32;
  sysOrDie('set capabilities', 'capset', $header, $data);
  for my $cap (0 .. $last) {
    next unless $ambient & (1 << $cap);
    sysOrDie('set ambient capability', 'prctl', PR_CAP_AMBIENT, 2, $cap, 0, 0);
  }
}

sub runProgram {
  my @argv = @_;
  my $cwd = $child{cwd} // '/';
  # Made by root when missing, as runc does; entered as the user, who may not be allowed to.
  eval { mkdirAll($cwd, 0755) } unless -d $cwd;
  $ENV{HOME} = length($child{home} // '') ? $child{home} : '/' unless defined $ENV{HOME} && length $ENV{HOME};
  umask 022;
  POSIX::setsid() if $child{newSession};
  ioctl(STDIN, TIOCSCTTY, 0) or fail 'controlling terminal: ', errorText() if $child{terminal};
  chownStdio() if $child{uid};
  if ($child{caps}) {
    chdir $cwd or chdir '/';
    becomeUser();
  }
  chdir $cwd or fail qq(chdir to cwd ("$cwd") set in config.json failed: ), errorText();
  if ($child{noNewPrivs}) { sysOrDie('set no_new_privs', 'prctl', PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }
  my $program = findProgram($argv[0]);
  syscall($SYS{close_range}, 3, 0xffffffff, 4);
  $SIG{$_} = 'DEFAULT' for qw(PIPE HUP INT TERM CHLD);
  POSIX::sigprocmask(POSIX::SIG_SETMASK(), POSIX::SigSet->new);
  installSeccomp();
  exec { $program } @argv;
  my $why = $! == EACCES ? 'permission denied' : $! == 8 ? 'exec format error' : errorText();
  fail $! == ENOENT ? qq(exec $program: no such file or directory) : qq(exec $program: $why);
}

# A program that runs as another user must be able to reopen /dev/stdout, a pipe or its terminal.
sub chownStdio {
  for my $fd (0 .. 2) {
    my @stat = POSIX::fstat($fd);
    next unless @stat && ($child{terminal} || ($stat[2] & 0170000) == 0010000);
    chown $child{uid}, -1, "/proc/self/fd/$fd";
  }
}

sub findProgram {
  my ($name) = @_;
  if ($name =~ m{/}) {
    stat $name or fail qq(exec: "$name": stat $name: ), errorText();
    fail qq(exec: "$name": is a directory) if -d _;
    fail qq(exec: "$name": permission denied) unless -x _;
    return $name;
  }
  my $denied;
  for my $dir (split /:/, $ENV{PATH} // '') {
    my $path = (length $dir ? $dir : '.') . "/$name";
    next unless -f $path;
    return $path if -x _;
    $denied = 1;
  }
  fail qq(exec: "$name": ), $denied ? 'permission denied' : 'executable file not found in $PATH';
}

# A child that stays Perl: nothing of the supervisor remains open in it, and its start counts as done.
sub becomeResident {
  my ($name, $keep) = @_;
  syscall($SYS{prctl}, PR_SET_NAME, $name, 0, 0, 0);
  $0 = $name;
  my @ranges = defined $keep ? ([3, $keep - 1], [$keep + 1, 0xffffffff]) : ([3, 0xffffffff]);
  for (@ranges) { my ($from, $to) = @$_; syscall($SYS{close_range}, $from, $to, 0) if $from <= $to }
  POSIX::sigprocmask(POSIX::SIG_SETMASK(), POSIX::SigSet->new);
  $SIG{$_} = 'DEFAULT' for qw(HUP INT TERM);
}

# Standard input to the socket and the socket to standard output, until the socket has said all.
sub copyBothWays {
  my ($socket) = @_;
  my $input = 1;
  while (1) {
    my $r = '';
    vec($r, fileno $socket, 1) = 1;
    vec($r, 0, 1) = 1 if $input;
    next if select($r, undef, undef, undef) < 0;
    if (vec $r, fileno $socket, 1) { copyOnce($socket, \*STDOUT) or return }
    if ($input && vec $r, 0, 1) {
      if (!copyOnce(\*STDIN, $socket)) { shutdown $socket, 1; $input = 0 }
    }
  }
}

sub copyOnce {
  my ($from, $to) = @_;
  my $got = sysread $from, my $bytes, 65536;
  return defined $got ? 0 : $! == EINTR unless $got;
  for (my $at = 0; $at < $got;) {
    my $put = syswrite $to, $bytes, $got - $at, $at;
    if (!defined $put) { next if $! == EINTR; return 0 }
    $at += $put;
  }
  return 1;
}

sub runSteps {
  my ($steps) = @_;
  for my $step (@$steps) {
    my ($name, @args) = @$step;
    ($STEP{$name} || fail "unknown step $name")->(@args);
  }
}

# Runs the steps in a process that is already forked, and ends it.
sub childMain {
  my ($steps) = @_;
  eval { runSteps($steps); 1 } or do { chomp(my $why = $@); report(E => $why); POSIX::_exit(1) };
  POSIX::_exit(0);
}

sub rawFork {
  my ($flags) = @_;
  my $pid = syscall($SYS{clone}, $flags | SIGCHLD, 0, 0, 0, 0);
  fail 'fork: ', errorText() if $pid < 0;
  return $pid;
}

# ---- requests -----------------------------------------------------------------------------------------------------------

# One-off work in a forked child, e.g. making namespaces: answers when it has ended.
sub opRun {
  my ($connection, $request) = @_;
  socketpair(my $mine, my $theirs, AF_UNIX, SOCK_STREAM, PF_UNSPEC) or fail 'socketpair: ', errorText();
  my $pid = rawFork(0);
  if ($pid == 0) {
    $child{status} = $theirs;
    childMain($request->{steps});
  }
  close $theirs;
  $plainChildren{$pid} = sub {
    my ($status) = @_;
    sysread $mine, my $text, 65536;
    close $mine;
    if ($status == 0) { return sendTo($connection, { re => $request->{id} }) }
    my $why = "child ended with status $status";
    $why = $1 if defined $text && $text =~ /E.{4}(.*)\z/s;
    sendTo($connection, { re => $request->{id}, error => $why });
  };
  return;
}

# Starts a supervised process. `clone`: flags for a new pid namespace. `enter`: the key of a running process whose namespaces
# are joined first. `join`: pid namespace file to enter. `streams`: which of stdin, stdout, stderr are pipes; `tty`. `adopt`:
# the child only starts the process, and leaves its pid in this file; as its next living ancestor we become its parent.
sub opStart {
  my ($connection, $request) = @_;
  my $key = $request->{key};
  fail qq(process "$key" exists) if $processes{$key};
  my %wants = map { $_ => 1 } @{ $request->{streams} };
  my (%mine, %theirs);
  for my $name (qw(stdin stdout stderr)) {
    next unless $wants{$name};
    pipe(my $read, my $write) or fail 'pipe: ', errorText();
    ($mine{$name}, $theirs{$name}) = $name eq 'stdin' ? ($write, $read) : ($read, $write);
  }
  socketpair(my $status, my $childStatus, AF_UNIX, SOCK_STREAM, PF_UNSPEC) or fail 'socketpair: ', errorText();
  my $start = sub {
    $child{status} = $childStatus;
    $child{newSession} = 1;
    eval {
      if (!$request->{tty}) {
        sysopen(my $null, '/dev/null', O_RDWR) or fail 'open /dev/null: ', errorText();
        my $fd = 0;
        POSIX::dup2(fileno($theirs{$_} || $null), $fd++) for qw(stdin stdout stderr);
      }
      1;
    } or do { report(E => $@); POSIX::_exit(1) };
    childMain($request->{steps});
  };
  my $pid;
  if ($request->{join} || $request->{enter}) {
    # Joining a pid namespace changes where later children live, so a process that is thrown away does it, and makes the
    # program a child of the supervisor rather than of itself.
    pipe(my $pidRead, my $pidWrite) or fail 'pipe: ', errorText();
    my $between = rawFork(0);
    if ($between == 0) {
      $child{status} = $childStatus;
      my $made = eval {
        for my $file (@{ $request->{cgroups} || [] }) {
          sysopen($child{cgroups}{$file}, $file, O_WRONLY) or fail qq(open cgroup "$file": ), errorText();
        }
        if ($request->{enter}) {
          my $target = $processes{ $request->{enter} } or fail 'the container is not running';
          my $fd = sysOrDie('open process', 'pidfd_open', $target->{pid} + 0, 0);
          my $all = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
          sysOrDie('join the container', 'setns', $fd, $all);
        } else {
          setnsPath($request->{join}, CLONE_NEWPID);
        }
        rawFork(CLONE_PARENT);
      };
      if (!defined $made) { chomp(my $why = $@); report(E => $why); POSIX::_exit(1) }
      $start->() if $made == 0;
      syswrite $pidWrite, $made;
      POSIX::_exit(0);
    }
    close $pidWrite;
    sysread $pidRead, $pid, 32;
    waitpid $between, 0;
    if (!$pid) {
      sysread $status, my $text, 65536;
      fail defined $text && $text =~ /E.{4}(.*)\z/s ? $1 : 'cannot fork';
    }
  } else {
    $pid = rawFork(($request->{clone} // 0) + 0);
    $start->() if $pid == 0;
  }
  close $childStatus;
  # The relay of a terminal is made later; until then its ends of the pipes wait here.
  my %relay = $request->{tty} ? %theirs : ();
  %theirs = ();
  $processes{$key} = {
    pid => $pid + 0, fds => \%mine, relay => \%relay, status => $status, statusText => '', exitFile => $request->{exitFile},
    adopt => $request->{adopt}, started => nowNs(), reply => [$connection, $request->{id}], tty => $request->{tty}, info => $request->{info},
  };
  $keyOfPid{ $pid + 0 } = $key;
  $status->blocking(0) if $status->can('blocking');
  fcntl($status, F_SETFL, O_NONBLOCK);
  $statusChannels{ fileno $status } = $key;
  return;
}

sub describe {
  my ($key) = @_;
  my $p = $processes{$key};
  my %out = (key => $key, pid => $p->{pid}, started => $p->{started}, info => $p->{info} // '', user => $p->{user} // '');
  $out{fds} = { map { $_ => fileno $p->{fds}{$_} } grep { $p->{fds}{$_} } keys %{ $p->{fds} } };
  $out{exit} = $p->{exit} if $p->{exit};
  $out{starting} = 1 if $p->{status};
  return \%out;
}

# The child said something, or closed its end because it became the program.
sub onStatus {
  my ($fd) = @_;
  my $key = $statusChannels{$fd};
  my $p = $processes{$key};
  my $n = sysread $p->{status}, $p->{statusText}, 65536, length $p->{statusText};
  return if !defined $n && ($! == EAGAIN || $! == EINTR);
  while ($p->{statusText} =~ /\A(.)(.{4})/s) {
    my ($type, $length) = ($1, unpack 'N', $2);
    last if length $p->{statusText} < 5 + $length;
    my $text = substr $p->{statusText}, 5, $length;
    substr($p->{statusText}, 0, 5 + $length) = '';
    if ($type eq 'E') { $p->{startError} = $text }
    elsif ($type eq 'U') { $p->{user} = $text }
    elsif ($type eq 'T') {
      eval { startRelay($key, $text); 1 } or do { chomp(my $why = $@); $p->{startError} = $why; kill 9, $p->{pid} };
      syswrite $p->{status}, '.';
    }
  }
  return onStatus($fd) if $n;
  delete $statusChannels{$fd};
  close $p->{status};
  delete $p->{status};
  settleStart($key);
}

# Answers a start once both are known: that the channel closed, and, for failures, that the child was reaped.
sub settleStart {
  my ($key) = @_;
  my $p = $processes{$key};
  return if $p->{status} || !$p->{reply} || ($p->{adopt} && !defined $p->{startError});
  my ($connection, $id) = @{ $p->{reply} };
  if (defined $p->{startError}) {
    return unless $p->{exit};
    sendTo($connection, { re => $id, error => $p->{startError} });
    forget($key);
    return;
  }
  delete $p->{reply};
  sendTo($connection, { re => $id, process => describe($key) });
  announceExit($key);
}

# Once, and only after the start was answered.
sub announceExit {
  my ($key) = @_;
  my $p = $processes{$key};
  return if !$p || !$p->{exit} || $p->{reply} || $p->{announced}++;
  broadcast({ event => 'exit', key => $key, exit => $processes{$key}{exit} });
}

sub forget {
  my ($key) = @_;
  my $p = delete $processes{$key} or return;
  delete $keyOfPid{ $p->{pid} };
  close $_ for values %{ $p->{fds} };
  close $p->{master} if $p->{master};
}

# Copies between a terminal and the pipes the daemon holds, in a process of its own: terminals are rare.
sub startRelay {
  my ($key, $fd) = @_;
  my $p = $processes{$key};
  my $pidfd = sysOrDie('open process', 'pidfd_open', $p->{pid} + 0, 0);
  my $master = syscall($SYS{pidfd_getfd}, $pidfd, $fd + 0, 0);
  POSIX::close($pidfd);
  fail 'fetch the terminal: ', errorText() if $master < 0;
  open(my $fh, '+<&=', $master) or fail 'terminal: ', errorText();
  fcntl($fh, F_SETFD, FD_CLOEXEC);
  my ($width, $height) = @{ $p->{size} // [0, 0] };
  resize($fh, $width, $height) if $width && $height;
  my ($in, $out) = @{ $p->{relay} }{qw(stdin stdout)};
  my $relay = rawFork(0);
  if ($relay == 0) {
    my @keep = sort { $a <=> $b } map { fileno $_ } grep { defined } $fh, $in, $out;
    my $from = 3;
    for my $keep (@keep) {
      syscall($SYS{close_range}, $from, $keep - 1, 0) if $keep > $from;
      $from = $keep + 1;
    }
    syscall($SYS{close_range}, $from, 0xffffffff, 0);
    eval { relay($fh, $in, $out) };
    POSIX::_exit(0);
  }
  $p->{relayPid} = $relay;
  $plainChildren{$relay} = sub { };
  $p->{master} = $fh;
  close $_ for values %{ $p->{relay} };
  $p->{relay} = {};
}

sub resize { my ($fh, $width, $height) = @_; my $size = pack 'S4', $height, $width, 0, 0; ioctl($fh, TIOCSWINSZ, $size) }

sub relay {
  my ($master, $in, $out) = @_;
  my $ending = 0;
  $SIG{TERM} = sub { $ending = 1 };
  $SIG{PIPE} = 'IGNORE';
  POSIX::sigprocmask(POSIX::SIG_SETMASK(), POSIX::SigSet->new);
  my $toMaster = '';
  fcntl($master, F_SETFL, O_RDWR | O_NONBLOCK);
  while (1) {
    my ($r, $w) = ('', '');
    vec($r, fileno $master, 1) = 1;
    vec($r, fileno $in, 1) = 1 if $in && length $toMaster < 65536;
    vec($w, fileno $master, 1) = 1 if length $toMaster;
    my $n = select $r, $w, undef, $ending ? 0 : 5;
    next if $n < 0 && $! == EINTR;
    if (vec $r, fileno $master, 1) {
      my $got = sysread $master, my $bytes, 65536;
      return if defined $got ? $got == 0 : $! != EAGAIN && $! != EINTR;
      for (my $at = 0; $got && $at < $got;) {
        my $put = syswrite $out, $bytes, $got - $at, $at;
        if (!defined $put) { next if $! == EINTR; last }
        $at += $put;
      }
    } elsif ($ending) {
      return;
    }
    if ($in && vec $r, fileno $in, 1) {
      my $got = sysread $in, $toMaster, 65536, length $toMaster;
      # End of input is what a user types to say so.
      if (!$got) { $toMaster .= "\4" if defined $got; close $in; undef $in }
    }
    if (length $toMaster) {
      my $put = syswrite $master, $toMaster;
      if (defined $put) { substr($toMaster, 0, $put) = '' }
      elsif ($! != EAGAIN && $! != EINTR) { $toMaster = '' }
    }
  }
}

my %OP = (
  hello => sub {
    my ($connection, $request) = @_;
    return { pid => $$, version => $version, processes => [map { describe($_) } keys %processes] };
  },
  run => \&opRun,
  start => \&opStart,
  # Sends a signal to a process that is still ours.
  signal => sub {
    my (undef, $request) = @_;
    my $p = $processes{ $request->{key} };
    return { sent => 0 } if !$p || $p->{exit};
    return { sent => kill($request->{signal} + 0, $p->{pid}) };
  },
  resize => sub {
    my (undef, $request) = @_;
    my $p = $processes{ $request->{key} } or return {};
    $p->{size} = [$request->{width} + 0, $request->{height} + 0];
    resize($p->{master}, @{ $p->{size} }) if $p->{master};
    return {};
  },
  closeStdin => sub {
    my (undef, $request) = @_;
    my $p = $processes{ $request->{key} } or return {};
    close delete $p->{fds}{stdin} if $p->{fds}{stdin};
    return {};
  },
  # The daemon has drained the pipes and stored the exit.
  release => sub {
    my (undef, $request) = @_;
    my $p = $processes{ $request->{key} } or return {};
    # One that was just killed is forgotten as soon as it is dead.
    $p->{exit} ? forget($request->{key}) : ($p->{released} = 1);
    return {};
  },
  unmount => sub {
    my (undef, $request) = @_;
    for my $path (@{ $request->{paths} }) {
      # More than one mount may be stacked on a path after an interrupted start.
      while (syscall($SYS{umount2}, $path, MNT_DETACH) == 0) { }
      fail qq(unmount "$path": ), errorText() unless $! == EINVAL || $! == ENOENT;
      next if $request->{keep};
      -d $path ? rmdir $path : unlink $path;
    }
    return {};
  },
  # Ends the supervisor once nothing runs any more.
  quit => sub { fail 'processes are still running' if grep { !$_->{exit} && !$_->{released} } values %processes; POSIX::_exit(0) },
);

sub onFrame {
  my ($connection, $bytes) = @_;
  my $at = 0;
  my $request = decode(\$bytes, \$at);
  my $op = $OP{ $request->{op} };
  my $answer = eval { $op ? $op->($connection, $request) : fail qq(unknown operation "$request->{op}") };
  my $why = $@;
  if ($why) { chomp $why; return sendTo($connection, { re => $request->{id}, error => $why }) }
  sendTo($connection, { re => $request->{id}, %$answer }) if ref $answer eq 'HASH';
}

sub onReadable {
  my ($connection) = @_;
  my $n = sysread $connection->{fh}, $connection->{in}, 262144, length $connection->{in};
  if (!$n) {
    $connection->{gone} = 1 if defined $n || ($! != EAGAIN && $! != EINTR);
    return;
  }
  while (length $connection->{in} >= 4) {
    my $length = unpack 'N', $connection->{in};
    if ($length > FRAME_LIMIT) { $connection->{gone} = 1; return }
    last if length $connection->{in} < 4 + $length;
    my $frame = substr $connection->{in}, 4, $length;
    substr($connection->{in}, 0, 4 + $length) = '';
    onFrame($connection, $frame);
  }
}

sub reap {
  while ((my $pid = waitpid -1, POSIX::WNOHANG()) > 0) {
    my $status = $?;
    if (my $done = delete $plainChildren{$pid}) { $done->($status) }
    elsif (defined $keyOfPid{$pid}) { onEnd($keyOfPid{$pid}, $status) }
    # It may be what a program we are about to hear of has started.
    elsif (grep { $_->{adopt} } values %processes) { $orphans{$pid} = [$status, time] }
  }
  for my $pid (keys %orphans) { delete $orphans{$pid} if time - $orphans{$pid}[1] > 10 }
}

sub onEnd {
  my ($key, $status) = @_;
  my $p = $processes{$key};
  return if $p->{adopt} && adopt($key, $status);
  my $signal = $status & 127;
  $p->{exit} = { code => $signal ? 128 + $signal : $status >> 8, signal => $signal, at => nowNs(), started => $p->{started} };
  kill 'TERM', $p->{relayPid} if $p->{relayPid};
  # The child's last words may still be in the channel; they say whether this was a failed start.
  onStatus(fileno $p->{status}) if $p->{status};
  return unless $processes{$key};
  recordExit($p) if defined $p->{exitFile} && length $p->{exitFile} && !defined $p->{startError};
  return forget($key) if $p->{released};
  settleStart($key);
  announceExit($key);
}

# The process that starts another has ended: from now on the other one is meant. False when it failed to start it.
sub adopt {
  my ($key, $status) = @_;
  my $p = $processes{$key};
  my $pid = $status == 0 ? readText($p->{adopt}) : undef;
  if (!defined $pid || $pid !~ /^(\d+)/) { $p->{startError} //= 'the program that starts the container failed'; return 0 }
  delete $keyOfPid{ $p->{pid} };
  delete $p->{adopt};
  $p->{pid} = $1 + 0;
  $keyOfPid{ $p->{pid} } = $key;
  onStatus(fileno $p->{status}) if $p->{status};
  settleStart($key);
  my $ended = delete $orphans{ $p->{pid} };
  onEnd($key, $ended->[0]) if $ended;
  return 1;
}

# The record appears whole or not at all.
sub recordExit {
  my ($p) = @_;
  my $e = $p->{exit};
  my $temporary = "$p->{exitFile}.new";
  sysopen(my $fh, $temporary, O_WRONLY | O_CREAT | O_TRUNC, 0600) or return;
  syswrite $fh, qq({"code":$e->{code},"signal":$e->{signal},"atNs":"$e->{at}","startedNs":"$e->{started}"});
  close $fh;
  rename $temporary, $p->{exitFile};
}

# ---- main loop ----------------------------------------------------------------------------------------------------------

chdir '/';
umask 022;
$SIG{PIPE} = $SIG{HUP} = 'IGNORE';
my $name = 'rostrum-super';
syscall($SYS{prctl}, PR_SET_NAME, $name, 0, 0, 0);
$0 = "rostrum-supervisor $socketPath";
syscall($SYS{prctl}, PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
writeFile('/proc/self/oom_score_adj', '-998');

# SIGCHLD arrives as something to read, so that it cannot slip in before select.
my $mask = pack 'Q', 1 << (SIGCHLD - 1);
POSIX::sigprocmask(POSIX::SIG_BLOCK(), POSIX::SigSet->new(SIGCHLD));
my $signalFd = syscall($SYS{signalfd4}, -1, $mask, 8, 0x80800);
die "signalfd: $!\n" if $signalFd < 0;

# The socket appears under its name once it can be connected to: a name that refuses is a stale one.
unlink "$socketPath.new";
socket(my $listener, AF_UNIX, SOCK_STREAM, 0) or die "socket: $!\n";
{
  my $old = umask 0077;
  bind $listener, pack_sockaddr_un("$socketPath.new") or die "bind $socketPath.new: $!\n";
  umask $old;
}
listen $listener, 16 or die "listen: $!\n";
rename "$socketPath.new", $socketPath or die "rename $socketPath.new: $!\n";

while (1) {
  my ($r, $w) = ('', '');
  vec($r, fileno $listener, 1) = 1;
  vec($r, $signalFd, 1) = 1;
  vec($r, $_, 1) = 1 for keys %statusChannels;
  for my $fd (keys %connections) {
    vec($r, $fd, 1) = 1;
    vec($w, $fd, 1) = 1 if length $connections{$fd}{out};
  }
  my $idle = !%processes && !%connections && !%plainChildren;
  $idleSince = time unless $idle;
  if ($idle && time - $idleSince >= IDLE_SECONDS) { unlink $socketPath; POSIX::_exit(0) }
  my $n = select $r, $w, undef, $idle ? 5 : undef;
  next if $n < 0;
  if (vec $r, $signalFd, 1) {
    POSIX::read($signalFd, my $info, 128 * 16);
    reap();
  }
  for my $fd (keys %statusChannels) { onStatus($fd) if vec($r, $fd, 1) && defined $statusChannels{$fd} }
  for my $fd (keys %connections) {
    my $connection = $connections{$fd};
    flushTo($connection) if vec $w, $fd, 1;
    onReadable($connection) if vec $r, $fd, 1;
  }
  for my $fd (keys %connections) {
    close delete($connections{$fd})->{fh} if $connections{$fd}{gone};
  }
  if (vec $r, fileno $listener, 1) {
    if (accept my $fh, $listener) {
      fcntl($fh, F_SETFL, O_NONBLOCK);
      $connections{ fileno $fh } = { fh => $fh, in => '', out => '' };
    }
  }
}
