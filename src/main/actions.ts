/** What the commands do; see cli/program.ts for what can be said. */
import { resolve } from 'node:path'
import pc from 'picocolors'
import { systemClock } from '#base/clock.ts'
import type { LogLevel } from '#base/log.ts'
import { CliError } from '#cli/cli-error.ts'
import { kubeconfigFor } from '#cli/kubeconfig-file.ts'
import type { Actions, ImageOptions, NamedOptions } from '#cli/program.ts'
import { createProgress, type Progress } from '#cli/progress.ts'
import { systemRandom } from '#base/random.ts'
import { isStatus } from '#machinery/status-error.ts'
import { type ClusterDescription, ClusterDirectory, defaultDataRoot, listClusters } from './cluster-directory.ts'

const isRoot = () => process.getuid?.() === 0
const rootOf = (options: { dataDir?: string }) =>
  options.dataDir ? resolve(options.dataDir) : defaultDataRoot(process.env, isRoot())
const directoryOf = (options: { name: string; dataDir?: string }) => new ClusterDirectory(rootOf(options), options.name)
const progressOf = ({ quiet = false }: { quiet?: boolean }): Progress =>
  createProgress({ stream: process.stderr, clock: systemClock, quiet })
const print = (text: string) => void process.stdout.write(text)
const printJson = (value: unknown) => print(`${JSON.stringify(value, undefined, 2)}\n`)

/** Requests to end that come this soon after one another are one: `npx` passes on what a terminal has sent already. */
const SAME_REQUEST_MS = 1000

/** Aborts when the process is asked to end; a second request ends it at once. */
function untilAsked(): AbortSignal {
  const controller = new AbortController()
  let askedAtMs = 0
  const ask = () => {
    const now = systemClock.monotonic()
    if (!controller.signal.aborted) {
      askedAtMs = now
      controller.abort(new Error('interrupted'))
    } else if (now - askedAtMs > SAME_REQUEST_MS) process.exit(130)
  }
  process.on('SIGINT', ask)
  process.on('SIGTERM', ask)
  return controller.signal
}

async function imageContext(options: ImageOptions) {
  const directory = directoryOf(options)
  const images = await import('./images.ts')
  return { images, runtimes: images.runtimesOf(directory, directory.load(), options.node) }
}

async function clusterContext(options: NamedOptions) {
  const directory = directoryOf(options)
  const description = directory.load()
  const [{ accessOf }, { adminClient }] = await Promise.all([import('./access.ts'), import('./status.ts')])
  const access = accessOf(directory, description)
  return { description, access, client: adminClient(access) }
}

