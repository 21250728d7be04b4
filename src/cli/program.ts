/**
 * The command line: what can be said, and its help. What the commands do is given to it, each loaded when it is needed.
 */
import { Command, InvalidArgumentError, Option } from 'commander'

export interface UpOptions {
  name: string
  dataDir?: string
  port?: number
  nodes: number
  runtime: 'auto' | 'builtin' | 'containerd' | 'none'
  simulatedNodes: number
  /** Milliseconds. */
  clusterSigningDuration?: number
  demo: boolean
  foreground: boolean
  timeout: number
  quiet: boolean
  output?: 'json'
}

export interface NamedOptions {
  name: string
  dataDir?: string
  quiet?: boolean
  output?: 'json'
}

export interface ServerOptions extends NamedOptions {
  port?: number
  listen: string
  serviceCidr: string
  clusterCidr: string
  store: 'lmdb' | 'memory'
  tokenFile?: string
  /** Milliseconds. */
  clusterSigningDuration?: number
  logLevel: string
}

export interface AgentOptions {
  nodeName: string
  server: string
  credentials?: string
  token?: string
  tokenFile?: string
  caFile?: string
  caHash?: string
  pkiDir?: string
  criEndpoint: string
  rootDir: string
  nodeIp: string
  serviceCidr: string
  clusterCidr: string
  clusterDns: string
  clusterDomain: string
  cgroupRoot: string
  maxPods: number
  proxy: 'auto' | 'nft' | 'userspace'
  logLevel: string
}

export interface AuthWhyOptions extends NamedOptions {
  namespace?: string
  allNamespaces: boolean
  asGroup: string[]
}

export interface TokenCreateOptions extends NamedOptions {
  /** Milliseconds; 0: for ever. */
  ttl: number
  description: string
  printJoinCommand: boolean
}

export interface CriOptions {
  socket: string
  stateDir: string
  runDir: string
  cgroupRoot: string
  streamingAddress: string
  registries?: string
  logLevel: string
}

export interface ImageOptions extends NamedOptions {
  node?: string
}

export interface FromHostOptions extends ImageOptions {
  file: string[]
  link: string[]
  entrypoint?: string[]
  cmd?: string[]
  env: string[]
  workdir?: string
  user?: string
  label: string[]
  expose: string[]
}

/** What each command does. Throws CliError, or anything else for a bug. */
export interface Actions {
  up(options: UpOptions): Promise<void>
  down(options: NamedOptions & { purge: boolean; all: boolean }): Promise<void>
  status(options: NamedOptions): Promise<void>
  kubeconfig(options: NamedOptions): Promise<void>
  doctor(options: { output?: 'json' }): Promise<void>
  server(options: ServerOptions): Promise<void>
  agent(options: AgentOptions): Promise<void>
  cri(options: CriOptions): Promise<void>
  cni(): Promise<void>
  imageLoad(path: string, options: ImageOptions): Promise<void>
  imagePull(name: string, options: ImageOptions): Promise<void>
  imageList(options: ImageOptions): Promise<void>
  imageRemove(names: string[], options: ImageOptions): Promise<void>
  imageFromHost(name: string, programs: string[], options: FromHostOptions): Promise<void>
  authWhy(
    user: string,
    verb: string,
    resource: string,
    object: string | undefined,
    options: AuthWhyOptions,
  ): Promise<void>
  tokenCreate(options: TokenCreateOptions): Promise<void>
  tokenList(options: NamedOptions): Promise<void>
  tokenDelete(token: string, options: NamedOptions): Promise<void>
  nodeCredentials(node: string, options: NamedOptions & { address: string[]; out: string }): Promise<void>
}

const EXIT_CODES = `
Exit codes: 0 done, 1 failed, 2 wrong arguments, 3 no such cluster or image, 4 this machine lacks something (rostrum doctor), 5 timed out.`

/** `90s`, `5m`, `120` (seconds), in milliseconds. */
export function duration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text)
  if (!match) throw new InvalidArgumentError('expected a duration such as 90s or 5m')
  return Number(match[1]) * { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[(match[2] ?? 's') as 'ms' | 's' | 'm' | 'h']
}

function integer(min: number, max: number) {
  return (text: string): number => {
    const value = Number(text)
    if (!/^\d+$/.test(text) || value < min || value > max)
      throw new InvalidArgumentError(`expected a number from ${min} to ${max}`)
    return value
  }
}

const collect = (value: string, previous: string[]) => [...previous, value]