export const actions: Actions = {
  async up(options) {
    const { up } = await import('./up.ts')
    const progress = progressOf(options)
    const cluster = await up(options, rootOf(options), progress)
    const demo = options.demo ? await (await import('./demo.ts')).deployDemo(cluster, progress) : undefined
    if (options.output === 'json') {
      printJson({
        name: options.name,
        server: cluster.access.server,
        context: cluster.access.name,
        ...(demo && { demo }),
      })
    } else if (!options.quiet) {
      print(`\ncluster ${pc.bold(options.name)} is ready at ${cluster.access.server}\n`)
      print(`  kubectl --context ${cluster.access.name} get nodes\n`)
      if (demo) print(`\nthe demo answers at ${pc.bold(demo.url)}\n`)
    }
    if (options.foreground) {
      await (await import('./cri-process.ts')).untilAborted(untilAsked())
      await (await import('./down.ts')).down(cluster.directory, false, progress)
    }
  },

  async down(options) {
    const { down } = await import('./down.ts')
    const root = rootOf(options)
    const names = options.all ? listClusters(root) : [options.name]
    for (const name of names) await down(new ClusterDirectory(root, name), options.purge, progressOf(options))
  },

  async status(options) {
    const { clusterStatus, statusText } = await import('./status.ts')
    const status = await clusterStatus(directoryOf(options))
    if (options.output === 'json') printJson(status)
    else print(statusText(status))
    if (status.problem || !status.running) process.exitCode = 1
  },

  async kubeconfig(options) {
    const directory = directoryOf(options)
    const { accessOf } = await import('./access.ts')
    const text = kubeconfigFor(accessOf(directory, directory.load()))
    if (options.output === 'json') printJson((await import('yaml')).parse(text))
    else print(text)
  },

  async doctor(options) {
    const { examine } = await import('./doctor.ts')
    const findings = await examine()
    if (options.output === 'json') printJson(findings)
    else {
      const marks = { ok: pc.green('✓'), degraded: pc.yellow('!'), missing: pc.red('✗') }
      for (const { check, state, detail, fix } of findings) {
        print(`${marks[state]} ${check.padEnd(16)} ${detail}\n`)
        if (fix) print(`${' '.repeat(19)}${pc.dim('mend it with:')} ${fix}\n`)
      }
    }
    if (findings.some(({ state }) => state === 'missing')) process.exitCode = 4
  },

  async server(options) {
    const { runServer } = await import('./server-process.ts')
    const directory = directoryOf(options)
    const description = directory.exists ? directory.load() : describeServer(options)
    if (!directory.exists) directory.save(description)
    const { tokenFile } = options
    await runServer(
      {
        directory,
        description,
        ...(tokenFile && { tokenFile }),
        certificateLifetimeMs: options.clusterSigningDuration ?? description.certificateLifetimeMs,
        logLevel: options.logLevel as LogLevel,
      },
      untilAsked(),
    )
  },

  async agent(options) {
    await (
      await import('./agent-process.ts')
    ).runAgent({ ...options, logLevel: options.logLevel as LogLevel }, untilAsked())
  },

  async cri(options) {
    await (
      await import('./cri-process.ts')
    ).runCri({ ...options, logLevel: options.logLevel as LogLevel }, untilAsked())
  },

  async cni() {
    await (await import('./cni-process.ts')).runCni()
  },

  async imageLoad(path, options) {
    const { images, runtimes } = await imageContext(options)
    const loaded = await progressOf(options).step(`load ${path}`, () => images.loadOnAll(runtimes, resolve(path)))
    if (options.output === 'json') printJson(loaded)
    else for (const { id, names } of loaded) print(`${names.join(', ') || '<none>'} ${id}\n`)
  },

  async imagePull(image, options) {
    const { runtimes } = await imageContext(options)
    const pulled = await progressOf(options).step(`pull ${image}`, () =>
      Promise.all(runtimes.map(({ cri }) => cri.image.pullImage({ image: { image } }))),
    )
    if (options.output === 'json') printJson({ image, ref: pulled[0]!.imageRef })
    else print(`${pulled[0]!.imageRef}\n`)
  },

  async imageList(options) {
    const { images, runtimes } = await imageContext(options)
    const list = await images.listImages(runtimes)
    if (options.output === 'json') return printJson(list)
    for (const { node, id, tags, sizeBytes } of list) {
      print(
        `${node.padEnd(16)} ${(tags.join(', ') || '<none>').padEnd(50)} ${id.replace('sha256:', '').slice(0, 12)} ${(sizeBytes / 1e6).toFixed(1)} MB\n`,
      )
    }
  },

  async imageRemove(names, options) {
    const { images, runtimes } = await imageContext(options)
    await images.removeImages(runtimes, names)
  },

  async imageFromHost(name, programs, options) {
    const { images, runtimes } = await imageContext(options)
    const id = await progressOf(options).step(`make ${name}`, () =>
      images.buildOnAll(runtimes, images.hostImageOf(name, programs, options)),
    )
    if (options.output === 'json') printJson({ image: name, id })
    else print(`${id}\n`)
  },

  async authWhy(user, verb, resource, object, options) {
    const { client } = await clusterContext(options)
    const [{ authWhy }, { explanationText }] = await Promise.all([
      import('./auth-why.ts'),
      import('#cli/why/explanation-text.ts'),
    ])
    const { namespace, allNamespaces, asGroup: groups } = options
    const words = { user, verb, resource, name: object, namespace, allNamespaces, groups }
    const { question, verdict, explanation } = await authWhy(client, words)
    if (options.output === 'json') printJson({ ...verdict, question, ...explanation })
    else print(explanationText(question, explanation, verdict))
    if (!verdict.allowed) process.exitCode = 1
  },

  async tokenCreate(options) {
    const { description, access, client } = await clusterContext(options)
    const [{ createToken }, { joinCommand }] = await Promise.all([
      import('./bootstrap-tokens.ts'),
      import('./join-command.ts'),
    ])
    const { ttl: lifetimeMs, description: purpose } = options
    const token = await createToken(client, { lifetimeMs, description: purpose }, systemClock, systemRandom)
    const command = options.printJoinCommand ? joinCommand(description, token, access.ca) : undefined
    if (options.output === 'json') printJson({ token, ...(command && { command }) })
    else print(`${command ?? token}\n`)
  },

  async tokenList(options) {
    const { client } = await clusterContext(options)
    const tokens = await (await import('./bootstrap-tokens.ts')).listTokens(client, systemClock)
    if (options.output === 'json') return printJson(tokens)
    for (const { token, expires = '<never>', description, usages } of tokens)
      print(`${token}  ${expires.padEnd(20)}  ${usages.join(',').padEnd(22)}  ${description}\n`)
  },

  async tokenDelete(token, options) {
    const { client } = await clusterContext(options)
    try {
      await (await import('./bootstrap-tokens.ts')).deleteToken(client, token)
    } catch (cause) {
      if (!isStatus(cause, 'NotFound')) throw cause
      throw new CliError('notFound', `there is no bootstrap token ${JSON.stringify(token.split('.')[0])}`, { cause })
    }
  },

  async nodeCredentials(node, options) {
    const directory = directoryOf(options)
    directory.load()
    const { pkiDirectory } = await import('./pki.ts')
    const files = pkiDirectory(directory.in('server', 'pki'))
    const [cert, key] = [files.read('ca.crt'), files.read('ca.key')]
    if (!cert || !key)
      throw new CliError('notFound', `the keys of cluster ${options.name} are not on this machine`, {
        hint: 'run it where the server runs',
      })
    const { writeCredentials } = await import('./node-parts.ts')
    writeCredentials(resolve(options.out), node, options.address, { cert, key })
  },
}

/** A server that `rostrum up` did not describe: one of its own, for nodes elsewhere. */
function describeServer(options: Parameters<Actions['server']>[0]): ClusterDescription {
  return {
    version: 1,
    name: options.name,
    slot: -1,
    port: options.port ?? 6443,
    runtime: 'none',
    nodes: [],
    simulatedNodes: 0,
    store: options.store,
    hostAddress: options.listen,
    clusterCidr: options.clusterCidr,
    serviceCidr: options.serviceCidr,
    clusterDomain: 'cluster.local',
    dnsIp: options.serviceCidr.replace(/\.\d+\/\d+$/, '.10'),
    dnsPort: options.listen ? 10053 : 0,
  }
}