/** Loads the actions only when a command needs them, so that `--help` is instant. */
export function createProgram(version: string, load: () => Promise<Actions>): Command {
  const program = new Command('rostrum')
    .description('A complete Kubernetes on the machine in front of you.')
    .version(version)
    .showHelpAfterError('(see: rostrum --help)')
    .exitOverride()
    .addHelpText('after', EXIT_CODES)
  const name = () => new Option('--name <name>', 'which cluster').default('default')
  const dataDir = () =>
    new Option(
      '--data-dir <dir>',
      'where clusters are kept (default: /var/lib/rostrum, or ~/.local/share/rostrum without root)',
    )
  const output = () => new Option('-o, --output <format>', 'print data').choices(['json'])
  const quiet = () => new Option('-q, --quiet', 'no progress').default(false)
  const logLevel = () =>
    new Option('--log-level <level>', 'least important lines to log')
      .choices(['debug', 'info', 'warn', 'error'])
      .default('info')
  const signingDuration = () =>
    new Option(
      '--cluster-signing-duration <duration>',
      'longest life of certificates that the cluster signs (default: a year)',
    ).argParser(duration)
  const command = (spec: string, description: string, parent: Command = program) =>
    parent.command(spec).description(description).exitOverride()

  command('up', 'start a cluster in the background; harmless where it runs already')
    .addOption(name())
    .addOption(dataDir())
    .option('--port <port>', 'port of the API (default: 6443, or the next free one)', integer(1, 65535))
    .option('--nodes <n>', 'how many nodes, each in a network namespace of its own', integer(0, 64), 1)
    .addOption(
      new Option('--runtime <runtime>', 'what runs the containers')
        .choices(['auto', 'builtin', 'containerd', 'none'])
        .default('auto'),
    )
    .option('--simulated-nodes <n>', 'nodes that only pretend to run pods; need no root', integer(0, 5000), 0)
    .addOption(signingDuration())
    .option('--demo', 'deploy an example application and say where it answers', false)
    .option('--foreground', 'stay until interrupted, then end the cluster', false)
    .option('--timeout <duration>', 'give up after this long', duration, 120_000)
    .addOption(quiet())
    .addOption(output())
    .addHelpText('after', EXIT_CODES)
    .action(async (options: UpOptions) => (await load()).up(options))

  command('down', 'end a cluster: every process, container, mount, namespace, link and rule')
    .addOption(name())
    .addOption(dataDir())
    .option('--purge', 'remove its data too', false)
    .option('--all', 'every cluster of this machine', false)
    .addOption(quiet())
    .addHelpText('after', EXIT_CODES)
    .action(async (options: NamedOptions & { purge: boolean; all: boolean }) => (await load()).down(options))

  command('status', 'say how a cluster is')
    .addOption(name())
    .addOption(dataDir())
    .addOption(output())
    .addHelpText('after', EXIT_CODES)
    .action(async (options: NamedOptions) => (await load()).status(options))

  command('kubeconfig', 'print a kubeconfig for a cluster')
    .addOption(name())
    .addOption(dataDir())
    .addOption(output())
    .action(async (options: NamedOptions) => (await load()).kubeconfig(options))

  command('doctor', 'say what this machine lacks, and the command that mends it')
    .addOption(output())
    .addHelpText('after', EXIT_CODES)
    .action(async (options: { output?: 'json' }) => (await load()).doctor(options))

  const image = command('image', 'images of a cluster\u2019s nodes')
  const imageCommand = (spec: string, description: string) =>
    command(spec, description, image)
      .addOption(name())
      .addOption(dataDir())
      .option('--node <node>', 'only this node (default: all)')
      .addOption(quiet())
      .addOption(output())
  imageCommand('load <archive>', 'load an OCI or Docker archive').action(async (path: string, options: ImageOptions) =>
    (await load()).imageLoad(path, options),
  )
  imageCommand('pull <image>', 'pull from a registry').action(async (what: string, options: ImageOptions) =>
    (await load()).imagePull(what, options),
  )
  imageCommand('list', 'list images')
    .alias('ls')
    .action(async (options: ImageOptions) => (await load()).imageList(options))
  imageCommand('rm <images...>', 'remove images').action(async (what: string[], options: ImageOptions) =>
    (await load()).imageRemove(what, options),
  )
  imageCommand(
    'from-host <image> [programs...]',
    'make an image of programs of this machine, with the libraries they need',
  )
    .option('--file <from[:to]>', 'a file or directory to put in', collect, [])
    .option('--link <target:path>', 'a symbolic link to put in', collect, [])
    .option('--entrypoint <words...>', 'what runs')
    .option('--cmd <words...>', 'its default arguments')
    .option('--env <name=value>', 'an environment variable', collect, [])
    .option('--workdir <dir>', 'working directory')
    .option('--user <user[:group]>', 'user to run as')
    .option('--label <name=value>', 'a label', collect, [])
    .option('--expose <port[/protocol]>', 'a port it serves', collect, [])
    .action(async (what: string, programs: string[], options: FromHostOptions) =>
      (await load()).imageFromHost(what, programs, options),
    )

  command('server', 'run the control plane in the foreground, for a service manager')
    .addOption(name())
    .addOption(dataDir())
    .option('--port <port>', 'port of the API', integer(1, 65535))
    .option('--listen <address>', 'address that nodes reach, besides 127.0.0.1', '')
    .option('--service-cidr <cidr>', 'network of cluster IPs', '10.96.0.0/16')
    .option('--cluster-cidr <cidr>', 'network of pods', '10.244.0.0/16')
    .addOption(new Option('--store <store>', 'where state is kept').choices(['lmdb', 'memory']).default('lmdb'))
    .option('--token-file <file>', 'static tokens: token,user,uid,"group1,group2" a line')
    .addOption(signingDuration())
    .addOption(logLevel())
    .action(async (options: ServerOptions) => (await load()).server(options))

  command('agent', 'run the node agent in the foreground, for a service manager')
    .requiredOption('--node-name <name>', 'name of this node')
    .requiredOption('--server <url>', 'the API, https://host:port')
    .option('--token <token>', 'bootstrap token to join with; see: rostrum token create')
    .option('--token-file <file>', 'file with the bootstrap token, read whenever one is needed')
    .option('--ca-hash <hash>', 'sha256:... of the key of the cluster\u2019s authority, to know it by')
    .option('--ca-file <file>', 'certificate of the cluster\u2019s authority, where it is at hand')
    .option('--credentials <dir>', 'what rostrum node-credentials has made, instead of a token')
    .option('--pki-dir <dir>', 'where the node\u2019s certificates are kept (default: pki in the root directory)')
    .requiredOption('--cri-endpoint <path>', 'socket of the container runtime')
    .requiredOption('--node-ip <address>', 'address of this node')
    .option('--root-dir <dir>', 'where pods\u2019 volumes and logs are kept', '/var/lib/rostrum-agent')
    .option('--service-cidr <cidr>', 'network of cluster IPs', '10.96.0.0/16')
    .option('--cluster-cidr <cidr>', 'network of pods', '10.244.0.0/16')
    .option('--cluster-dns <address>', 'cluster IP of the DNS service', '10.96.0.10')
    .option('--cluster-domain <domain>', 'domain of the cluster', 'cluster.local')
    .option('--cgroup-root <path>', 'cgroup under which pods are put', '/')
    .option('--max-pods <n>', 'how many pods fit', integer(1, 10_000), 110)
    .addOption(
      new Option('--proxy <backend>', 'how Services are served').choices(['auto', 'nft', 'userspace']).default('auto'),
    )
    .addOption(logLevel())
    .action(async (options: AgentOptions) => (await load()).agent(options))

  command('cri', 'run the built-in container runtime in the foreground, for a service manager')
    .requiredOption('--socket <path>', 'where it serves CRI')
    .option('--state-dir <dir>', 'images and writable layers', '/var/lib/rostrum-cri')
    .option('--run-dir <dir>', 'namespaces, sockets, addresses', '/run/rostrum-cri')
    .option('--cgroup-root <path>', 'cgroup of containers whose pod names none', '/rostrum')
    .option('--streaming-address <address>', 'where exec, attach and port-forward are served', '127.0.0.1')
    .option('--registries <file>', 'mirrors, credentials and insecure registries')
    .addOption(logLevel())
    .action(async (options: CriOptions) => (await load()).cri(options))

  command('cni', 'speak CNI on standard input and output, for containerd').action(async () => (await load()).cni())

  const token = command('token', 'bootstrap tokens, by which machines join')
  const tokenCommand = (spec: string, description: string) =>
    command(spec, description, token).addOption(name()).addOption(dataDir()).addOption(output())
  tokenCommand('create', 'make a token')
    .option('--ttl <duration>', 'how long it is good for; 0: for ever', duration, 24 * 3_600_000)
    .option('--description <text>', 'what it is for', '')
    .option('--print-join-command', 'print the whole command for the machine that is to join', false)
    .action(async (options: TokenCreateOptions) => (await load()).tokenCreate(options))
  tokenCommand('list', 'list the tokens that are good')
    .alias('ls')
    .action(async (options: NamedOptions) => (await load()).tokenList(options))
  tokenCommand('delete <token>', 'remove a token, given whole or by the part before the dot').action(
    async (which: string, options: NamedOptions) => (await load()).tokenDelete(which, options),
  )

  const auth = command('auth', 'who may do what')
  command('why <user> <verb> <resource> [object]', 'say why a user may, or may not, do something', auth)
    .addOption(name())
    .addOption(dataDir())
    .option('-n, --namespace <namespace>', 'where (default: the namespace "default", for resources that have one)')
    .option('-A, --all-namespaces', 'in all namespaces', false)
    .option('--as-group <group>', 'a group that the user is in, besides those that every such user has', collect, [])
    .addOption(output())
    .addHelpText(
      'after',
      `
The resource is named as kubectl does (pods, deploy, deployments.apps, pods/log), or a path such as /metrics.

Exit codes: 0 it is allowed, 1 it is not, 2 wrong arguments, 3 no such cluster or resource.`,
    )
    .action(async (user: string, verb: string, resource: string, object: string | undefined, options: AuthWhyOptions) =>
      (await load()).authWhy(user, verb, resource, object, options),
    )

  command('node-credentials <node>', 'make the keys with which an agent joins')
    .addOption(name())
    .addOption(dataDir())
    .requiredOption('--address <address>', 'an address of the node', collect, [])
    .requiredOption('--out <dir>', 'where to put them')
    .action(async (node: string, options: NamedOptions & { address: string[]; out: string }) =>
      (await load()).nodeCredentials(node, options),
    )

  return program
}
